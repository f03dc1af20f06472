"""Rounds of pricing with several totals: the same optima as from the whole table, and bounds that hold everywhere."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from brute_force import undominated_totals
from costmodel.design import Hardware
from costmodel.table import NO_COST, CandidateTable, build_table, table_frame
from random_networks import random_study
from solver import Result, optimise, solve
from solver.bounds import plain_bounds, shortest, view
from solver.edp import limited
from solver.known import Known
from solver.problem import Problem
from solver.relaxed import StoppedError
from solver.rounds_of_totals import can_price_totals_in_rounds, totals_in_rounds
from specs import load
from specs.study import Budgets, Goal, Study

GOALS: tuple[Goal, ...] = ("energy", "latency", "bandwidth", "edp")
ROOT = Path(__file__).parents[1] / "specs" / "studies" / "bench"


def _never() -> bool:
    return False


def _after(looks: int) -> Callable[[], bool]:
    """Stop after so many looks at the clock."""
    left = iter(range(looks))
    return lambda: next(left, None) is None


def _random(seed: int, max_layers: int = 5) -> Study | None:
    """A random study with limits between the least of a total and what the optima of other goals need."""
    rng = random.Random(seed)
    study = random_study(rng, max_layers=rng.randint(3, max_layers), rich=rng.random() < 0.5)
    goal = GOALS[seed % 4]
    costs = [solve(replace(study, goal=one), baseline=False, workers=1).cost for one in GOALS[:3]]
    if goal != "edp" or rng.random() < 0.6:
        limits = {}
        for name in rng.sample(["energy_fj", "latency_fs", "dram_bytes"], rng.randint(1, 3)):
            found = [getattr(cost, name) for cost in costs if cost is not None]
            if found:
                between = round(min(found) + rng.random() * (max(found) - min(found)))
                limits[name] = rng.choice([min(found), between, between, max(found), min(found) - (rng.random() < 0.2)])
        study = replace(study, budgets=Budgets(**limits))
    study = replace(study, goal=goal)
    return study if can_price_totals_in_rounds(table_frame(study)) else None


def _known(study: Study, stop: Callable[[], bool] = _never) -> tuple[CandidateTable, Known]:
    table, _, known = totals_in_rounds(table_frame(study), lambda phase, done, total: None, stop)
    return table, known


def _whole(study: Study, monkeypatch: pytest.MonkeyPatch) -> Result:
    with monkeypatch.context() as patch:
        patch.setattr(optimise, "can_price_totals_in_rounds", lambda frame: False)
        return solve(study, workers=1)


def _same(one: Result, other: Result) -> bool:
    def told(result: Result) -> list[tuple[object, ...]]:
        outcomes = (result.best, result.layer_by_layer)
        return [(found.status, found.objective, found.bound) for found in outcomes if found is not None]

    return told(one) == told(other)


@pytest.mark.parametrize("seed", range(40))
def test_rounds_find_what_the_whole_table_has(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    study = _random(seed, max_layers=6)
    if study is not None:
        assert _same(solve(study, workers=1), _whole(study, monkeypatch)), (study.goal, study.budgets)


@cache
def _optima(study: Study) -> dict[Hardware, int]:
    """For each hardware point, what its best design that keeps the budgets costs."""
    best: dict[Hardware, int] = {}
    for total in undominated_totals(study):
        if total.keeps(study.budgets):
            hardware = total.design.hardware
            objective = total.objective(study)
            best[hardware] = min(objective, best.get(hardware, objective))
    return best


@pytest.mark.parametrize("seed", range(100, 110))
def test_bounds_of_points_hold_whenever_rounds_are_stopped(seed: int) -> None:
    study = _random(seed, max_layers=3)
    if study is None:
        return
    optima = _optima(study)
    for looks in (0, 3, 6, 10, 20, None):
        try:
            table, known = _known(study, _never if looks is None else _after(looks))
        except StoppedError:
            continue
        for point, optimum in optima.items():
            lower = known.lower.get(table.points.index(point), known.upper)
            assert min(lower, known.upper) <= optimum, (looks, point)
        if known.best is not None:
            assert known.upper >= optima[table.points[known.best.point]]


@pytest.mark.parametrize("seed", range(24))
def test_weights_prove_the_bounds_on_the_whole_table(seed: int) -> None:
    study = _random(seed)
    if study is None or study.goal == "edp":
        return
    _, known = _known(study)
    table = build_table(study)
    every, points = np.ones(len(table.lattice.groups), dtype=bool), np.arange(len(table.points), dtype=np.intp)
    problem = Problem(table, study.goal, study.budgets, every, points)
    bounds = plain_bounds(problem)
    for point in range(len(points)):
        weights, at = known.weights.get(point), view(problem, point)
        found = None if weights is None else shortest(bounds, at, weights)
        if weights is None or found is None:
            assert known.lower.get(point, int(NO_COST)) <= bounds.lower[point]
            continue
        over = found.least - sum(w * limit for w, limit in zip(weights.budgeted, at.limits, strict=True))
        if weights.objective:
            assert known.lower.get(point, int(NO_COST)) <= -(-over // weights.objective)
        else:
            assert over > 0
            assert point not in known.lower


@pytest.mark.parametrize(
    "seed", [*range(200, 205), *(pytest.param(n, marks=pytest.mark.long) for n in range(205, 210))]
)
def test_what_is_missing_at_open_points_is_in_no_better_design(seed: int) -> None:
    """The points that stay open are searched again in the whole table: nothing below the optimum of what is left."""
    study = _random(seed, max_layers=4)
    if study is None:
        return
    table, known = _known(study)
    optima = _optima(study)
    least = min(optima.values(), default=None)
    found = solve(study, baseline=False, workers=1)
    assert found.objective == least
    assert least is None or known.upper >= least
    closed = {table.points[p] for p in range(len(table.points)) if known.lower.get(p, known.upper) >= known.upper}
    assert all(optimum >= known.upper for point, optimum in optima.items() if point in closed)


@pytest.mark.parametrize(
    ("goal", "limits"),
    [
        ("edp", {}),
        ("edp", {"energy_fj": 35_500_000_000_000}),
        ("energy", {"latency_fs": 10_505_145_200_000}),
        ("latency", {"energy_fj": 35_600_000_000_000}),
        ("bandwidth", {"latency_fs": 10_505_145_200_000, "energy_fj": 36_000_000_000_000}),
    ],
)
def test_alexnet_is_solved_alike_and_much_is_never_priced(
    goal: Goal, limits: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = load(ROOT / "alexnet.yaml")
    study = replace(study, goal=goal, budgets=replace(study.budgets, **limits))
    found = solve(study, workers=1)
    step = next(one.step for one in found.deductions if one.step.startswith("least costs"))
    assert int(step.split()[2]) >= 30
    assert _same(found, _whole(study, monkeypatch))


def test_limits_that_everything_keeps_change_nothing() -> None:
    assert limited(Budgets(latency_fs=7)) == Budgets(latency_fs=7)
    assert limited(Budgets()).latency_fs == int(NO_COST)
