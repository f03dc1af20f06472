"""What storage costs in a technology: log interpolation in its SRAM table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from specs.study import SramPoint, Technology


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
def sram_price(technology: Technology, capacity_bytes: int) -> SramPrice:
    """Price a buffer of ``capacity_bytes`` at the technology's buffer port width.

    Between two neighbouring capacities of the table every quantity is taken as a power law
    (a straight line in log-log space); on a row of the table the row itself is returned.
    The results are rounded once, to fJ per byte and um2, and are integers from there on.

    Raises
    ------
    PriceError
        If the capacity lies outside the table or the table lacks the port width.
    """
    width = technology.buffer_width_bits
    points = sorted((p for p in technology.sram if p.width_bits == width), key=lambda p: p.capacity_bytes)
    if not points:
        raise PriceError(f"technology {technology.name} has no SRAM of {width} bits")
    if not points[0].capacity_bytes <= capacity_bytes <= points[-1].capacity_bytes:
        raise PriceError(
            f"a buffer must have {points[0].capacity_bytes} to {points[-1].capacity_bytes} bytes"
            f" in technology {technology.name}, not {capacity_bytes}"
        )
    above = next(p for p in points if p.capacity_bytes >= capacity_bytes)
    below = max((p for p in points if p.capacity_bytes <= capacity_bytes), key=lambda p: p.capacity_bytes)
    bytes_per_access = width / 8
    return SramPrice(
        read_fj_per_byte=round(1000 * _between(below, above, capacity_bytes, "read_pj") / bytes_per_access),
        write_fj_per_byte=round(1000 * _between(below, above, capacity_bytes, "write_pj") / bytes_per_access),
        leakage_mw=_between(below, above, capacity_bytes, "leakage_mw"),
        area_um2=round(1e6 * _between(below, above, capacity_bytes, "area_mm2")),
    )


def _between(below: SramPoint, above: SramPoint, capacity_bytes: int, quantity: str) -> float:
    low, high = float(getattr(below, quantity)), float(getattr(above, quantity))
    if below.capacity_bytes == above.capacity_bytes:
        return low
    share = math.log(capacity_bytes / below.capacity_bytes) / math.log(above.capacity_bytes / below.capacity_bytes)
    return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))


def mac_fj(technology: Technology, bits: int) -> int:
    """Energy of one multiply-accumulate with operands of ``bits``, in fJ."""
    return round(1000 * dict(technology.mac)[bits].energy_pj)


def add_fj(technology: Technology, bits: int) -> int:
    """Energy of one addition or comparison of ``bits``, in fJ."""
    return round(1000 * dict(technology.add)[bits].energy_pj)


def mac_um2(technology: Technology, bits: int) -> float:
    """Area of one multiply-accumulate unit with operands of ``bits``, in um2."""
    return dict(technology.mac)[bits].area_um2
