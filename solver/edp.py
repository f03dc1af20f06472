"""The least energy-delay product, exactly.

Energy and latency are sums over groups, their product is not. Two facts make it a matter of sums (docs/solver.md):

- On one hardware point, weighted shortest paths give lines ``a*energy + b*latency >= c`` that every design keeps. The
  product is quasi-concave, so over the region above all lines its minimum lies in a corner: a lower bound.
- A design better than the best known, with latency of at most b, has an energy of at least the least energy e under
  this limit, hence a latency below best / e: the limit falls, until nothing is left.

The lines exclude nearly all hardware points; the second fact decides the rest, with proofs by `Sums`.
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
from solver.bounds import (
    Bounds,
    PointView,
    WeightedPath,
    _class_best,
    _parts,
    keeps_budgets,
    problem_groupings,
    shortest_by,
    view,
)
from solver.goals import Part, Sums
from solver.problem import Selection
from solver.result import Outcome
from solver.totals import Total, keeps_all, objective_of
from specs.study import Budgets

LATENCY = Total("latency")
_ROUNDS = 60
_ROOM = 2**60


def least_edp(sums: Sums, part: Part, budgets: Budgets) -> Outcome:
    """Minimise energy times latency; objectives and bounds are in fJ fs."""
    limited = replace(budgets, latency_fs=budgets.latency_fs if budgets.latency_fs is not None else int(NO_COST))
    best, lower = Outcome("infeasible"), dict.fromkeys(part.points.tolist(), 0)
    if sums.use_bounds:
        best, lower = _corners(part, limited)
    left = [point for point, bound in lower.items() if best.objective is None or bound < best.objective]
    return _below(sums, part.at(np.array(sorted(left), dtype=np.intp)), limited, best, lower)


def _below(sums: Sums, part: Part, budgets: Budgets, best: Outcome, lower: dict[int, int]) -> Outcome:
    """Lower the limit on latency until no design is left that could be better."""
    floor = min((lower[int(p)] for p in part.points), default=None)
    while len(part.points):
        found = sums.optimise(part, "energy", budgets, quiet=True)
        if found.status == "infeasible":
            break
        if found.cost is not None and (best.objective is None or objective_of("edp", found.cost) < best.objective):
            best = replace(found, objective=objective_of("edp", found.cost))
        if found.status == "unknown" or not found.bound or best.objective is None:
            assert floor is not None
            bound = floor if best.objective is None else min(floor, best.objective)
            return replace(best, status="unknown" if best.design is None else "feasible", bound=bound)
        # Better designs have more energy than found.bound - 1, so their latency is below best / found.bound.
        assert budgets.latency_fs is not None
        budgets = replace(budgets, latency_fs=min(budgets.latency_fs, (best.objective - 1) // found.bound))
    return replace(best, status="optimal", bound=best.objective) if best.design is not None else best


def _corners(part: Part, budgets: Budgets) -> tuple[Outcome, dict[int, int]]:
    """Bound every point by the corners of its lines; the best design on the way."""
    problem = part.problem("energy", budgets)
    bounds = Bounds(problem, problem_groupings(problem), np.zeros(len(part.table.points), dtype=np.int64))
    least = _least_of_each(bounds)
    lower = {point: energy * latency for point, (energy, latency) in least.items()}
    best: tuple[int, Selection] | None = None
    for point in sorted(lower, key=lambda p: lower[p]):
        if problem.stop() or (best is not None and lower[point] >= best[0]):
            break
        corner = _Corners(bounds, view(problem, point), *least[point], best)
        lower[point] = max(lower[point], corner.bound())
        best = corner.best
    if best is None:
        return Outcome("infeasible"), lower
    from costmodel import evaluate

    design = problem.design(best[1])
    cost = evaluate(part.table.study, design)
    assert objective_of("edp", cost) == best[0]
    assert keeps_all(part.table.study, design, cost, budgets)
    return Outcome("feasible", best[0], None, design, cost), lower


def _least_of_each(bounds: Bounds) -> dict[int, tuple[int, int]]:
    """Least energy (fJ) and least latency (fs) at every point that has a design, each on its own."""
    problem, found = bounds.problem, dict[int, tuple[int, int]]()
    cycles = problem.budgeted.index(LATENCY)
    for block in problem.blocks:
        for points in _parts(problem, block):
            if problem.stop():
                found |= dict.fromkeys(points.tolist(), (0, 0))  # nothing is known there
                continue
            costs = problem.row_costs(block, points)
            energy, latency = (
                bounds.groupings.bounds(_class_best(problem, block, total, costs.fits))[0]
                for total in (costs.objective, costs.budgeted[cycles])
            )
            for i, point in enumerate(points.tolist()):
                if energy[i] < problem.cutoff and latency[i] <= problem.limit(LATENCY, point):
                    found[point] = int(energy[i]), int(latency[i]) * problem.table.points[point].period_fs
    return found


@dataclass(frozen=True)
class _Line:
    """``energy * a + cycles * b >= c`` for every design that can be better than the best known."""

    a: int
    b: int
    c: int

    def energy(self, cycles: Fraction) -> Fraction:
        return (self.c - self.b * cycles) / self.a


class _Corners:
    """Lines around the designs of one point, and the least product in their corners."""

    def __init__(
        self, bounds: Bounds, at: PointView, energy: int, latency_fs: int, best: tuple[int, Selection] | None
    ) -> None:
        self.bounds, self.at, self.best = bounds, at, best
        self.cycles_rows = at.budgeted[bounds.problem.budgeted.index(LATENCY)]
        self.period = bounds.problem.table.points[at.point].period_fs
        self.energy, self.cycles = energy, latency_fs // self.period
        self.last = at.limits[bounds.problem.budgeted.index(LATENCY)]
        self.lines = [_Line(1, 0, energy)]
        self.ends: dict[_Line, tuple[int, int]] = {}

    def bound(self) -> int:
        """Add lines until no corner is worth it; returns a lower bound on the product in fJ fs."""
        fast, frugal = self._path(0, 1), self._path(1, 0)
        if fast is None or frugal is None:
            return int(NO_COST) ** 2 if self.best is not None else 0
        ends = [self._totals(fast), self._totals(frugal)]
        for _ in range(_ROUNDS):
            value, corner = self._least_corner()
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
        return self._least_corner()[0]

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
            return int(self.at.objective[self.at.fits].max()), int(self.cycles_rows[self.at.fits].max())
        return self.best[0] // max(1, self.cycles * self.period), self.best[0] // max(1, self.energy * self.period)

    def _scaled(self, a: int, b: int) -> tuple[int, int]:
        """Weights of about this ratio with which no row costs more than there is room for."""
        energy, cycles = self._most()
        size = max(1, a * energy, b * cycles)
        if size < _ROOM:
            return a, b
        return max(1, a * _ROOM // size // 2), max(1, b * _ROOM // size // 2)

    def _path(self, a: int, b: int) -> WeightedPath | None:
        """The shortest path under weights; notes its line and offers it as a design."""
        energy, cycles = self._most()
        useful: NDArray[np.bool_] = self.at.fits & (self.at.objective <= energy) & (self.cycles_rows <= cycles)
        cost: Ints = np.where(useful, a * np.where(useful, self.at.objective, 0), NO_COST)
        cost = np.where(useful, cost + b * np.where(useful, self.cycles_rows, 0), NO_COST)
        at = replace(self.at, fits=useful)
        found = shortest_by(self.bounds, at, cost)
        if found is None:
            return None
        if a:
            self.lines.append(_Line(a, b, found.least))
        self._offer(found)
        return found

    def _offer(self, found: WeightedPath) -> None:
        energy, cycles = self._totals(found)
        if energy >= self.bounds.problem.cutoff or not keeps_budgets(self.bounds.problem, self.at, found):
            return
        product = energy * cycles * self.period
        if self.best is None or product < self.best[0]:
            self.best = product, Selection(self.at.point, found.pieces, energy)

    def _least_corner(self) -> tuple[int, Fraction]:
        """Least product over the region above all lines, in fJ fs rounded up, and the cycles where it lies."""
        upper = self._envelope()
        corners = [cycles for cycles, _ in upper] + [Fraction(self.last)]
        value, cycles = min(
            (cycles * max(line.energy(cycles) for line in self.lines), cycles)
            for cycles in corners
            if cycles <= self.last
        )
        return ceil(value * self.period), cycles

    def _envelope(self) -> list[tuple[Fraction, _Line]]:
        """Where each line begins to be the highest, from the least cycles on."""
        at = Fraction(self.cycles)
        here = max(self.lines, key=lambda line: (line.energy(at), -Fraction(line.b, line.a)))
        found = [(at, here)]
        while True:
            slope = Fraction(here.b, here.a)
            meeting = [
                ((here.c * other.a - other.c * here.a) / Fraction(here.b * other.a - other.b * here.a), other)
                for other in self.lines
                if Fraction(other.b, other.a) < slope
            ]
            meeting = [(cycles, other) for cycles, other in meeting if cycles >= at]
            if not meeting:
                break
            at, here = min(meeting, key=lambda pair: (pair[0], Fraction(pair[1].b, pair[1].a)))
            found.append((at, here))
        assert all(before[0] <= after[0] for before, after in pairwise(found))
        return found
