"""What storage and arithmetic cost in a technology: log interpolation in its SRAM table, and its price lists."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from specs.errors import alternatives
from specs.study import Technology, WordCost

Quantities = tuple[float, float, float, float]
"""Read pJ, write pJ, leakage mW and area mm2."""


class PriceError(ValueError):
    """A price was asked for that the technology's tables do not hold."""


@dataclass(frozen=True)
class SramPrice:
    """One buffer: energy per byte moved, leakage power and area."""

    read_fj_per_byte: int
    write_fj_per_byte: int
    leakage_mw: float
    area_um2: int


@lru_cache(maxsize=4096)
def sram_price(technology: Technology, capacity_bytes: int, port_bits: int) -> SramPrice:
    """Price a buffer of ``capacity_bytes`` whose port moves ``port_bits`` in an access.

    Every quantity is taken as a power law between neighbouring rows: a straight line in log-log space over
    the capacity at each of the two table widths around the port, then over the width between these two. Both
    steps leave a row of the table as it stands. The results are rounded once, to fJ per byte and um2, and are
    integers from there on.

    Raises
    ------
    PriceError
        If the capacity or the port width lies outside the table.
    """
    limits = technology.capacity_range(port_bits)
    if limits is None:
        raise PriceError(f"technology {technology.name} has no SRAM of {port_bits} bits")
    if not limits[0] <= capacity_bytes <= limits[1]:
        raise PriceError(
            f"a buffer with a port of {port_bits} bits must have {limits[0]} to {limits[1]} bytes"
            f" in technology {technology.name}, not {capacity_bytes}"
        )
    at_widths = {width: _at_capacity(technology, capacity_bytes, width) for width in technology.table_widths(port_bits)}
    read_pj, write_pj, leakage_mw, area_mm2 = _on_line(at_widths, port_bits)
    bytes_per_access = port_bits / 8
    return SramPrice(
        read_fj_per_byte=round(1000 * read_pj / bytes_per_access),
        write_fj_per_byte=round(1000 * write_pj / bytes_per_access),
        leakage_mw=leakage_mw,
        area_um2=round(1e6 * area_mm2),
    )


def _at_capacity(technology: Technology, capacity_bytes: int, width_bits: int) -> Quantities:
    """Interpolate over the capacity among the rows of one width."""
    rows = {
        point.capacity_bytes: (point.read_pj, point.write_pj, point.leakage_mw, point.area_mm2)
        for point in technology.sram
        if point.width_bits == width_bits
    }
    below, above = max(c for c in rows if c <= capacity_bytes), min(c for c in rows if c >= capacity_bytes)
    return _on_line({below: rows[below], above: rows[above]}, capacity_bytes)


def _on_line(points: dict[int, Quantities], at: int) -> Quantities:
    """Read a straight line in log-log space through two points, or the one point there is as it stands."""
    (low, start), (high, end) = min(points.items()), max(points.items())
    if low == high:
        return start
    share = math.log(at / low) / math.log(high / low)
    read, write, leakage, area = (
        math.exp(math.log(a) + share * (math.log(b) - math.log(a))) for a, b in zip(start, end, strict=True)
    )
    return read, write, leakage, area


def mac_fj(technology: Technology, bits: int, floating: bool = False) -> int:
    """Energy of one multiply-accumulate with operands of ``bits``, in fJ."""
    return round(1000 * _mac(technology, bits, floating).energy_pj)


def add_fj(technology: Technology, bits: int, floating: bool = False) -> int:
    """Energy of one addition or comparison of ``bits``, in fJ."""
    if floating:
        return round(1000 * _unit(technology, "floating-point addition", technology.float_add, bits).energy_pj)
    return round(1000 * _unit(technology, "addition", technology.add, bits).energy_pj)


def mac_um2(technology: Technology, bits: int, floating: bool = False) -> float:
    """Area of one multiply-accumulate unit with operands of ``bits``, in um2."""
    return _mac(technology, bits, floating).area_um2


def _mac(technology: Technology, bits: int, floating: bool) -> WordCost:
    if floating:
        return _unit(technology, "floating-point multiply-accumulate", technology.float_mac, bits)
    return _unit(technology, "multiply-accumulate", technology.mac, bits)


def _unit(technology: Technology, noun: str, prices: tuple[tuple[int, WordCost], ...], bits: int) -> WordCost:
    by_width = dict(prices)
    if bits not in by_width:
        if not by_width:
            raise PriceError(f"technology {technology.name} prices no {noun}s")
        has = alternatives(sorted(by_width))
        raise PriceError(f"technology {technology.name} prices {noun}s of {has} bits, not of {bits}")
    return by_width[bits]
