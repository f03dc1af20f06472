"""What every template owes for the layers of a training step."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from costmodel.technology import add_fj, mac_fj
from costmodel.template import PREFERENCES, ArrayShape, SearchesTogether, Terms, Tile, Tiles, TileWork, loop_bounds
from random_networks import TECHNOLOGY
from specs.network import Layer
from specs.templates import template_names
from test_costmodel_tile_works import random_array, random_terms, random_tiles
from training_layers import MOST, random_training_layer

SEEDS = range(100)
ALL = pytest.mark.parametrize("template", template_names())
EACH = pytest.mark.parametrize("seed", SEEDS)


def _drawn(seed: int, template: str) -> tuple[random.Random, Layer, ArrayShape, Terms]:
    rng = random.Random(seed)
    layer, array = random_training_layer(rng), random_array(rng, template)
    return rng, layer, array, replace(random_terms(rng), skip_zeros=rng.random() < 0.7)


def _columns(tiles: list[Tile], shape: tuple[int, ...]) -> Tiles:
    return Tiles(*(np.array(column, dtype=np.int64).reshape(shape) for column in zip(*tiles, strict=True)))


def _quantities(work: TileWork) -> tuple[int, ...]:
    return (
        work.cycles,
        work.array_fj,
        work.feature_read_bytes,
        work.feature_write_bytes,
        work.weight_read_bytes,
        work.weight_write_bytes,
    )


def _macs(layer: Layer, tile: Tile, terms: Terms) -> int:
    """As the contract of a skipping and of a dense array has them; 0 beside the array."""
    if not layer.on_array:
        return 0
    rows, cols = tile.rows, tile.cols
    if terms.skip_zeros:
        rows, cols = -(-rows // layer.upsample[0]), -(-cols // layer.upsample[1])
    C = loop_bounds(layer, tile.channels, tile.input_channels).C
    return tile.images * tile.channels * C * layer.R * layer.S * rows * cols


@ALL
@EACH
def test_many_tiles_at_once_cost_what_each_costs_alone(template: str, seed: int) -> None:
    rng, layer, array, terms = _drawn(seed, template)
    whole = Tile(2, layer.K, layer.C // layer.G, MOST, MOST)
    tiles = [*random_tiles(rng, layer, 9), whole, whole._replace(rows=0), whole._replace(cols=0)]
    each = [replace(terms, prefer=prefer) for prefer in PREFERENCES]
    columns = _columns(tiles, (3, 4))
    found = [array.tile_works(layer, columns, one) for one in each]
    for together, one in zip(found, each, strict=True):
        assert all(column.shape == (3, 4) for column in together)
        for i, tile in enumerate(tiles):
            alone = _quantities(array.tile_work(layer, tile, one))
            assert tuple(int(column.ravel()[i]) for column in together) == alone, (layer, array, tile, one)
    if isinstance(array, SearchesTogether):
        again = array.tile_works_of_each(layer, columns, each)
        assert all(np.array_equal(np.stack(a), np.stack(b)) for a, b in zip(again, found, strict=True))
        assert hash(array.search_key(layer)) == hash(array.search_key(replace(layer)))


@ALL
@EACH
def test_work_is_never_less_than_the_work_there_is(template: str, seed: int) -> None:
    rng, layer, array, terms = _drawn(seed, template)
    precision = terms.precision
    for tile in random_tiles(rng, layer, 6):
        work = array.tile_work(layer, tile, terms)
        positions = tile.images * tile.rows * tile.cols
        outputs = positions * tile.channels
        if outputs == 0:
            assert not any(vars(work).values())
            continue
        assert min(vars(work).values()) >= 0
        assert work.cycles > 0 or not work.mac_fj
        macs = _macs(layer, tile, terms)
        assert work.cycles * array.pes >= macs
        if layer.on_array:
            adds = outputs if layer.bias and layer.reduces else 0
            unit = mac_fj(TECHNOLOGY, max(precision.activation, precision.weight))
            assert work.mac_fj == macs * unit + adds * add_fj(TECHNOLOGY, precision.activation)
        stored = positions * -(-tile.channels * layer.mask_bits // 8)
        if layer.reduces:
            assert work.feature_write_bytes == 0
            assert work.weight_read_bytes == work.weight_write_bytes
        else:
            assert work.feature_write_bytes >= outputs * precision.activation_bytes + stored
            assert work.weight_write_bytes == 0
        C = loop_bounds(layer, tile.channels, tile.input_channels).C
        words = C * layer.R * layer.S + int(layer.bias) if layer.on_array else layer.filter_words
        width = precision.weight_bytes if layer.on_array and not layer.reduces else precision.partial_sum_bytes
        assert work.weight_read_bytes >= tile.channels * words * width
        if layer.op == "wgrad":
            # Each word of dY, and of X where each output meets its own (one of a window of every channel).
            assert work.feature_read_bytes >= outputs * precision.activation_bytes


@ALL
@EACH
def test_the_preferred_mapping_is_the_best_of_those_it_may_take(template: str, seed: int) -> None:
    rng, layer, array, terms = _drawn(seed, template)
    for tile in (tile for tile in random_tiles(rng, layer, 4) if tile.rows and tile.cols):
        fastest, frugal = (array.tile_work(layer, tile, replace(terms, prefer=prefer)) for prefer in PREFERENCES)
        assert fastest.cycles <= frugal.cycles
        assert _energy(frugal, terms) <= _energy(fastest, terms)
        assert array.mapping(layer, tile, terms) == array.mapping(layer, tile, terms) != {}


def _energy(work: TileWork, terms: Terms) -> int:
    return (
        work.array_fj
        + (work.feature_read_bytes + work.feature_write_bytes) * terms.feature_fj_per_byte
        + (work.weight_read_bytes + work.weight_write_bytes) * terms.weight_fj_per_byte
        + work.cycles * terms.leakage_fj_per_cycle
    )


@ALL
@EACH
def test_a_part_needs_no_more_room_than_the_whole(template: str, seed: int) -> None:
    _, layer, array, _ = _drawn(seed, template)
    words = array.weight_chunk_words(layer, layer.K, layer.C // layer.G)
    assert words == 0 if not layer.has_weights else 0 < words <= layer.weight_words
    if layer.reduces or not layer.on_array:
        assert not array.accumulates_in_buffer(layer)


@ALL
@EACH
def test_a_larger_tile_is_never_less_work(template: str, seed: int) -> None:
    """One image, row or column more: fastest never faster, frugal never cheaper."""
    rng, layer, array, terms = _drawn(seed, template)
    fastest, frugal = (replace(terms, prefer=prefer) for prefer in PREFERENCES)
    for tile in random_tiles(rng, layer, 3):
        tile = tile._replace(rows=min(tile.rows, MOST - 1), cols=min(tile.cols, MOST - 1))
        for side in ("images", "rows", "cols"):
            larger = tile._replace(**{side: getattr(tile, side) + 1})
            assert array.tile_work(layer, tile, fastest).cycles <= array.tile_work(layer, larger, fastest).cycles
            small, large = (array.tile_work(layer, one, frugal) for one in (tile, larger))
            assert _energy(small, frugal) <= _energy(large, frugal), (layer, array, tile, side)


@ALL
@EACH
def test_skipping_zeros_never_multiplies_more(template: str, seed: int) -> None:
    rng, layer, array, terms = _drawn(seed, template)
    for tile in random_tiles(rng, layer, 3):
        skipping, dense = (array.tile_work(layer, tile, replace(terms, skip_zeros=skip)) for skip in (True, False))
        assert skipping.mac_fj <= dense.mac_fj
        if layer.upsample == (1, 1) or not layer.on_array:
            assert skipping == dense
        if layer.op == "dgrad":
            words = replace(layer, op="conv", upsample=(1, 1), pixelwise=0)
            masks = tile.images * tile.rows * tile.cols * -(-tile.channels // 8) * layer.pixelwise
            mirrored = array.tile_work(words, tile, terms)
            assert replace(dense, feature_read_bytes=dense.feature_read_bytes - masks) == mirrored
