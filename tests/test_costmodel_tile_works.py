"""What every template owes, checked for all that specs/templates describes: a new one is tested by being there."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from costmodel.template import PREFERENCES, ArrayShape, Terms, Tile, Tiles, array_shapes, loop_bounds
from random_networks import TECHNOLOGY
from specs.network import Layer, Op
from specs.study import Precision
from specs.templates import LetterDoc, accelerator, describe_template, template_names

PRECISIONS = [Precision(), Precision(16, 16, 32), Precision(16, 8, 16)]
SEEDS = range(150)
ALL = pytest.mark.parametrize("template", template_names())


def random_layer(rng: random.Random) -> Layer:
    """A layer of any kind with a kernel of any shape, also taller and wider than arrays and spads."""
    op: Op = rng.choice(["conv", "conv", "dwconv", "fc", "maxpool", "add"])  # type: ignore[assignment]
    G, K, C = 1, rng.randint(1, 40), rng.randint(1, 40)
    if op in ("dwconv", "maxpool", "add"):
        G = C = K
    elif op == "conv" and rng.random() < 0.3:
        G, K, C = 2, 2 * K, 2 * C
    R = 1 if op == "add" else rng.choice([1, 1, 2, 3, 5, 7, 11, 17])
    S = 1 if op == "add" else rng.choice([R, R, 3, 13])
    operands = (("a",), ("b",)) if op == "add" else (("a",),)
    stride, dilation = rng.choice([(1, 1), (2, 2), (1, 2)]), rng.choice([(1, 1), (1, 1), (2, 3)])
    size = (20 + dilation[0] * R) * 2
    return Layer(
        "l", op, operands, G, K, C, size, size, 20, 20, R, S, stride, dilation=dilation, bias=rng.random() < 0.5
    )


def random_array(rng: random.Random, template: str) -> ArrayShape:
    """Choices are drawn small, fixed numbers keep their default; now and then letters of layer l are pinned."""
    described = describe_template(template)
    drawn = {
        key: rng.randint(number.lowest, max(number.lowest, number.default)) if number.choice else number.default
        for key, number in described.numbers.items()
    }
    letters = {letter: _pin(rng, doc) for letter, doc in described.mapping.items() if doc.allowed}
    mapping = {"l": letters} if letters and rng.random() < 0.3 else None
    (array,) = array_shapes(accelerator(template, mapping=mapping, **drawn))
    return array


def _pin(rng: random.Random, letter: LetterDoc) -> int | str:
    assert letter.allowed
    return rng.choice(letter.allowed)


def random_terms(rng: random.Random) -> Terms:
    prices = [rng.choice([0, 1, 300, 10_000]) for _ in range(3)]
    return Terms(TECHNOLOGY, rng.choice(PRECISIONS), rng.choice(PREFERENCES), *prices)


def random_tiles(rng: random.Random, layer: Layer, count: int) -> list[Tile]:
    """A part of a grouped layer's outputs lies in one group, inputs may be a part of C/G; some tiles are empty."""
    channels = [layer.K, *(rng.randint(1, max(1, layer.K // layer.G)) for _ in range(3))]
    inputs = [layer.C // layer.G, rng.randint(1, layer.C // layer.G)]
    return [
        Tile(rng.randint(1, 3), rng.choice(channels), rng.choice(inputs), rng.randint(0, 20), rng.randint(0, 20))
        for _ in range(count)
    ]


def _arrays_of(tiles: list[Tile], shape: tuple[int, ...]) -> Tiles:
    return Tiles(*(np.array(column, dtype=np.int64).reshape(shape) for column in zip(*tiles, strict=True)))


@ALL
@pytest.mark.parametrize("seed", SEEDS)
def test_many_tiles_at_once_cost_what_each_costs_alone(template: str, seed: int) -> None:
    rng = random.Random(seed)
    layer, array, terms = random_layer(rng), random_array(rng, template), random_terms(rng)
    whole = Tile(1, layer.K, layer.C // layer.G, 20, 20)
    tiles = [*random_tiles(rng, layer, 9), whole, whole._replace(rows=0), whole._replace(cols=0)]
    together = array.tile_works(layer, _arrays_of(tiles, (3, 4)), terms)
    for i, tile in enumerate(tiles):
        alone = array.tile_work(layer, tile, terms)
        expected = (
            alone.cycles,
            alone.array_fj,
            alone.feature_read_bytes,
            alone.feature_write_bytes,
            alone.weight_read_bytes,
            alone.weight_write_bytes,
        )
        assert tuple(int(column.ravel()[i]) for column in together) == expected, (layer, array, tile, terms)
        assert all(column.shape == (3, 4) for column in together)


@ALL
@pytest.mark.parametrize("seed", SEEDS)
def test_work_is_never_less_than_the_work_there_is(template: str, seed: int) -> None:
    rng = random.Random(seed)
    layer, array, terms = random_layer(rng), random_array(rng, template), random_terms(rng)
    for tile in random_tiles(rng, layer, 6):
        work = array.tile_work(layer, tile, terms)
        outputs = tile.images * tile.channels * tile.rows * tile.cols
        C = loop_bounds(layer, tile.channels, tile.input_channels).C
        macs = outputs * C * layer.R * layer.S if layer.has_weights else 0
        if outputs == 0:
            assert not any(vars(work).values())
            continue
        assert work.cycles > 0
        assert work.cycles * array.pes >= macs
        assert work.feature_write_bytes >= outputs * terms.precision.activation_bytes
        assert min(vars(work).values()) >= 0
        if layer.has_weights:
            filter_words = C * layer.R * layer.S + int(layer.bias)
            assert work.weight_read_bytes >= tile.channels * filter_words * terms.precision.weight_bytes


@ALL
@pytest.mark.parametrize("seed", SEEDS)
def test_the_preferred_mapping_is_the_best_of_those_it_may_take(template: str, seed: int) -> None:
    """`fastest` is never slower than `frugal`, asking twice gives the same answer, and a name is told for it."""
    rng = random.Random(seed)
    layer, array, terms = random_layer(rng), random_array(rng, template), random_terms(rng)
    for tile in (tile for tile in random_tiles(rng, layer, 4) if tile.rows and tile.cols):
        fastest, frugal = (array.tile_work(layer, tile, replace(terms, prefer=prefer)) for prefer in PREFERENCES)
        assert fastest.cycles <= frugal.cycles
        assert _energy(frugal, terms) <= _energy(fastest, terms)
        assert array.mapping(layer, tile, terms) == array.mapping(layer, tile, terms) != {}
        assert array.tile_work(layer, tile, terms) == array.tile_work(layer, tile, terms)


def _energy(work: object, terms: Terms) -> int:
    w = vars(work)
    return (
        w["mac_fj"]
        + w["spad_fj"]
        + w["network_fj"]
        + (w["feature_read_bytes"] + w["feature_write_bytes"]) * terms.feature_fj_per_byte
        + w["weight_read_bytes"] * terms.weight_fj_per_byte
        + w["cycles"] * terms.leakage_fj_per_cycle
    )


@ALL
@pytest.mark.parametrize("seed", SEEDS)
def test_a_part_needs_no_more_weights_on_chip_than_the_whole(template: str, seed: int) -> None:
    rng = random.Random(seed)
    layer, array = random_layer(rng), random_array(rng, template)
    if layer.has_weights:
        words = array.weight_chunk_words(layer, layer.K, layer.C // layer.G)
        assert 0 < words <= layer.weight_words
        assert isinstance(array.accumulates_in_buffer(layer), bool)
    assert array.area_um2(TECHNOLOGY, Precision()) >= array.pes * 400  # the MACs alone
