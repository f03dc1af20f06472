"""How many costs are looked at together changes nothing: neither what is cheapest nor which of equals is kept."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from costmodel import selection
from costmodel.table import build_table
from random_networks import random_study
from specs.study import Goal

GOALS: tuple[Goal, ...] = ("energy", "latency", "bandwidth")


@pytest.mark.parametrize("seed", range(12))
def test_costs_in_small_parts_give_the_same_table(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    study = replace(random_study(random.Random(seed)), goal=GOALS[seed % 3])
    monkeypatch.setattr(selection, "_BLOCK_CELLS", 2**40)
    whole = build_table(study)
    for at_once in (1, 50):
        monkeypatch.setattr(selection, "_BLOCK_CELLS", at_once)
        parts = build_table(study)
        assert len(parts.families) == len(whole.families)
        for one, other in zip(parts.families, whole.families, strict=True):
            assert one.cheapest is not None
            assert np.array_equal(one.cheapest, other.cheapest)
            assert np.array_equal(one.starts, other.starts)
            assert np.array_equal(one.rows.cycles, other.rows.cycles)
            assert np.array_equal(one.rows.array_fj, other.rows.array_fj)
            assert np.array_equal(one.rows.dram_bytes, other.rows.dram_bytes)
