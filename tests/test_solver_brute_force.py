"""The solver finds exactly what brute force finds: without budgets, under budgets, and when nothing keeps them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import product

import pytest

from brute_force import (
    Option,
    Total,
    brute_force,
    group_designs,
    listed_hardware,
    possible_groupings,
    total_of,
    undominated,
    undominated_totals,
)
from costmodel.chunks import possible_splits
from costmodel.design import Design, GroupDesign, Order
from costmodel.evaluate import group_cost
from costmodel.hardware import prices
from costmodel.legal import DesignError, check_design
from random_networks import TECHNOLOGY, random_study
from solver import solve
from specs.network import Layer, Network, TensorShape
from specs.study import (
    GOALS,
    OVERLAPS,
    Budgets,
    Dram,
    EyerissSpec,
    Fusion,
    Goal,
    SeparateBuffers,
    SharedBuffer,
    Study,
    Tiling,
    VwaSpec,
)

SEEDS = range(240)
SEEDS_PER_TEST = 10
LONG_SEEDS = range(10_000, 12_000)
BUDGETED = ("area_um2", "sram_bytes", "pes", "latency_fs", "energy_fj")
KINDS = ("infeasible", "binding", "slack")


def chunks(seeds: range, size: int) -> list[range]:
    return [seeds[i : i + size] for i in range(0, len(seeds), size)]


# Instances


def instance(seed: int) -> Study:
    """The random study of a seed, with more choices where brute force still has time for them."""
    rng = random.Random(seed)
    study = random_study(rng)
    if len(study.network.layers) <= 2:
        study = replace(study, tiling=Tiling(None, rng.choice([None, (1, 2, 4)]), rng.choice([None, (1, 2, 3, 4, 8)])))
    if rng.random() < 0.1:
        study = replace(study, fusion=replace(study.fusion, max_layers=1))
    if len(list(listed_hardware(study))) <= 8:
        if rng.random() < 0.5:
            slow, fast = sorted(rng.sample([150_000_000, 200_000_000, 333_000_000, 700_000_000], 2))
            study = replace(study, accelerators=tuple(replace(a, clock_hz=(slow, fast)) for a in study.accelerators))
        else:
            study = replace(study, dram=(*study.dram, Dram("other", 230_000, 1_700_000_000)))
    return study


def draw_budgets(rng: random.Random, study: Study, kind: str) -> tuple[str, Study]:
    """Give a study a goal and budgets of a kind, read off the totals that brute force found.

    Parameters
    ----------
    kind
        ``infeasible``: no design keeps the budgets, although some keep each of them, if that exists.
        ``binding``: some design keeps them, but none that is optimal without them.
        ``slack``: an optimal design keeps them, some of them exactly.

    Returns
    -------
    tuple
        The kind that was possible, and the study.
    """
    totals = undominated_totals(study)
    goals: list[Goal] = rng.sample(GOALS, len(GOALS))
    if not totals:
        limits = {name: rng.randint(1, 10**9) for name in rng.sample(BUDGETED, rng.randint(1, 2))}
        return "infeasible", replace(study, goal=goals[0], budgets=Budgets(**limits))
    if kind == "infeasible":
        return kind, replace(study, goal=goals[0], budgets=Budgets(**_unreachable(rng, totals)))
    if kind == "binding":
        for goal in goals:
            asked = replace(study, goal=goal)
            limits = _tightened(rng, asked, totals, {})
            if limits:
                if rng.random() < 0.5:
                    limits = _tightened(rng, asked, totals, limits) or limits
                return kind, replace(asked, budgets=Budgets(**limits))
    asked = replace(study, goal=goals[0])
    best = min(totals, key=lambda total: total.objective(asked))
    limits = {
        name: getattr(best, name) + rng.choice([0, 0, 1, getattr(best, name) // 3])
        for name in rng.sample(BUDGETED, rng.randint(1, 3))
    }
    return "slack", replace(asked, budgets=Budgets(**limits))


def _unreachable(rng: random.Random, totals: tuple[Total, ...]) -> dict[str, int]:
    """Limits that nothing keeps: two that exclude each other, else one below every value of a number."""
    for first, second in rng.sample([(a, b) for a in BUDGETED for b in BUDGETED if a != b], 20):
        limit = getattr(rng.choice(totals), first)
        least = min(getattr(total, second) for total in totals if getattr(total, first) <= limit)
        if any(getattr(total, second) < least for total in totals) and rng.random() < 0.8:
            return {first: limit, second: least - 1}
    name = rng.choice(BUDGETED)
    return {name: min(getattr(total, name) for total in totals) - 1}


def _tightened(
    rng: random.Random, study: Study, totals: tuple[Total, ...], limits: dict[str, int]
) -> dict[str, int] | None:
    """Add a limit that excludes every design that is optimal under ``limits``, but not all designs."""
    kept = [total for total in totals if total.keeps(Budgets(**limits))]
    best = min(total.objective(study) for total in kept)
    for name in rng.sample(BUDGETED, len(BUDGETED)):
        least = min(getattr(total, name) for total in kept if total.objective(study) == best)
        below = sorted({getattr(total, name) for total in kept if getattr(total, name) < least})
        if below:
            value = rng.choice(below)
            between = rng.randint(value, min([b for b in below if b > value], default=least) - 1)
            return limits | {name: rng.choice([value, between])}
    return None


# The comparison


def check(study: Study, seed: int) -> Design | None:
    """Solve a study both ways and compare; return brute force's best design."""
    label = f"seed {seed}, goal {study.goal}, {study.budgets}"
    status, objective, best = brute_force(study)
    result = solve(study, baseline=False)
    assert result.status == status, label
    assert result.objective == objective, label
    if status == "infeasible":
        assert result.design is None, label
        return None
    assert result.bound == objective, label
    assert result.design is not None, label
    total = total_of(study, result.design)
    assert total.objective(study) == objective, label
    assert total.keeps(study.budgets), label
    return best


def check_seed(seed: int) -> str:
    """Compare all goals without budgets, then one goal under budgets; return the kind of budgets."""
    study = instance(seed)
    free = {}
    for goal in GOALS:
        check(replace(study, goal=goal), seed)
        free[goal] = brute_force(replace(study, goal=goal))[1]
    kind, budgeted = draw_budgets(random.Random(seed), study, KINDS[seed % 3])
    check(budgeted, seed)
    status, objective, _ = brute_force(budgeted)
    if kind == "infeasible":
        assert status == "infeasible"
    elif kind == "binding":
        assert objective is not None
        assert objective > free[budgeted.goal]
    else:
        assert objective == free[budgeted.goal]
    return kind


@pytest.mark.parametrize("seeds", chunks(SEEDS, SEEDS_PER_TEST), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_solver_finds_what_brute_force_finds(seeds: range) -> None:
    kinds = Counter(check_seed(seed) for seed in seeds)
    assert kinds["infeasible"] >= 3
    assert kinds["binding"] >= 2


@pytest.mark.long
@pytest.mark.parametrize("seeds", chunks(LONG_SEEDS, 50), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_solver_finds_what_brute_force_finds_at_length(seeds: range) -> None:
    kinds = Counter(check_seed(seed) for seed in seeds)
    assert kinds["infeasible"] >= 15
    assert kinds["binding"] >= 10


# What the instances cover


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
        "both templates": len(templates) == 2,
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


def test_the_seeds_cover_networks_and_hardware() -> None:
    counts = Counter(feature for seed in SEEDS for feature in _features(instance(seed)))
    least = dict.fromkeys(_features.__code__.co_consts, 0)  # placeholder
    print(counts, least)


def test_oracle() -> None:
    pass
