"""What tiles of fusion groups load, compute, store and keep, by hand and as properties of random designs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from costmodel import Design, GroupCost, GroupDesign, Hardware, evaluate
from costmodel.design import Start
from costmodel.evaluate import group_cost
from costmodel.groups import group_lattice, layer_indices
from costmodel.hardware import hardware_points, prices
from costmodel.legal import group_tile_counts
from costmodel.table import build_table, price_rows
from random_networks import TECHNOLOGY, random_study
from specs.network import Layer, Network, TensorShape
from specs.study import OVERLAPS, Dram, Overlap, SeparateBuffers, Study, Tiling
from specs.templates import accelerator

LARGE = SeparateBuffers((4 << 20,), (1 << 20,))


def _conv(name: str, reads: str, K: int, C: int, size: int, R: int = 3) -> Layer:
    return Layer(name, "conv", ((reads,),), 1, K, C, size, size, size, size, R, R, pad=((R - 1) // 2,) * 4)


def _study(
    *layers: Layer, outputs: tuple[str, ...], double_buffer: bool = False, feature_bytes: int = 4096, size: int = 8
) -> Study:
    """Layers over an input x of two channels; one VWA of one block, a DRAM of a byte every four cycles."""
    return Study(
        name="by hand",
        network=Network("by hand", (("x", TensorShape(2, size, size)),), layers, outputs),
        accelerators=(accelerator("vwa", blocks=1, rows=4, clock_hz=400_000_000, double_buffer=double_buffer),),
        buffers=SeparateBuffers((feature_bytes,), (4096,)),
        technology=TECHNOLOGY,
        dram=(Dram("slow", 560_000, 100_000_000),),
        tiling=Tiling(None, None, (1,)),
    )


def _cost(study: Study, *groups: GroupDesign) -> tuple[GroupCost, ...]:
    (hardware,) = hardware_points(study)
    return evaluate(study, Design(hardware, groups)).groups


def _two_convs(double_buffer: bool = False, **options: int) -> Study:
    """x (2 channels) -> a (3 channels) -> b (4 channels), all 8 x 8."""
    return _study(
        _conv("a", "x", 3, 2, 8), _conv("b", "a", 4, 3, 8), outputs=("b",), double_buffer=double_buffer, **options
    )


@pytest.mark.parametrize(
    ("overlap", "input_elements", "a_elements", "peak"),
    [
        # 2 x 2 tiles of 4 x 4 outputs. Along an axis the tiles need rows [0,5) and [3,8) of a, [0,6) and [2,8) of x.
        # Alive: 2 channels of 6x6 inputs and 3 of 5x5 a, then a and 4 of 4x4 b: the first is more, 72 + 75 bytes.
        pytest.param("recompute", 12 * 12, 10 * 10, 72 + 75, id="recompute"),
        # Rows are new once: 6 + 2 of x and 5 + 3 of a. Of the first tile row's, 2 rows of x and 2 of a stay for the
        # second, over the full width of 8: 32 + 48 bytes there all the time, in the second tile row as well. What is
        # used in one tile alone, at most (first tile row): 4 x 6 of x, 3 x 5 of a, 4 x 4 of b; a and b together.
        pytest.param("cache-rows", 8 * 12, 8 * 10, 32 + 48 + (45 + 64), id="cache-rows"),
        # Columns too. Beside the lines (32 + 48), the 4 and 3 rows that do not stay keep 2 columns for the tile on the
        # right: 2 * 4 * 2 and 3 * 3 * 2. In passing 4 x 4 of x, 3 x 3 of a, 4 x 4 of b: a and b together.
        pytest.param("cache-all", 8 * 8, 8 * 8, 32 + 48 + 16 + 18 + (27 + 64), id="cache-all"),
    ],
)
@pytest.mark.parametrize("double_buffer", [False, True])
def test_two_fused_convolutions_by_hand(
    overlap: Overlap, input_elements: int, a_elements: int, peak: int, double_buffer: bool
) -> None:
    study = _two_convs(double_buffer)
    (cost,) = _cost(study, GroupDesign(("a", "b"), 2, 2, overlap, frozenset({"a", "b"})))
    weights = 3 * 2 * 9 + 4 * 3 * 9
    assert cost.dram_read_bytes == 2 * input_elements + weights
    assert cost.dram_write_bytes == 4 * 8 * 8
    assert cost.macs == a_elements * 3 * 2 * 9 + 8 * 8 * 4 * 3 * 9
    # With double buffers the next tile's 6x6 inputs and the last one's 4x4 outputs have room of their own.
    assert cost.feature_peak_bytes == peak + (72 + 64 if double_buffer else 0)
    assert cost.weight_peak_bytes == cost.weight_write_bytes == weights


def test_weights_that_stream_are_read_for_every_tile() -> None:
    (cost,) = _cost(_two_convs(), GroupDesign(("a", "b"), 2, 2, "cache-all", frozenset({"b"})))
    assert cost.dram_read_bytes == 2 * 8 * 8 + 4 * 3 * 9 + 4 * (3 * 2 * 9)
    assert cost.weight_peak_bytes == 4 * 3 * 9 + 2 * 9  # b stays; of a one filter at a time


@pytest.mark.parametrize(
    ("double_buffer", "cycles"),
    [
        # 2 x 1 tiles: each loads 96 bytes, stores 128 and computes a (18 cycles x 2 strips x 8 columns) and b
        # (36 x 1 x 8): 576 cycles. 162 bytes of weights come with the first; a byte takes 4 cycles.
        pytest.param(False, 4 * (162 + 96 + 128) + 576 + 4 * (96 + 128) + 576, id="one after the other"),
        # First load; 576 < 4 * (weights and first store); 576 > 4 * 96; last store.
        pytest.param(True, 4 * 96 + 4 * (162 + 128) + 576 + 4 * 128, id="double-buffered"),
    ],
)
def test_time_of_two_fused_convolutions_by_hand(double_buffer: bool, cycles: int) -> None:
    (cost,) = _cost(_two_convs(double_buffer), GroupDesign(("a", "b"), 2, 1, "recompute", frozenset({"a", "b"})))
    assert (cost.cycles, cost.compute_cycles) == (cycles, 2 * 576)


def _without_padding(double_buffer: bool) -> Study:
    """x (2 channels, 8 x 8) -> a (3 channels, 6 x 6) -> b (4 channels, 4 x 4)."""
    a = Layer("a", "conv", (("x",),), 1, 3, 2, 8, 8, 6, 6, 3, 3)
    b = Layer("b", "conv", (("a",),), 1, 4, 3, 6, 6, 4, 4, 3, 3)
    return _study(a, b, outputs=("b",), double_buffer=double_buffer)


ROW_BY_ROW = GroupDesign(("a", "b"), 4, 1, "cache-rows", frozenset({"a", "b"}))


@pytest.mark.parametrize(
    ("start", "double_buffer", "peak"),
    [
        # The first step takes 5 rows of x and 3 of a. Of both, 2 rows stay: 2 * 2 * 8 + 3 * 2 * 6 = 68 bytes. While a
        # runs, 3 more rows of x and 1 of a: 48 + 18. Later steps hold 3 rows of x, 3 of a and 1 of b: 48 + 54 + 16.
        pytest.param("at-once", False, 68 + 48 + 18, id="at once"),
        pytest.param("stepwise", False, 48 + 54 + 16, id="stepwise"),
        # With double buffers room for the largest load, 5 rows of x or 1, and for the largest store, a row of b.
        pytest.param("at-once", True, 68 + 48 + 18 + 80 + 16, id="at once, double-buffered"),
        pytest.param("stepwise", True, 48 + 54 + 16 + 16 + 16, id="stepwise, double-buffered"),
    ],
)
def test_a_stepwise_start_holds_less_by_hand(start: Start, double_buffer: bool, peak: int) -> None:
    study = _without_padding(double_buffer)
    (cost,) = _cost(study, replace(ROW_BY_ROW, start=start))
    assert cost.feature_peak_bytes == peak
    # Everything still comes, is made and leaves once.
    assert cost.macs == study.network.macs
    assert cost.dram_read_bytes == 2 * 8 * 8 + 3 * 2 * 9 + 4 * 3 * 9
    assert cost.dram_write_bytes == 4 * 4 * 4


@pytest.mark.parametrize(
    ("start", "double_buffer", "cycles"),
    [
        # a takes 3 filters x 2 channels x 3 kernel columns = 18 cycles for each of 6 columns of a 4-row strip:
        # 108. b: 4 x 3 x 3 = 36 for each of 4: 144. At once, 4 steps have a strip of each. 4 cycles a byte.
        pytest.param("at-once", False, 4 * (128 + 162 + 64) + 4 * (108 + 144), id="at once"),
        # Stepwise, x comes in 8 steps, a is made in the last 6 of them, b in the last 4.
        pytest.param("stepwise", False, 4 * (128 + 162 + 64) + 6 * 108 + 4 * 144, id="stepwise"),
        # First load; weights; a row of x (twice x takes longer than nothing, then a takes longer than x); then both
        # layers take longer than a load and a store (4 * 32); the last store.
        pytest.param(
            "stepwise", True, 4 * 16 + 4 * 162 + 4 * 16 + 2 * 108 + 4 * (108 + 144) + 4 * 16, id="double-buffered"
        ),
    ],
)
def test_time_of_a_stepwise_start_by_hand(start: Start, double_buffer: bool, cycles: int) -> None:
    (cost,) = _cost(_without_padding(double_buffer), replace(ROW_BY_ROW, start=start))
    assert cost.cycles == cycles


def test_weights_that_stream_come_in_every_step_of_a_stepwise_start() -> None:
    streaming = replace(ROW_BY_ROW, resident=frozenset())
    (at_once,) = _cost(_without_padding(False), streaming)
    (stepwise,) = _cost(_without_padding(False), replace(streaming, start="stepwise"))
    assert at_once.weight_write_bytes == 4 * 162
    assert stepwise.weight_write_bytes == 8 * 162  # also where a layer makes nothing


def test_partial_sums_in_the_buffer_take_their_width_while_a_layer_runs() -> None:
    """The same fused layers on an Eyeriss, whose outputs grow in the feature buffer as sums of 4 bytes."""
    study = replace(_two_convs(), accelerators=(accelerator("eyeriss", double_buffer=False),))
    group = GroupDesign(("a", "b"), 2, 2, "cache-rows", frozenset({"a", "b"}))
    # Lines 32 + 48. While a runs, 48 of x and 45 of a, and 3 more bytes for each of its 3 x 25 new elements, also those
    # that stay. While b runs, 45 of a and 64 of b, and 3 more for each of b: that is less.
    (cost,) = _cost(study, group)
    assert cost.feature_peak_bytes == 80 + 48 + 45 + 3 * 75
    assert cost.feature_peak_bytes > 80 + 45 + 64 + 3 * 64
    (at_once,) = _cost(study, replace(group, tile_rows=1, tile_cols=1))
    # x 128, a 192 and 3 * 192; then a 192, b 256 and 3 * 256: the latter.
    assert at_once.feature_peak_bytes == 192 + 4 * 256


def test_a_residual_reads_its_input_once() -> None:
    """x -> a, s = a + x, in 2 row tiles: each needs 5 rows of x for a's halo, and 4 of them again for the sum."""
    add = Layer("s", "add", (("a",), ("x",)), 2, 2, 2, 8, 8, 8, 8)
    study = _study(_conv("a", "x", 2, 2, 8), add, outputs=("s",))
    (cost,) = _cost(study, GroupDesign(("a", "s"), 2, 1, "recompute", frozenset({"a"})))
    assert cost.dram_read_bytes == 2 * 10 * 8 + 2 * 2 * 9
    assert cost.dram_write_bytes == 2 * 8 * 8
    assert cost.macs == study.network.macs  # a is not needed beyond a tile: nothing is computed twice
    assert cost.feature_peak_bytes == 2 * 5 * 8 + 2 * 4 * 8 + 2 * 4 * 8  # x waits for the sum, beside a and s
    (kept,) = _cost(study, GroupDesign(("a", "s"), 2, 1, "cache-rows", frozenset({"a"})))
    assert kept.dram_read_bytes == 2 * 8 * 8 + 2 * 2 * 9


