"""What row-stationary mappings cost per output position at least, in tiles of any size; docs/solver.md, D10.

The lines are those of `costmodel.eyeriss_search._price`, divided by the tile's images, rows and columns. Each term
falls with more images and columns; of the rows, strips of e rows are fewest per row where e divides them.
"""

from __future__ import annotations

import numpy as np

from costmodel.eyeriss_nest import Nest, Ranking
from costmodel.eyeriss_search import fronts, step_and_span
from costmodel.eyeriss_space import A, B, D, E, H, L
from costmodel.products import Floats, least_product
from costmodel.template import TileSizes, is_channelwise, loop_bounds


def least_rates(nest: Nest, sizes: TileSizes, prices: Floats, rank: Ranking) -> Floats:
    """Least cost per output position at each price: (price,); nothing may be prescribed."""
    layer, fold, precision, networks, role = nest.layer, nest.fold, rank.precision, nest.networks, nest.roles(rank)
    channels, most = sizes.channels, max(sizes.images)
    bounds = loop_bounds(layer, channels, sizes.input_channels)
    (front,) = fronts(nest.space(sizes.input_channels, layer.P, rank), [nest.filters(channels)])
    step, span = step_and_span(layer.stride[0], layer.dilation[0], fold.rows)
    step_cols, span_cols = step_and_span(layer.stride[1], layer.dilation[1], fold.cols)

    rows = np.arange(1, layer.P + 1)
    widths, width_of = np.unique(front[E], return_inverse=True)
    strips = (-(-rows // widths[:, None]) / rows).min(axis=1)[width_of.ravel()]  # per row
    loads = 1 / (most * layer.Q)  # of filters, per image and column
    cols = ((layer.Q - 1) * step_cols + span_cols) / layer.Q
    planes = bounds.groups * bounds.C * fold.passes
    pass_rows = (strips * (span - step) + step) * front[D] * planes
    kernel_words = bounds.C * layer.R * layer.S
    bias_words = channels * int(layer.bias) * loads / layer.P
    loaded_words = strips * (channels * kernel_words * loads) + bias_words
    delivered_words = channels * kernel_words * loads + bias_words
    ifmap_words, visits = pass_rows * cols, channels * fold.passes * front[B]

    mac_groups = 1 if is_channelwise(layer) else bounds.groups
    cycles = strips * front[A] * (mac_groups * fold.passes * fold.cols)
    cycles = np.maximum(cycles, visits * role.visit_bits / networks.psum)
    cycles = cycles + pass_rows * (loads * span_cols * precision.activation / networks.ifmap)
    cycles = np.maximum(cycles, ifmap_words * precision.activation / networks.ifmap)
    cycles = cycles + loaded_words * role.filter_bits / networks.filter
    array_fj = (
        channels * (kernel_words * role.mac_fj + role.output_fj)
        + delivered_words * role.delivery_fj
        + front[L] * (cols * planes * fold.rows * (rank.prices.ifmap_spad + rank.prices.ifmap_hop))
        + front[H] * (channels * fold.passes * role.move_fj)
        + visits * role.visit_fj
    )
    read = ifmap_words * precision.activation_bytes + visits * role.visit_read_bytes
    works = np.stack(
        [
            cycles,
            array_fj,
            read + channels * role.output_read_bytes,
            visits * role.visit_write_bytes + channels * role.output_write_bytes,
            loaded_words * role.filter_read_bytes,
            loaded_words * role.filter_write_bytes,
        ],
        axis=1,
    )
    return least_product(works, prices)
