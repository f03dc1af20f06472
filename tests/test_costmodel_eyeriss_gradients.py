"""Gradients on the row-stationary array: the best of all integer mappings, counted a second time in plain loops."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.eyeriss import EyerissShape
from costmodel.template import Terms, Tile, TileWork
from plain_eyeriss import fits
from plain_eyeriss_gradient import (
    PlainGradient,
    every_weight_gradient,
    plain_input_gradient,
    plain_weight_gradient,
)
from random_networks import TECHNOLOGY
from specs.network import Layer
from specs.study import Precision
from test_costmodel_eyeriss import all_terms, arrays, layers, tiles_of


def _plain(work: TileWork) -> PlainGradient:
    return PlainGradient(
        work.cycles,
        work.array_fj,
        work.feature_read_bytes,
        work.feature_write_bytes,
        work.weight_read_bytes,
        work.weight_write_bytes,
    )


@settings(max_examples=400, deadline=None)
@given(st.data(), arrays(), layers(), all_terms())
def test_the_best_weight_gradient_of_every_mapping_is_found(
    data: st.DataObject, shape: EyerissShape, layer: Layer, terms: Terms
) -> None:
    layer = replace(layer, op="wgrad", operands=(("x",), ("dy",)), pixelwise=1)
    tile = data.draw(tiles_of(layer))
    best = min(every_weight_gradient(shape, layer, tile, terms), key=lambda plain: plain.key(terms))
    work = _plain(shape.tile_work(layer, tile, terms))
    assert work.key(terms) == best.key(terms)
    letters = {name: int(value) for name, value in shape.mapping(layer, tile, terms).items()}
    assert fits(shape, layer, *(letters[name] for name in "epqrt"))
    assert plain_weight_gradient(shape, layer, tile, terms, letters) == work


@settings(max_examples=200, deadline=None)
@given(st.data(), arrays(), layers(), all_terms(), st.sampled_from("mnepqrt"), st.integers(1, 3))
def test_a_prescribed_weight_gradient_costs_what_its_letters_say(
    data: st.DataObject, shape: EyerissShape, layer: Layer, terms: Terms, letter: str, value: int
) -> None:
    layer = replace(layer, op="wgrad", operands=(("x",), ("dy",)), pixelwise=1)
    tile = data.draw(tiles_of(layer))
    if not fits(shape, layer, *({letter: value}.get(name, 1) for name in "epqrt")):
        return
    pinned = replace(shape, pins=(("l", ((letter, value),)),))
    letters = {name: int(value) for name, value in pinned.mapping(layer, tile, terms).items()}
    work = _plain(pinned.tile_work(layer, tile, terms))
    assert plain_weight_gradient(shape, layer, tile, terms, letters) == work
    assert _plain(shape.tile_work(layer, tile, terms)).key(terms) <= work.key(terms)


@settings(max_examples=150, deadline=None)
@given(
    st.data(),
    arrays(),
    layers(),
    all_terms(),
    st.sampled_from([(2, 2), (3, 1), (2, 4)]),
    st.tuples(st.integers(-3, 4), st.integers(-3, 4)),
    st.integers(0, 1),
)
def test_the_best_input_gradient_of_every_mapping_is_found(
    data: st.DataObject,
    shape: EyerissShape,
    layer: Layer,
    terms: Terms,
    upsample: tuple[int, int],
    pad: tuple[int, int],
    masks: int,
) -> None:
    layer = replace(layer, op="dgrad", stride=(1, 1), bias=False, upsample=upsample, pad=(*pad, 0, 0), pixelwise=masks)
    terms = replace(terms, skip_zeros=True)
    tile = data.draw(tiles_of(layer))
    plain = plain_input_gradient(shape, layer, tile, terms)
    work = _plain(shape.tile_work(layer, tile, terms))
    assert work.key(terms) == plain.key(terms)
    # Mappings that tie may move different words, but the zeros' outputs and the weights are always the same.
    assert work.weight_write_bytes == 0
    assert (
        work.weight_read_bytes >= tile.channels * tile.input_channels * layer.R * layer.S * terms.precision.weight // 8
    )


def test_cycles_of_a_weight_gradient_by_hand() -> None:
    """An array of one set: 4 filters of 2 channels at once, 4 rows of dY, one pass."""
    layer = Layer("l", "wgrad", (("x",), ("dy",)), 1, 4, 2, 4, 4, 4, 4, 3, 3, pad=(1, 1, 1, 1), bias=True, pixelwise=1)
    shape, tile, terms = EyerissShape(3, 4), Tile(1, 4, 2, 4, 4), Terms(TECHNOLOGY, Precision())
    assert shape.mapping(layer, tile, terms) == {"m": 4, "n": 1, "e": 4, "p": 4, "q": 2, "r": 1, "t": 1}
    work = shape.tile_work(layer, tile, terms)
    # 72 + 4 sums of 32 bits in and out at 64 bits a cycle; 2 channels of 6x6 inputs at 2 a cycle; beside them, after
    # the first 3 columns, 4*2*3 MACs a column and 64 words of dY at 8 a cycle.
    assert work.cycles == 2 * 76 * 32 // 64 + max(72 // 2, 36 // 2 + max(4 * 2 * 3 * 4, 64 // 8))
    assert (work.feature_read_bytes, work.feature_write_bytes) == (72 + 64, 0)
    assert work.weight_read_bytes == work.weight_write_bytes == 76 * 4
    # X and dY from spads of 8 bits, sums from one of 32 bits and back; 64 words of dY are added to the bias' sums.
    macs = 64 * 2 * 9
    assert work.mac_fj == macs * 300 + 64 * 30
    # X goes to 3 PEs at each of 4 rows, dY to the 3 PEs of a column; each PE's sums join those of its row.
    x_taken, dy_taken, sums_taken = 2 * 6 * 3 * 4, 64 * 3, 72 * 4 + 4
    assert work.spad_fj == (2 * macs + x_taken + dy_taken) * 72 + (2 * macs + sums_taken) * 288
    assert work.network_fj == (x_taken + dy_taken) * 80 + sums_taken * 320


def test_networks_bound_weight_gradients_and_vector_work() -> None:
    shape, terms = EyerissShape(12, 14), Terms(TECHNOLOGY, Precision(), "fastest", 300, 300, 10)
    layer = Layer("l", "wgrad", (("x",), ("dy",)), 1, 100, 70, 30, 30, 28, 28, 3, 3, pixelwise=1)
    for rows in (1, 5, 28):
        work = shape.tile_work(layer, Tile(2, 100, 70, rows, 28), terms)
        assert work.cycles * shape.filter_bits_per_cycle >= 8 * (work.weight_read_bytes + work.weight_write_bytes)
        assert work.cycles * shape.psum_bits_per_cycle >= 2 * 100 * rows * 28 * 8
        assert work.cycles * shape.pes >= 2 * 100 * 70 * 9 * rows * 28
    moments = Layer("l", "moments", (("y",),), 64, 64, 64, 9, 9, 9, 9)
    work = shape.tile_work(moments, Tile(1, 64, 1, 9, 9), terms)
    outputs = 64 * 81
    # 2 sums of 32 bits a channel before and after; beside each other 3 operations and a word of 8 bits an element.
    assert work.cycles == 2 * (64 * 2 * 32 // 64) + max(-(-outputs * 3 // 168), outputs * 8 // 64)
