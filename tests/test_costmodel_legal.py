"""Designs that do not exist are refused, each with a sentence that says what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from costmodel import Design, DesignError, GroupDesign, evaluate
from costmodel.design import ORDERS_ALONE
from costmodel.hardware import hardware_points
from costmodel.legal import check_design
from random_networks import TECHNOLOGY
from specs.network import Layer, Network, TensorShape, View
from specs.study import Dram, Fusion, Overlap, SeparateBuffers, SharedBuffer, Study, Tiling
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
    tiling=Tiling((1, 2, 3, 4), (1, 2), (1, 2), (1, 2)),
)
(HARDWARE,) = hardware_points(STUDY)


def _alone(name: str) -> GroupDesign:
    kept = frozenset({name}) if STUDY.network.layer(name).has_weights else frozenset[str]()
    return GroupDesign((name,), resident=kept, order="weight-stationary")


FUSED = GroupDesign(("a", "b"), resident=frozenset({"a", "b"}))
A, B, POOL, OTHER = (_alone(layer.name) for layer in STUDY.network.layers)
STREAMS = replace(OTHER, resident=frozenset(), input_splits=2)
KEEPS = replace(OTHER, input_splits=2, tile_rows=3, overlap="cache-rows")
LEGAL = (FUSED, POOL, OTHER)


@pytest.mark.parametrize(
    "groups",
    [
        LEGAL,
        (OTHER, A, B, POOL),
        (GroupDesign(("a", "b", "pool"), 2, 2, "cache-rows"), OTHER),
        (replace(FUSED, images=2), POOL, replace(OTHER, order="input-stationary", resident=frozenset())),
        (replace(FUSED, images=2), POOL, replace(OTHER, order="input-stationary", tile_rows=3, overlap="cache-rows")),
        (FUSED, POOL, replace(STREAMS, order="output-stationary")),
        (FUSED, POOL, replace(STREAMS, order="input-stationary-spilling")),
        (FUSED, POOL, replace(OTHER, input_splits=2)),
        # Column halos are not kept by rows: nothing of an input that streams through stays.
        (FUSED, POOL, replace(STREAMS, order="output-stationary", tile_cols=2, overlap="cache-rows")),
        (FUSED, POOL, replace(OTHER, input_splits=2, tile_cols=2, overlap="cache-rows")),
        # The input of a tile comes at once, so its halos may stay while partial sums travel.
        (FUSED, POOL, replace(KEEPS, order="weight-stationary-spilling")),
        (FUSED, POOL, replace(KEEPS, order="weight-input-stationary-spilling", channel_splits=2)),
        (replace(FUSED, tile_rows=4, overlap="cache-rows", mapping="frugal"), POOL, OTHER),
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
        ((replace(FUSED, tile_rows=5), POOL, OTHER), "group a+b has no tile grid 5 x 1"),
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
        ((replace(A, input_splits=4), B, POOL, OTHER), "layer a cannot be cut into 4 chunks of input channels"),
        ((FUSED, replace(POOL, input_splits=2), OTHER), "layer pool cannot be cut into 2 chunks of input channels"),
        (
            (replace(FUSED, input_splits=2), POOL, OTHER),
            "group a+b of several layers must be fused, with one chunk of channels",
        ),
        # Without chunks of input channels, orders in which they stream or sums travel are none of their own.
        *(
            ((replace(A, order=order), B, POOL, OTHER), f"layer a alone cannot run {order}")
            for order in ORDERS_ALONE[2:]
        ),
        (
            (replace(A, order="input-stationary", input_splits=2), B, POOL, OTHER),
            "layer a alone cannot run input-stationary with 2 chunks of input channels",
        ),
        *(
            (
                (replace(A, order=order, input_splits=splits, resident=frozenset()), B, POOL, OTHER),
                "layer a alone keeps its weights exactly when it is weight-stationary",
            )
            for order, splits in (
                ("weight-stationary", 1),
                ("weight-stationary", 2),
                ("weight-stationary-spilling", 2),
                ("weight-input-stationary-spilling", 2),
            )
        ),
        *(
            (
                (replace(A, order=order, input_splits=2), B, POOL, OTHER),
                "layer a alone keeps its weights exactly when it is weight-stationary",
            )
            for order in ("output-stationary", "input-stationary-spilling")
        ),
        *(
            (
                (FUSED, POOL, replace(STREAMS, order=order, resident=resident, tile_rows=2, overlap="cache-rows")),
                "layer other cannot keep halos of inputs that stream through",
            )
            for order, resident in (
                ("weight-stationary", frozenset({"other"})),
                ("output-stationary", frozenset[str]()),
                ("input-stationary-spilling", frozenset[str]()),
            )
        ),
    ],
)
def test_illegal_designs_are_refused(groups: tuple[GroupDesign, ...], sentence: str) -> None:
    with pytest.raises(DesignError) as error:
        check_design(STUDY, Design(HARDWARE, groups))
    assert str(error.value) == sentence


def _step() -> Network:
    """Some layers of a training step, in any order that their needs allow."""
    layers = (
        _conv("a", "x"),
        replace(_conv("sums", "a"), op="moments"),
        replace(_conv("n", "a"), op="norm", waits_for=("sums",)),
        replace(_conv("w", "n"), op="wgrad", operands=(("x",), ("n",))),
        replace(_conv("up", "n"), op="update", operands=(), waits_for=("w", "sums")),
        _conv("b", "reshaped"),
    )
    view = View("n", 0, TensorShape(4, 8, 8), reshaped=True)
    return Network("step", (("x", SHAPE),), layers, (), views=(("reshaped", view),))


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ("a sums n", "group a+sums+n must not hold both sums and n: one is complete before the other begins"),
        ("n b", "group n+b must not hold both n and b: one is complete before the other begins"),
        ("n up", "group n+up runs up without w"),
        ("sums w up", "group sums+w+up must not hold both sums and up: one is complete before the other begins"),
        ("w up", "group w+up runs before a layer that it needs"),
        ("up", "group up runs before a layer that it needs"),
    ],
)
def test_what_must_be_complete_before_it_is_used_is_refused_in_one_group(names: str, sentence: str) -> None:
    study = replace(STUDY, network=_step(), fusion=Fusion(6))
    with pytest.raises(DesignError) as error:
        check_design(study, Design(HARDWARE, (GroupDesign(tuple(names.split())),)))
    assert str(error.value) == sentence


def _tall(name: str, reads: str) -> Layer:
    """A kernel of three rows and one column."""
    return Layer(name, "conv", ((reads,),), 1, 4, 4, 8, 8, 8, 8, 3, 1, pad=(1, 0, 1, 0))


@pytest.mark.parametrize(
    ("layers", "rows", "cols", "overlap", "is_legal"),
    [
        # Steps of 2 rows of c. At once, the first takes 3 rows of b, 4 of a and 5 of x; stepwise, every step of 2 new
        # rows holds the 2 before them besides: 4 of each.
        pytest.param("abc", 4, 1, "cache-rows", True, id="three deep"),
        # Of a and b alone, the first takes 3 rows of a and 4 of x: also at once no more than 4.
        pytest.param("ab", 4, 1, "cache-rows", False, id="two deep"),
        # No column needs another one's neighbour: 4 of each in a step of 4, however it starts.
        pytest.param("abc", 4, 2, "cache-rows", True, id="columns side by side"),
        pytest.param("abc", 4, 2, "cache-all", False, id="kept columns hold no less"),
        pytest.param("abc", 1, 2, "cache-all", False, id="columns alone"),
        # Nothing is kept.
        pytest.param("abc", 4, 1, "recompute", False, id="recompute"),
        pytest.param("abc", 1, 2, "cache-rows", False, id="one row of tiles"),
        pytest.param("abc", 1, 1, "cache-all", False, id="one tile"),
    ],
)
def test_a_stepwise_start_exists_where_it_holds_less(
    layers: str, rows: int, cols: int, overlap: Overlap, is_legal: bool
) -> None:
    chain = (_tall("a", "x"), _tall("b", "a"), _tall("c", "b"))
    study = replace(STUDY, network=Network("tall", (("x", SHAPE),), chain, ("c",)), fusion=Fusion(3))
    group = GroupDesign(tuple(layers), rows, cols, overlap, start="stepwise")
    rest = () if layers == "abc" else (GroupDesign(("c",), resident=frozenset("c"), order="weight-stationary"),)
    for start in ("at-once", "stepwise"):
        design = Design(HARDWARE, (replace(group, start=start), *rest))
        if start == "at-once" or is_legal:
            check_design(study, design)
            continue
        with pytest.raises(DesignError) as error:
            check_design(study, design)
        named = "+".join(layers)
        assert str(error.value) == f"group {named} holds no less when its first tile is made stepwise"


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
