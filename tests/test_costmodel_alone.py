"""The loop orders of a layer alone, each by hand on one tiny layer; see costmodel/plain_alone.py for the loops."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from costmodel import Design, GroupCost, GroupDesign, evaluate
from costmodel.design import ORDERS_ALONE, Order
from costmodel.hardware import hardware_points
from random_networks import TECHNOLOGY
from specs.network import Layer, Network, TensorShape
from specs.study import Dram, SeparateBuffers, Study, Tiling
from specs.templates import accelerator

LAYER = Layer("a", "conv", (("x",),), 1, 4, 4, 4, 4, 4, 4, 3, 3, pad=(1, 1, 1, 1), bias=True)
"""4 channels in and out on 4 x 4 maps; 4 * 4 * 9 weights and 4 biases: 148 words of a byte."""


def _study(layer: Layer = LAYER, double_buffer: bool = False, template: str = "vwa", batch: int = 1) -> Study:
    """A DRAM of a byte every four cycles; sums have 4 bytes, everything else 1."""
    numbers = {"blocks": 1, "rows": 4} if template == "vwa" else {}
    return Study(
        name="alone",
        network=Network("alone", (("x", TensorShape(4, 4, 4)),), (layer,), ("a",)),
        accelerators=(accelerator(template, clock_hz=400_000_000, double_buffer=double_buffer, **numbers),),
        buffers=SeparateBuffers((4096,), (4096,)),
        technology=TECHNOLOGY,
        dram=(Dram("slow", 560_000, 100_000_000),),
        tiling=Tiling(None, None, None, None),
        batch=batch,
    )


def _group(order: Order, Nc: int = 1, resident: bool | None = None, **options: object) -> GroupDesign:
    """Two row tiles, two chunks of output channels."""
    stays = "weight" in order if resident is None else resident
    made = GroupDesign(("a",), 2, 1, "recompute", frozenset("a" if stays else ()), order, 2, input_splits=Nc)
    return replace(made, **options)  # type: ignore[arg-type]


def _cost(study: Study, group: GroupDesign) -> GroupCost:
    return evaluate(study, Design(next(iter(hardware_points(study))), (group,))).groups[0]


@dataclass(frozen=True)
class Expected:
    """What one order costs; peaks and time without and with double buffers."""

    order: Order
    Nc: int
    resident: bool
    inputs: int
    weights: int
    sums: int
    feature_peaks: tuple[int, int]
    weight_peaks: tuple[int, int]
    double_buffered_cycles: int

    def __str__(self) -> str:
        return f"{self.order} {self.Nc}" + (" resident" if self.order == "input-stationary" and self.resident else "")


# Tiles t of 2 x 4 outputs take 3 x 4 inputs of each channel (a halo row, and one of padding): 12 bytes; of 2 tiles 24.
# Chunks k of 2 outputs: 16 bytes of results or 64 of sums in a tile. Chunks c of 4 inputs (Nc = 1) or of 2 (Nc = 2).
# Weights of (k, c): 2 * 36 and 2 biases = 74 where Nc = 1; 36 where Nc = 2, and 2 biases with the first c.
# The array has one block: of weights that stream it works on one filter at a time: 4 * 9 + 1 or 2 * 9 + 1 words.
# It takes 2 filters x 4 channels x 3 kernel columns = 24 cycles for each of 4 columns of a strip: 96 for (t, k), or
# half of it for (t, k, c): 384 in all. With double buffers a visit takes what DRAM takes (4 cycles a byte), because
# that is always more; the first load (unless inputs stream) and the last store stand alone.
EXPECTED = [
    # k, t: every k reads all inputs, 48 bytes a tile. Held: those and 16 bytes of results; room for as much again.
    # A sweep: 48 first, 74 + 16 while tile 0 is made, 48 with tile 1, 16 last.
    Expected("weight-stationary", 1, True, 2 * 96, 148, 0, (64, 128), (74, 74), 2 * 4 * (48 + 90 + 48 + 16)),
    # t, k: inputs once, weights for each tile. 48, then 148 + 32, then 148 + 48, then 32.
    Expected("input-stationary", 1, False, 96, 2 * 148, 0, (64, 128), (37, 74), 4 * (48 + 180 + 196 + 32)),
    # The same with all weights on chip: they come with tile 0 only. The array takes 192 with tile 1, as do 48 bytes.
    Expected("input-stationary", 1, True, 96, 148, 0, (64, 128), (148, 148), 4 * (48 + 180 + 48 + 32)),
    # k, t, c: held are 2 channels of inputs (24; twice with double buffers) and 64 bytes of sums; room for 16 of
    # results. Nothing comes ahead: 48 + 74 + 16, then 48, then 16.
    Expected("weight-stationary", 2, True, 2 * 96, 148, 0, (88, 128), (74, 74), 2 * 4 * (138 + 48 + 16)),
    # t, k, c: weights for each tile. 96 + 148 + 32, then 96 + 148, then 32.
    Expected("output-stationary", 2, False, 2 * 96, 2 * 148, 0, (88, 128), (19, 38), 4 * (276 + 244 + 32)),
    # k, c, t: sums leave after the first c and come back for the second: 4 * 16 outputs of 4 bytes. Held 24 + 64; room
    # for 64 of sums that leave, 64 that arrive and 24 of inputs. Weights of one (k, c): 38.
    # First c: 24; 38 + 64; 24; 64. Second c: 24 + 64; 36 + 16; 24 + 64; 16.
    Expected(
        "weight-stationary-spilling", 2, True, 2 * 96, 148, 256, (88, 88 + 64 + 64 + 24), (38, 38),
        2 * 4 * (24 + 102 + 24 + 64 + 88 + 52 + 88 + 16),
    ),
    # c, t, k: inputs once; the weights of a c for all k: 76. First c: 24; 76 + 128; 24; 128. Second: 24 + 128; 72 + 32;
    # 24 + 128; 32.
    Expected(
        "weight-input-stationary-spilling", 2, True, 96, 148, 256, (88, 88 + 64 + 64 + 24), (76, 76),
        4 * (24 + 204 + 24 + 128 + 152 + 104 + 152 + 32),
    ),
    # t, c, k: inputs once, weights for each tile. Inputs stream: held twice 24 with double buffers, none ahead.
    # 48 + 128 in, 32 + 128 out, 148 of weights; then the same without what leaves; then that.
    Expected(
        "input-stationary-spilling", 2, False, 96, 2 * 148, 256, (88, 48 + 64 + 64 + 64), (19, 38),
        4 * ((176 + 160 + 148) + (176 + 148) + 160),
    ),
]  # fmt: skip


def test_every_order_is_there() -> None:
    assert {expected.order for expected in EXPECTED} == set(ORDERS_ALONE)


@pytest.mark.parametrize("expected", EXPECTED, ids=str)
@pytest.mark.parametrize("double_buffer", [False, True], ids=["single", "double"])
def test_an_order_by_hand(expected: Expected, double_buffer: bool) -> None:
    cost = _cost(_study(double_buffer=double_buffer), _group(expected.order, expected.Nc, expected.resident))
    loads, stores = expected.inputs + expected.sums, 64 + expected.sums
    assert cost.macs == LAYER.macs
    assert (cost.dram_read_bytes, cost.dram_write_bytes) == (loads + expected.weights, stores)
    assert cost.weight_write_bytes == expected.weights
    assert cost.feature_peak_bytes == expected.feature_peaks[double_buffer]
    assert cost.weight_peak_bytes == expected.weight_peaks[double_buffer]
    assert cost.compute_cycles == 384
    one_after_the_other = 384 + 4 * (loads + stores + expected.weights)
    assert cost.cycles == (expected.double_buffered_cycles if double_buffer else one_after_the_other)
    # The array reads 24 words for each of 8 outputs of (t, k), or 12 for (t, k, c), and writes its 16 results; beside
    # that what comes from DRAM is written and what goes there is read. With Nc = 2 the first c writes 64 bytes of sums
    # instead of 16 of results, and the second reads them.
    between = 64 if expected.Nc == 2 else 0
    assert cost.feature_read_bytes == 4 * (24 * 8 + between) + stores
    assert cost.feature_write_bytes == 4 * (16 + between) + loads


@pytest.mark.parametrize(
    ("order", "held"),
    [
        # Two groups of 2 channels; a chunk k is a group. Of its inputs c is 1 channel, 12 bytes a tile; sums have 64.
        ("weight-stationary", 12 + 64),
        ("output-stationary", 12 + 64),
        ("weight-stationary-spilling", 12 + 64),
        # Inputs that wait for all k are those of both groups.
        ("weight-input-stationary-spilling", 24 + 64),
        ("input-stationary-spilling", 24 + 64),
    ],
)
def test_groups_by_hand(order: Order, held: int) -> None:
    study = _study(replace(LAYER, G=2, bias=False))
    cost = _cost(study, _group(order, 2))
    weights = 4 * 2 * 9
    per_visit = 1 if "weight" in order else 2
    sums = 256 if "spilling" in order else 0
    # Every group's inputs are read for its own outputs only: once, whatever the order.
    assert cost.dram_read_bytes == 96 + per_visit * weights + sums
    assert cost.dram_write_bytes == 64 + sums
    assert cost.feature_peak_bytes == held
    # With one chunk of outputs the inputs of both groups come together, and 4 * 8 sums stay.
    together = _cost(study, _group(order, 2, channel_splits=1))
    assert together.dram_read_bytes == cost.dram_read_bytes
    assert together.feature_peak_bytes == 24 + 128


@pytest.mark.parametrize(
    ("order", "Nc", "inputs", "held"),
    [
        # 4 rows of x are loaded once per k or once in all: 3 + 1. Rows 1 and 2 stay for tile 1: 3 rows are held.
        ("weight-stationary", 1, 2 * 64, 48 + 16),
        ("input-stationary", 1, 64, 48 + 16),
        ("weight-stationary-spilling", 2, 2 * 64, 24 + 64),
        ("weight-input-stationary-spilling", 2, 64, 24 + 64),
    ],
)
def test_kept_halos_by_hand(order: Order, Nc: int, inputs: int, held: int) -> None:
    cost = _cost(_study(), _group(order, Nc, overlap="cache-rows"))
    weights = 148 if "weight" in order else 2 * 148
    sums = 256 if "spilling" in order else 0
    assert cost.dram_read_bytes == inputs + weights + sums
    assert cost.feature_peak_bytes == held


@pytest.mark.parametrize("order", ["weight-stationary", "input-stationary"])
def test_an_array_that_accumulates_in_the_buffer_takes_room_for_sums(order: Order) -> None:
    cost = _cost(_study(template="eyeriss"), _group(order))
    assert cost.feature_peak_bytes == 48 + 64


def test_the_last_chunks_may_be_smaller() -> None:
    """5 inputs in chunks of 3 and 2, 5 outputs in chunks of 2, 2 and 1."""
    layer = replace(LAYER, K=5, C=5)
    study = replace(_study(), network=Network("five", (("x", TensorShape(5, 4, 4)),), (layer,), ("a",)))
    wiss = _cost(study, _group("weight-input-stationary-spilling", 2, channel_splits=3))
    assert wiss.macs == layer.macs
    assert wiss.dram_read_bytes == 5 * 24 + (5 * 5 * 9 + 5) + 5 * 16 * 4
    assert wiss.dram_write_bytes == 5 * 16 + 5 * 16 * 4
    assert wiss.feature_peak_bytes == 3 * 12 + 2 * 8 * 4
    assert wiss.weight_peak_bytes == 5 * (3 * 9 + 1)
    stationary = _cost(study, _group("output-stationary", 2, channel_splits=3))
    assert stationary.dram_read_bytes == 3 * 5 * 24 + 2 * (5 * 5 * 9 + 5)


def test_images_share_weights() -> None:
    """3 images, 2 at a time: inputs and sums of two are held, weights come for each of 2 x 2 visits."""
    cost = _cost(_study(batch=3), _group("output-stationary", 2, images=2))
    assert cost.dram_read_bytes == 3 * 192 + 4 * 148
    assert cost.dram_write_bytes == 3 * 64
    assert cost.feature_peak_bytes == 2 * 88


# One tile of 16 outputs: 32 bytes of a chunk of inputs, 128 of sums of a chunk of outputs. A sweep has one visit, so no
# input is loaded ahead of it; where k lies inside the visit, a part of the results leaves while the next is made.
@pytest.mark.parametrize(
    ("order", "peak"),
    [
        ("weight-stationary", 2 * 32 + 128),
        ("output-stationary", 2 * 32 + 128 + 32),
        ("weight-stationary-spilling", 32 + 128),
        ("weight-input-stationary-spilling", 32 + 128 + 2 * 128),
        ("input-stationary-spilling", 2 * 32 + 128 + 2 * 128),
    ],
)
def test_with_one_tile_nothing_is_loaded_ahead(order: Order, peak: int) -> None:
    cost = _cost(_study(double_buffer=True), _group(order, 2, tile_rows=1))
    assert cost.feature_peak_bytes == peak
