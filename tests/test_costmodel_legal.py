"""Designs that do not exist are refused, each with a sentence that says what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from costmodel import Design, DesignError, GroupDesign, evaluate
from costmodel.hardware import hardware_points
from costmodel.legal import check_design
from random_networks import TECHNOLOGY
from specs.network import Layer, Network, TensorShape
from specs.study import Dram, Fusion, SeparateBuffers, SharedBuffer, Study, Tiling
from specs.templates import accelerator

SHAPE = TensorShape(4, 8, 8)


def _conv(name: str, reads: str) -> Layer:
    return Layer(name, "conv", ((reads,),), 1, 4, 4, 8, 8, 8, 8, 3, 3, pad=(1, 1, 1, 1))


STUDY = Study(
    name="legal",
    network=Network(
        "legal",
        (("x", SHAPE), ("y", SHAPE)),
        (
            _conv("a", "x"),
            _conv("b", "a"),
            Layer("pool", "maxpool", (("b",),), 4, 4, 4, 8, 8, 4, 4, 2, 2, (2, 2)),
            _conv("other", "y"),
        ),
        ("pool", "other"),
    ),
    accelerators=(accelerator("vwa"),),
    buffers=SeparateBuffers((16384,), (16384,)),
    technology=TECHNOLOGY,
    dram=(Dram("DDR3", 560_000, 6_400_000_000),),
    batch=4,
    fusion=Fusion(3, ("recompute", "cache-rows")),
    tiling=Tiling((1, 2, 3), (1, 2), (1, 2)),
)
(HARDWARE,) = hardware_points(STUDY)


def _alone(name: str) -> GroupDesign:
    kept = frozenset({name}) if STUDY.network.layer(name).has_weights else frozenset[str]()
    return GroupDesign((name,), resident=kept, order="weight-stationary")


FUSED = GroupDesign(("a", "b"), resident=frozenset({"a", "b"}))
A, B, POOL, OTHER = (_alone(layer.name) for layer in STUDY.network.layers)
LEGAL = (FUSED, POOL, OTHER)


@pytest.mark.parametrize(
    "groups",
    [
        LEGAL,
        (OTHER, A, B, POOL),
        (GroupDesign(("a", "b", "pool"), 2, 2, "cache-rows"), OTHER),
        (replace(FUSED, images=2), POOL, replace(OTHER, order="output-stationary", resident=frozenset())),
        (
            FUSED,
            POOL,
            replace(OTHER, tile_cols=2, order="output-stationary", resident=frozenset(), overlap="cache-rows"),
        ),
    ],
)
def test_legal_designs_are_accepted_and_cost_something(groups: tuple[GroupDesign, ...]) -> None:
    assert evaluate(STUDY, Design(HARDWARE, groups)).energy_fj > 0


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ((FUSED, POOL), "the groups must cover every layer"),
        (
            (FUSED, POOL, OTHER, GroupDesign(("c", "a"))),
            "group c+a names layers that are not in the network: ['c']",
        ),
        ((GroupDesign(("b", "a")), POOL, OTHER), "group b+a must list each layer once, in topological order"),
        ((GroupDesign(("a", "a", "b")), POOL), "group a+a+b must list each layer once, in topological order"),
        ((FUSED, POOL, A, OTHER), "group a runs a layer that already ran"),
        ((POOL, FUSED, OTHER), "group pool runs before a layer that it needs"),
        ((GroupDesign(("a", "pool")), B, OTHER), "group a+pool runs before a layer that it needs"),
        ((GroupDesign(("a", "b", "pool", "other")),), "group a+b+pool+other has more than 3 layers"),
        ((GroupDesign(("a", "other")), B, POOL), "group a+other must be connected and convex"),
        ((replace(FUSED, tile_rows=4), POOL, OTHER), "group a+b has no tile grid 4 x 1"),
        ((FUSED, replace(POOL, tile_rows=3), OTHER), "group pool has no tile grid 3 x 1"),  # 2 + 2 rows are two tiles
        ((replace(FUSED, tile_cols=3), POOL, OTHER), "group a+b has no tile grid 1 x 3"),
        ((replace(FUSED, images=3), POOL, OTHER), "group a+b cannot hold 3 of 4 images in a tile"),
        (
            (replace(FUSED, overlap="cache-all"), POOL, OTHER),
            "group a+b uses overlap cache-all, which the study does not allow",
        ),
        (
            (FUSED, replace(POOL, resident=frozenset({"pool"})), OTHER),
            "group pool keeps weights of layers that have none",
        ),
        (
            (replace(FUSED, resident=frozenset({"other"})), POOL, OTHER),
            "group a+b keeps weights of layers that have none",
        ),
        (
            (replace(FUSED, order="weight-stationary"), POOL, OTHER),
            "group a+b of several layers must be fused, with one chunk of channels",
        ),
        (
            (replace(FUSED, channel_splits=2), POOL, OTHER),
            "group a+b of several layers must be fused, with one chunk of channels",
        ),
        ((replace(A, order="fused"), B, POOL, OTHER), "layer a alone cannot run fused"),
        ((FUSED, replace(POOL, order="input-stationary"), OTHER), "layer pool alone cannot run input-stationary"),
        ((replace(A, channel_splits=4), B, POOL, OTHER), "layer a cannot be cut into 4 chunks of channels"),
        (
            (replace(A, resident=frozenset()), B, POOL, OTHER),
            "layer a alone keeps its weights exactly when it is weight-stationary",
        ),
        (
            (replace(A, order="input-stationary"), B, POOL, OTHER),
            "layer a alone keeps its weights exactly when it is weight-stationary",
        ),
        (
            (
                replace(A, order="output-stationary", resident=frozenset(), tile_rows=2, overlap="cache-rows"),
                B,
                POOL,
                OTHER,
            ),
            "layer a cannot keep halos of inputs that stream through",
        ),
    ],
)
def test_illegal_designs_are_refused(groups: tuple[GroupDesign, ...], sentence: str) -> None:
    with pytest.raises(DesignError) as error:
        check_design(STUDY, Design(HARDWARE, groups))
    assert str(error.value) == sentence


def test_hardware_that_the_study_does_not_list_is_refused() -> None:
    hardware = replace(HARDWARE, feature_bytes=8192)
    with pytest.raises(DesignError) as error:
        evaluate(STUDY, Design(hardware, LEGAL))
    assert str(error.value) == f"hardware {hardware} is not a point of the study"


# a+b in one tile: x and a alive, 2 * 4 * 64 bytes, then a and b as many, with room for the 4 * 64 bytes that the next
# image loads and the last one stores; 2 * 4 * 4 * 9 bytes of weights.
@pytest.mark.parametrize(
    ("buffers", "sentence"),
    [
        (SeparateBuffers((1024, 512), (288,)), None),
        (SeparateBuffers((1023,), (288,)), "group a+b needs 1024 bytes of the feature buffer's 1023"),
        (SeparateBuffers((1024,), (287,)), "group a+b needs 288 bytes of the weight buffer's 287"),
        (SharedBuffer((1312,)), None),
        (SharedBuffer((1311,)), "group a+b needs 1312 bytes of the shared buffer's 1311"),
    ],
)
def test_groups_that_need_more_than_a_buffer_are_refused(
    buffers: SeparateBuffers | SharedBuffer, sentence: str | None
) -> None:
    study = replace(STUDY, buffers=buffers)
    design = Design(next(iter(hardware_points(study))), LEGAL)
    if sentence is None:
        assert evaluate(study, design).groups[0].feature_peak_bytes == 1024
        return
    with pytest.raises(DesignError) as error:
        evaluate(study, design)
    assert str(error.value) == sentence
