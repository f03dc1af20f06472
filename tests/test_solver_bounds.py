"""Lower bounds at hardware points never exceed what the best design there costs, and multipliers do raise them."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from brute_force import undominated_totals
from costmodel.design import Hardware
from costmodel.table import NO_COST, build_table
from random_networks import random_study
from solver.bounds import plain_bounds, view
from solver.multipliers import close_with_budgets, search, share
from solver.problem import Problem
from specs.study import GOALS, Budgets, Study


def _tight(seed: int) -> Study | None:
    """A small random study with budgets on the totals that are not the goal, near what its designs need."""
    rng = random.Random(seed)
    study = replace(random_study(rng, max_layers=3), goal=GOALS[seed % 3])
    totals = undominated_totals(study)
    if not totals:
        return None
    some = rng.choice(totals)
    latency, energy = some.latency_fs, int(some.energy_fj * rng.uniform(1, 1.01))
    limits = {
        "energy": Budgets(latency_fs=latency),
        "latency": Budgets(energy_fj=energy),
        "bandwidth": Budgets(latency_fs=latency, energy_fj=energy),
    }
    return replace(study, budgets=limits[study.goal])


def _optima(study: Study) -> dict[Hardware, int]:
    """For each hardware point, what its best design that keeps the budgets costs."""
    best: dict[Hardware, int] = {}
    for total in undominated_totals(study):
        if total.keeps(study.budgets):
            hardware = total.design.hardware
            best[hardware] = min(total.objective(study), best.get(hardware, int(NO_COST)))
    return best


def _problem(study: Study) -> Problem:
    table = build_table(study)
    groups = np.ones(len(table.lattice.groups), dtype=bool)
    return Problem(table, study.goal, study.budgets, groups, np.arange(len(table.points), dtype=np.intp))


@pytest.mark.parametrize("seed", range(24))
def test_no_bound_of_a_point_exceeds_its_optimum(seed: int) -> None:
    study = _tight(seed)
    if study is None:
        return
    problem, optima = _problem(study), _optima(study)
    points = problem.table.points

    def check(lower: np.ndarray, label: str) -> None:
        for point in problem.points.tolist():
            assert int(lower[point]) <= optima.get(points[point], int(NO_COST)), (label, points[point])

    bounds = plain_bounds(problem)
    check(bounds.lower, "plain")
    close_with_budgets(bounds)
    check(bounds.lower, "after closing")
    if bounds.best is not None:
        assert bounds.best.objective >= min(optima.values())
    everywhere = plain_bounds(problem)
    for block in problem.blocks:
        for point in block.points.tolist():
            weights = search(everywhere, view(problem, point))
            check(everywhere.lower, "search")
            if weights is not None:
                share(everywhere, weights, problem.points.tolist())
                check(everywhere.lower, "share")


def test_multipliers_raise_bounds() -> None:
    raised = 0
    for seed in range(12):
        study = _tight(seed)
        if study is not None:
            problem = _problem(study)
            bounds = plain_bounds(problem)
            before = bounds.lower.copy()
            close_with_budgets(bounds)
            raised += bool((bounds.lower > before).any())
    assert raised >= 2
