"""How large the stated space is: exact counts, without pricing anything."""

from __future__ import annotations

from costmodel.chunks import possible_splits
from costmodel.groups import GroupLattice, layer_indices
from costmodel.legal import distinct_overlaps, group_tile_counts, image_counts, keeps, orders_alone
from specs.study import Study


def count_designs(study: Study, lattice: GroupLattice, num_points: int) -> int:
    """Count complete designs before capacities and budgets rule any out.

    A design is a hardware point, fusion groups in an order in which they run, and for every group a tile
    grid, overlap mode, images per tile, and resident weights (for a layer alone: order and channel
    chunks). Groups that could swap their order count once per order.
    """
    ways = [_ways_to_run(study, group) for group in map(layer_indices, lattice.groups)]
    reaching = [0] * len(lattice.ideals)
    reaching[0] = 1
    for step in lattice.steps:
        reaching[step.after] += reaching[step.before] * ways[step.group]
    return reaching[-1] * num_points


def _ways_to_run(study: Study, indices: tuple[int, ...]) -> int:
    """Number of designs of one group."""
    layers = [study.network.layers[i] for i in indices]
    row_counts, col_counts = group_tile_counts(study, tuple(layer.name for layer in layers))
    tilings = halo_free = 0
    for several_rows in (1, 2):
        for several_cols in (1, 2):
            grids = sum((n > 1) == (several_rows > 1) for n in row_counts)
            grids *= sum((n > 1) == (several_cols > 1) for n in col_counts)
            modes = distinct_overlaps(study, several_rows, several_cols)
            tilings += grids * len(modes)
            halo_free += grids * sum(not any(keeps(mode, several_rows, several_cols)) for mode in modes)
    images = len(image_counts(study))
    if len(layers) > 1:
        return int(tilings * images * 2 ** sum(layer.has_weights for layer in layers))
    orders, splits = orders_alone(layers[0]), possible_splits(study.network, layers[0], study.tiling.channel_splits)
    with_halos = sum(order != "output-stationary" for order in orders)
    return len(splits) * images * (tilings * with_halos + halo_free * (len(orders) - with_halos))
