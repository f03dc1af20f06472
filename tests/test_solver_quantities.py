"""How numbers are written: prefixes, signs, and rounding that keeps a claim true."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.quantities import area_text, axis_unit, bound_text, change, engineering, percent_at_most, stated


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (3.2141e-3, "J", "3.214 mJ"),
        (0.0, "J", "0 J"),
        (999.96e-6, "s", "1.000 ms"),
        (9.9996, "W", "10.00 W"),
        (12_345_678, "B", "12.35 MB"),
        (512, "B", "512.0 B"),
        (1e-16, "s", "0.1000 fs"),
        (5e15, "B", "5000 TB"),
    ],
)
def test_quantities_have_four_digits_and_a_prefix(value: float, unit: str, text: str) -> None:
    assert engineering(value, unit) == text


def test_stated_quantities_keep_no_zeros_at_their_end() -> None:
    assert [stated(2e8, "Hz"), stated(6.4e9, "B/s"), stated(0.04, "s")] == ["200 MHz", "6.4 GB/s", "40 ms"]


def test_areas_have_square_units_without_prefix() -> None:
    assert [area_text(820_012), area_text(4_000_000), area_text(10)] == ["0.82 mm2", "4 mm2", "10 um2"]


@pytest.mark.parametrize(
    ("new", "old", "text"), [(61.7, 100, "-38.3 %"), (103, 100, "+3.0 %"), (99.99, 100, "0.0 %"), (1, 0, "n/a")]
)
def test_changes_have_a_sign(new: float, old: float, text: str) -> None:
    assert change(new, old) == text


@given(st.integers(1, 10**18))
def test_a_bound_is_never_printed_larger_than_it_is(base: int) -> None:
    number, unit = bound_text("energy", base).split()
    scale = {"f": 1, "p": 10**3, "n": 10**6, "u": 10**9, "m": 10**12, "": 10**15, "k": 10**18}[unit[:-1]]
    assert Fraction(number) * scale <= base * (1 + Fraction(1, 10**12))


def test_a_tiny_gap_is_still_a_gap() -> None:
    texts = [percent_at_most(gap) for gap in (0.0, 2e-14, 0.05, 0.0131, 1.0)]
    assert texts == ["0 %", "0.0001 %", "5 %", "1.4 %", "100 %"]


@given(st.floats(1e-6, 1.0))
def test_a_gap_is_never_printed_smaller_than_it_is(gap: float) -> None:
    printed = float(percent_at_most(gap).removesuffix(" %")) / 100
    assert gap * (1 - 1e-6) <= printed <= 1.11 * gap


def test_an_axis_has_one_prefix_for_all_its_values() -> None:
    assert axis_unit(0.0043, "J") == (pytest.approx(1e-3), "mJ")
    assert axis_unit(999.0, "s") == (1.0, "s")
    assert axis_unit(1000.0, "s") == (1000.0, "ks")
    assert axis_unit(3e15, "B") == (1e12, "TB")
    assert axis_unit(0.0, "J") == (1.0, "J")
