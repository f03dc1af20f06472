"""Designs survive the way to JSON and back, and what is no design is refused."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from costmodel import Design, DesignError, GroupDesign, evaluate
from costmodel.hardware import hardware_points
from costmodel.legal import orders_alone
from made_results import chain_study, fused_pairs, layer_by_layer, outcome, solved
from random_networks import random_study
from solver.export import design_from_json, design_object, json_text
from specs.study import SeparateBuffers, SharedBuffer, Study
from specs.templates import accelerator


def random_design(rng: random.Random, study: Study) -> Design:
    """Every layer alone on a random hardware point, in a random order that exists."""
    groups = []
    for layer in study.network.layers:
        order = rng.choice(orders_alone(layer))
        keeps = order == "weight-stationary" and layer.has_weights
        groups.append(
            GroupDesign(
                (layer.name,),
                overlap=study.fusion.overlap[0],
                resident=frozenset({layer.name} if keeps else ()),
                order=order,
            )
        )
    return Design(rng.choice(list(hardware_points(study))), tuple(groups))


@pytest.mark.parametrize("seed", range(40))
def test_random_designs_survive_the_way_through_json(seed: int) -> None:
    rng = random.Random(seed)
    study = random_study(rng)
    large = (2**16, 2**18)
    is_shared = isinstance(study.buffers, SharedBuffer)
    study = replace(study, buffers=SharedBuffer(large) if is_shared else SeparateBuffers(large, large))
    design = random_design(rng, study)
    made = outcome(study, design)
    text = json_text(design_object(replace(solved(chain_study()), study=study, best=made)))
    back = design_from_json(study, json.loads(text))
    assert back == design
    assert evaluate(study, back) == made.cost


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


def changed(**values: Any) -> dict[str, Any]:
    return design_object(solved(chain_study())) | values


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
    ],
)
def test_what_is_no_design_is_refused(design: object, message: str) -> None:
    with pytest.raises(DesignError) as raised:
        design_from_json(chain_study(), design)
    assert str(raised.value) == message
