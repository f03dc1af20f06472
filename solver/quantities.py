"""How numbers are written for people: engineering prefixes, shares, and rounding that keeps a claim true."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

from solver.result import BASE_UNITS, UNIT_OF_GOAL, mixes_in
from specs.study import Goal
from specs.units import size_text

BUDGETED = {
    "area": (10**6, "mm2"),
    "latency": (10**15, "s"),
    "energy": (10**15, "J"),
    "power": (10**9, "W"),
    "dram_bandwidth": (1, "B/s"),
    "dram_traffic": (1, "B"),
    "activation_memory": (1, "B"),
}
"""Base units of a budget in one unit, and that unit."""
_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}


def engineering(value: float | Decimal, unit: str, digits: int = 4, rounding: str = ROUND_HALF_EVEN) -> str:
    """Write a quantity with an engineering prefix, as in ``3.214 mJ``.

    Parameters
    ----------
    value
        In ``unit``.
    digits
        Significant digits.
    rounding
        A rounding mode of `decimal`: ``ROUND_FLOOR`` for a lower bound, which must not be printed larger than it is.
    """
    if value == 0:
        return f"0 {unit}"
    rounded = Context(prec=digits, rounding=rounding).create_decimal(Decimal(value))
    power = min(12, max(-15, 3 * (rounded.adjusted() // 3)))
    decimals = max(0, digits - 1 - (rounded.adjusted() - power))
    return f"{rounded.scaleb(-power):.{decimals}f} {_PREFIXES[power]}{unit}"


def axis_unit(largest: float, unit: str) -> tuple[float, str]:
    """Choose one engineering prefix for many values: what to divide them by, and the unit with its prefix."""
    if largest <= 0:
        return 1.0, unit
    power = min(12, max(-15, 3 * (Decimal(largest).adjusted() // 3)))
    return 10.0**power, _PREFIXES[power] + unit


def stated(value: float, unit: str) -> str:
    """Write a quantity as someone would state it, without zeros at its end: ``200 MHz``."""
    number, _, prefixed = engineering(value, unit, digits=6).partition(" ")
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {prefixed}"


def goal_name(goal: Goal) -> str:
    """Name what a goal is about, as on an axis."""
    names = {"bandwidth": "DRAM traffic", "edp": "energy-delay product", "throughput": "time of a batch"}
    return names.get(goal, goal)


def area_text(area_um2: int) -> str:
    """Write an area with four significant digits in mm2, and what is too small for it in um2."""
    if area_um2 < 1000:
        return f"{area_um2} um2"
    return f"{area_um2 / 10**6:.4g} mm2"


def objective_text(goal: Goal, base: int, num_mixes: int = 1) -> str:
    """Write an objective, given in base units of the goal (fJ, fs or bytes) for so many mixes."""
    return engineering(base / (BASE_UNITS[goal] * mixes_in(goal, num_mixes)), UNIT_OF_GOAL[goal])


def bound_text(goal: Goal, base: int, num_mixes: int = 1) -> str:
    """Write a lower bound, never larger than it is."""
    value = Decimal(base) / (BASE_UNITS[goal] * mixes_in(goal, num_mixes))
    return engineering(value, UNIT_OF_GOAL[goal], rounding=ROUND_FLOOR)


def percent(fraction: float) -> str:
    """Write a share as whole per cent, as in ``38 %``."""
    return f"{100 * fraction:.0f} %"


def percent_at_most(fraction: float) -> str:
    """Write a share with two significant digits, rounded up; what is tiny as ``0.0001 %``."""
    if fraction <= 0:
        return "0 %"
    if fraction <= 1e-6:
        return "0.0001 %"
    exact = Context(prec=12).create_decimal_from_float(100 * fraction)  # 0.05 is a little more than 5 per cent
    return f"{Context(prec=2, rounding=ROUND_CEILING).plus(exact):f} %"


def change(new: float, old: float) -> str:
    """Write a change in per cent with its sign, as in ``-38.3 %``; nothing to compare with gives ``n/a``."""
    if not old:
        return "n/a"
    tenths = round(1000 * (new - old) / old)
    return f"{tenths / 10:+.1f} %" if tenths else "0.0 %"


def budget_text(name: str, limit: int, rounding: str = ROUND_HALF_EVEN, digits: int = 6) -> str:
    """Write a budget as a user would state it; with ``ROUND_CEILING`` never lower than it is."""
    if name == "pes":
        return str(limit)
    if name == "sram":
        return size_text(limit)
    base, unit = BUDGETED[name]
    if name == "area" and limit < 1000:
        return f"{limit} um2"
    if name == "area":
        return f"{Context(prec=digits, rounding=rounding).create_decimal(limit).scaleb(-6).normalize():f} mm2"
    text, _, prefixed = engineering(Decimal(limit) / base, unit, digits, rounding).partition(" ")
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {prefixed}"