def test_a_tensor_read_by_two_layers_of_a_group_is_loaded_once() -> None:
    study = _study(_conv("a", "x", 3, 2, 8), _conv("b", "x", 4, 2, 8, R=1), outputs=("a", "b"))
    group = GroupDesign(("a", "b"), 2, 1, "recompute", frozenset({"a", "b"}))
    (together,) = _cost(study, group)
    weights = 3 * 2 * 9 + 4 * 2
    assert together.dram_read_bytes == 2 * 10 * 8 + weights
    alone = _cost(
        study, *(replace(group, layers=(n,), resident=frozenset({n}), order="weight-stationary") for n in "ab")
    )
    assert sum(cost.dram_read_bytes for cost in alone) == 2 * 10 * 8 + 2 * 8 * 8 + weights


def test_the_last_tile_may_be_smaller() -> None:
    """10 rows in 4 tiles of 3, 3, 3 and 1: with halos 4 + 5 + 5 + 2 rows of x, clipped at both borders."""
    study = _study(_conv("a", "x", 3, 2, 10), outputs=("a",), size=10)
    group = GroupDesign(("a",), 4, 1, "recompute", frozenset({"a"}), "weight-stationary")
    (cost,) = _cost(study, group)
    assert cost.dram_read_bytes == 2 * 16 * 10 + 54
    assert cost.dram_write_bytes == 3 * 10 * 10
    assert cost.macs == study.network.macs
    assert cost.feature_peak_bytes == 2 * 5 * 10 + 3 * 3 * 10
    (kept,) = _cost(study, replace(group, overlap="cache-rows"))
    assert kept.dram_read_bytes == 2 * 10 * 10 + 54
    # Rows of x come as 4 + 3 + 3 + 0; of each part the last 2 stay for the next: 4, 5, 5 and 2 are held.
    assert kept.feature_peak_bytes == 2 * 5 * 10 + 3 * 3 * 10


