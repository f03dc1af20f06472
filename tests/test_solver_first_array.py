"""Arrays that are left out have no best design, fused or layer by layer: against all of them priced in full."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from costmodel.table import build_table, table_frame
from random_networks import random_study
from solver import solve
from solver.bounds import plain_bounds
from solver.first_array import start
from solver.problem import Problem
from specs.study import Budgets, Goal, Study


def _study(seed: int, goal: Goal) -> Study:
    """A study with fast arrays and slow ones."""
    rng = random.Random(seed)
    study = replace(random_study(rng, rich=seed % 2 == 0), goal=goal, budgets=Budgets())
    wide = {"vwa": ("blocks", 64), "eyeriss": ("cols", 56), "systolic": ("rows", 64)}
    accelerators = []
    for spec in study.accelerators:
        name, most = wide[spec.template]
        more = rng.choice([16, most])
        numbers = tuple((n, tuple(sorted({*values, more})) if n == name else values) for n, values in spec.numbers)
        accelerators.append(replace(spec, numbers=numbers))
    return replace(study, accelerators=tuple(accelerators))


@pytest.mark.parametrize("seed", range(40))
def test_dropped_arrays_are_slower_than_the_best_design_layer_by_layer(seed: int) -> None:
    study = _study(seed, "latency")
    frame, table = table_frame(study), build_table(study)
    begin = start(frame)
    left = np.concatenate([points for _, by_array in begin.families for points in by_array])
    dropped = np.setdiff1d(np.arange(len(table.points)), left)
    of_one_layer = np.array([layers.bit_count() == 1 for layers in table.lattice.groups])
    for groups in (np.ones_like(of_one_layer), of_one_layer):
        problem = Problem(table, "latency", study.budgets, groups, np.arange(len(table.points), dtype=np.intp))
        optima = plain_bounds(problem).lower
        assert (begin.lower <= optima).all()
        assert not len(dropped) or optima[dropped].min() > optima.min()


def test_arrays_are_dropped() -> None:
    def dropped(seed: int) -> bool:
        frame = table_frame(_study(seed, "latency"))
        families = start(frame).families
        return sum(len(points) for _, points in families) < sum(len(points) for _, points in frame.families)

    assert sum(dropped(seed) for seed in range(20)) >= 5


@pytest.mark.parametrize("goal", ["energy", "latency", "bandwidth"])
@pytest.mark.parametrize("seed", range(12))
def test_arrays_left_on_the_way_do_not_change_the_optimum(seed: int, goal: Goal) -> None:
    study = _study(seed, goal)
    fast, slow = solve(study), solve(study, use_bounds=False)
    assert (fast.status, fast.objective, fast.bound) == (slow.status, slow.objective, slow.bound)
    if fast.layer_by_layer is None or slow.layer_by_layer is None:
        assert fast.layer_by_layer is slow.layer_by_layer
    else:
        assert fast.layer_by_layer.objective == slow.layer_by_layer.objective
