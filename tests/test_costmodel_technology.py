"""Storage prices: rows of the table as they stand, the log line between them, and nothing outside."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.hardware import hardware_points, prices
from costmodel.technology import PriceError, SramPrice, add_fj, mac_fj, mac_um2, sram_price
from random_networks import TECHNOLOGY, random_network
from specs.errors import Problem
from specs.library import LIBRARY
from specs.study import Dram, SeparateBuffers, SramPoint, Study, Technology, WordCost
from specs.technology_reader import read_technology
from specs.templates import accelerator
from specs.yaml_reader import read_yaml

CAPACITIES = [point.capacity_bytes for point in TECHNOLOGY.sram]


def _row(point: SramPoint) -> SramPrice:
    """A row of a 64-bit table in the units of a price: eight bytes move in an access."""
    return SramPrice(
        round(point.read_pj * 1000 / 8), round(point.write_pj * 1000 / 8), point.leakage_mw, round(point.area_mm2 * 1e6)
    )


@pytest.mark.parametrize("point", TECHNOLOGY.sram, ids=lambda point: str(point.capacity_bytes))
def test_a_capacity_of_the_table_costs_what_the_table_says(point: SramPoint) -> None:
    assert sram_price(TECHNOLOGY, point.capacity_bytes, 64) == _row(point)


@given(st.integers(CAPACITIES[0] + 1, CAPACITIES[-1] - 1))
def test_between_two_capacities_prices_lie_between_theirs(capacity: int) -> None:
    below = max((p for p in TECHNOLOGY.sram if p.capacity_bytes <= capacity), key=lambda p: p.capacity_bytes)
    above = min((p for p in TECHNOLOGY.sram if p.capacity_bytes >= capacity), key=lambda p: p.capacity_bytes)
    price, low, high = sram_price(TECHNOLOGY, capacity, 64), _row(below), _row(above)
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
    price = sram_price(technology, min(max(middle, capacity), math.ceil(capacity * span)), 64)
    assert price.read_fj_per_byte == pytest.approx(1000 * expected / 8, abs=1)
    assert price.write_fj_per_byte == pytest.approx(3000 * expected / 8, abs=1)
    assert price.leakage_mw == pytest.approx(expected / 7)
    assert price.area_um2 == pytest.approx(1e6 * expected / 11, abs=1)


def test_half_way_in_log_space_is_the_geometric_mean() -> None:
    price = sram_price(_two_rows((4.0, 16.0), (1024, 4096)), 2048, 64)
    assert price.read_fj_per_byte == 1000
    assert price.write_fj_per_byte == 3000


@pytest.mark.parametrize("capacity", [CAPACITIES[0] - 1, CAPACITIES[-1] + 1])
def test_a_capacity_outside_the_table_is_refused(capacity: int) -> None:
    with pytest.raises(PriceError) as error:
        sram_price(TECHNOLOGY, capacity, 64)
    assert (
        str(error.value)
        == f"a buffer with a port of 64 bits must have 256 to 4194304 bytes in technology test, not {capacity}"
    )


def test_only_rows_of_the_port_width_count() -> None:
    other = tuple(replace(point, width_bits=32, read_pj=99.0) for point in TECHNOLOGY.sram)
    both = replace(TECHNOLOGY, sram=TECHNOLOGY.sram + other)
    assert sram_price(both, 1024, 64) == sram_price(TECHNOLOGY, 1024, 64)
    with pytest.raises(PriceError, match=r"^technology test has no SRAM of 64 bits$"):
        sram_price(replace(TECHNOLOGY, sram=other), 1024, 64)


def test_operations_cost_what_the_table_says_for_their_width() -> None:
    assert [mac_fj(TECHNOLOGY, 8), mac_fj(TECHNOLOGY, 16)] == [300, 1100]
    assert [add_fj(TECHNOLOGY, 8), add_fj(TECHNOLOGY, 16)] == [30, 50]


def test_floating_point_has_prices_of_its_own() -> None:
    priced = replace(TECHNOLOGY, float_mac=((16, WordCost(2.0, 5824.0)),), float_add=((16, WordCost(0.4, 1360.0)),))
    assert (mac_fj(priced, 16, floating=True), add_fj(priced, 16, floating=True)) == (2000, 400)
    assert (mac_um2(priced, 16, floating=True), mac_um2(priced, 16)) == (5824.0, 900.0)
    with pytest.raises(PriceError, match=r"^technology test prices no floating-point additions$"):
        add_fj(TECHNOLOGY, 16, floating=True)
    with pytest.raises(PriceError, match=r"prices floating-point multiply-accumulates of 16 bits, not of 32$"):
        mac_fj(priced, 32, floating=True)


def test_a_width_that_the_file_does_not_price_is_refused_with_those_it_does() -> None:
    with pytest.raises(PriceError, match=r"^technology test prices multiply-accumulates of 8 or 16 bits, not of 32$"):
        mac_fj(TECHNOLOGY, 32)
    with pytest.raises(PriceError, match=r"^technology test prices additions of 8 or 16 bits, not of 4$"):
        add_fj(TECHNOLOGY, 4)


FOUR = replace(
    TECHNOLOGY,
    sram=(
        SramPoint(1024, 32, 1.0, 2.0, 3.0, 4.0),
        SramPoint(4096, 32, 4.0, 8.0, 12.0, 16.0),
        SramPoint(1024, 128, 4.0, 2.0, 3.0, 8.0),
        SramPoint(4096, 128, 64.0, 8.0, 12.0, 32.0),
    ),
)


def test_half_way_in_capacity_and_width_is_the_geometric_mean_of_four_rows() -> None:
    # 2048 and 64 are the geometric means: read (1*4*4*64)^(1/4) = 4*sqrt(2), write (2*8*2*8)^(1/4) = 4.
    price = sram_price(FOUR, 2048, 64)
    assert price.read_fj_per_byte == round(1000 * 4 * math.sqrt(2) / 8)
    assert price.write_fj_per_byte == 500
    assert price.leakage_mw == pytest.approx(6.0)
    assert price.area_um2 == round(1e6 * math.sqrt(128))


def test_every_row_of_a_shipped_table_costs_what_it_says_at_its_own_width() -> None:
    technology = shipped("65nm")
    for point in technology.sram:
        price = sram_price(technology, point.capacity_bytes, point.width_bits)
        num_bytes = point.width_bits / 8
        assert price.read_fj_per_byte == round(1000 * point.read_pj / num_bytes)
        assert price.write_fj_per_byte == round(1000 * point.write_pj / num_bytes)
        assert (price.leakage_mw, price.area_um2) == (point.leakage_mw, round(1e6 * point.area_mm2))


@given(st.integers(2048, 8 << 20), st.integers(16, 256))
def test_a_price_between_rows_lies_between_the_rows_around_it(capacity: int, port_bits: int) -> None:
    technology = shipped("40nm")
    price = sram_price(technology, capacity, port_bits)
    widths = technology.table_widths(port_bits)
    capacities = sorted({p.capacity_bytes for p in technology.sram if p.capacity_bytes >= 2048})
    low, high = max(c for c in capacities if c <= capacity), min(c for c in capacities if c >= capacity)
    rows = [p for p in technology.sram if p.width_bits in widths and low <= p.capacity_bytes <= high]
    per_byte = 8000 / port_bits
    assert min(p.read_pj for p in rows) * per_byte - 1 <= price.read_fj_per_byte
    assert price.read_fj_per_byte <= max(p.read_pj for p in rows) * per_byte + 1
    assert min(p.area_mm2 for p in rows) * 1e6 - 1 <= price.area_um2 <= max(p.area_mm2 for p in rows) * 1e6 + 1


def test_each_buffer_is_priced_at_its_own_port() -> None:
    study = tiny_study(replace(FOUR, feature_port_bits=128, weight_port_bits=32))
    hardware = next(hardware_points(study))
    price = prices(study, hardware)
    assert (price.feature_read_fj, price.weight_read_fj) == (250, 250)  # 4 pJ of 16 bytes, 1 pJ of 4 bytes
    shared = replace(hardware, shared=True, weight_bytes=0)
    assert prices(study, shared).weight_read_fj == 250


def tiny_study(technology: Technology) -> Study:
    return Study(
        name="ports",
        network=random_network(random.Random(1)),
        accelerators=(accelerator("vwa"),),
        buffers=SeparateBuffers((1024,), (1024,)),
        technology=technology,
        dram=(Dram("test", 64_000, 800_000_000),),
    )


@lru_cache
def shipped(name: str) -> Technology:
    problems: list[Problem] = []
    document = read_yaml(LIBRARY.file("technologies", name), problems)
    technology = read_technology(document) if document else None
    assert technology is not None, problems
    return technology
