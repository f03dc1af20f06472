"""What is said of a training step that fits no buffer: of every layer, also of those that wait for sums."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brute_force_space import group_designs, listed_hardware
from costmodel.evaluate import group_cost
from costmodel.hardware import prices
from costmodel.legal import DesignError
from random_training_instances import training_instance
from solver.unfit import _enough
from specs.study import SeparateBuffers, Study


def _fits(study: Study, name: str, feature: int, weight: int) -> bool:
    """Whether any way to run a layer alone needs no more than so much."""
    room = replace(study, buffers=SeparateBuffers((2**18,), (2**18,)))
    for hardware in listed_hardware(room):
        for group in group_designs(room, (name,), ("fastest",)):
            try:
                cost = group_cost(room, hardware, prices(room, hardware), group)
            except DesignError:
                continue
            if cost.feature_peak_bytes <= feature and cost.weight_peak_bytes <= weight:
                return True
    return False


@pytest.mark.parametrize("seed", range(6))
def test_enough_for_a_layer_is_what_one_of_its_ways_needs(seed: int) -> None:
    study = replace(training_instance(f"unfit {seed}", 500), buffers=SeparateBuffers((256,), (256,)))
    for layer in study.network.layers:
        enough = _enough(study, layer.name)
        assert enough is not None
        assert _fits(study, layer.name, *enough)
