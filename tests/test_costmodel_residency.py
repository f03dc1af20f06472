"""Which weights stay: for every buffer size, the choice that streams least is found."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product

import pytest

from costmodel.candidates import Family
from costmodel.residency import residency_options
from costmodel.template import ArrayShape
from made_results import chain_study
from specs.network import Layer
from specs.study import SeparateBuffers, SharedBuffer
from specs.templates import template_names
from test_costmodel_tile_works import random_array, random_layer


def _need(array: ArrayShape, layers: tuple[Layer, ...], stays: tuple[bool, ...], copies: int, width: int) -> int:
    """Bytes in the weight buffer: what stays, and the largest piece of what streams."""
    kept = sum(layer.weight_words for layer, stay in zip(layers, stays, strict=True) if stay)
    pieces = [
        array.weight_chunk_words(layer, layer.K, layer.C // layer.G)
        for layer, stay in zip(layers, stays, strict=True)
        if layer.has_weights and not stay
    ]
    return (kept + copies * max(pieces, default=0)) * width


@pytest.mark.parametrize("template", template_names())
@pytest.mark.parametrize("seed", range(50))
def test_for_every_capacity_the_choice_that_streams_least_is_an_option(seed: int, template: str) -> None:
    rng = random.Random(seed)
    layers = tuple(random_layer(rng) for _ in range(rng.randint(1, 6)))
    some = random_array(rng, template)
    arrays = (some, replace(some, rows=2 * some.rows))  # type: ignore[type-var, attr-defined]
    study = chain_study()
    width, double_buffer = study.precision.weight_bytes, rng.random() < 0.5
    family = Family("any", double_buffer, 500_000_000, study.dram[0], arrays)
    total = sum(layer.weight_words for layer in layers) * width
    capacities = tuple(sorted(rng.randint(0, total + total // 2 + 1) for _ in range(4)))
    buffers = rng.choice([SeparateBuffers((4096,), capacities), SharedBuffer(capacities)])
    options = residency_options(replace(study, buffers=buffers), family, layers)
    choices = list(product([False, True], repeat=len(layers)))
    for i, array in enumerate(arrays):
        needs = {stays: _need(array, layers, stays, 2 if double_buffer else 1, width) for stays in choices}
        streamed = {
            stays: sum(l.weight_words for l, stay in zip(layers, stays, strict=True) if not stay) * width
            for stays in choices
        }
        for option in options:
            stays = tuple(bool(option.mask >> bit & 1) for bit in range(len(layers)))
            assert int(option.need_bytes[i]) == needs[stays]
            assert option.stream_bytes == streamed[stays]
            assert option.resident_bytes == total - streamed[stays]
        for capacity in capacities:
            least = min((streamed[stays] for stays in choices if needs[stays] <= capacity), default=None)
            found = min((o.stream_bytes for o in options if int(o.need_bytes[i]) <= capacity), default=None)
            assert found == least
