"""The row-stationary array: the best of all integer mappings is found, prescribed ones are kept or refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from costmodel.eyeriss import EyerissShape
from costmodel.template import MappingError, Terms, Tile, Tiles, TileWork, is_channelwise
from plain_eyeriss import Plain, every_mapping, fits, plain_cost
from random_networks import TECHNOLOGY
from specs.network import Layer
from specs.study import Precision

CHIP = EyerissShape(12, 14)
CHIP_TERMS = Terms(TECHNOLOGY, Precision(16, 16, 16))


@st.composite
def arrays(draw: st.DrawFn) -> EyerissShape:
    return EyerissShape(
        draw(st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8])),
        draw(st.integers(1, 5)),
        filter_spad_words=draw(st.integers(1, 14)),
        ifmap_spad_words=draw(st.integers(1, 6)),
        psum_spad_words=draw(st.integers(1, 4)),
        ifmap_bits_per_cycle=draw(st.sampled_from([8, 16, 64, 512])),
        filter_bits_per_cycle=draw(st.sampled_from([16, 64, 4096])),
        psum_bits_per_cycle=draw(st.sampled_from([16, 64, 512])),
        filter_chunk_words=draw(st.sampled_from([1, 7, 24, 100, 4096])),
    )


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    K, C = draw(st.integers(1, 11)), draw(st.integers(1, 11))
    kind = draw(st.sampled_from(["conv", "conv", "conv", "grouped", "dwconv"]))
    G = 1
    if kind == "grouped":
        G, K, C = 2, 2 * K, 2 * C
    if kind == "dwconv":
        G = C = K
    size = st.sampled_from([1, 1, 2, 3, 5, 7])
    layer = Layer("l", "dwconv" if kind == "dwconv" else "conv", (("x",),), G, K, C, 99, 99, 9, 6)
    return replace(
        layer,
        P=draw(st.integers(1, 9)),
        Q=draw(st.integers(1, 6)),
        R=draw(size),
        S=draw(size),
        stride=draw(st.sampled_from([(1, 1), (2, 2), (1, 3)])),
        dilation=draw(st.sampled_from([(1, 1), (1, 1), (2, 3)])),
        bias=draw(st.booleans()),
    )


@st.composite
def tiles_of(draw: st.DrawFn, layer: Layer) -> Tile:
    part = draw(st.integers(1, layer.K if is_channelwise(layer) else layer.K // layer.G))
    C = layer.C // layer.G
    return Tile(
        draw(st.integers(1, 3)),
        draw(st.sampled_from([layer.K, part])),
        draw(st.sampled_from([C, draw(st.integers(1, C))])),
        draw(st.sampled_from([layer.P, draw(st.integers(1, layer.P))])),
        draw(st.integers(1, layer.Q)),
    )


@st.composite
def all_terms(draw: st.DrawFn) -> Terms:
    return Terms(
        TECHNOLOGY,
        draw(st.sampled_from([Precision(), Precision(16, 16, 16), Precision(16, 8, 32)])),
        draw(st.sampled_from(["fastest", "frugal"])),
        draw(st.sampled_from([0, 1, 900, 40_000])),
        draw(st.sampled_from([0, 700])),
        draw(st.sampled_from([0, 0, 30, 20_000])),
    )


def _key(work: TileWork, terms: Terms) -> tuple[int, int]:
    plain = Plain(
        {}, work.cycles, work.array_fj, work.feature_read_bytes, work.feature_write_bytes, work.weight_read_bytes
    )
    return plain.key(terms)


def _columns(tiles: list[Tile]) -> Tiles:
    return Tiles(*(np.array(column, dtype=np.int64) for column in zip(*tiles, strict=True)))


@settings(max_examples=600, deadline=None)
@given(st.data(), arrays(), layers(), all_terms())
def test_the_best_of_every_mapping_is_found(
    data: st.DataObject, shape: EyerissShape, layer: Layer, terms: Terms
) -> None:
    tile = data.draw(tiles_of(layer))
    best = min(every_mapping(shape, layer, tile, terms), key=lambda plain: plain.key(terms))
    work = shape.tile_work(layer, tile, terms)
    assert _key(work, terms) == best.key(terms)
    # The mapping named is one of them, and costs what tile_work says.
    letters = {name: int(value) for name, value in shape.mapping(layer, tile, terms).items()}
    assert fits(shape, layer, *(letters[name] for name in "epqrt"))
    again = plain_cost(shape, layer, tile, terms, letters)
    assert (again.cycles, again.array_fj) == (work.cycles, work.array_fj)
    assert (again.read_bytes, again.write_bytes, again.weight_bytes) == (
        work.feature_read_bytes,
        work.feature_write_bytes,
        work.weight_read_bytes,
    )


@settings(max_examples=150, deadline=None)
@given(st.data(), arrays(), layers(), all_terms())
def test_many_tiles_at_once_cost_what_each_costs_alone(
    data: st.DataObject, shape: EyerissShape, layer: Layer, terms: Terms
) -> None:
    tiles = [data.draw(tiles_of(layer)) for _ in range(6)]
    tiles += [Tile(1, layer.K, layer.C // layer.G, 0, 3), Tile(2, layer.K, layer.C // layer.G, 3, 0)]
    if data.draw(st.booleans()):
        shape = replace(shape, pins=(("l", (data.draw(st.sampled_from([("n", 1), ("e", 1), ("q", 1), ("m", 2)])),)),))
    together = shape.tile_works(layer, _columns(tiles), terms)
    for i, tile in enumerate(tiles):
        alone = shape.tile_work(layer, tile, terms)
        expected = tuple(getattr(alone, name) for name in together._fields)
        assert tuple(int(column[i]) for column in together) == expected


@settings(max_examples=300, deadline=None)
@given(st.data(), arrays(), layers(), all_terms(), st.sets(st.sampled_from("mnepqrt"), min_size=1))
def test_a_prescribed_mapping_is_kept_and_never_beats_the_search(
    data: st.DataObject, shape: EyerissShape, layer: Layer, terms: Terms, given_letters: set[str]
) -> None:
    tile = data.draw(tiles_of(layer))
    pins = {letter: data.draw(st.integers(1, 4)) for letter in sorted(given_letters)}
    pinned = replace(shape, pins=(("l", tuple(pins.items())),))
    others_one = {letter: pins.get(letter, 1) for letter in "epqrt"}
    if not fits(shape, layer, *others_one.values()):
        with pytest.raises(MappingError, match="layer l"):
            pinned.tile_work(layer, tile, terms)
        return
    work = pinned.tile_work(layer, tile, terms)
    chosen = {name: int(value) for name, value in pinned.mapping(layer, tile, terms).items()}
    K = tile.channels // (layer.G if tile.channels == layer.K and not is_channelwise(layer) else 1)
    clip = {"e": tile.rows, "n": tile.images, "m": K}
    assert {letter: chosen[letter] for letter in pins} == {
        letter: min(value, clip.get(letter, value)) for letter, value in pins.items()
    }
    plain = plain_cost(shape, layer, tile, terms, chosen)
    assert (plain.cycles, plain.array_fj) == (work.cycles, work.array_fj)
    assert _key(shape.tile_work(layer, tile, terms), terms) <= _key(work, terms)


@settings(max_examples=100, deadline=None)
@given(st.data(), arrays(), layers(), all_terms())
def test_letters_not_prescribed_are_searched(
    data: st.DataObject, shape: EyerissShape, layer: Layer, terms: Terms
) -> None:
    tile = data.draw(tiles_of(layer))
    letter, value = data.draw(st.sampled_from("epqrt")), data.draw(st.integers(1, 3))
    assume(fits(shape, layer, **(dict.fromkeys("epqrt", 1) | {letter: value})))
    pinned = replace(shape, pins=(("l", ((letter, value),)),))
    wanted = min(value, tile.rows) if letter == "e" else value
    all_mappings = [plain for plain in every_mapping(shape, layer, tile, terms) if plain.letters[letter] == wanted]
    best = min(plain.key(terms) for plain in all_mappings)
    assert _key(pinned.tile_work(layer, tile, terms), terms) == best


def test_cycles_by_hand() -> None:
    """An array of one set: 4 filters of 2 channels at once, 4 output rows, one pass."""
    layer = Layer("l", "conv", (("x",),), 1, 4, 2, 4, 4, 4, 4, 3, 3, pad=(1, 1, 1, 1))
    shape, tile, terms = EyerissShape(3, 4), Tile(1, 4, 2, 4, 4), Terms(TECHNOLOGY, Precision())
    assert shape.mapping(layer, tile, terms) == {"m": 4, "n": 1, "e": 4, "p": 4, "q": 2, "r": 1, "t": 1}
    assert shape.active_pes(layer, tile, terms) == 12
    work, counts = shape.tile_work(layer, tile, terms), shape.counts(layer, tile, terms)
    # 72 filter words at 8 a cycle; 2 channels of 6x6 inputs at 2 a cycle; beside them, after the first 3 columns,
    # 4*2*3 MACs a column and 64 partial sums at 2 a cycle.
    assert work.cycles == 72 // 8 + max(72 // 2, 36 // 2 + max(4 * 2 * 3 * 4, 64 // 2))
    assert (work.feature_read_bytes, work.feature_write_bytes, work.weight_read_bytes) == (72, 64, 72)
    # Each filter word goes to the 4 PEs of its row, each input row to 3 PEs at each of 4 output rows.
    assert (counts.filter_deliveries, counts.ifmap_deliveries) == (72 * 4, 2 * 6 * 3 * 4)
    assert counts.psum_hops == 64 * (2 + 1), "two moves up the set, one out of the array"


def test_partial_sums_of_several_channel_passes_visit_the_buffer() -> None:
    # 8 channels at 4 a pass: each of the 64 outputs is written and read once at 32 bits between the two passes.
    layer = Layer("l", "conv", (("x",),), 1, 4, 8, 4, 4, 4, 4, 3, 3, pad=(1, 1, 1, 1))
    work = EyerissShape(3, 4).tile_work(layer, Tile(1, 4, 8, 4, 4), Terms(TECHNOLOGY, Precision()))
    assert work.feature_read_bytes == 8 * 36 + 64 * 4
    assert work.feature_write_bytes == 64 * 4 + 64


def test_images_of_one_tile_share_the_filters_they_load() -> None:
    layer = Layer("l", "conv", (("x",),), 1, 4, 2, 4, 4, 4, 4, 3, 3, pad=(1, 1, 1, 1), bias=True)
    shape, terms = EyerissShape(3, 4), Terms(TECHNOLOGY, Precision())
    one, three = (shape.tile_work(layer, Tile(n, 4, 2, 4, 4), terms) for n in (1, 3))
    assert one.weight_read_bytes == three.weight_read_bytes == 72 + 4
    assert three.cycles - one.cycles == 2 * 96
    apart = replace(shape, pins=(("l", (("n", 1),)),)).tile_work(layer, Tile(3, 4, 2, 4, 4), terms)
    assert (apart.weight_read_bytes, apart.cycles) == (3 * 72 + 4, three.cycles + 2 * (72 // 8 + 36 // 2))


@pytest.mark.parametrize(("R", "S"), [(13, 3), (3, 13), (25, 25), (12, 12)])
def test_kernels_larger_than_the_array_are_folded(R: int, S: int) -> None:
    layer = Layer("l", "conv", (("x",),), 1, 1, 1, 40, 40, 16, 16, R, S)
    row_folds, col_folds = -(-R // 12), -(-S // 12)
    fold = CHIP.folded_kernel(layer)
    assert (fold.rows, fold.cols, fold.passes) == (-(-R // row_folds), -(-S // col_folds), row_folds * col_folds)
    counts = CHIP.counts(layer, Tile(1, 1, 1, 16, 16), CHIP_TERMS)
    assert counts.psum_write_words == 256 * fold.passes


def test_a_set_wider_than_the_array_is_folded_into_strips() -> None:
    # 12 // 5 = 2 strips of 14 columns hold 28 output rows: all 27 of AlexNet's CONV2 (as in JSSC 2017, table III).
    layer = Layer("l", "conv", (("x",),), 1, 128, 48, 40, 40, 40, 40, 5, 5, pad=(2, 2, 2, 2))
    words = {rows: CHIP.counts(layer, Tile(1, 128, 48, rows, 27), CHIP_TERMS).filter_words for rows in (14, 28, 29)}
    pinned = replace(CHIP, pins=(("l", (("e", 28),)),))
    assert pinned.counts(layer, Tile(1, 128, 48, 28, 27), CHIP_TERMS).filter_words == 128 * 48 * 25
    assert words[14] == 128 * 48 * 25
    assert words[29] >= 2 * 128 * 48 * 25, "29 rows do not fit at once"
    assert pinned.active_pes(layer, Tile(1, 128, 48, 27, 27), CHIP_TERMS) == 5 * 27


LAYER = Layer("CONV2", "conv", (("x",),), 1, 128, 48, 31, 31, 27, 27, 5, 5)


@pytest.mark.parametrize(
    ("letters", "sentence"),
    [
        ((("q", 3),), "mapping q=3: q*S = 15 words, the ifmap spad holds 12"),
        ((("p", 24), ("q", 2)), "mapping p=24, q=2: p*q*S = 240 words, the filter spad holds 224"),
        ((("p", 25),), "mapping p=25: 25 partial sums, the psum spad holds 24"),
        (
            (("e", 27), ("t", 2)),
            "mapping e=27, t=2: 2 sets of 5 x 27 PEs, r of them above each other, do not fit 10 rows x 14 columns",
        ),
        ((("r", 3),), "3 sets of 5 x 1 PEs, r of them above each other, do not fit 10 rows x 14 columns"),
        (
            (("p", 16), ("q", 2), ("t", 6)),
            "mapping p=16, q=2, t=6: p*q*r*t*R*S = 4800 filter words of a pass, the limit is 4096",
        ),
        ((("x", 3),), "a mapping has the letters m n e p q r t, not 'x'"),
        ((("p", 0),), "p must be a positive integer, not 0"),
        ((("p", "K"),), "p must be a positive integer, not 'K'"),
    ],
)
def test_prescribed_mappings_that_do_not_fit_are_refused(
    letters: tuple[tuple[str, int | str], ...], sentence: str
) -> None:
    pinned = replace(CHIP, pins=(("CONV2", letters),))
    with pytest.raises(MappingError) as error:
        pinned.tile_work(LAYER, Tile(1, 128, 48, 27, 27), CHIP_TERMS)
    assert str(error.value).startswith("layer CONV2: ")
    assert str(error.value).endswith(sentence)
    # Other layers are mapped freely.
    assert pinned.tile_work(replace(LAYER, name="l"), Tile(1, 128, 48, 27, 27), CHIP_TERMS).cycles > 0


def test_filters_of_a_depthwise_layer_are_not_interleaved() -> None:
    layer = Layer("l", "dwconv", (("x",),), 8, 8, 8, 9, 9, 9, 9, 3, 3)
    with pytest.raises(MappingError, match="p and t are 1 where each channel has its own filter"):
        replace(CHIP, pins=(("l", (("p", 2),)),)).tile_work(layer, Tile(1, 8, 1, 9, 9), CHIP_TERMS)


def test_work_without_weights_runs_on_the_adders() -> None:
    pool = Layer("l", "maxpool", (("x",),), 6, 6, 6, 9, 9, 4, 4, 3, 3, (2, 2))
    work = CHIP.tile_work(pool, Tile(2, 6, 1, 4, 4), CHIP_TERMS)
    outputs = 2 * 6 * 16
    assert work.cycles == max(-(-outputs * 9 // 168), outputs * 9 * 16 // 64)
    assert work.array_fj == work.mac_fj == outputs * 9 * 50
    together = CHIP.tile_works(pool, _columns([Tile(2, 6, 1, 4, 4), Tile(1, 6, 1, 0, 4)]), CHIP_TERMS)
    assert [int(column[0]) for column in together] == [getattr(work, name) for name in together._fields]
    assert [int(column[1]) for column in together] == [0, 0, 0, 0, 0, 0]


def test_no_work_is_faster_than_its_macs_and_words() -> None:
    layer = Layer("l", "conv", (("x",),), 1, 100, 70, 30, 30, 28, 28, 3, 3)
    for n, rows, prefer in product((1, 4), (5, 28), ("fastest", "frugal")):
        terms = Terms(TECHNOLOGY, Precision(), prefer, 3000, 3000, 10)  # type: ignore[arg-type]
        work = CHIP.tile_work(layer, Tile(n, 100, 70, rows, 28), terms)
        assert work.cycles * CHIP.pes >= n * 100 * 70 * rows * 28 * 9
        assert work.cycles * CHIP.filter_bits_per_cycle >= work.weight_read_bytes * 8
        assert work.feature_write_bytes >= n * 100 * rows * 28
