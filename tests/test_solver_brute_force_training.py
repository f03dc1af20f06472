"""Training steps: the solver finds exactly what brute force finds, and its designs run."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from brute_force import brute_force, total_of
from costmodel import evaluate, execute
from random_instances import KINDS, draw_budgets
from random_training_instances import one_point, training_instance
from solver import Outcome, solve
from specs.study import GOALS, LAST_GOALS, Dram, Fusion, Study, Tiling

SEEDS = range(100)
SEEDS_PER_TEST = 10
LONG_SEEDS = range(10_000, 11_000)


def chunks(seeds: range, size: int) -> list[range]:
    return [seeds[i : i + size] for i in range(0, len(seeds), size)]


def check_outcome(study: Study, found: Outcome, label: str) -> None:
    """Compare one outcome of the solver with brute force: status, objective, bound, and the design itself."""
    status, objective, _ = brute_force(study)
    label = f"{label}, goal {study.goal}, {study.budgets}"
    assert (found.status, found.objective) == (status, objective), label
    if found.design is not None:
        assert found.bound == objective, label
        assert found.cost == evaluate(study, found.design), label
        total = total_of(study, found.design)
        assert total.objective(study) == objective, label
        assert total.keeps(study.budgets), label


def check_run(study: Study, found: Outcome, label: str) -> None:
    """Execute a design: it moves what it costs."""
    if found.design is None or found.cost is None:
        return
    trace = execute(study, found.design, 0)
    for group, ran, priced in zip(found.design.groups, trace.groups, found.cost.groups, strict=True):
        counted = (ran.dram_read_bytes, ran.dram_write_bytes, ran.macs)
        assert counted == (priced.dram_read_bytes, priced.dram_write_bytes, priced.macs), (label, group)
        peaks = (ran.feature_peak_bytes, ran.weight_peak_bytes)
        assert peaks == (priced.feature_peak_bytes, priced.weight_peak_bytes), (label, group)


def check_seed(seed: int, most_prices: int) -> str:
    """Compare goals without budgets, then one goal under budgets, with bounds and without; return the kind of these."""
    study, label, rng = training_instance(seed, most_prices), f"training {seed}", random.Random(seed)
    goals = ["energy", "latency", "bandwidth", rng.choice(["edp", "area", "throughput"])]
    for goal in goals:
        asked = replace(study, goal=goal)  # type: ignore[arg-type]
        found = solve(asked, baseline=False, workers=1).best
        check_outcome(asked, found, label)
        if goal == goals[seed % 4]:
            check_run(asked, found, label)
    kind, budgeted = draw_budgets(random.Random(f"budgets {seed}"), study, KINDS[seed % 3])
    for use_bounds in (True, False):
        result = solve(budgeted, baseline=not use_bounds, use_bounds=use_bounds, workers=1)
        check_outcome(budgeted, result.best, f"{label}, {kind}, bounds {use_bounds}")
    assert result.layer_by_layer is not None
    check_outcome(replace(budgeted, fusion=replace(study.fusion, max_layers=1)), result.layer_by_layer, label)
    return kind


@pytest.mark.parametrize("seeds", chunks(SEEDS, SEEDS_PER_TEST), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_solver_finds_what_brute_force_finds(seeds: range) -> None:
    kinds = Counter(check_seed(seed, 600) for seed in seeds)
    assert kinds["infeasible"] >= 2
    assert kinds["binding"] >= 1


@pytest.mark.long
@pytest.mark.parametrize("seeds", chunks(LONG_SEEDS, 50), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_solver_finds_what_brute_force_finds_at_length(seeds: range) -> None:
    kinds = Counter(check_seed(seed, 3000) for seed in seeds)
    assert kinds["infeasible"] >= 10
    assert kinds["binding"] >= 5


def check_rated(seed: int) -> None:
    rng = random.Random(f"rated training {seed}")
    study = one_point(rng, training_instance(f"rated {seed}", most_prices=300, most_layers=rng.choice([4, 5, 8])))
    study = replace(study, tiling=Tiling((1, 2), (1,), (1, 2), (1,)), fusion=Fusion(rng.choice([1, 2, 3])))
    if len(study.network.layers) > 5:
        study = replace(study, tiling=Tiling((1, 2), (1,), (1,), (1,)), fusion=Fusion(2, ("cache-rows",)), batch=1)
    if seed % 4 == 0:  # a memory that takes long for little energy: wasting time with it would save power
        study = replace(study, dram=(Dram("slow", 8_000, rng.choice([50_000_000, 200_000_000])),))
    _, study = draw_budgets(rng, study, KINDS[seed % 3], rated=True)
    if seed % 8 == 0:
        study = replace(study, goal="power")
    if seed % 2:
        goals = rng.sample(GOALS, 3)
        study = replace(study, goal=goals[0], then=tuple(goals[1:]))
        study = replace(study, then=study.then if study.goal not in LAST_GOALS else ())
        study = replace(study, then=tuple(g for i, g in enumerate(study.then) if i or g not in LAST_GOALS))
    result = solve(study, baseline=False, use_bounds=seed % 3 > 0, workers=1)
    check_outcome(study, result.best, f"rated {seed}")
    _, _, best = brute_force(study)
    if result.design is not None and best is not None:
        assert total_of(study, result.design).objectives(study) == total_of(study, best).objectives(study), seed


@pytest.mark.parametrize("seeds", chunks(range(24), 6), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_budgets_per_time_and_lists_of_goals(seeds: range) -> None:
    """Where time is a divisor, slower may be better: brute force has to keep more, so the studies are smaller."""
    for seed in seeds:
        check_rated(seed)


@pytest.mark.long
@pytest.mark.parametrize("seeds", chunks(range(1000, 1400), 50), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_budgets_per_time_and_lists_of_goals_at_length(seeds: range) -> None:
    for seed in seeds:
        check_rated(seed)
