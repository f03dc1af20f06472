"""How numbers are written for people: engineering prefixes, shares, and rounding that keeps a claim true."""

from __future__ import annotations

import math
from collections.abc import Callable

from solver.result import BASE_UNITS, UNIT_OF_GOAL
from specs.study import Goal

_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}


def engineering(value: float, unit: str, digits: int = 4, rounding: Callable[[float], float] = round) -> str:
    """Write a quantity with an engineering prefix, as in ``3.214 mJ``.

    Parameters
    ----------
    value
        In ``unit``.
    digits
        Significant digits.
    rounding
        ``round``, or ``math.floor`` for a lower bound (which must not be printed larger than it is).
    """
    if value == 0:
        return f"0 {unit}"
    power = min(12, max(-15, 3 * math.floor(math.log10(abs(value)) / 3)))
    text = _significant(value / 10.0**power, digits, rounding)
    if abs(float(text)) >= 1000 and power < 12:
        power += 3
        text = _significant(value / 10.0**power, digits, rounding)
    return f"{text} {_PREFIXES[power]}{unit}"


def _significant(value: float, digits: int, rounding: Callable[[float], float]) -> str:
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{rounding(value * 10**decimals) / 10**decimals:.{decimals}f}"


def stated(value: float, unit: str) -> str:
    """Write a quantity as someone would state it, without zeros at its end: ``200 MHz``."""
    number, _, prefixed = engineering(value, unit, digits=6).partition(" ")
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {prefixed}"


def area_text(area_um2: int) -> str:
    """Write an area with four significant digits, always in mm2."""
    return f"{area_um2 / 10**6:.4g} mm2"


def goal_quantity(goal: Goal, base: int, rounding: Callable[[float], float] = round) -> str:
    """Write an objective or a bound, given in base units of the goal (fJ, fs or bytes)."""
    return engineering(base / BASE_UNITS[goal], UNIT_OF_GOAL[goal], rounding=rounding)


def percent(fraction: float) -> str:
    """Write a share as whole per cent, as in ``38 %``."""
    return f"{100 * fraction:.0f} %"


def percent_at_most(fraction: float) -> str:
    """Write a share with two significant digits, rounded up."""
    if fraction <= 0:
        return "0 %"
    decimals = 1 - math.floor(math.log10(100 * fraction))
    step = 10.0**-decimals
    return f"{math.ceil(round(100 * fraction / step, 6)) * step:.{max(0, decimals)}f} %"


def change(new: float, old: float) -> str:
    """Write a change in per cent with its sign, as in ``-38.3 %``; nothing to compare with gives ``n/a``."""
    if not old:
        return "n/a"
    tenths = round(1000 * (new - old) / old)
    return f"{tenths / 10:+.1f} %" if tenths else "0.0 %"
