"""Timelines end where the price says and hold what it says, for random designs and for optimal ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

import specs
from costmodel import Cost, Design, GroupCost, GroupDesign, evaluate
from costmodel.timeline import LayerSpan, Timeline, TransferSpan, timeline
from made_results import chain_study, fused_pairs, layer_by_layer
from odd_networks import odd_study
from random_designs import random_design, roomy
from random_networks import random_study
from solver import solve
from specs.load import load
from specs.study import Study

STUDIES = Path(specs.__file__).parent / "studies"


def check(study: Study, design: Design, cost: Cost, label: str) -> list[Timeline]:
    """Compare every group's timeline with its price, and look at the order of what happens."""
    found = []
    for group, price in zip(design.groups, cost.groups, strict=True):
        line = timeline(study, design.hardware, group)
        found.append(line)
        assert_priced(line, price, f"{label}: {group}")
        assert_in_order(line, design.hardware.double_buffer, f"{label}: {group}")
    return found


def assert_priced(line: Timeline, price: GroupCost, label: str) -> None:
    transfers = [span for visit in line.visits for span in visit.transfers]
    assert line.cycles == price.cycles, label
    assert line.array_cycles == price.compute_cycles, label
    assert line.feature_peak_bytes == price.feature_peak_bytes, label
    assert sum(span.num_bytes for span in transfers if span.what == "store") == price.dram_write_bytes, label
    assert sum(span.num_bytes for span in transfers if span.what != "store") == price.dram_read_bytes, label


def assert_in_order(line: Timeline, double_buffer: bool, label: str) -> None:
    assert line.visits[0].start == 0, label
    assert all(one.end == two.start for one, two in pairwise(line.visits)), label
    assert_no_overlap([span for visit in line.visits for span in visit.transfers], label)
    assert_no_overlap([span for visit in line.visits for span in visit.layers], label)
    for visit in line.visits:
        inside = (*visit.transfers, *visit.layers)
        assert all(visit.start <= span.start <= span.end <= visit.end for span in inside), label
        held = visit.held()
        assert (held[0][0], held[-1][1]) == (visit.start, visit.end), label
        assert all(one[1] == two[0] for one, two in pairwise(held)), label
        if not double_buffer:
            assert visit.array_cycles + visit.dram_cycles == visit.end - visit.start, label


def assert_no_overlap(spans: Sequence[TransferSpan | LayerSpan], label: str) -> None:
    assert all(one.end <= two.start for one, two in pairwise(spans)), label


@pytest.mark.parametrize("block", range(4))
def test_random_designs_take_and_hold_what_they_are_priced_at(block: int) -> None:
    for seed in range(100 * block, 100 * block + 100):
        rng = random.Random(seed)
        study = roomy(odd_study(rng) if seed % 2 else random_study(rng, rich=rng.random() < 0.5))
        design = random_design(rng, study)
        check(study, design, evaluate(study, design), f"seed {seed}")


@pytest.mark.parametrize("name", ["alexnet_eyeriss", "camera_mix"])
def test_the_best_designs_of_shipped_studies_do_too(name: str) -> None:
    study = load(STUDIES / f"{name}.yaml")
    result = solve(study)
    for outcome in (result.best, result.layer_by_layer):
        assert outcome is not None
        assert outcome.design is not None
        assert outcome.cost is not None
        check(study, outcome.design, outcome.cost, name)


def test_the_first_load_and_the_last_store_stand_alone() -> None:
    study = chain_study()
    design = fused_pairs(study)
    assert design.hardware.double_buffer
    first, last = timeline(study, design.hardware, design.groups[0]).visits
    assert first.transfers[0].what == "load"
    assert first.layers[0].start == first.transfers[0].end
    assert [span.what for span in last.transfers] == ["weights", "load", "store"]
    assert last.transfers[-1].start == max(last.layers[-1].end, last.transfers[-2].end)
    assert last.transfers[-1].end == last.end


def test_sweeps_of_a_layer_alone_follow_each_other() -> None:
    study = chain_study()
    design = layer_by_layer(study)
    line = timeline(study, design.hardware, design.groups[0])
    assert len(line.visits) == 2  # two chunks of output channels, one tile each
    assert [span.what for span in line.visits[1].transfers] == ["load", "weights", "store"]


def test_partial_sums_of_one_chunk_of_outputs_are_finished_before_the_next() -> None:
    study = roomy(chain_study(1))
    group = GroupDesign(
        ("conv1",), resident=frozenset({"conv1"}), order="weight-stationary-spilling", channel_splits=2, input_splits=2
    )
    design = Design(layer_by_layer(study, 0).hardware, (group,))
    line = check(study, design, evaluate(study, design), "spilling")[0]
    stores = [sum(t.num_bytes for t in visit.transfers if t.what == "store") for visit in line.visits]
    assert stores[0] == stores[2] == 4 * stores[1] == 4 * stores[3]  # sums of 32 bits leave, then words of 8
