"""The vectorwise array: cycles by hand for each kind of layer, and utilisation on VGG-16 as published."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.vwa import VwaShape
from random_networks import TECHNOLOGY
from specs.load import load_network
from specs.network import Layer, Op
from specs.study import Precision

PUBLISHED = VwaShape(blocks=8, rows=7, taps=3)  # Chang & Chang, TCAS-I 2020: 168 MACs
NETWORKS = Path(__file__).parent.parent / "specs" / "networks"


def _layer(K: int, C: int, size: int, R: int = 3, S: int = 3, G: int = 1, stride: int = 1, op: Op = "conv") -> Layer:
    pad = ((R - 1) // 2, (S - 1) // 2) * 2
    return Layer("l", op, (("x",),), G, K, C, size * stride, size * stride, size, size, R, S, (stride, stride), pad)


def _cycles(layer: Layer, channels: int | None = None, rows: int | None = None, cols: int | None = None) -> int:
    tile = (
        layer.K if channels is None else channels,
        layer.P if rows is None else rows,
        layer.Q if cols is None else cols,
    )
    return PUBLISHED.tile_work(layer, *tile, TECHNOLOGY, Precision()).cycles


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


def test_buffer_traffic_by_hand() -> None:
    layer = Layer("l", "conv", (("x",),), 1, 16, 4, 14, 14, 14, 14, 3, 3, pad=(1, 1, 1, 1), bias=True)
    work = PUBLISHED.tile_work(layer, 16, 14, 14, TECHNOLOGY, Precision(16, 8, 32))
    # For each of 2 groups of 8 channels, 4 input channels and 3 kernel columns, a word per output.
    assert work.feature_read_bytes == 2 * 4 * 3 * 14 * 14 * 2
    assert work.feature_write_bytes == 16 * 14 * 14 * 2  # each output once: sums stay in registers
    # Every filter word for each of 2 strips and 14 columns, and 16 biases.
    assert work.weight_read_bytes == 16 * 4 * 9 * 2 * 14 + 16
    assert work.array_fj == 16 * 4 * 9 * 14 * 14 * 1100


def test_vgg16_fills_the_published_array() -> None:
    convs = [layer for layer in load_network(NETWORKS / "vgg16.yaml").layers if layer.op == "conv"]
    assert len(convs) == 13
    used = {layer.name: layer.macs / (_cycles(layer) * PUBLISHED.pes) for layer in convs}
    print(used)
    assert all(0.98 <= share <= 1 for share in used.values()), used
