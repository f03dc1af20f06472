"""The vectorwise array against its publication: what is met stays met, and what is missed is known."""

from __future__ import annotations

import pytest

from tests.validation.row import Row
from tests.validation.technologies import shipped
from tests.validation.vwa import FEATURE_SHARE, PRECISION, peak_power_mw, rows, table

ROWS = {row.quantity: row for row in rows()}
MISSED = {
    # 2.2 points: a fifth of GoogLeNet's cycles are 7x7 and 5x5 kernels, of which the abstract says too little.
    "conv utilisation of googlenet",
    # A 64-bit port could not bring the 48 bytes of weights that the array takes per cycle.
    "... at the studies' 64-bit ports",
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_published_figures(row: Row) -> None:
    assert row.is_met == (row.quantity not in MISSED), row


def test_utilisation_by_number() -> None:
    ours = [round(row.ours, 2) for row in ROWS.values() if "utilisation" in row.quantity]
    assert ours == [100.0, 98.51, 95.94, 95.83]


def test_how_the_sram_is_divided_matters_little() -> None:
    technology = shipped("40nm")
    totals = [sum(peak_power_mw(technology, PRECISION, share).values()) for share in (1 / 3, 1 / 2, FEATURE_SHARE)]
    assert max(totals) / min(totals) < 1.02
    assert "vgg16" in table()
