"""Least costs lie below what a group costs however it is run, and never above it."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from costmodel.extents import extents
from costmodel.least import LeastCosts
from costmodel.pricing import FamilyPricer
from costmodel.table import table_frame
from random_networks import random_study
from solver import solve
from specs.study import Goal


@pytest.mark.parametrize("goal", ["energy", "latency", "bandwidth"])
@pytest.mark.parametrize("seed", range(30))
def test_no_group_costs_less_than_its_least_cost(seed: int, goal: Goal) -> None:
    study = replace(random_study(random.Random(seed), rich=seed % 2 == 0), goal=goal)
    frame = table_frame(study)
    sizes = extents(study, [frame.lattice.groups[group] for group in frame.members])
    several = sizes.made.sum(axis=1) > 1
    for family, _ in frame.families:
        pricer = FamilyPricer(study, family, frame.plans)
        pricer.price(range(len(frame.members)), lambda: None)
        least = LeastCosts(family, sizes, list(pricer.works.values()), pricer.grid)
        feature, weight = (cells.ravel() for cells in np.indices(pricer.grid.leakage_fj.shape))
        for array in range(len(family.arrays)):
            cheapest = pricer.cheapest(array, feature, weight)
            assert (least.at(array, feature, weight)[several] <= cheapest[several]).all()


@pytest.mark.parametrize("seed", range(12))
def test_unpriced_groups_do_not_change_the_optimum(seed: int) -> None:
    study = random_study(random.Random(seed))
    fast, slow = solve(study, baseline=False), solve(study, baseline=False, use_bounds=False)
    assert (fast.status, fast.objective, fast.bound) == (slow.status, slow.objective, slow.bound)
