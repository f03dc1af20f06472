"""No tile of any size costs less per output position than the least rate of its layer, on any array at any prices."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from costmodel.least_rates import per_position
from costmodel.products import Floats
from costmodel.template import PREFERENCES, ArrayShape, Terms, TileSizes, TileWorks
from specs.network import Layer
from specs.templates import template_names
from test_costmodel_tile_works import random_array, random_layer, random_terms
from training_layers import random_training_layer

SEEDS = range(120)


def _drawn(seed: int, template: str) -> tuple[Layer, ArrayShape, list[Terms], TileSizes, Floats]:
    """Prices are drawn for all quantities, for one of them, and for cycles alone as where latency is the goal."""
    rng = random.Random(f"rates {seed}")
    layer = random_training_layer(rng) if seed % 2 else random_layer(rng)
    array, terms = random_array(rng, template), replace(random_terms(rng), skip_zeros=rng.random() < 0.5)
    channels, inputs = layer.K, layer.C // layer.G
    if rng.random() < 0.3:
        channels, inputs = rng.randint(1, max(1, layer.K // layer.G)), rng.randint(1, inputs)
    sizes = TileSizes(tuple(sorted(rng.sample(range(1, 9), rng.randint(1, 4)))), channels, inputs)
    quantities = len(TileWorks._fields)
    prices = [[rng.choice([0, 1, 7, 300, 10_000]) for _ in range(quantities)] for _ in range(6)]
    prices += [[int(i == at) for i in range(quantities)] for at in (0, rng.randrange(quantities))]
    each = [replace(terms, prefer=prefer) for prefer in PREFERENCES]
    return layer, array, each, sizes, np.array(prices, dtype=np.float64).T


def _least(layer: Layer, array: ArrayShape, terms: list[Terms], sizes: TileSizes, prices: Floats) -> Floats:
    """The least cost per position of all tiles that there are, one by one."""
    tiles = sizes.every(layer)
    found = [(per_position(array.tile_works(layer, tiles, one), tiles) @ prices).min(axis=0) for one in terms]
    least: Floats = np.min(found, axis=0)
    return least


@pytest.mark.parametrize("template", template_names())
@pytest.mark.parametrize("seed", SEEDS)
def test_no_tile_costs_less_per_position(template: str, seed: int) -> None:
    layer, array, terms, sizes, prices = _drawn(seed, template)
    rates = array.least_rates(layer, sizes, prices, terms)
    assert rates.shape == prices.shape[1:]
    assert (rates >= 0).all()
    assert (rates <= _least(layer, array, terms, sizes, prices) * (1 + 1e-12)).all(), (layer, array, terms, sizes)


@pytest.mark.parametrize("template", template_names())
def test_rates_are_not_far_below_what_tiles_cost(template: str) -> None:
    """A bound of nothing would hold as well. (Layers beside the array are little work.)"""
    shares = []
    for seed in SEEDS:
        layer, array, terms, sizes, _ = _drawn(seed, template)
        if layer.on_array:
            prices = np.array([[3.0], [1.0], [200.0], [200.0], [100.0], [100.0]])
            least = _least(layer, array, terms, sizes, prices)
            shares.append(float((array.least_rates(layer, sizes, prices, terms) / least)[0]))
    assert len(shares) > 50
    assert min(shares) > 0.3
    assert sum(shares) / len(shares) > 0.9
