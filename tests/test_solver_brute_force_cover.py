"""What the random studies of the brute-force tests, their budgets and their optima exercise."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from costmodel.design import ORDERS_ALONE, Design
from random_instances import BUDGETED, KINDS, draw_budgets, instance
from solver import solve
from specs.network import Network
from specs.study import (
    OVERLAPS,
    SharedBuffer,
    Study,
)
from test_solver_brute_force import SEEDS, SUMS


def _is_chain(network: Network) -> bool:
    """Several layers, each of which reads the one before and nothing else."""
    before = [network.inputs[0][0], *(layer.name for layer in network.layers)]
    return len(network.layers) > 1 and all(
        layer.input_tensors == (name,) for layer, name in zip(network.layers, before, strict=False)
    )


def _features(study: Study) -> set[str]:
    """What a study exercises, by name."""
    network, layers = study.network, study.network.layers
    templates = {accelerator.template for accelerator in study.accelerators}
    present = {
        "chain": _is_chain(network),
        "residual": any(layer.op == "add" for layer in layers),
        "concatenation": any(len(operand) > 1 for layer in layers for operand in layer.operands),
        "branch": any(len(readers) > 1 for readers in network.consumers.values()),
        "several outputs": len(network.outputs) > 1,
        "grouped": any(1 < layer.G < layer.C for layer in layers),
        "depthwise": any(layer.op == "dwconv" for layer in layers),
        "fully connected": any(layer.op == "fc" for layer in layers),
        "vwa": "vwa" in templates,
        "eyeriss": "eyeriss" in templates,
        "systolic": "systolic" in templates,
        "several templates": len(templates) > 1,
        "shared buffer": isinstance(study.buffers, SharedBuffer),
        "no double buffers": any(not accelerator.double_buffer for accelerator in study.accelerators),
        "several clocks": any(len(accelerator.clock_hz) > 1 for accelerator in study.accelerators),
        "several DRAMs": len(study.dram) > 1,
        "batch": study.batch > 1,
        "all tilings": study.tiling.row_splits is None,
        "no fusion": study.fusion.max_layers == 1,
        "tight max_layers": 1 < study.fusion.max_layers < len(layers),
    }
    return {name for name, is_so in present.items() if is_so}


def _habits(study: Study, design: Design) -> set[str]:
    """What an optimal design makes use of, by name."""
    habits: set[str] = set()
    for group in design.groups:
        weighted = [name for name in group.layers if study.network.layer(name).has_weights]
        tiles = group.tile_rows * group.tile_cols
        habits |= {"tiled rows"} if group.tile_rows > 1 else set()
        habits |= {"tiled columns"} if group.tile_cols > 1 else set()
        habits |= {"several images"} if group.images > 1 else set()
        habits |= {"cut inputs"} if group.input_splits > 1 else set()
        habits |= {group.start, group.mapping}
        habits |= {group.order, f"{group.order}, cut" if group.channel_splits > 1 else group.order}
        if len(group.layers) > 1:
            habits |= {f"fused tiles, {group.overlap}" if tiles > 1 else "fused whole"}
            habits |= {"fused, weights stream"} if len(group.resident) < len(weighted) else set()
            habits |= {"fused, some weights stay"} if 0 < len(group.resident) < len(weighted) else set()
    return habits


def test_the_seeds_cover_networks_and_hardware() -> None:
    counts = Counter(feature for seed in SEEDS for feature in _features(instance(seed)))
    assert all(counts[name] >= 60 for name in ("chain", "branch", "several outputs", "depthwise")), counts
    assert all(counts[name] >= 20 for name in ("residual", "concatenation", "grouped", "fully connected")), counts
    assert all(counts[name] >= 60 for name in ("vwa", "eyeriss", "systolic", "several templates")), counts
    assert all(counts[name] >= 40 for name in ("shared buffer", "batch", "no double buffers")), counts
    assert all(counts[name] >= 20 for name in ("no fusion", "tight max_layers")), counts
    assert all(counts[name] >= 12 for name in ("several clocks", "several DRAMs", "all tilings")), counts


@pytest.mark.long
def test_the_optima_make_use_of_everything() -> None:
    """Optima as the solver finds them, of equal ones the one that it takes."""
    habits: Counter[str] = Counter()
    for seed in SEEDS:
        for goal in SUMS:
            study = replace(instance(seed), goal=goal)
            design = solve(study, baseline=False).best.design
            habits.update(_habits(study, design) if design else {"nothing fits"})
    common = ["tiled rows", "tiled columns", "fused whole", "fused, weights stream", "fused, some weights stay"]
    assert all(habits[name] >= 20 for name in common), habits
    rare = [f"fused tiles, {overlap}" for overlap in OVERLAPS]
    rare += ["several images", "input-stationary", "nothing fits", "stepwise", "frugal", "cut inputs", *ORDERS_ALONE]
    assert all(habits[name] >= 3 for name in rare), habits
    assert all(habits[f"{order}, cut"] >= 1 for order in ORDERS_ALONE), habits


@pytest.mark.long
def test_the_budgets_are_of_every_kind() -> None:
    names: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, int]] = Counter()
    kinds: Counter[str] = Counter()
    for seed in SEEDS[:60]:
        kind, study = draw_budgets(random.Random(f"budgets {seed}"), instance(seed), KINDS[seed % 3])
        limited = [name for name in BUDGETED if getattr(study.budgets, name) is not None]
        names.update((kind, name) for name in limited)
        sizes[kind, len(limited)] += 1
        kinds[kind] += 1
    assert all(names[kind, name] >= 1 for kind in KINDS for name in BUDGETED), names
    assert all(kinds[kind] >= 14 for kind in KINDS), kinds
    assert all(sizes[kind, number] >= 2 for kind in KINDS for number in (1, 2)), sizes
