"""The grid of savings: one bar a row and metric, in per cent, and what is missing or unproven is marked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drawn import collisions, filled
from made_results import chain_study, solved, unsolved
from plots.saving_grid import SavingRow, saving_grid, saving_row
from plots.style import COLUMN, WIDE, NothingToDrawError, written

ROWS = [
    SavingRow(
        network, accelerator, dram, 0.1 + 0.1 * i, -0.05 * i, None if (i, accelerator) == (2, "vwa") else 0.5, i != 1
    )
    for i, network in enumerate(["alexnet", "vgg16", "mobilenet_v2"])
    for accelerator in ("vwa", "eyeriss")
    for dram in ("DDR3", "LPDDR4")
]


def test_bars_are_per_cent() -> None:
    energy, latency, traffic = saving_grid(ROWS, "bench, for least energy")
    bars = sorted((bar.get_x(), bar.get_height()) for bar in filled(energy))
    assert [height for _, height in bars] == pytest.approx([10] * 4 + [20] * 4 + [30] * 4)
    assert min(bar.get_height() for bar in filled(latency)) == pytest.approx(-10)
    assert [text.get_text() for text in traffic.texts].count("n/a") == 2
    assert energy.get_ylabel() == "energy\nsaved [%]"
    assert [tick.get_text() for tick in traffic.get_xticklabels()] == ["alexnet", "vgg16", "mobilenet_v2"]
    legend = [text.get_text() for text in energy.get_legend().get_texts()]
    assert legend == ["vwa, DDR3", "vwa, LPDDR4", "eyeriss, DDR3", "eyeriss, LPDDR4"]


def test_rows_that_are_not_proven_have_a_star() -> None:
    energy, latency, _ = saving_grid(ROWS, "bench")
    assert [text.get_text() for text in energy.texts].count("*") == 4
    assert [text.get_text() for text in latency.texts].count("0") == 4
    assert "* where one of both designs is not proven optimal" in written(energy, "caption")
    proven = [replace(row, proven=True) for row in ROWS]
    assert "all designs are proven optimal" in written(saving_grid(proven, "bench")[0], "caption")


def test_a_row_reads_a_result() -> None:
    result = solved(chain_study())
    row = saving_row(result, "vwa", "DDR3")
    assert result.cost is not None
    assert result.layer_by_layer is not None
    assert result.layer_by_layer.cost is not None
    assert (row.network, row.accelerator, row.dram, row.proven) == ("chain", "vwa", "DDR3", True)
    assert row.energy == pytest.approx(1 - result.cost.energy_fj / result.layer_by_layer.cost.energy_fj)
    assert saving_row(solved(chain_study(), gap=0.1), "vwa", "DDR3").proven is False
    assert saving_row(unsolved(chain_study(), "unknown"), "vwa", "DDR3").energy is None


@pytest.mark.parametrize("width", [COLUMN, WIDE])
def test_texts_keep_off_each_other(width: float) -> None:
    assert collisions(*saving_grid(ROWS, "bench, for least energy", width=width)) == []
    many = [replace(row, network=f"network_{i}") for i in range(8) for row in ROWS[4:8]]
    assert collisions(*saving_grid(many, "bench, for least energy", width=width)) == []


def test_without_rows_there_is_nothing_to_draw() -> None:
    with pytest.raises(NothingToDrawError):
        saving_grid([], "bench")
