"""Templates price many tiles at once as they price each alone, and no array does more than its units can."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from costmodel.eyeriss import EyerissShape
from costmodel.template import ArrayShape
from costmodel.vwa import VwaShape
from random_networks import TECHNOLOGY
from specs.network import Layer, Op
from specs.study import Precision

PRECISIONS = [Precision(), Precision(16, 16, 32), Precision(16, 8, 16)]


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


def random_array(rng: random.Random) -> ArrayShape:
    vwa = VwaShape(rng.randint(1, 9), rng.randint(1, 9), rng.randint(1, 4))
    eyeriss = EyerissShape(rng.randint(1, 16), rng.randint(1, 16))
    return rng.choice([vwa, eyeriss, EyerissShape(12, 14), replace(eyeriss, filter_chunk_words=256)])


def random_tiles(rng: random.Random, layer: Layer, count: int) -> list[tuple[int, int, int]]:
    """Channels, rows and columns; a part of a grouped layer lies in one group, and some tiles are empty."""
    channels = [layer.K, *(rng.randint(1, max(1, layer.K // layer.G)) for _ in range(3))]
    return [(rng.choice(channels), rng.randint(0, 20), rng.randint(0, 20)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(300))
def test_many_tiles_at_once_cost_what_each_costs_alone(seed: int) -> None:
    rng = random.Random(seed)
    layer, array, precision = random_layer(rng), random_array(rng), rng.choice(PRECISIONS)
    tiles = [*random_tiles(rng, layer, 10), (layer.K, 0, 7), (layer.K, 7, 0)]
    together = array.tile_works(
        layer, *(np.array(column) for column in zip(*tiles, strict=True)), TECHNOLOGY, precision
    )
    for i, tile in enumerate(tiles):
        alone = array.tile_work(layer, *tile, TECHNOLOGY, precision)
        expected = (
            alone.cycles,
            alone.array_fj,
            alone.feature_read_bytes,
            alone.feature_write_bytes,
            alone.weight_read_bytes,
        )
        assert tuple(int(column[i]) for column in together) == expected, (layer, array, tile)


@pytest.mark.parametrize("seed", range(300))
def test_work_is_never_less_than_the_work_there_is(seed: int) -> None:
    rng = random.Random(seed)
    layer, array, precision = random_layer(rng), random_array(rng), rng.choice(PRECISIONS)
    for channels, rows, cols in random_tiles(rng, layer, 6):
        work = array.tile_work(layer, channels, rows, cols, TECHNOLOGY, precision)
        outputs = channels * rows * cols
        macs = outputs * (layer.C // layer.G) * layer.R * layer.S if layer.has_weights else 0
        assert work.cycles * array.pes >= macs
        assert work.feature_write_bytes >= outputs * precision.activation_bytes
        if outputs:
            assert work.weight_read_bytes >= channels * layer.filter_words * precision.weight_bytes
            assert work.cycles > 0
        else:
            assert (work.cycles, work.array_fj, work.feature_read_bytes, work.feature_write_bytes) == (0, 0, 0, 0)
