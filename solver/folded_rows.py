"""A long table made short: rows that come again and again are written once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_ROWS = 60
"""Longer tables are folded."""
_LONGEST = 20
"""Rows that may come again together."""


@dataclass(frozen=True)
class Fold:
    """So many rows from ``first`` on come ``times`` times in all."""

    first: int
    period: int
    times: int

    @property
    def end(self) -> int:
        return self.first + self.period * self.times


def folds(keys: Sequence[object]) -> list[Fold]:
    """Cut rows into runs of equal rows, or of rows that come again together; nothing is folded in short tables."""
    if len(keys) <= MOST_ROWS:
        return [Fold(i, 1, 1) for i in range(len(keys))]
    found, at = [], 0
    while at < len(keys):
        best = max((_from(keys, at, period) for period in range(1, _LONGEST + 1)), key=_spared)
        found.append(best if _spared(best)[0] > 0 else Fold(at, 1, 1))
        at = found[-1].end
    return found


def _from(keys: Sequence[object], first: int, period: int) -> Fold:
    pattern, times = list(keys[first : first + period]), 1
    while list(keys[first + times * period : first + (times + 1) * period]) == pattern:
        times += 1
    return Fold(first, period, times)


def _spared(fold: Fold) -> tuple[int, int]:
    """Lines that a fold spares (it takes one itself); of equal ones, the shorter pattern."""
    return (fold.period * (fold.times - 1) - 1, -fold.period)
