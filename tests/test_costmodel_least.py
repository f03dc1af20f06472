"""Least costs lie below what a group costs however it is run, and never above it."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from costmodel.extents import extents
from costmodel.least import LeastCosts
from costmodel.pricing import FamilyPricer
from costmodel.table import Frame, table_frame
from random_networks import random_study
from solver import solve
from specs import load
from specs.study import Goal


def check_least(frame: Frame, classes: NDArray[np.bool_]) -> None:
    """No candidate of these group classes costs less than the least cost of its class, anywhere."""
    study, of = frame.study, np.flatnonzero(classes).tolist()
    if not of:
        return
    sizes = extents(study, [frame.lattice.groups[frame.members[one]] for one in of])
    for family, _ in frame.families:
        pricer = FamilyPricer(study, family, frame.plans)
        pricer.price(of, lambda: None)
        least = LeastCosts(family, sizes, pricer.grid)
        feature, weight = (cells.ravel() for cells in np.indices(pricer.grid.leakage_fj.shape))
        for array in range(len(family.arrays)):
            assert (least.at(array, feature, weight) <= pricer.cheapest(array, feature, weight)).all()


@pytest.mark.parametrize("goal", ["energy", "latency", "bandwidth"])
@pytest.mark.parametrize("seed", range(30))
def test_no_group_costs_less_than_its_least_cost(seed: int, goal: Goal) -> None:
    study = replace(random_study(random.Random(seed), rich=seed % 2 == 0), goal=goal)
    frame = table_frame(study)
    check_least(frame, ~frame.alone)


@pytest.mark.parametrize("seed", range(12))
def test_unpriced_groups_do_not_change_the_optimum(seed: int) -> None:
    study = random_study(random.Random(seed))
    fast, slow = solve(study, baseline=False), solve(study, baseline=False, use_bounds=False)
    assert (fast.status, fast.objective, fast.bound) == (slow.status, slow.objective, slow.bound)


NETWORK = """
name: strided
inputs: {x: [6, 13, 13]}
layers:
  - {name: c1, op: conv, inputs: [x], K: 8, R: 3, S: 3, stride: 1, pad: 1, relu: true}
  - {name: c2, op: conv, inputs: [c1], K: 16, R: 1, S: 1, stride: 2, pad: 0}
  - {name: c3, op: conv, inputs: [c1], K: 16, R: 3, S: 3, stride: 2, pad: 1}
  - {name: a, op: add, inputs: [c2, c3], relu: true}
  - {name: c4, op: conv, inputs: [a], K: 24, R: 1, S: 1, stride: 2, pad: 0, relu: true}
"""
STUDY = """
network: network.yaml
mode: training
batch: 3
accelerators:
  - {template: vwa, blocks: [2, 4], rows: 3, taps: 3, clock: 100 MHz}
  - {template: eyeriss, rows: 3, cols: 4, clock: 100 MHz}
buffers: {feature: [1 KiB, 2 KiB, 4 KiB, 8 KiB, 32 KiB], weight: [1 KiB, 4 KiB, 16 KiB]}
fusion: {max_layers: 4}
"""


@pytest.mark.parametrize("goal", ["latency", "energy", "bandwidth"])
def test_least_costs_of_a_training_step(tmp_path: Path, goal: Goal) -> None:
    """Masks come from outside beside the map they are of; gradients run with updates, strided ones read little."""
    (tmp_path / "network.yaml").write_text(NETWORK)
    (tmp_path / "study.yaml").write_text(STUDY)
    frame = table_frame(replace(load(tmp_path / "study.yaml"), goal=goal))
    assert (~frame.alone).sum() > 20
    check_least(frame, ~frame.alone)
