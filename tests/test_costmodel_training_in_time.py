"""Random designs of training steps: their timelines end where the price says, their phases add up to it, and
no lower bound is undercut."""

from __future__ import annotations

import random

import pytest

from costmodel import Cost, Design
from costmodel.cost import GroupCost
from costmodel.evaluate import group_cost
from costmodel.hardware import prices
from costmodel.limits import network_compulsory_bytes, pebble_bound_bytes
from costmodel.phases import PHASES, phase_costs, phase_of
from costmodel.timeline import Timeline, timeline
from random_training import training_design, training_study
from specs.study import Study
from test_costmodel_timeline import assert_in_order

SEEDS = range(60)


def drawn(seed: int) -> tuple[Study, Design, Cost]:
    rng = random.Random(seed)
    study = training_study(rng)
    design = training_design(rng, study)
    hardware, price = design.hardware, prices(study, design.hardware)
    groups = tuple(group_cost(study, hardware, price, group) for group in design.groups)
    return study, design, Cost(groups, hardware.period_fs, price.area_um2)


@pytest.mark.parametrize("seed", SEEDS)
def test_timelines_phases_and_bounds_of_random_training_steps(seed: int) -> None:
    study, design, cost = drawn(seed)
    for group, price in zip(design.groups, cost.groups, strict=True):
        line = timeline(study, design.hardware, group)
        assert_priced(line, price, f"{group}")
        assert_in_order(line, design.hardware.double_buffer, f"{group}")
    assert_phases_add_up(study, design, cost)
    assert_nothing_undercut(study, design, cost)


def assert_priced(line: Timeline, price: GroupCost, label: str) -> None:
    moved = dict.fromkeys(("weights", "sums", "load", "store", "results"), 0)
    for visit in line.visits:
        for span in visit.transfers:
            moved[span.what] += span.num_bytes
    assert line.cycles == price.cycles, label
    assert line.array_cycles == price.compute_cycles, label
    assert line.feature_peak_bytes == price.feature_peak_bytes, label
    # Sums that stream go as often as they come.
    assert 2 * price.dram_read_bytes == 2 * (moved["weights"] + moved["load"]) + moved["sums"], label
    assert 2 * price.dram_write_bytes == 2 * (moved["store"] + moved["results"]) + moved["sums"], label


def assert_phases_add_up(study: Study, design: Design, cost: Cost) -> None:
    phases = phase_costs(study, design, cost)
    assert set(phases) <= set(PHASES)
    assert {layer.phase for layer in study.network.layers} <= {part for name in phases for part in name.split("+")}
    for part in ("macs", "cycles", "energy_fj", "dram_bytes", "dram_read_bytes", "dram_write_bytes"):
        assert sum(getattr(one, part) for one in phases.values()) == cost.total(part), part
        assert all(getattr(one, part) >= 0 for one in phases.values()), part
    alone = [group for group in design.groups if phase_of(study, group) == "update"]
    assert all(len(group.layers) == 1 for group in alone)


def assert_nothing_undercut(study: Study, design: Design, cost: Cost) -> None:
    assert cost.dram_bytes >= network_compulsory_bytes(study)
    on_chip_bytes = design.hardware.sram_bytes
    for group, price in zip(design.groups, cost.groups, strict=True):
        if len(group.layers) == 1:
            layer = study.network.layer(group.layers[0])
            assert price.dram_bytes >= pebble_bound_bytes(study, layer, on_chip_bytes), group
