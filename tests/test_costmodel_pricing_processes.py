"""Pricing in several processes gives the table that one process gives."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

import costmodel.table
from costmodel.candidates import Candidates
from costmodel.table import build_table
from made_results import chain_study
from specs.study import Fusion
from specs.templates import accelerator

PINS = {"conv2": {"blocks_on": "C"}}


@pytest.mark.parametrize("mapping", [None, PINS], ids=["free", "pinned"])
def test_families_priced_elsewhere_are_the_same(
    mapping: dict[str, dict[str, str]] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Layers of a chain are alike but for their pins: a pinned one is a class of its own in every process.
    arrays = (accelerator("vwa", blocks=(2, 4), mapping=mapping), accelerator("eyeriss", rows=6, cols=4))
    study = replace(chain_study(), accelerators=arrays, fusion=Fusion(max_layers=2))
    serial = build_table(study)
    monkeypatch.setattr(costmodel.table, "PARALLEL_FROM", 0)
    # Two families, and two processes: none is split.
    parallel = build_table(study, processes=2)
    assert len(parallel.families) == len(serial.families) == 2
    assert parallel.priced == serial.priced
    for one, other in zip(serial.families, parallel.families, strict=True):
        assert one.family == other.family
        assert np.array_equal(one.classes, other.classes)
        assert np.array_equal(one.starts, other.starts)
        assert np.array_equal(one.cheapest, other.cheapest)
        assert one.rows.kinds == other.rows.kinds
        for field in fields(Candidates):
            assert np.array_equal(getattr(one.rows, field.name), getattr(other.rows, field.name)), field.name
