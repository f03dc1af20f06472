"""The vectorwise array: cycles by hand for each kind of layer, traffic and energy of both mappings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from costmodel.template import Terms, Tile
from costmodel.vwa import VwaShape
from random_networks import TECHNOLOGY
from specs.network import Layer, Op
from specs.study import Precision

FASTEST = Terms(TECHNOLOGY, Precision())
PUBLISHED = VwaShape(blocks=8, rows=7, taps=3)  # Chang & Chang, TCAS-I 2020: 168 MACs


def _layer(K: int, C: int, size: int, R: int = 3, S: int = 3, G: int = 1, stride: int = 1, op: Op = "conv") -> Layer:
    pad = ((R - 1) // 2, (S - 1) // 2) * 2
    return Layer("l", op, (("x",),), G, K, C, size * stride, size * stride, size, size, R, S, (stride, stride), pad)


def _tile(layer: Layer, **changes: int) -> Tile:
    return Tile(1, layer.K, layer.C // layer.G, layer.P, layer.Q)._replace(**changes)


def _cycles(layer: Layer, **changes: int) -> int:
    return PUBLISHED.tile_work(layer, _tile(layer, **changes), FASTEST).cycles


@pytest.mark.parametrize(
    ("layer", "cycles"),
    [
        # Blocks on 8 output channels; per input channel, 7-row strip and output column, one cycle a kernel column.
        pytest.param(_layer(64, 64, 56), 8 * 64 * 8 * 56 * 3, id="3x3"),
        # 5 kernel rows take two passes of 3 taps, 7 take three.
        pytest.param(_layer(64, 64, 56, 5, 5), 8 * 64 * 8 * 56 * 5 * 2, id="5x5"),
        pytest.param(_layer(64, 64, 56, 7, 7), 8 * 64 * 8 * 56 * 7 * 3, id="7x7"),
        pytest.param(_layer(64, 64, 56, 1, 7), 8 * 64 * 8 * 56 * 7, id="1x7: a row of taps, two multipliers idle"),
        pytest.param(_layer(64, 64, 56, 7, 1), 8 * 64 * 8 * 56 * 3, id="7x1"),
        # 1x1: blocks and taps together hold 24 output channels; ceil(64/24) = 3. (Input channels: the same.)
        pytest.param(_layer(64, 64, 56, 1, 1), 3 * 64 * 8 * 56, id="1x1"),
        pytest.param(_layer(24, 65, 56, 1, 1), 1 * 65 * 8 * 56, id="1x1, on output channels"),
        pytest.param(_layer(25, 48, 56, 1, 1), 2 * 25 * 8 * 56, id="1x1, on input channels"),
        pytest.param(_layer(64, 3, 56), 8 * 3 * 8 * 56 * 3, id="few input channels"),
        pytest.param(_layer(3, 64, 56), 8 * 3 * 8 * 56 * 3, id="few output channels: blocks on input channels"),
        # 28 rows of outputs fill 4 strips; the stride costs nothing.
        pytest.param(_layer(64, 64, 28, stride=2), 8 * 64 * 4 * 28 * 3, id="stride 2"),
        # 10 rows: 2 strips, the second with 3 rows.
        pytest.param(_layer(64, 64, 10), 8 * 64 * 2 * 10 * 3, id="ragged strip"),
        pytest.param(_layer(64, 64, 56, G=64, op="dwconv"), 8 * 8 * 56 * 3, id="depthwise: a block per channel"),
        pytest.param(_layer(64, 64, 56, 5, 5, G=64, op="dwconv"), 8 * 8 * 56 * 5 * 2, id="depthwise 5x5"),
        pytest.param(_layer(64, 64, 56, 7, 1, G=64, op="dwconv"), 8 * 8 * 56 * 3, id="depthwise 7x1"),
        # Each of 4 groups is a convolution of 16 to 16 channels, one after another.
        pytest.param(_layer(64, 64, 56, G=4), 4 * 2 * 16 * 8 * 56 * 3, id="grouped"),
        # Additions and pools: 56 lanes, an operation each.
        pytest.param(Layer("l", "add", (("x",), ("y",)), 64, 64, 64, 8, 8, 8, 8), 64 * 64 // 56 + 1, id="add"),
        pytest.param(_layer(56, 56, 8, G=56, op="maxpool"), 8 * 8 * 9, id="pool"),
    ],
)
def test_cycles_by_hand(layer: Layer, cycles: int) -> None:
    assert _cycles(layer) == cycles


def test_cycles_of_a_tile_by_hand() -> None:
    layer = _layer(64, 64, 56)
    # 9 channels on blocks of output channels would be 2 * 64 turns: blocks on input channels take 8 * 9.
    assert _cycles(layer, channels=9, rows=8, cols=5) == 8 * 9 * 2 * 5 * 3
    assert _cycles(layer, channels=0, rows=8, cols=5) == _cycles(layer, rows=0) == _cycles(layer, cols=0) == 0
    grouped = _layer(64, 64, 56, G=4)
    assert _cycles(grouped, channels=3) == 2 * 3 * 8 * 56 * 3  # three channels lie in one group of 16 inputs


def test_the_images_of_a_tile_take_their_turns() -> None:
    layer = _layer(64, 64, 10)
    assert _cycles(layer, images=3) == 3 * _cycles(layer)


def test_a_part_of_the_input_channels_by_hand() -> None:
    layer = _layer(64, 64, 56)
    assert _cycles(layer, input_channels=3) == 8 * 3 * 8 * 56 * 3
    assert _cycles(_layer(64, 64, 56, 1, 1), input_channels=24) == 64 * 8 * 56  # 24 lanes hold all of them


def test_a_strided_1x1_kernel_leaves_every_other_row_unused() -> None:
    assert _cycles(_layer(64, 64, 28, 1, 1, stride=2)) == 3 * 64 * 8 * 28


MADE = Layer("l", "conv", (("x",),), 1, 16, 4, 14, 14, 14, 14, 3, 3, pad=(1, 1, 1, 1), bias=True)
TERMS_16 = Terms(TECHNOLOGY, Precision(16, 8, 32))


def test_work_by_hand_with_blocks_on_output_channels() -> None:
    work = PUBLISHED.tile_work(MADE, _tile(MADE), TERMS_16)
    pixels = 14 * 14
    # For each of 2 groups of 8 channels, 4 input channels and 3 kernel columns, a word per output.
    assert work.feature_read_bytes == 2 * 4 * 3 * pixels * 2
    assert work.feature_write_bytes == 16 * pixels * 2  # each output once: sums stay in registers
    # Every filter word and bias for each of 2 strips and 14 columns.
    assert work.weight_read_bytes == 16 * (4 * 9 + 1) * 2 * 14
    assert work.mac_fj == 16 * 4 * 9 * pixels * 1100
    # The three products of a kernel column are added first; 32 bits are read and 32 written at 0.009 pJ each.
    assert work.spad_fj == 16 * 4 * 3 * pixels * 576
    # Input words go on to 7 more blocks, 16 bits at 0.01 pJ.
    assert work.network_fj == 2 * 4 * 3 * pixels * 7 * 160
    assert work.array_fj == work.mac_fj + work.spad_fj + work.network_fj
    assert PUBLISHED.weight_chunk_words(MADE, 16, 4) == 8 * (4 * 9 + 1)


def test_work_by_hand_with_blocks_on_input_channels() -> None:
    pinned = replace(PUBLISHED, pins=(("l", (("blocks_on", "C"),)),))
    work = pinned.tile_work(MADE, _tile(MADE), TERMS_16)
    pixels = 14 * 14
    assert work.cycles == 1 * 16 * 3 * 2 * 14  # 4 of 8 blocks at work
    assert work.feature_read_bytes == 16 * 4 * 3 * pixels * 2
    assert work.spad_fj == 16 * 3 * pixels * 576  # the four blocks' sums are added first
    assert work.network_fj == 16 * 3 * pixels * 3 * 320
    assert pinned.weight_chunk_words(MADE, 16, 4) == 4 * 9 + 1
    assert pinned.mapping(MADE, _tile(MADE), TERMS_16) == {"blocks_on": "C"}
    assert PUBLISHED.mapping(MADE, _tile(MADE), TERMS_16) == {"blocks_on": "K"}


def test_energy_decides_where_it_is_asked_to() -> None:
    # 9 channels on 8 blocks: blocks on C are faster, and need less energy unless words read are dear.
    layer = _layer(9, 64, 14)
    dear = replace(FASTEST, feature_fj_per_byte=10**6)
    assert PUBLISHED.mapping(layer, _tile(layer), dear) == {"blocks_on": "C"}
    # Equally fast: the words read decide, then K.
    even = _layer(64, 64, 14)
    assert PUBLISHED.mapping(even, _tile(even), dear) == {"blocks_on": "K"}
    assert PUBLISHED.mapping(even, _tile(even), replace(FASTEST, prefer="frugal")) == {"blocks_on": _thriftier(even)}


def _thriftier(layer: Layer) -> str:
    """The mapping with less energy inside the array, which is all that `frugal` sees at prices of zero."""
    works = {
        on: replace(PUBLISHED, pins=(("l", (("blocks_on", on),)),)).tile_work(layer, _tile(layer), FASTEST)
        for on in ("K", "C")
    }
    return min(works, key=lambda on: works[on].array_fj)


def test_the_pinned_mapping_of_another_layer_changes_nothing() -> None:
    pinned = replace(PUBLISHED, pins=(("other", (("blocks_on", "C"),)),))
    assert pinned.tile_work(MADE, _tile(MADE), TERMS_16) == PUBLISHED.tile_work(MADE, _tile(MADE), TERMS_16)