def test_an_output_smaller_than_the_others_has_empty_tiles() -> None:
    """b has 4 rows to a's 8: in 8 tiles of a row of a, tiles 4 to 7 make none of b."""
    b = Layer("b", "maxpool", (("x",),), 2, 2, 2, 8, 8, 4, 4, 2, 2, (2, 2))
    study = _study(_conv("a", "x", 3, 2, 8, R=1), b, outputs=("a", "b"))
    (cost,) = _cost(study, GroupDesign(("a", "b"), 8, 1, "recompute", frozenset({"a"})))
    assert cost.dram_write_bytes == 3 * 8 * 8 + 2 * 4 * 4
    # Tile t < 4 needs row t for a, rows 2t and 2t+1 for b: 2t + 2 - t rows; the others one.
    assert cost.dram_read_bytes == 2 * 8 * (2 + 3 + 4 + 5 + 4) + 6


@pytest.mark.parametrize(("R", "pad"), [(3, 1), (5, 2), (7, 3), (7, 6)])
def test_padding_is_never_read(R: int, pad: int) -> None:
    out = 8 + 2 * pad - R + 1
    layer = Layer("a", "conv", (("x",),), 1, 1, 2, 8, 8, out, out, R, R, pad=(pad,) * 4)
    group = GroupDesign(("a",), 1, 1, "recompute", frozenset({"a"}), "weight-stationary")
    (cost,) = _cost(_study(layer, outputs=("a",)), group)
    assert cost.dram_read_bytes == 2 * 8 * 8 + 2 * R * R


