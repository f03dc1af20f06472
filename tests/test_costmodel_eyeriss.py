"""The row-stationary array: mappings keep the limits, the fastest is taken, AlexNet stays near the chip."""

from __future__ import annotations

import random

import pytest

from costmodel.eyeriss import EyerissShape, Mapping
from costmodel.template import loop_bounds
from random_networks import TECHNOLOGY
from specs.network import Layer
from specs.study import Precision
from test_costmodel_tile_works import random_layer

CHIP = EyerissShape(12, 14)
CHIP_PRECISION = Precision(16, 16, 16)


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


def _random_case(seed: int) -> tuple[EyerissShape, Layer, int]:
    """An array with spads of any size, a layer with weights, and some of its output channels."""
    rng = random.Random(seed)
    ifmap_spad = rng.choice([1, 3, 5, 12])
    shape = EyerissShape(
        rng.randint(1, 16),
        rng.randint(1, 16),
        filter_spad_words=rng.choice([1, ifmap_spad, 2 * ifmap_spad, 18 * ifmap_spad]),
        ifmap_spad_words=ifmap_spad,
        psum_spad_words=rng.choice([1, 4, 24]),
        ifmap_bits_per_cycle=rng.choice([8, 16, 64]),
        psum_bits_per_cycle=rng.choice([16, 64]),
        filter_chunk_words=rng.choice([1, 64, 300, 4096]),
    )
    layer = random_layer(rng)
    while not layer.has_weights:
        layer = random_layer(rng)
    return shape, layer, rng.choice([layer.K, rng.randint(1, max(1, layer.K // layer.G))])


def _mappings(shape: EyerissShape, layer: Layer, channels: int) -> list[Mapping]:
    widest = shape.cols * (shape.rows // shape.folded_kernel(layer)[0])
    return [mapping for e in range(1, min(widest, 24) + 1) for mapping in shape.mappings(layer, channels, e)]


@pytest.mark.parametrize("seed", range(150))
def test_every_mapping_keeps_the_limits_of_the_array(seed: int) -> None:
    shape, layer, channels = _random_case(seed)
    groups, K, C = loop_bounds(layer, channels)
    kernel_rows, kernel_cols = shape.folded_kernel(layer)[0], shape.folded_kernel(layer)[1]
    found = _mappings(shape, layer, channels)
    assert found
    for m in found:
        assert m.kernel_cols == kernel_cols
        assert m.p * m.q * kernel_cols <= shape.filter_spad_words
        assert m.q * kernel_cols <= shape.ifmap_spad_words
        assert (m.q if K == C == 1 else m.p) <= shape.psum_spad_words
        assert kernel_rows * m.e * m.r * m.t <= shape.rows * shape.cols
        assert kernel_rows * _ceil(m.e, shape.cols) * (m.r if K * C > 1 else 1) <= shape.rows, "sets stack vertically"
        assert m.filter_words == m.p * m.q * m.r * m.t * kernel_rows * kernel_cols
        assert m.filter_words <= shape.filter_chunk_words
        # All of the work is done: the passes of a strip hold every filter word of every channel.
        channelwise_groups = groups if K == C == 1 else 1
        assert m.passes * m.filter_words >= channelwise_groups * K * C * layer.R * layer.S


def _plain_cycles(
    shape: EyerissShape, layer: Layer, channels: int, rows: int, cols: int, precision: Precision
) -> dict[tuple[int, int], int]:
    """Cycles of every (e, r) of the searched space, from the text of docs/model.md and the module."""
    groups, K, C = loop_bounds(layer, channels)
    channelwise = K == C == 1
    R, S = shape.folded_kernel(layer)[0], shape.folded_kernel(layer)[1]
    folds = _ceil(layer.R, R) * _ceil(layer.S, S)
    split = groups if channelwise else C
    slots = shape.rows // R
    found = {}
    for e in {_ceil(rows, n) for n in range(1, rows + 1)}:
        sets = slots * (shape.cols // e) if e <= shape.cols else slots // _ceil(e, shape.cols)
        most_r = sets if channelwise else min(slots, sets)
        for r in range(1, most_r + 1):
            if r & (r - 1) and r != most_r:
                continue
            q = 1
            while (
                q < split
                and (q + 1) * S <= min(shape.ifmap_spad_words, shape.filter_spad_words)
                and (q + 1) * R * S <= shape.filter_chunk_words
                and (not channelwise or q < shape.psum_spad_words)
            ):
                q += 1
            channel_passes = _ceil(split, q * r)
            q = _ceil(split, channel_passes * r)
            filter_words = q * r * R * S
            if filter_words > shape.filter_chunk_words and r > 1:
                continue
            t = p = filter_passes = 1
            if not channelwise:
                while t < min(K, sets // r) and (t + 1) * filter_words <= shape.filter_chunk_words:
                    t += 1
                while (
                    p < min(K, shape.psum_spad_words)
                    and (p + 1) * q * S <= shape.filter_spad_words
                    and (p + 1) * t * filter_words <= shape.filter_chunk_words
                ):
                    p += 1
                filter_passes = _ceil(K, p * t)
                p = _ceil(K, filter_passes * t)
            window = ((e - 1) * layer.stride[0] + layer.dilation[0] * (R - 1) + 1) * (
                (cols - 1) * layer.stride[1] + layer.dilation[1] * (S - 1) + 1
            )
            sums = (q * r if channelwise else p * t) * e * cols
            a_pass = _ceil(p * t * filter_words * precision.weight, shape.filter_bits_per_cycle) + max(
                p * q * S * cols,
                _ceil(sums * precision.partial_sum, shape.psum_bits_per_cycle),
                _ceil(q * r * window * precision.activation, shape.ifmap_bits_per_cycle),
            )
            found[e, r] = _ceil(rows, e) * filter_passes * channel_passes * folds * a_pass
    return found


@pytest.mark.parametrize("seed", range(150))
def test_the_best_mapping_is_the_fastest_of_all(seed: int) -> None:
    shape, layer, channels = _random_case(seed)
    rng = random.Random(seed)
    rows, cols, precision = rng.randint(1, 20), rng.randint(1, 20), rng.choice([Precision(), CHIP_PRECISION])
    cycles, mapping = shape.best_mapping(layer, channels, rows, cols, precision)
    all_cycles = _plain_cycles(shape, layer, channels, rows, cols, precision)
    assert cycles == min(all_cycles.values()) == all_cycles[mapping.e, mapping.r]


def test_cycles_by_hand() -> None:
    """An array of one set: 4 filters of 2 channels at once, 4 output rows, one pass."""
    layer = Layer("l", "conv", (("x",),), 1, 4, 2, 4, 4, 4, 4, 3, 3, pad=(1, 1, 1, 1))
    cycles, mapping = EyerissShape(3, 4).best_mapping(layer, 4, 4, 4, Precision())
    assert (mapping.e, mapping.p, mapping.q, mapping.r, mapping.t, mapping.passes) == (4, 4, 2, 1, 1, 1)
    # 72 filter words at 8 a cycle, then the slowest: 4*2*3 MACs a column; 64 partial sums at 2 a cycle;
    # 2 channels of 6x6 inputs at 2 a cycle.
    assert cycles == 72 // 8 + max(4 * 2 * 3 * 4, 64 // 2, 72 // 2)
    work = EyerissShape(3, 4).tile_work(layer, 4, 4, 4, TECHNOLOGY, Precision())
    assert (work.feature_read_bytes, work.feature_write_bytes, work.weight_read_bytes) == (72, 64, 72)


def test_partial_sums_of_several_channel_passes_visit_the_buffer() -> None:
    # 8 channels at 4 a pass: each of the 64 outputs is written and read once at 32 bits between the two passes.
    layer = Layer("l", "conv", (("x",),), 1, 4, 8, 4, 4, 4, 4, 3, 3, pad=(1, 1, 1, 1))
    work = EyerissShape(3, 4).tile_work(layer, 4, 4, 4, TECHNOLOGY, Precision())
    assert work.feature_read_bytes == 8 * 36 + 64 * 4
    assert work.feature_write_bytes == 64 * 4 + 64


@pytest.mark.parametrize(("R", "S"), [(13, 3), (3, 13), (25, 25), (12, 12)])
def test_kernels_larger_than_the_array_are_folded(R: int, S: int) -> None:
    layer = Layer("l", "conv", (("x",),), 1, 1, 1, 40, 40, 16, 16, R, S)
    folds = _ceil(R, 12) * _ceil(S, 12)
    _, mapping = CHIP.best_mapping(layer, 1, 16, 16, Precision())
    assert mapping.passes == mapping.psum_passes == folds
    assert mapping.psum_hops + 1 == _ceil(R, _ceil(R, 12))
    assert mapping.kernel_cols == _ceil(S, _ceil(S, 12))


def test_a_set_wider_than_the_array_is_folded_into_strips() -> None:
    # 12 // 5 = 2 strips of 14 columns hold 28 output rows: all 27 of AlexNet's CONV2 (as in JSSC 2017, table III).
    layer = Layer("l", "conv", (("x",),), 1, 128, 48, 40, 40, 40, 40, 5, 5, pad=(2, 2, 2, 2))
    widths = {rows: CHIP.best_mapping(layer, 128, rows, 27, CHIP_PRECISION)[1].e for rows in (27, 28, 29)}
    assert (widths[27], widths[28]) == (27, 28)
    assert widths[29] <= 15  # 29 rows do not fit: at least two sets of rows


# JSSC 2017, table V: processing latency (ms) of AlexNet's layers for a batch of 4 images at 200 MHz.
ALEXNET = [
    ("CONV1", Layer("CONV1", "conv", (("x",),), 1, 96, 3, 227, 227, 55, 55, 11, 11, (4, 4), bias=True), 16.5),
    ("CONV2", Layer("CONV2", "conv", (("x",),), 2, 256, 96, 27, 27, 27, 27, 5, 5, pad=(2,) * 4, bias=True), 39.2),
    ("CONV3", Layer("CONV3", "conv", (("x",),), 1, 384, 256, 13, 13, 13, 13, 3, 3, pad=(1,) * 4, bias=True), 21.8),
    ("CONV4", Layer("CONV4", "conv", (("x",),), 2, 384, 384, 13, 13, 13, 13, 3, 3, pad=(1,) * 4, bias=True), 16.0),
    ("CONV5", Layer("CONV5", "conv", (("x",),), 2, 256, 384, 13, 13, 13, 13, 3, 3, pad=(1,) * 4, bias=True), 10.0),
]


def test_alexnet_takes_about_as_long_as_on_the_chip() -> None:
    """A sanity band, no validation: wide enough for a model, narrow enough to see a factor go missing."""
    modelled = {
        name: 4 * CHIP.tile_work(layer, layer.K, layer.P, layer.Q, TECHNOLOGY, CHIP_PRECISION).cycles / 200e3
        for name, layer, _ in ALEXNET
    }
    ratios = {name: modelled[name] / measured for name, _, measured in ALEXNET}
    assert all(0.85 <= ratio <= 1.25 for ratio in ratios.values()), ratios
    assert 0.9 <= sum(modelled.values()) / sum(measured for _, _, measured in ALEXNET) <= 1.1, modelled
