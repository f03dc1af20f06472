"""The roofline: points are MACs over priced bytes and time, and none lies above the roofs."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from costmodel import evaluate
from drawn import collisions, mixed_result
from made_results import DEDUCTIONS, SECONDS, SPACE, chain_study, solved
from odd_networks import odd_study
from plots.roofline import Roofline, roofline, roofline_data
from plots.style import COLUMN, WIDE, written
from random_designs import random_design, roomy
from random_networks import random_study
from solver.result import Outcome, Result


def test_points_are_macs_per_byte_and_per_second() -> None:
    result = solved(chain_study())
    data = roofline_data(result)
    assert result.cost is not None
    assert result.design is not None
    for point, cost in zip(data.after, result.cost.groups, strict=True):
        assert point.macs_per_byte == pytest.approx(cost.macs / cost.dram_bytes)
        assert point.macs_per_s == pytest.approx(cost.macs / (cost.cycles * result.cost.period_fs / 10**15))
    assert sum(point.share for point in data.after) == pytest.approx(1)
    assert sum(point.share for point in data.before) == pytest.approx(1)
    assert [point.number for point in data.before] == [1, 2]
    hardware = result.design.hardware
    assert data.peak_macs_per_s == hardware.array.pes * hardware.clock_hz
    assert data.roof(1e9) == data.peak_macs_per_s
    assert data.roof(0.5) == hardware.dram.bytes_per_s / 2


def test_what_is_drawn_are_the_points() -> None:
    result = solved(chain_study())
    data, ax = roofline_data(result), roofline(result)
    drawn = {str(c.get_label()): np.asarray(c.get_offsets()) for c in ax.collections if isinstance(c, PathCollection)}
    for label, points in (("fused", data.after), ("layer by layer", data.before)):
        assert drawn[label] == pytest.approx(np.array([(p.macs_per_byte, p.macs_per_s) for p in points]))
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend[:2] == ["array's peak, 42.0 GMAC/s", "DRAM, 6.40 GB/s"]


@pytest.mark.parametrize("block", range(2))
def test_no_group_of_any_design_lies_above_the_roofs(block: int) -> None:
    for seed in range(60 * block, 60 * block + 60):
        rng = random.Random(seed)
        study = roomy(odd_study(rng) if seed % 2 else random_study(rng))
        design = random_design(rng, study)
        cost = evaluate(study, design)
        best = Outcome("feasible", design=design, cost=cost)
        assert_below(roofline_data(Result(study, best, None, None, SPACE, DEDUCTIONS, SECONDS)), f"seed {seed}")


def assert_below(data: Roofline, label: str) -> None:
    for point in data.after:
        assert point.macs_per_s <= data.roof(point.macs_per_byte) * (1 + 1e-6), f"{label}: {point}"


def test_a_mix_weighs_time_by_runs() -> None:
    result = mixed_result()
    data = roofline_data(result)
    assert result.cost is not None
    cycles = [cost.cycles * runs for cost, runs in zip(result.cost.groups, result.cost.runs, strict=True)]
    assert [point.share for point in data.after] == pytest.approx([one / sum(cycles) for one in cycles])


def test_without_a_baseline_there_are_no_squares() -> None:
    ax = roofline(replace(solved(chain_study()), layer_by_layer_same_hardware=None))
    assert [text.get_text() for text in ax.get_legend().get_texts()][2:] == ["groups"]
    assert "layer by layer" not in written(ax, "caption")


@pytest.mark.parametrize("width", [COLUMN, WIDE])
def test_texts_keep_off_each_other(width: float) -> None:
    assert collisions(roofline(solved(chain_study(150), gap=0.1), width=width)) == []
    assert collisions(roofline(mixed_result(), width=width)) == []
