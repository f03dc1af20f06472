"""The input gradient of a strided layer: a convolution over a map with zeros put in, the same for every template.

An array that does not skip the zeros runs the dense convolution of stride 1 over them. One that does runs a dense
convolution for each of the u_r x u_c phases of the output: along an axis, phase f meets the kernel taps r with
(f - pad + r*dil) % u == 0. With g = gcd(dil, u) and m = u/g, m of the u phases meet taps: for j < m the
ceil((R-j)/m) taps j, j+m, ...; these lie dil/g words apart. The others' outputs are zeros: written, not computed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from math import gcd

import numpy as np

from costmodel.template import Floats, Tile, Tiles, TileWork, TileWorks
from specs.network import Layer

Phases = tuple[tuple[Layer, int], ...]


def has_zeros(layer: Layer) -> bool:
    """Whether the layer's kernel moves over a map with zeros put in, on the array."""
    return layer.on_array and layer.upsample != (1, 1)


def with_zeros(layer: Layer) -> Layer:
    """The dense convolution over the zeros and words alike."""
    return replace(layer, upsample=(1, 1))


@lru_cache(maxsize=4096)
def phases(layer: Layer) -> Phases:
    """The dense convolutions that make the outputs, most taps first, and how many phases each stands for."""
    rows, cols = (
        Counter(-(-(taps - j) // (up // gcd(up, dilation))) for j in range(min(taps, up // gcd(up, dilation))))
        for taps, up, dilation in zip((layer.R, layer.S), layer.upsample, layer.dilation, strict=True)
    )
    (up_rows, up_cols), (row_step, col_step) = layer.upsample, layer.dilation
    apart = row_step // gcd(row_step, up_rows), col_step // gcd(col_step, up_cols)
    P, Q = -(-layer.P // up_rows), -(-layer.Q // up_cols)
    return tuple(
        (replace(with_zeros(layer), R=R, S=S, dilation=apart, P=P, Q=Q), rows[R] * cols[S])
        for R in sorted(rows, reverse=True)
        for S in sorted(cols, reverse=True)
    )


def work_by_phases(price: Callable[[Layer, Tile], TileWork], layer: Layer, tile: Tile, output_bytes: int) -> TileWork:
    """Sum of the phases' work; of the outputs, ``output_bytes`` each, those that exist are written, once."""
    part = tile._replace(rows=-(-tile.rows // layer.upsample[0]), cols=-(-tile.cols // layer.upsample[1]))
    total = dict.fromkeys(TileWork.__dataclass_fields__, 0)
    total["feature_write_bytes"] = tile.images * tile.rows * tile.cols * tile.channels * output_bytes
    for phase, count in phases(layer):
        for name, amount in vars(price(phase, part)).items():
            total[name] += count * amount
        total["feature_write_bytes"] -= count * part.images * part.rows * part.cols * part.channels * output_bytes
    return TileWork(**total)


def least_rates_by_phases(price: Callable[[Layer], Floats], layer: Layer, output: Floats) -> Floats:
    """Least cost of `works_by_phases` per output position; ``output`` is what writing one costs.

    Each phase is priced for at least 1/(u_r u_c) of the positions, and writes what exists.
    """
    each = np.zeros_like(output)
    for phase, count in phases(layer):
        each += count * (price(phase) - output)
    found: Floats = each / (layer.upsample[0] * layer.upsample[1]) + output
    return found


def works_by_phases(
    price: Callable[[Layer, Tiles], list[TileWorks]], layer: Layer, tiles: Tiles, output_bytes: int
) -> list[TileWorks]:
    """`work_by_phases` for many tiles; ``price`` answers for several terms."""
    shape = tiles.rows.shape
    rows, cols = -(-tiles.rows // layer.upsample[0]), -(-tiles.cols // layer.upsample[1])
    columns = [column.ravel() for column in tiles._replace(rows=rows, cols=cols)]
    # Several tiles have phases of one size: each size, written as one number, is priced once.
    sizes = [int(column.max(initial=0)) + 1 for column in columns]
    different, where = np.unique(np.ravel_multi_index(columns, sizes), return_inverse=True)
    part = Tiles(*np.unravel_index(different, sizes))
    written = part.images * part.rows * part.cols * part.channels * output_bytes
    totals = None
    for phase, count in phases(layer):
        found = count * np.array([np.stack(works) for works in price(phase, part)])
        found[:, TileWorks._fields.index("feature_write_bytes")] -= count * written
        totals = found if totals is None else totals + found
    assert totals is not None, "the first phase has taps"
    totals = totals[:, :, where.ravel()].reshape(*totals.shape[:2], *shape)
    exact = tiles.images * tiles.rows * tiles.cols * tiles.channels * output_bytes
    works = [TileWorks(*quantities) for quantities in totals]
    return [one._replace(feature_write_bytes=one.feature_write_bytes + exact) for one in works]
