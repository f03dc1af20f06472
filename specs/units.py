"""Quantities with units, read from text to exact numbers of base units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from specs.errors import alternatives, show

# Bounded lengths keep a hostile exponent from building a huge integer.
_QUANTITY = re.compile(
    r"([0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})((?:[eE][+-]?[0-9]{1,2})?)\s*([^\d\s.+-].*)?", re.A
)
_SPELLINGS = str.maketrans({"µ": "u", "μ": "u", "²": "2", "^": ""})


@dataclass(frozen=True)
class Dimension:
    """One kind of quantity.

    Parameters
    ----------
    noun, example
        How an error speaks of it: ``must be a positive size such as "64 KiB"``.
    base
        The base unit, in the plural.
    units
        Each accepted unit in base units.
    """

    noun: str
    example: str
    base: str
    units: Mapping[str, Fraction]

    def exact(self, value: object) -> Fraction:
        """Read a positive quantity such as ``"6.4 GB/s"``.

        Raises
        ------
        ValueError
            With a sentence that continues "KEY ...": what is allowed and what was found.
        """
        number, unit = self._split(value)
        if unit is None:
            raise self._refusal(value, " (its unit is missing)")
        if unit not in self.units:
            raise self._refusal(value, self._unit_hint(unit))
        if number <= 0:
            raise self._refusal(value)
        return number * self.units[unit]

    def whole(self, value: object) -> int:
        """Read a positive quantity that is a whole number of base units."""
        quantity = self.exact(value)
        if quantity.denominator != 1:
            raise ValueError(f"must be a whole number of {self.base}, not {show(value)}")
        return quantity.numerator

    def _split(self, value: object) -> tuple[Fraction, str | None]:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Fraction(0), None
        match = _QUANTITY.fullmatch(value.strip().translate(_SPELLINGS)) if isinstance(value, str) else None
        if match is None:
            raise self._refusal(value)
        return Fraction(match[1] + match[2]), match[3]

    def _refusal(self, value: object, why: str = "") -> ValueError:
        return ValueError(f"must be a positive {self.noun} such as {show(self.example)}, not {show(value)}{why}")

    def _unit_hint(self, unit: str) -> str:
        """Name the units that differ only in case or in a dropped letter, as in KB for KiB or kB."""
        meant = [name for name in self.units if unit.lower() in _loose_spellings(name)]
        return f"; did you mean {alternatives([show(name) for name in meant])}?" if meant else ""


def _loose_spellings(unit: str) -> set[str]:
    lower = unit.lower()
    return {lower, lower.replace("ib", "b"), lower.replace("bit", "b"), lower.replace("/s", "ps")}


def _scaled(base: str, prefixes: Mapping[str, Fraction]) -> dict[str, Fraction]:
    return {prefix + base: factor for prefix, factor in prefixes.items()}


_LARGE = {"": Fraction(1), "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9)}
_BINARY = {"Ki": Fraction(2**10), "Mi": Fraction(2**20), "Gi": Fraction(2**30)}
_FEMTO = {prefix: Fraction(10 ** (15 - 3 * i)) for i, prefix in enumerate(("", "m", "u", "n", "p", "f"))}

SIZE = Dimension("size", "64 KiB", "bytes", _scaled("B", _LARGE | _BINARY))
FREQUENCY = Dimension("frequency", "500 MHz", "hertz", _scaled("Hz", _LARGE))
TIME = Dimension("time", "40 ms", "femtoseconds", _scaled("s", _FEMTO))
POWER = Dimension(
    "power",
    "500 mW",
    "nanowatts",
    {"nW": Fraction(1), "uW": Fraction(10**3), "mW": Fraction(10**6), "W": Fraction(10**9)},
)
ENERGY = Dimension("energy", "5 mJ", "femtojoules", _scaled("J", _FEMTO))
AREA = Dimension("area", "4 mm2", "square micrometres", {"um2": Fraction(1), "mm2": Fraction(10**6)})
BANDWIDTH = Dimension(
    "bandwidth",
    "6.4 GB/s",
    "bytes per second",
    _scaled("B/s", _LARGE | _BINARY | {"K": Fraction(10**3)})
    | {unit: factor / 8 for unit, factor in _scaled("bit/s", _LARGE).items()},
)
ENERGY_PER_BIT = Dimension(
    "energy per bit",
    "70 pJ/bit",
    "femtojoules per byte",
    {unit + "/bit": factor * 8 for unit, factor in _scaled("J", _FEMTO).items()},
)


def size_text(num_bytes: int) -> str:
    """Write a number of bytes in the largest binary unit that divides it."""
    for unit in ("GiB", "MiB", "KiB"):
        factor = int(SIZE.units[unit])
        if num_bytes % factor == 0:
            return f"{num_bytes // factor} {unit}"
    return f"{num_bytes} B"
