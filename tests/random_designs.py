"""Random legal designs of a study, drawn from the rules of what exists and without pricing any."""

from __future__ import annotations

import random
from dataclasses import replace

from costmodel.chunks import possible_input_splits, possible_splits
from costmodel.design import Design, GroupDesign
from costmodel.groups import group_lattice
from costmodel.hardware import hardware_points
from costmodel.legal import (
    DesignError,
    _check_group,
    check_design,
    distinct_overlaps,
    group_tile_counts,
    image_counts,
    keeps,
    keeps_no_halos,
    mappings,
    orders_alone,
)
from specs.network import Layer
from specs.study import SeparateBuffers, SharedBuffer, Study

HUGE = 1 << 22


def roomy(study: Study) -> Study:
    """The same study with buffers in which everything fits."""
    if isinstance(study.buffers, SharedBuffer):
        return replace(study, buffers=SharedBuffer((HUGE,)))
    return replace(study, buffers=SeparateBuffers((HUGE,), (HUGE,)))


def random_design(rng: random.Random, study: Study) -> Design:
    """Draw hardware, a grouping and how each group runs."""
    hardware = rng.choice(list(hardware_points(study)))
    groups = tuple(random_group(rng, study, names) for names in random_grouping(rng, study))
    design = Design(hardware, groups)
    check_design(study, design)
    return design


def random_grouping(rng: random.Random, study: Study) -> list[tuple[str, ...]]:
    """Walk up the lattice of what is done, one legal group after another; larger groups more often."""
    network = study.network
    lattice = group_lattice(network, study.fusion.max_layers)
    position, groups = 0, []
    while lattice.ideals[position] != (1 << len(network.layers)) - 1:
        steps = [step for step in lattice.steps if step.before == position]
        weights = [lattice.groups[step.group].bit_count() ** 2 for step in steps]
        step = rng.choices(steps, weights)[0]
        members = lattice.groups[step.group]
        groups.append(tuple(layer.name for i, layer in enumerate(network.layers) if members >> i & 1))
        position = step.after
    return groups


def random_group(rng: random.Random, study: Study, names: tuple[str, ...]) -> GroupDesign:
    """Draw how a group runs; a layer alone in any of its orders."""
    rows, cols = group_tile_counts(study, names)
    tile_rows, tile_cols = rng.choice(rows), rng.choice(cols)
    group = GroupDesign(
        layers=names,
        tile_rows=tile_rows,
        tile_cols=tile_cols,
        overlap=rng.choice(distinct_overlaps(study, tile_rows, tile_cols)),
        images=rng.choice(image_counts(study)),
        mapping=rng.choice(mappings(study)),
    )
    layers = [study.network.layer(name) for name in names]
    if len(layers) == 1:
        group = _alone(rng, study, group, layers[0])
    else:
        kept = [layer.name for layer in layers if layer.has_weights and rng.random() < 0.5]
        group = replace(group, resident=frozenset(kept))
    return _started(rng, study, group)


def _alone(rng: random.Random, study: Study, group: GroupDesign, layer: Layer) -> GroupDesign:
    often = 0.9 if 1 < layer.G < layer.C else 0.5  # few layers have groups
    splits = _mostly_cut(rng, possible_splits(study.network, layer, study.tiling.channel_splits), often)
    input_splits = _mostly_cut(rng, possible_input_splits(study.network, layer, study.tiling.input_splits), often)
    order = rng.choice(orders_alone(layer, input_splits))
    modes = distinct_overlaps(study, group.tile_rows, group.tile_cols)
    if keeps_no_halos(order, input_splits):
        modes = tuple(mode for mode in modes if not any(keeps(mode, group.tile_rows, group.tile_cols)))
    if not modes:  # only modes that keep something are allowed: one tile keeps nothing
        group, modes = replace(group, tile_rows=1, tile_cols=1), study.fusion.overlap
    stays = "weight" in order or (order == "input-stationary" and rng.random() < 0.5)
    return replace(
        group,
        overlap=rng.choice(modes),
        order=order,
        channel_splits=splits,
        input_splits=input_splits,
        resident=frozenset(group.layers) if stays and layer.has_weights else frozenset(),
    )


def _mostly_cut(rng: random.Random, splits: tuple[int, ...], often: float) -> int:
    return rng.choice(splits[1:] if len(splits) > 1 and rng.random() < often else splits)


def _started(rng: random.Random, study: Study, group: GroupDesign) -> GroupDesign:
    """Let a group that keeps halos start stepwise half of the time, where such a start exists."""
    if not any(keeps(group.overlap, group.tile_rows, group.tile_cols)) or rng.random() < 0.4:
        return group
    stepwise = replace(group, start="stepwise")
    return stepwise if exists(study, stepwise) else group


def exists(study: Study, group: GroupDesign) -> bool:
    """Whether a group's way to run is in the study's space, apart from the other groups."""
    try:
        _check_group(study, group, "drawn")
    except DesignError:
        return False
    return True
