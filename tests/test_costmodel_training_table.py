"""Training steps: the table that feeds the solver, the plain reading and the execution agree to the last integer."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from costmodel import evaluate, execute
from costmodel.design import GroupDesign
from costmodel.plain_regions import RegionPlan
from costmodel.table import build_table
from random_networks import random_study
from random_training import PRECISIONS, random_step, training_design, training_study
from specs.study import OPTIMIZERS, Fusion, Study, Tiling
from test_costmodel_table_equals_evaluate import _compare


def small_training_study(rng: random.Random) -> Study:
    """A study over a random training step, with buffers of which some are too small for some groups."""
    study = random_study(rng, rich=rng.random() < 0.3)
    return replace(
        study,
        network=random_step(rng, max_layers=rng.choice([1, 2, 3])),
        accelerators=tuple(replace(one, skip_zeros=rng.random() < 0.5) for one in study.accelerators),
        fusion=Fusion(rng.choice([1, 2, 3, 4]), study.fusion.overlap),
        mode="training",
        optimizer=rng.choice(OPTIMIZERS),
        precision=rng.choice(PRECISIONS),
    )


@pytest.mark.parametrize("seed", range(60))
def test_sampled_rows_of_random_training_steps_cost_what_the_plain_reading_says(seed: int) -> None:
    rng = random.Random(seed)
    table = build_table(small_training_study(rng))
    _compare(table, rng, samples=40)


def _started(study: Study, group: GroupDesign) -> GroupDesign:
    """A group that starts stepwise only where it then holds less: else there is no such design."""
    layers = [study.network.layer(name) for name in group.layers]
    at_once = replace(group, start="at-once")
    plans = [RegionPlan(study.network, layers, one) for one in (group, at_once)]
    return group if plans[0].holds_less_than(plans[1]) else at_once


@pytest.mark.parametrize("seed", range(120))
def test_executed_training_steps_move_what_they_cost(seed: int) -> None:
    rng = random.Random(seed)
    study = replace(training_study(rng, max_layers=4), tiling=Tiling(None, (1, 2, 3), None, None), fusion=Fusion())
    design = training_design(rng, study)
    design = replace(design, groups=tuple(_started(study, group) for group in design.groups))
    cost = evaluate(study, design)
    trace = execute(study, design, seed)
    for group, found, priced in zip(design.groups, trace.groups, cost.groups, strict=True):
        counted = (found.dram_read_bytes, found.dram_write_bytes, found.macs)
        assert counted == (priced.dram_read_bytes, priced.dram_write_bytes, priced.macs), group
        peaks = (found.feature_peak_bytes, found.weight_peak_bytes)
        assert peaks == (priced.feature_peak_bytes, priced.weight_peak_bytes), group