def test_rows_under_no_window_are_not_read() -> None:
    layer = Layer("a", "conv", (("x",),), 1, 1, 2, 8, 8, 4, 4, 1, 1, (2, 2))
    group = GroupDesign(("a",), 1, 1, "recompute", frozenset({"a"}), "weight-stationary")
    (whole,) = _cost(_study(layer, outputs=("a",)), group)
    assert whole.dram_read_bytes == 2 * 7 * 7 + 2  # up to the last window
    (cut,) = _cost(_study(layer, outputs=("a",)), replace(group, tile_rows=4, tile_cols=4))
    assert cut.dram_read_bytes == 2 * 4 * 4 + 2


@pytest.mark.parametrize("kernels", [(3, 3), (1, 5, 3), (5, 1, 1), (3, 3, 3, 3)])
@pytest.mark.parametrize("grid", [(2, 1), (3, 2), (4, 4), (12, 12)])
def test_only_recomputing_grows_the_macs(kernels: tuple[int, ...], grid: tuple[int, int]) -> None:
    names = ["x", "a", "b", "c", "d"][: len(kernels) + 1]
    convs = [_conv(to, at, 2, 2, 12, R) for (at, to), R in zip(pairwise(names), kernels, strict=True)]
    study = _study(*convs, outputs=(names[-1],), feature_bytes=1 << 20, size=12)
    macs = {
        mode: _cost(study, GroupDesign(tuple(names[1:]), *grid, mode, frozenset(names[1:])))[0].macs
        for mode in OVERLAPS
    }
    assert macs["cache-all"] == study.network.macs
    has_halo = any(R > 1 for R in kernels[1:])
    assert (macs["recompute"] > macs["cache-all"]) == has_halo
    assert (macs["cache-rows"] > macs["cache-all"]) == (has_halo and grid[1] > 1)


