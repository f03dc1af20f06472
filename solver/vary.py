"""What ``--vary NAME=VALUES`` stands for: a key of the study and the values that it takes one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from specs.units import AREA, BANDWIDTH, ENERGY, FREQUENCY, POWER, SIZE, TIME, Dimension
from specs.yaml_reader import parse_yaml

BUDGET_UNITS: Mapping[str, Dimension | None] = {
    "area": AREA,
    "sram": SIZE,
    "pes": None,
    "latency": TIME,
    "energy": ENERGY,
    "power": POWER,
    "dram_bandwidth": BANDWIDTH,
    "dram_traffic": SIZE,
    "activation_memory": SIZE,
}
"""The budgets with the kind of quantity that they limit; a count has no unit."""

MOST_VALUES = 10_000
_LONGEST_TEXT = 16
_DIMENSIONS = (SIZE, TIME, ENERGY, POWER, AREA, BANDWIDTH, FREQUENCY)
_BASE_UNITS = {
    SIZE.noun: "B",
    TIME.noun: "fs",
    ENERGY.noun: "fJ",
    POWER.noun: "nW",
    AREA.noun: "um2",
    BANDWIDTH.noun: "B/s",
    FREQUENCY.noun: "Hz",
}
EXAMPLE = "sram=64KiB:1MiB:x2"
FORMS = "LOW:HIGH:xFACTOR, LOW:HIGH:+STEP, LOW:HIGH:COUNT, or values separated by commas"


@dataclass(frozen=True)
class Varied:
    """One key and its values.

    Attributes
    ----------
    name
        As typed: a budget or a dotted key.
    values
        Each as YAML text for the study.
    """

    name: str
    values: tuple[str, ...]

    @property
    def key(self) -> str:
        """The dotted key of the study."""
        return f"budgets.{self.name}" if self.is_budget else self.name

    @property
    def is_budget(self) -> bool:
        return self.name in BUDGET_UNITS


def read_varied(name: str, text: str) -> Varied:
    """Read the two sides of ``NAME=VALUES``.

    Raises
    ------
    ValueError
        With a sentence that continues "--vary NAME": what is allowed and what was found.
    """
    name = name.removeprefix("budgets.") if name.removeprefix("budgets.") in BUDGET_UNITS else name
    parts = [] if "{" in text else text.split(":")
    if len(parts) in (2, 4):
        raise ValueError(f'must be {FORMS}, not "{text}"')
    values = _range(name, parts) if len(parts) == 3 else _listed(text)
    if len(set(values)) < len(values):
        raise ValueError(f'must have each value once, not "{text}"')
    return Varied(name, tuple(values))


def _listed(text: str) -> list[str]:
    """Split at the commas outside brackets; a YAML list stands for its items."""
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]") and isinstance(_yaml(inner), list):
        inner = inner[1:-1]
    values, depth = [""], 0
    for character in inner:
        depth += (character in "[{") - (character in "]}")
        if character == "," and depth == 0:
            values.append("")
        else:
            values[-1] += character
    values = [value.strip() for value in values]
    if not all(values) or depth or any(":" in value and _yaml(value) is None for value in values):
        raise ValueError(f'must be {FORMS}, not "{text}"')
    return values


def _yaml(text: str) -> object:
    document = parse_yaml(text, "", [], has_lines=False)
    return None if document is None else document.data


def _range(name: str, parts: list[str]) -> list[str]:
    low_text, high_text, step_text = (part.strip() for part in parts)
    dimension = BUDGET_UNITS[name] if name in BUDGET_UNITS else _dimension_of(low_text)
    low, high = _quantity(low_text, dimension), _quantity(high_text, dimension)
    if low > high:
        raise ValueError(f'must go up, not from "{low_text}" to "{high_text}"')
    if step_text.startswith("x"):
        factor = _number(step_text[1:])
        if factor <= 1:
            raise ValueError(f'must have a factor above 1, not "{step_text}"')
        steps = _times(low, high, factor)
    elif step_text.startswith("+"):
        steps = _plus(low, high, _quantity(step_text[1:], dimension))
    else:
        count = _number(step_text)
        if count.denominator != 1 or not 2 <= count <= MOST_VALUES:
            raise ValueError(f'must have from 2 to {MOST_VALUES} values, not "{step_text}"')
        steps = (low + (high - low) * i / (count - 1) for i in range(int(count)))
    values: list[str] = []
    for value in steps:
        if len(values) == MOST_VALUES:
            raise ValueError(f"must have at most {MOST_VALUES} values")
        values.append(_text(int(value), dimension, low_text))  # a whole number of base units, rounded down
    return list(dict.fromkeys(values))


def _text(value: int, dimension: Dimension | None, like: str) -> str:
    """Write a quantity in the unit of another one, or in base units where that would take many digits."""
    if dimension is None:
        return str(value)
    unit = like.strip().lstrip("0123456789.eE+-").strip()
    number = Decimal(value) * dimension.units[unit].denominator / dimension.units[unit].numerator
    text = f"{number.normalize():f} {unit}"
    if len(text) <= _LONGEST_TEXT and dimension.exact(text) == value:
        return text
    return f"{value} {_BASE_UNITS[dimension.noun]}"


def _times(low: Fraction, high: Fraction, factor: Fraction) -> Iterator[Fraction]:
    while low <= high:
        yield low
        low *= factor


def _plus(low: Fraction, high: Fraction, step: Fraction) -> Iterator[Fraction]:
    while low <= high:
        yield low
        low += step


def _dimension_of(text: str) -> Dimension | None:
    """The kind of quantity that a text with a unit is; None for a plain number."""
    for dimension in _DIMENSIONS:
        try:
            dimension.exact(text)
        except ValueError:
            continue
        return dimension
    return None


def _quantity(text: str, dimension: Dimension | None) -> Fraction:
    return _number(text) if dimension is None else dimension.exact(text)


def _number(text: str) -> Fraction:
    try:
        value = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        raise ValueError(f'must hold a number, not "{text.strip()}"') from None
    if value <= 0:
        raise ValueError(f'must hold a positive number, not "{text.strip()}"')
    return value


def base_value(name: str, text: str) -> int | None:
    """A budget's value in base units, or None for no limit."""
    dimension = BUDGET_UNITS[name]
    if text == "none":
        return None
    if dimension is not None:
        return dimension.whole(text)
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ValueError(f'must be a positive whole number, not "{text}"')
    return int(text)
