"""Ending early: whatever comes back is honest, and every number is an integer in base units."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from functools import cache

import pytest

from random_networks import random_study
from solver import Outcome, Progress, solve
from specs.study import GOALS, Budgets, Study


@cache
def _study(number: int) -> Study:
    """A random study that has a design; with odd numbers a budget on a total that is not the goal."""
    study = replace(random_study(random.Random(number)), goal=GOALS[number % 3])
    cost = solve(study, baseline=False, workers=1).cost
    if cost is None:
        return _study(number + 100)
    if number % 2:
        latency, energy = Budgets(latency_fs=cost.latency_fs), Budgets(energy_fj=cost.energy_fj)
        study = replace(study, budgets=latency if study.goal == "energy" else energy)
    return study


def _check_honest(outcome: Outcome, optimum: int) -> None:
    assert outcome.status in ("unknown", "feasible", "optimal")
    assert outcome.bound is None or type(outcome.bound) is int
    assert outcome.bound is None or 0 <= outcome.bound <= optimum
    if outcome.objective is None:
        assert (outcome.status, outcome.design, outcome.cost) == ("unknown", None, None)
    else:
        assert type(outcome.objective) is int
        assert outcome.objective >= optimum
        assert (outcome.status == "optimal") == (outcome.bound == outcome.objective)


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("use_bounds", [True, False], ids=["bounds", "CP-SAT alone"])
def test_whenever_it_is_stopped_the_bound_holds(number: int, use_bounds: bool) -> None:
    study = _study(number)
    full = solve(study, workers=1, use_bounds=use_bounds)
    assert full.status == "optimal"
    assert type(full.objective) is type(full.bound) is int
    assert full.objective is not None
    stop = threading.Event()
    stop.set()
    result = solve(study, workers=1, use_bounds=use_bounds, stop=stop)
    _check_honest(result.best, full.objective)
    for reports in (1, 2, 3, 5, 8, 13):
        stop = threading.Event()
        left = iter(range(reports - 1))

        def count_down(progress: Progress, left: object = left, stop: threading.Event = stop) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                stop.set()

        result = solve(study, workers=1, use_bounds=use_bounds, on_progress=count_down, stop=stop)
        _check_honest(result.best, full.objective)
        if result.layer_by_layer is not None:
            assert full.layer_by_layer is not None
            if full.layer_by_layer.objective is not None:
                _check_honest(result.layer_by_layer, full.layer_by_layer.objective)


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.01, 30.0])
def test_whatever_the_time_limit_the_bound_holds(number: int, seconds: float) -> None:
    study = _study(number)
    optimum = solve(study, baseline=False, workers=1).objective
    assert optimum is not None
    result = solve(study, baseline=False, workers=1, time_limit=seconds)
    _check_honest(result.best, optimum)
    if seconds == 30:
        assert result.status == "optimal"
