"""Lines around the designs of one hardware point, and the least product of energy and latency that they allow.

Weighted shortest paths give lines ``a*energy + b*cycles >= c`` that every design keeps. The product is quasi-concave,
so over the region above all lines its minimum lies in a corner (docs/solver.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from costmodel.table import NO_COST
from costmodel.template import Ints
from solver.bounds import Bounds, PointView, WeightedPath, is_optimistic, keeps_budgets, shortest_by
from solver.problem import Selection
from solver.totals import Total

LATENCY = Total("latency")
NOTHING = int(NO_COST) ** 2
"""The product where no design is left."""

_ROUNDS = 60
_ROOM = 2**60


@dataclass(frozen=True)
class Line:
    """``energy * a + cycles * b >= c`` for every design that can be better than the best known."""

    a: int
    b: int
    c: int

    def energy(self, cycles: Fraction) -> Fraction:
        return (self.c - self.b * cycles) / self.a


class Corners:
    """Lines around the designs of one point, and the least product in their corners."""

    def __init__(
        self, bounds: Bounds, at: PointView, energy: int, latency_fs: int, best: tuple[int, Selection] | None
    ) -> None:
        self.bounds, self.at, self.best = bounds, at, best
        self.cycles_rows = at.budgeted[bounds.problem.budgeted.index(LATENCY)]
        self.period = bounds.problem.table.points[at.point].period_fs
        self.energy, self.cycles = energy, latency_fs // self.period
        self.last = at.limits[bounds.problem.budgeted.index(LATENCY)]
        self.lines = [Line(1, 0, energy)]

    def bound(self) -> int:
        """Add lines until no corner is worth it; returns a lower bound on the product in fJ fs."""
        fast, frugal = self._path(0, 1), self._path(1, 0)
        if fast is None or frugal is None:
            return NOTHING if self.best is not None else 0
        self.cycles = max(self.cycles, fast.least)
        if self.cycles > self.last or frugal.least >= self.bounds.problem.cutoff:
            return NOTHING
        ends = [self._totals(fast), self._totals(frugal)]
        for _ in range(_ROUNDS):
            value, corner = self.least_corner()
            if self.best is not None and value >= self.best[0]:
                break
            pair = self._around(ends, corner)
            if pair is None:
                break
            (e1, t1), (e2, t2) = pair
            a, b = self._scaled(t2 - t1, e1 - e2)
            found = self._path(a, b)
            if found is None or self._totals(found) in ends:
                break
            ends.append(self._totals(found))
        return self.least_corner()[0]

    def _totals(self, found: WeightedPath) -> tuple[int, int]:
        rows = [piece.row for piece in found.pieces]
        return int(self.at.objective[rows].sum()), int(self.cycles_rows[rows].sum())

    def _around(self, ends: list[tuple[int, int]], corner: Fraction) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """The designs on both sides of a corner, the faster first."""
        before = max((end for end in ends if end[1] <= corner), key=lambda end: (end[1], -end[0]), default=None)
        after = min((end for end in ends if end[1] > corner), key=lambda end: (end[1], end[0]), default=None)
        if before is None or after is None or before[0] <= after[0]:
            return None
        return before, after

    def _most(self) -> tuple[int, int]:
        """Energy and cycles beyond which no row is part of a better design."""
        if self.best is None:
            fits = self.at.fits
            return int(self.at.objective[fits].max(initial=0)), int(self.cycles_rows[fits].max(initial=0))
        return self.best[0] // max(1, self.cycles * self.period), self.best[0] // max(1, self.energy * self.period)

    def _scaled(self, a: int, b: int) -> tuple[int, int]:
        """Weights of about this ratio with which no row costs more than there is room for."""
        energy, cycles = self._most()
        size = max(1, a * energy, b * cycles)
        if size < _ROOM:
            return a, b
        return max(1, a * _ROOM // size // 2), max(1, b * _ROOM // size // 2)

    def costs(self, a: int, b: int) -> tuple[NDArray[np.bool_], Ints]:
        """Which rows a better design may use, and what they cost under weights."""
        energy, cycles = self._most()
        useful: NDArray[np.bool_] = self.at.fits & (self.at.objective <= energy) & (self.cycles_rows <= cycles)
        cost: Ints = np.where(useful, a * np.where(useful, self.at.objective, 0), NO_COST)
        return useful, np.where(useful, cost + b * np.where(useful, self.cycles_rows, 0), NO_COST)

    def _path(self, a: int, b: int) -> WeightedPath | None:
        """The shortest path under weights; notes its line and offers it as a design."""
        useful, cost = self.costs(a, b)
        at = replace(self.at, fits=useful)
        found = shortest_by(self.bounds, at, cost)
        if found is None:
            return None
        if a:
            self.lines.append(Line(a, b, found.least))
        self._offer(found)
        return found

    def _offer(self, found: WeightedPath) -> None:
        if is_optimistic(self.at, found):
            self.bounds.optimistic.append(found)
            return
        energy, cycles = self._totals(found)
        if energy >= self.bounds.problem.cutoff or not keeps_budgets(self.bounds.problem, self.at, found):
            return
        product = energy * cycles * self.period
        if self.best is None or product < self.best[0]:
            self.best = product, Selection(self.at.point, found.pieces, energy)

    def least_corner(self) -> tuple[int, Fraction]:
        """Least product over the region above all lines, in fJ fs rounded up, and the cycles where it lies."""
        value, cycles = least_product(self.lines, self.cycles, self.last)
        return ceil(value * self.period), cycles


def least_product(lines: list[Line], first: int, last: int) -> tuple[Fraction, Fraction]:
    """Least product of energy and cycles above lines, for cycles from ``first`` to ``last``, and its cycles."""
    corners = [cycles for cycles, _ in _envelope(lines, first)] + [Fraction(last)]
    return min((cycles * max(line.energy(cycles) for line in lines), cycles) for cycles in corners if cycles <= last)


def _envelope(lines: list[Line], first: int) -> list[tuple[Fraction, Line]]:
    """Where each line begins to be the highest, from the least cycles on."""
    at = Fraction(first)
    here = max(lines, key=lambda line: (line.energy(at), -Fraction(line.b, line.a)))
    found = [(at, here)]
    while True:
        slope = Fraction(here.b, here.a)
        meeting = [
            ((here.c * other.a - other.c * here.a) / Fraction(here.b * other.a - other.b * here.a), other)
            for other in lines
            if Fraction(other.b, other.a) < slope
        ]
        meeting = [(cycles, other) for cycles, other in meeting if cycles >= at]
        if not meeting:
            break
        at, here = min(meeting, key=lambda pair: (pair[0], Fraction(pair[1].b, pair[1].a)))
        found.append((at, here))
    assert all(before[0] <= after[0] for before, after in pairwise(found))
    return found
