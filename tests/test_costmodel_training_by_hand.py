"""Layers of a training step by hand: phases of a strided gradient, adders, masks, weight gradients on two arrays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from costmodel.eyeriss import EyerissShape
from costmodel.systolic import DATAFLOWS, SystolicShape
from costmodel.template import Terms, Tile
from costmodel.transposed import phases
from costmodel.vector_work import vector_ops_per_output
from costmodel.vwa import VwaShape
from random_networks import TECHNOLOGY
from specs.network import Layer, Op
from specs.study import Precision

TERMS = Terms(TECHNOLOGY, Precision())
VWA = VwaShape(blocks=8, rows=7, taps=3)


def _vector(op: Op, operands: int = 1, **changes: object) -> Layer:
    layer = Layer("l", op, ((),) * operands, 12, 12, 12, 8, 8, 8, 8)
    return replace(layer, **changes)  # type: ignore[arg-type]


# Phases


def _taps(**changes: object) -> dict[tuple[int, int], int]:
    layer = replace(Layer("l", "dgrad", ((),), 1, 4, 4, 8, 8, 16, 16, 3, 3, upsample=(2, 2)), **changes)  # type: ignore[arg-type]
    return {(phase.R, phase.S): count for phase, count in phases(layer)}


def test_phases_share_out_the_taps() -> None:
    assert _taps() == {(2, 2): 1, (2, 1): 1, (1, 2): 1, (1, 1): 1}
    assert _taps(R=1, S=1) == {(1, 1): 1}, "three of four outputs meet no word"
    assert _taps(R=2, S=2) == {(1, 1): 4}
    assert _taps(R=7, S=1, upsample=(3, 1)) == {(3, 1): 1, (2, 1): 2}
    assert _taps(dilation=(2, 1)) == {(3, 2): 1, (3, 1): 1}, "taps two rows apart all meet words, or none does"
    assert _taps(dilation=(3, 3)) == _taps()


def test_taps_of_a_phase_lie_evenly() -> None:
    layer = Layer("l", "dgrad", ((),), 1, 4, 4, 8, 8, 16, 15, 5, 5, dilation=(6, 3), upsample=(4, 2))
    assert {(phase.R, phase.dilation) for phase, _ in phases(layer)} == {(3, (3, 3)), (2, (3, 3))}
    assert {(phase.P, phase.Q) for phase, _ in phases(layer)} == {(4, 8)}


def test_a_strided_1x1_gradient_computes_a_quarter_and_writes_all() -> None:
    layer = Layer("l", "dgrad", ((), ()), 1, 24, 65, 8, 8, 15, 15, upsample=(2, 2), pixelwise=1)
    tile = Tile(2, 24, 65, 15, 15)
    work = VWA.tile_work(layer, tile, replace(TERMS, skip_zeros=True))
    # 24 output channels at once; 8 rows in 2 strips, 8 columns, 2 images.
    assert work.cycles == 65 * 2 * 8 * 2
    assert work.mac_fj == 2 * 24 * 65 * 8 * 8 * 300
    assert work.feature_write_bytes == 2 * 15 * 15 * 24
    # Words of dY; 24 signs at each place of the output.
    assert work.feature_read_bytes == 2 * 8 * 8 * 65 + 2 * 15 * 15 * 3
    dense = VWA.tile_work(layer, tile, TERMS)
    assert dense.cycles == 65 * 3 * 15 * 2
    assert dense.mac_fj == 2 * 24 * 65 * 15 * 15 * 300


# Adders and masks


@pytest.mark.parametrize(
    ("layer", "amounts"),
    [
        (_vector("maxpool", R=3, S=3), (9, 9)),
        (_vector("add", 2), (1, 2)),
        (_vector("add", 3), (2, 3)),
        (_vector("add", 3, pixelwise=1), (2, 2)),
        (_vector("add", 2, pixelwise=1), (1, 1)),
        (_vector("norm"), (2, 1)),
        (_vector("moments"), (3, 1)),
        (_vector("normgrads", 2, pixelwise=1), (3, 2)),
        (_vector("dnorm", 2, pixelwise=1), (4, 2)),
        (_vector("loss", 2, pixelwise=1), (1, 2)),
        (_vector("loss", 3, pixelwise=2), (2, 2)),
        # A 3x3 window over a map with a zero after each word meets at most 2 x 2 words.
        (_vector("unpool", 2, R=3, S=3, upsample=(2, 2)), (8, 4)),
        (_vector("unpool", 3, R=3, S=3, upsample=(2, 2), pixelwise=1), (9, 4)),
        (_vector("unpool", 1, upsample=(2, 2)), (1, 1)),
        (_vector("spread", 1, R=2, S=2, upsample=(2, 2)), (1, 1)),
        (_vector("spread", 2, R=3, S=3, upsample=(1, 1), pixelwise=1), (10, 9)),
    ],
)
def test_operations_and_words_of_an_output(layer: Layer, amounts: tuple[int, int]) -> None:
    assert vector_ops_per_output(layer) == amounts


@pytest.mark.parametrize("array", [VWA, SystolicShape(4, 3), EyerissShape(12, 14)])
def test_bytes_beside_maps(array: VwaShape | SystolicShape | EyerissShape) -> None:
    tile, places = Tile(3, 12, 1, 5, 8), 3 * 5 * 8

    def moved(layer: Layer) -> tuple[int, int, int, int]:
        work = array.tile_work(layer, tile, TERMS)
        return (
            work.feature_read_bytes, work.feature_write_bytes, work.weight_read_bytes, work.weight_write_bytes,
        )  # fmt: skip

    # 12 signs in 2 bytes; constants and sums of 32 bits once for all images of the tile.
    assert moved(_vector("norm", mask_bits=1)) == (places * 12, places * (12 + 2), 12 * 4 * 4, 0)
    assert moved(_vector("dnorm", 2, pixelwise=1)) == (places * 24, places * 12, 12 * 5 * 4, 0)
    assert moved(_vector("moments")) == (places * 12, 0, 12 * 2 * 4, 12 * 2 * 4)
    assert moved(_vector("normgrads", 2, pixelwise=1)) == (places * 24, 0, 12 * 2 * 4, 12 * 2 * 4)
    assert moved(_vector("add", 3, pixelwise=1)) == (places * (24 + 2), places * 12, 0, 0)
    # Places of maxima: 12 times 4 bits are 6 bytes, at each of 4 places of a window.
    assert moved(_vector("maxpool", R=3, S=3, mask_bits=4)) == (places * 9 * 12, places * (12 + 6), 0, 0)
    unpool = _vector("unpool", 3, R=3, S=3, upsample=(2, 2), pixelwise=1)
    assert moved(unpool) == (places * (4 * (12 + 6) + 2), places * 12, 0, 0)
    for layer in (_vector("norm"), unpool, _vector("moments")):
        assert array.tile_work(layer, tile, TERMS).mac_fj == places * 12 * vector_ops_per_output(layer)[0] * 30


@pytest.mark.parametrize("array", [VWA, SystolicShape(4, 3), EyerissShape(12, 14)])
def test_a_convolution_stores_its_signs(array: VwaShape | SystolicShape | EyerissShape) -> None:
    layer = Layer("l", "conv", ((),), 1, 9, 4, 8, 8, 8, 8, 3, 3)
    plain, stored = (array.tile_work(one, Tile(2, 9, 4, 5, 8), TERMS) for one in (layer, replace(layer, mask_bits=1)))
    assert stored == replace(plain, feature_write_bytes=plain.feature_write_bytes + 2 * 5 * 8 * 2)


# Weight gradients

PRODUCT = Layer("l", "wgrad", ((), ()), 1, 6, 4, 5, 5, 5, 5, 3, 3, pad=(1, 1, 1, 1), bias=True, pixelwise=1)


@pytest.mark.parametrize(
    ("dataflow", "cycles", "words", "visits"),
    [
        # 25 pixels in 7 row folds, 6 filters in 2 column folds, 36 window words stream past.
        ("weight-stationary", 7 * 2 * (2 * 4 + 3 + 36 - 2), 25 * 36 * 2 + 25 * 6, 7),
        # 36 window words in 12 column folds.
        ("input-stationary", 7 * 12 * (2 * 4 + 3 + 6 - 2), 25 * 36 + 25 * 6 * 12, 7),
        # 36 window words in 9 row folds.
        ("output-stationary", 9 * 2 * (2 * 4 + 3 + 25 - 2), 25 * 36 * 2 + 25 * 6 * 9, 1),
    ],
)
def test_a_weight_gradient_on_a_systolic_array(dataflow: str, cycles: int, words: int, visits: int) -> None:
    free = SystolicShape(4, 3)
    pinned = replace(free, pins=(("l", (("dataflow", dataflow),)),))
    tile = Tile(1, 6, 4, 5, 5)
    work = pinned.tile_work(PRODUCT, tile, TERMS)
    assert (work.cycles, work.feature_read_bytes, work.feature_write_bytes) == (cycles, words, 0)
    assert work.weight_read_bytes == work.weight_write_bytes == (216 * visits + 6) * 4
    assert work.mac_fj == 25 * 216 * 300 + 25 * 6 * 30, "a MAC for each, and dY's words added up for the bias"
    # What stays is read (sums: read and written), the two others move; what stays passes 2.5 rows on its way.
    staying = {"weight-stationary": 150 * 80, "input-stationary": 900 * 80, "output-stationary": 216 * 320}[dataflow]
    moves = 80 + (80 if dataflow == "output-stationary" else 320)
    assert work.spad_fj == 25 * 216 * (2 * 288 if dataflow == "output-stationary" else 72)
    assert work.network_fj == 25 * 216 * moves + staying * 5 // 2
    assert free.tile_work(PRODUCT, tile, TERMS).cycles == 612
    assert free.mapping(PRODUCT, tile, TERMS) == {"dataflow": "output-stationary"}
    assert not pinned.accumulates_in_buffer(PRODUCT)


def test_pins_name_the_gradient_not_its_layer() -> None:
    pinned = replace(SystolicShape(4, 3), pins=(("l", (("dataflow", DATAFLOWS[0]),)),))
    other = replace(PRODUCT, name="l:wgrad")
    assert pinned.mapping(other, Tile(1, 6, 4, 5, 5), TERMS) == {"dataflow": "output-stationary"}


MADE = Layer("l", "wgrad", ((), ()), 1, 16, 4, 14, 14, 14, 14, 3, 3, pad=(1, 1, 1, 1), bias=True, pixelwise=1)


def test_a_weight_gradient_on_a_vectorwise_array() -> None:
    terms, tile, pixels = Terms(TECHNOLOGY, Precision(16, 8, 32)), Tile(1, 16, 4, 14, 14), 14 * 14
    on_k = VWA.tile_work(MADE, tile, terms)
    assert VWA.mapping(MADE, tile, terms) == {"blocks_on": "K"}
    # Turns as in the convolution: 2 groups of 8 filters, 4 channels, 3 kernel columns; 2 strips of 14 columns.
    assert on_k.cycles == 2 * 4 * 3 * 2 * 14
    # X's words are shared by the blocks, dY's are read for each filter, channel and kernel column.
    assert on_k.feature_read_bytes == (2 * 4 * 3 + 16 * 4 * 3) * pixels * 2
    assert on_k.feature_write_bytes == 0
    assert on_k.weight_read_bytes == on_k.weight_write_bytes == 2 * 16 * (4 * 9 + 1) * 4, "in both strips"
    assert on_k.mac_fj == 16 * 4 * 9 * pixels * 1100 + 16 * pixels * 50
    assert on_k.spad_fj == 16 * 4 * 9 * 2 * 14 * 576, "a strip's rows are added up first"
    assert on_k.network_fj == 2 * 4 * 3 * pixels * 7 * 160
    on_c = replace(VWA, pins=(("l", (("blocks_on", "C"),)),)).tile_work(MADE, tile, terms)
    assert on_c.cycles == 1 * 16 * 3 * 2 * 14
    assert on_c.feature_read_bytes == (16 * 4 * 3 + 16 * 3) * pixels * 2
    assert on_c.network_fj == 16 * 3 * pixels * 3 * 160, "dY's words go on to the other 3 blocks"
    assert (on_c.mac_fj, on_c.spad_fj, on_c.weight_write_bytes) == (on_k.mac_fj, on_k.spad_fj, on_k.weight_write_bytes)
    assert VWA.weight_chunk_words(MADE, 16, 4) == 8 * (4 * 9 + 1)
