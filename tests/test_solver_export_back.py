"""Designs survive the way to JSON and back, and what is no design is refused."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from brute_force_groups import possible_groupings
from brute_force_space import group_designs
from costmodel import Design, DesignError, evaluate
from costmodel.design import ORDERS_ALONE
from costmodel.hardware import hardware_points
from costmodel.template import PREFERENCES
from made_results import chain_study, fused_pairs, layer_by_layer, outcome, solved
from random_networks import random_study
from solver.export import design_from_json, design_object, json_text
from specs.study import OVERLAPS, SeparateBuffers, SharedBuffer, Study
from specs.templates import accelerator


def large_study(rng: random.Random) -> Study:
    """A random study in whose buffers every design fits; halos may be kept."""
    study = random_study(rng)
    large = (2**16, 2**18)
    is_shared = isinstance(study.buffers, SharedBuffer)
    buffers = SharedBuffer(large) if is_shared else SeparateBuffers(large, large)
    return replace(study, buffers=buffers, fusion=replace(study.fusion, overlap=OVERLAPS))


def random_design(rng: random.Random, study: Study) -> Design:
    """Random groups on a random hardware point, each run in a random way of all that exist."""
    grouping = rng.choice(list(possible_groupings(study.network, study.fusion.max_layers)))
    groups = tuple(rng.choice(list(group_designs(study, names, PREFERENCES))) for names in grouping)
    return Design(rng.choice(list(hardware_points(study))), groups)


@pytest.mark.parametrize("seed", range(40))
def test_random_designs_survive_the_way_through_json(seed: int) -> None:
    rng = random.Random(seed)
    study = large_study(rng)
    design = random_design(rng, study)
    made = outcome(study, design)
    text = json_text(design_object(replace(solved(chain_study()), study=study, best=made)))
    back = design_from_json(study, json.loads(text))
    assert back == design
    assert evaluate(study, back) == made.cost


def test_the_random_designs_are_of_every_kind() -> None:
    groups = []
    for seed in range(40):
        rng = random.Random(seed)
        groups += random_design(rng, large_study(rng)).groups
    assert {group.order for group in groups} == {"fused", *ORDERS_ALONE}
    assert {group.start for group in groups} == {"at-once", "stepwise"}
    assert {group.mapping for group in groups} == set(PREFERENCES)
    assert {group.overlap for group in groups} == set(OVERLAPS)
    assert max(group.images for group in groups) > 1
    assert max(group.channel_splits for group in groups) > 1
    assert {len(group.resident) for group in groups if group.order == "input-stationary"} == {0, 1}


@pytest.mark.parametrize("shared", [False, True])
def test_fused_designs_survive_the_way_through_json(shared: bool) -> None:
    study = chain_study(shared=shared)
    text = json_text(design_object(solved(study)))
    assert design_from_json(study, json.loads(text)) == fused_pairs(study)


def test_arrays_that_differ_only_inside_are_told_apart() -> None:
    arrays = (accelerator("eyeriss", rows=6, cols=4), accelerator("eyeriss", rows=6, cols=4, psum_spad_words=48))
    study = replace(chain_study(), accelerators=arrays)
    design = layer_by_layer(study, point=3)
    made = design_object(replace(solved(chain_study()), study=study, best=outcome(study, design)))
    assert design_from_json(study, json.loads(json_text(made))) == design


@pytest.mark.parametrize(
    ("point", "pins", "blocks_on"),
    [
        # A chunk of 4 filters on 8 blocks takes a turn for each of 8 channels; 8 channels on 8 blocks take one for
        # each of 4 filters. So blocks on C are faster, and a layer pinned to K shows that the pins are kept.
        pytest.param(0, {}, "CCCC", id="free"),
        pytest.param(3, {"conv3": {"blocks_on": "K"}}, "CCKC", id="pinned"),
    ],
)
def test_arrays_that_differ_only_in_pinned_mappings_are_told_apart(
    point: int, pins: dict[str, dict[str, str]], blocks_on: str
) -> None:
    arrays = (accelerator("vwa"), accelerator("vwa", mapping={"conv3": {"blocks_on": "K"}}))
    study = replace(chain_study(), accelerators=arrays)
    design = layer_by_layer(study, point)
    made = design_object(replace(solved(chain_study()), study=study, best=outcome(study, design)))
    assert made["hardware"]["array"]["pins"] == pins
    found = [group["mapping"][name]["blocks_on"] for group in made["groups"] for name in group["layers"]]
    assert "".join(found) == blocks_on
    assert design_from_json(study, json.loads(json_text(made))) == design


def changed(**values: Any) -> dict[str, Any]:
    return design_object(solved(chain_study())) | values


FIRST_GROUP: dict[str, Any] = changed()["groups"][0]


@pytest.mark.parametrize(
    ("design", "message"),
    [
        (
            [],
            "not a design in format laminate-design/1: the design: Input should be a valid dictionary or instance of"
            " _DesignDoc",
        ),
        (
            changed(format="laminate-design/9"),
            "not a design in format laminate-design/1: format: Input should be 'laminate-design/1'",
        ),
        (
            changed(hardware=None),
            "not a design in format laminate-design/1: hardware: Input should be a valid dictionary",
        ),
        (changed(hardware={"template": "vwa"}), "the design's hardware is not a point of the study"),
        (
            changed(groups=[{"layers": ["conv1"]}]),
            "not a design in format laminate-design/1: groups.0.tile_grid: Field required",
        ),
        (
            changed(groups=[FIRST_GROUP | {"start": "at once"}]),
            "not a design in format laminate-design/1: groups.0.start: Input should be 'at-once' or 'stepwise'",
        ),
        (
            changed(groups=[FIRST_GROUP | {"mapping_by": "best"}]),
            "not a design in format laminate-design/1: groups.0.mapping_by: Input should be 'fastest' or 'frugal'",
        ),
        (
            changed(groups=[FIRST_GROUP, {key: FIRST_GROUP[key] for key in FIRST_GROUP if key != "input_splits"}]),
            "not a design in format laminate-design/1: groups.1.input_splits: Field required",
        ),
    ],
)
def test_what_is_no_design_is_refused(design: object, message: str) -> None:
    with pytest.raises(DesignError) as raised:
        design_from_json(chain_study(), design)
    assert str(raised.value) == message
