"""How large the stated space is, counted from below without planning or pricing any tiling."""

from __future__ import annotations

from costmodel.chunks import possible_splits
from costmodel.groups import GroupLattice, layer_indices
from costmodel.legal import distinct_overlaps, group_tile_counts, image_counts
from costmodel.template import is_channelwise
from solver.goals import Part
from solver.result import Space
from specs.network import BESIDE
from specs.study import Study


def space_of(part: Part) -> Space:
    """Tell the space that is searched, fused or not."""
    table, memory = part.table, part.memory
    designs = None if memory is None else memory.designs
    if designs is None:
        designs = count_designs(table.study, table.lattice, table.num_points_listed)
    if memory is not None:
        memory.designs = designs
    return Space(
        hardware_points_listed=table.num_points_listed,
        hardware_points=len(part.points),
        groups=len(table.lattice.groups),
        group_classes=table.num_classes,
        candidates=table.priced,
        designs=designs,
    )


def count_designs(study: Study, lattice: GroupLattice, num_points: int) -> int:
    """Count complete designs before capacities and budgets rule any out.

    A design is a hardware point, fusion groups in an order in which they run, and for every group a tile
    grid, overlap mode, images per tile, and resident weights (for a layer alone: order and chunks of output
    channels). Groups that could swap their order count once per order. Stepwise starts, cuts of input channels and
    choices among mappings would need every tiling's plan: they are in the search, but not in the count. Nor are
    orders through ideals that are not listed: too many, or of a training step.
    """
    images, grids = len(image_counts(study)), ((0, 0), (0, 1), (1, 0), (1, 1))
    overlaps = {grid: len(distinct_overlaps(study, 1 + grid[0], 1 + grid[1])) for grid in grids}
    ways = [_ways_to_run(study, group, overlaps, images) for group in map(layer_indices, lattice.groups)]
    reaching = [0] * len(lattice.ideals)
    reaching[0] = 1
    for step in lattice.steps:
        reaching[step.after] += reaching[step.before] * ways[step.group]
    return reaching[-1] * num_points


def _ways_to_run(study: Study, indices: tuple[int, ...], overlaps: dict[tuple[int, int], int], images: int) -> int:
    """Number of designs of one group; ``overlaps`` are told apart on grids of (several rows, several columns)."""
    layers = [study.network.layers[i] for i in indices]
    row_counts, col_counts = group_tile_counts(study, tuple(layer.name for layer in layers))
    tilings = 0
    rows, cols = ((1, sum(n > 1 for n in counts)) for counts in (row_counts, col_counts))  # 1 tile, or several
    for several_rows in (0, 1):
        for several_cols in (0, 1):
            tilings += rows[several_rows] * cols[several_cols] * overlaps[several_rows, several_cols]
    tiled = [layer for layer in layers if layer.op not in BESIDE]
    if not tiled:
        return 1
    if len(tiled) > 1:
        return int(tilings * images * 2 ** sum(layer.has_weights for layer in tiled))
    layer = tiled[0]
    splits = len(possible_splits(study.network, layer, study.tiling.channel_splits))
    if is_channelwise(layer):
        return splits * images * tilings
    if layer.reduces:  # sums that come and go are in one chunk
        return (splits + 1) * images * tilings
    return 3 * splits * images * tilings  # input-stationary with weights that stream or that stay