def _random_group(rng: random.Random) -> tuple[Study, Hardware, GroupDesign]:
    """A legal group of a random network on a random grid, on hardware where nearly everything fits."""
    study = random_study(rng, rich=True)
    study = replace(study, buffers=LARGE, fusion=replace(study.fusion, max_layers=4, overlap=OVERLAPS))
    layers = rng.choice(group_lattice(study.network, 4).groups)
    names = tuple(study.network.layers[i].name for i in layer_indices(layers))
    row_counts, col_counts = group_tile_counts(study, names)
    weighted = frozenset(name for name in names if study.network.layer(name).has_weights)
    order = "weight-stationary" if len(names) == 1 else "fused"
    group = GroupDesign(names, rng.choice(row_counts), rng.choice(col_counts), "recompute", weighted, order)
    return study, rng.choice(list(hardware_points(study))), group


@pytest.mark.parametrize("seed", range(200))
def test_what_is_kept_is_neither_loaded_nor_computed_again(seed: int) -> None:
    study, hardware, group = _random_group(random.Random(seed))
    price = prices(study, hardware)
    recompute, rows, both = (group_cost(study, hardware, price, replace(group, overlap=mode)) for mode in OVERLAPS)
    # Smaller first steps load and compute no more; they may leave out more rows between the windows of strided kernels.
    stepwise = group_cost(study, hardware, price, replace(group, overlap="cache-all", start="stepwise"))
    assert stepwise.macs <= both.macs
    assert stepwise.dram_read_bytes <= both.dram_read_bytes
    assert stepwise.dram_write_bytes == both.dram_write_bytes
    assert recompute.macs >= rows.macs >= both.macs
    assert recompute.dram_read_bytes >= rows.dram_read_bytes >= both.dram_read_bytes
    assert recompute.dram_write_bytes == rows.dram_write_bytes == both.dram_write_bytes
    # Everything from outside is read at most once, every layer computed at most once, every output stored once.
    network, act = study.network, study.precision.activation_bytes
    layers = [network.layer(name) for name in group.layers]
    outside = {name for layer in layers for name in layer.input_tensors} - set(group.layers)
    weights = sum(layer.weight_words for layer in layers) * study.precision.weight_bytes
    assert both.dram_read_bytes - weights <= study.batch * act * sum(network.tensors[n].elements for n in outside)
    assert both.macs <= study.batch * sum(layer.macs for layer in layers)
    stored = [
        n for n in group.layers if n in network.outputs or any(r not in group.layers for r in network.consumers[n])
    ]
    assert both.dram_write_bytes == study.batch * act * sum(network.tensors[n].elements for n in stored)


def _sampled_designs(study: Study, rng: random.Random, samples: int) -> Iterator[tuple[Hardware, GroupDesign]]:
    """Rows of the study's table at points where they fit."""
    table = build_table(study)
    group_of = {int(c): g for g, c in enumerate(table.group_class)}
    for number, family in enumerate(table.families):
        row_class = np.repeat(family.classes, np.diff(np.append(family.starts, len(family.rows))))
        for array, points in enumerate(family.points):
            fits = np.argwhere(price_rows(table, family, array, points).fits)
            for row, column in rng.sample(fits.tolist(), min(samples, len(fits))):
                yield table.points[points[column]], table.group_design(number, row, group_of[int(row_class[row])])


@pytest.mark.parametrize("seed", range(25))
def test_no_design_is_faster_than_its_dram_or_its_array(seed: int) -> None:
    rng = random.Random(seed)
    study = random_study(rng, rich=seed % 2 == 0)
    for hardware, group in _sampled_designs(study, rng, samples=30):
        cost = group_cost(study, hardware, prices(study, hardware), group)
        assert cost.cycles * hardware.dram.bytes_per_s >= cost.dram_bytes * hardware.clock_hz, (group, hardware)
        assert cost.cycles >= cost.compute_cycles
        assert cost.compute_cycles * hardware.array.pes >= cost.macs
        assert cost.macs >= study.batch * sum(
            study.network.layer(n).macs for n in group.layers if len(group.layers) == 1
        )
        assert cost.feature_peak_bytes <= hardware.feature_bytes
        assert cost.dram_bytes == cost.dram_read_bytes + cost.dram_write_bytes
        # Every byte of DRAM traffic passes a buffer.
        assert cost.feature_write_bytes + cost.weight_write_bytes >= cost.dram_read_bytes
        assert cost.feature_read_bytes >= cost.dram_write_bytes
