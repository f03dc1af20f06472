"""Quantities with units: exact, positive, and refused in one sentence."""

from __future__ import annotations

import contextlib
import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.units import (
    AREA,
    BANDWIDTH,
    ENERGY,
    ENERGY_PER_BIT,
    FREQUENCY,
    SIZE,
    TIME,
    Dimension,
    size_text,
)

DIMENSIONS = [SIZE, FREQUENCY, TIME, ENERGY, AREA, BANDWIDTH, ENERGY_PER_BIT]


@pytest.mark.parametrize(
    ("dimension", "text", "expected"),
    [
        (SIZE, "1 B", 1),
        (SIZE, "64 KiB", 65536),
        (SIZE, "64KiB", 65536),
        (SIZE, "0.5 KiB", 512),
        (SIZE, "2 MiB", 2 * 1024**2),
        (SIZE, "1 GiB", 1024**3),
        (SIZE, "191 kB", 191_000),
        (SIZE, "1 MB", 10**6),
        (SIZE, "1 GB", 10**9),
        (FREQUENCY, "500 MHz", 500_000_000),
        (FREQUENCY, "1.2 GHz", 1_200_000_000),
        (FREQUENCY, "32.768 kHz", 32768),
        (TIME, "40 ms", 40 * 10**12),
        (TIME, "1 s", 10**15),
        (TIME, "1 us", 10**9),
        (TIME, "1 µs", 10**9),
        (TIME, "2.5 ns", 2_500_000),
        (TIME, "1 ps", 1000),
        (TIME, "7 fs", 7),
        (ENERGY, "5 mJ", 5 * 10**12),
        (ENERGY, "0.1 pJ", 100),
        (AREA, "4 mm2", 4_000_000),
        (AREA, "4 mm²", 4_000_000),
        (AREA, "4 mm^2", 4_000_000),
        (AREA, "419 um2", 419),
        (BANDWIDTH, "6.4 GB/s", 6_400_000_000),
        (BANDWIDTH, "1 GiB/s", 1024**3),
        (BANDWIDTH, "3 KB/s", 3000),
        (BANDWIDTH, "3 kB/s", 3000),
        (BANDWIDTH, "0.48 GB/s", 480_000_000),
        (BANDWIDTH, "8 Gbit/s", 10**9),
        (ENERGY_PER_BIT, "70 pJ/bit", 560_000),
        (ENERGY_PER_BIT, "6.25 pJ/bit", 50_000),
        (SIZE, "1e3 B", 1000),
        (SIZE, ".5 kB", 500),
    ],
)
def test_quantities_are_exact(dimension: Dimension, text: str, expected: int) -> None:
    assert dimension.whole(text) == expected


@pytest.mark.parametrize(
    ("dimension", "value", "message"),
    [
        (SIZE, "64 kg", 'must be a positive size such as "64 KiB", not "64 kg"'),
        (SIZE, "64 KB", 'must be a positive size such as "64 KiB", not "64 KB"; did you mean "kB" or "KiB"?'),
        (SIZE, 65536, 'must be a positive size such as "64 KiB", not 65536 (its unit is missing)'),
        (SIZE, "65536", 'must be a positive size such as "64 KiB", not "65536" (its unit is missing)'),
        (SIZE, "0 B", 'must be a positive size such as "64 KiB", not "0 B"'),
        (SIZE, "-4 KiB", 'must be a positive size such as "64 KiB", not "-4 KiB"'),
        (SIZE, "0.3 B", 'must be a whole number of bytes, not "0.3 B"'),
        (SIZE, "1 2 B", 'must be a positive size such as "64 KiB", not "1 2 B"'),
        (SIZE, "nan B", 'must be a positive size such as "64 KiB", not "nan B"'),
        (SIZE, "inf KiB", 'must be a positive size such as "64 KiB", not "inf KiB"'),
        (SIZE, "1_000 B", 'must be a positive size such as "64 KiB", not "1_000 B"'),
        (SIZE, "", 'must be a positive size such as "64 KiB", not ""'),
        (SIZE, True, 'must be a positive size such as "64 KiB", not true'),
        (SIZE, None, 'must be a positive size such as "64 KiB", not nothing'),
        (SIZE, ["1 B"], 'must be a positive size such as "64 KiB", not a list'),
        (FREQUENCY, "500 mhz", 'must be a positive frequency such as "500 MHz", not "500 mhz"; did you mean "MHz"?'),
        (TIME, "1 h", 'must be a positive time such as "40 ms", not "1 h"'),
        (TIME, "0.5 fs", 'must be a whole number of femtoseconds, not "0.5 fs"'),
        (ENERGY, float("nan"), 'must be a positive energy such as "5 mJ", not nan (its unit is missing)'),
        (AREA, "4 mm", 'must be a positive area such as "4 mm2", not "4 mm"'),
        (
            BANDWIDTH,
            "6.4 GBps",
            'must be a positive bandwidth such as "6.4 GB/s", not "6.4 GBps"; did you mean "GB/s"?',
        ),
        (ENERGY_PER_BIT, "70 pJ", 'must be a positive energy per bit such as "70 pJ/bit", not "70 pJ"'),
    ],
)
def test_refusals_say_what_is_allowed_and_what_was_found(dimension: Dimension, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dimension.whole(value)


@given(st.sampled_from(DIMENSIONS), st.integers(1, 10**12), st.data())
def test_a_whole_number_of_any_unit_round_trips(dimension: Dimension, number: int, data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from(sorted(dimension.units)))
    assert dimension.exact(f"{number} {unit}") == number * dimension.units[unit]


@given(st.integers(1, 10**9), st.integers(0, 9))
def test_decimals_are_read_without_rounding(digits: int, places: int) -> None:
    text = f"{digits // 10**places}.{digits % 10**places:0{places}d} GB" if places else f"{digits} GB"
    assert SIZE.exact(text) == Fraction(digits, 10**places) * 10**9


@given(st.integers(1, 2**50))
def test_a_size_survives_being_written_and_read(num_bytes: int) -> None:
    assert SIZE.whole(size_text(num_bytes)) == num_bytes


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert SIZE.exact(text) > 0
