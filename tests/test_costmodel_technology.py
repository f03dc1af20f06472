"""Storage prices: rows of the table as they stand, the log line between them, and nothing outside."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.technology import PriceError, SramPrice, add_fj, mac_fj, sram_price
from random_networks import TECHNOLOGY
from specs.study import SramPoint, Technology

CAPACITIES = [point.capacity_bytes for point in TECHNOLOGY.sram]


def _row(point: SramPoint) -> SramPrice:
    """A row of a 64-bit table in the units of a price: eight bytes move in an access."""
    return SramPrice(
        round(point.read_pj * 1000 / 8), round(point.write_pj * 1000 / 8), point.leakage_mw, round(point.area_mm2 * 1e6)
    )


@pytest.mark.parametrize("point", TECHNOLOGY.sram, ids=lambda point: str(point.capacity_bytes))
def test_a_capacity_of_the_table_costs_what_the_table_says(point: SramPoint) -> None:
    assert sram_price(TECHNOLOGY, point.capacity_bytes) == _row(point)


@given(st.integers(CAPACITIES[0] + 1, CAPACITIES[-1] - 1))
def test_between_two_capacities_prices_lie_between_theirs(capacity: int) -> None:
    below = max((p for p in TECHNOLOGY.sram if p.capacity_bytes <= capacity), key=lambda p: p.capacity_bytes)
    above = min((p for p in TECHNOLOGY.sram if p.capacity_bytes >= capacity), key=lambda p: p.capacity_bytes)
    price, low, high = sram_price(TECHNOLOGY, capacity), _row(below), _row(above)
    assert low.read_fj_per_byte <= price.read_fj_per_byte <= high.read_fj_per_byte
    assert low.write_fj_per_byte <= price.write_fj_per_byte <= high.write_fj_per_byte
    assert low.leakage_mw * (1 - 1e-12) <= price.leakage_mw <= high.leakage_mw * (1 + 1e-12)
    assert low.area_um2 <= price.area_um2 <= high.area_um2


def _two_rows(read_pj: tuple[float, float], capacities: tuple[int, int]) -> Technology:
    rows = tuple(
        SramPoint(capacity, 64, read, 3 * read, read / 7, read / 11)
        for capacity, read in zip(capacities, read_pj, strict=True)
    )
    return replace(TECHNOLOGY, sram=rows)


@given(st.floats(0.5, 90), st.floats(1, 50), st.integers(10, 5000), st.floats(1.2, 300), st.floats(0, 1))
def test_between_two_capacities_prices_lie_on_a_straight_line_in_log_space(
    read: float, growth: float, capacity: int, span: float, share: float
) -> None:
    technology = _two_rows((read, read * growth), (capacity, math.ceil(capacity * span)))
    middle = round(capacity * span**share)
    exponent = math.log(growth) / math.log(math.ceil(capacity * span) / capacity)
    expected = read * (middle / capacity) ** exponent
    price = sram_price(technology, min(max(middle, capacity), math.ceil(capacity * span)))
    assert price.read_fj_per_byte == pytest.approx(1000 * expected / 8, abs=1)
    assert price.write_fj_per_byte == pytest.approx(3000 * expected / 8, abs=1)
    assert price.leakage_mw == pytest.approx(expected / 7)
    assert price.area_um2 == pytest.approx(1e6 * expected / 11, abs=1)


def test_half_way_in_log_space_is_the_geometric_mean() -> None:
    price = sram_price(_two_rows((4.0, 16.0), (1024, 4096)), 2048)
    assert price.read_fj_per_byte == 1000
    assert price.write_fj_per_byte == 3000


@pytest.mark.parametrize("capacity", [CAPACITIES[0] - 1, CAPACITIES[-1] + 1])
def test_a_capacity_outside_the_table_is_refused(capacity: int) -> None:
    with pytest.raises(PriceError) as error:
        sram_price(TECHNOLOGY, capacity)
    assert str(error.value) == f"a buffer must have 256 to 4194304 bytes in technology test, not {capacity}"


def test_only_rows_of_the_port_width_count() -> None:
    other = tuple(replace(point, width_bits=32, read_pj=99.0) for point in TECHNOLOGY.sram)
    assert sram_price(replace(TECHNOLOGY, sram=TECHNOLOGY.sram + other), 1024) == sram_price(TECHNOLOGY, 1024)
    with pytest.raises(PriceError, match=r"^technology test has no SRAM of 64 bits$"):
        sram_price(replace(TECHNOLOGY, sram=other), 1024)


def test_operations_cost_what_the_table_says_for_their_width() -> None:
    assert [mac_fj(TECHNOLOGY, 8), mac_fj(TECHNOLOGY, 16)] == [300, 1100]
    assert [add_fj(TECHNOLOGY, 8), add_fj(TECHNOLOGY, 16)] == [30, 50]
