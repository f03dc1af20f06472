"""Price groups in rounds: only those that the best path of some hardware point could use.

Where a single total matters, a group that was not priced yet counts at its least cost (`costmodel.least`), so
the shortest path at a point is a lower bound on every design there. Groups on the shortest paths of the most
promising points are priced, until no point's bound lies below the best design known. What is unpriced then
is in no better design (docs/solver.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from costmodel.extents import extents
from costmodel.kept import decided
from costmodel.least import LeastCosts
from costmodel.pricing import Cells, FamilyPricer, PricedFamily, single_total
from costmodel.pricing_alone import price_alone
from costmodel.selection import price_cells
from costmodel.table import NO_COST, CandidateTable, FamilyPoints, Frame
from costmodel.template import Ints
from solver.choose_groupings import groupings_of
from solver.first_array import some_arrays, start
from solver.problem import Points, cutoff, multiplied
from solver.relaxed import StoppedError
from solver.result import Deduction
from specs.study import Study

_VISITED_AT_LEAST = 16
_VISITED_SHARE = 16
"""Of the open points, one in so many is visited in each round, but no fewer than the number above."""

_AT_ONCE = 64
"""Group classes that are priced between two looks at the clock."""

_REMEMBERED = 256
"""Visited points whose costs are kept for the next round."""


def can_price_in_rounds(frame: Frame) -> bool:
    """Whether one total alone matters, and nothing is said of activations."""
    return single_total(frame.study) and not limits_activations(frame.study)


def limits_activations(study: Study) -> bool:
    """Whether a path may be no design for what it keeps: activations are limited, or may be recomputed."""
    return study.budgets.activation_bytes is not None or decided(study.network)


@dataclass(frozen=True)
class _Block:
    """One array of a family: its points, and where they stand in the family's price grid."""

    family: int
    array: int
    period_fs: int
    points: Points
    feature: Cells
    weight: Cells


class _Rounds:
    """State of the rounds: prices so far, bounds per point, and the best design's cost."""

    def __init__(
        self,
        frame: Frame,
        progress: Callable[[str, int, int], None],
        stop: Callable[[], bool],
        processes: int,
    ) -> None:
        study = frame.study
        self._stop = stop
        self._frame, self._progress = frame, progress
        self.pricers: list[FamilyPricer] = []
        plans = frame.plans
        begin = start(frame, self._tick)
        self.families, self.lower = begin.families, begin.lower
        self.pricers = [FamilyPricer(study, family, plans, goal_alone=True) for family, _ in self.families]
        self.priced = np.zeros((len(self.pricers), len(frame.members)), dtype=bool)
        first = frame.alone
        price_alone(study, self.pricers, plans, np.flatnonzero(first).tolist(), self._tick, processes)
        self.priced[:, first] = True
        sizes = extents(study, [frame.lattice.groups[group] for group in frame.members])
        self._least = [LeastCosts(one.family, sizes, one.grid) for one in self.pricers]
        every = np.ones(len(frame.lattice.groups), dtype=bool)
        self.groupings = groupings_of(study.network, frame.lattice, frame.group_class, every, stop)
        self._blocks = self._all_blocks()
        self.left: list[tuple[PricedFamily, FamilyPoints]] = []
        self._columns: dict[int, tuple[Ints, int]] = {}
        self.upper = cutoff(study.goal, study.limits)
        self._runs = frame.runs[:, None]

    def _all_blocks(self) -> list[_Block]:
        """Blocks of the arrays that are priced on."""
        points_of = self._frame.points
        return [
            _Block(
                number,
                array,
                self._period(points),
                points,
                *price_cells(self._frame.study, [points_of[p] for p in points]),
            )
            for number, (_, by_array) in enumerate(self.families)
            for array, points in enumerate(by_array)
        ]

    def _leave_arrays(self) -> None:
        """Price no further on arrays whose points are all excluded, if others of their family are not."""
        before = len(self.left)
        for number, (family, by_array) in enumerate(self.families):
            open_ = np.array([(self.lower[points] <= self.upper).any() for points in by_array])
            if open_.any() and not open_.all():
                left = self.pricers[number].keep(open_)
                self._least[number].keep(open_)
                self.left.append((left, some_arrays((family, by_array), np.flatnonzero(~open_).tolist())))
                self.families[number] = some_arrays((family, by_array), np.flatnonzero(open_).tolist())
        if len(self.left) > before:
            self._blocks = self._all_blocks()

    def _period(self, points: Points) -> int:
        return self._frame.points[points[0]].period_fs if self._frame.study.goal == "latency" else 1

    def run(self, stop: Callable[[], bool]) -> None:
        """Price until no point's bound lies below the best design known."""
        for block in self._blocks:
            self._bound(block, np.arange(len(block.points)))
        while not stop():
            waiting = np.flatnonzero(self.lower < self.upper)
            if not len(waiting):
                return
            visited = np.zeros(len(self.lower), dtype=bool)
            number = max(_VISITED_AT_LEAST, len(waiting) // _VISITED_SHARE)
            visited[waiting[np.argsort(self.lower[waiting], kind="stable")[:number]]] = True
            wanted = np.zeros_like(self.priced)
            for block in self._blocks:
                cells = np.flatnonzero(visited[block.points])
                if len(cells):
                    wanted[block.family] |= self._visit(block, cells)
            for family in range(len(self.pricers)):
                self._price(family, wanted[family] & ~self.priced[family])
            for block in self._blocks:
                cells = np.flatnonzero(visited[block.points])
                if len(cells):
                    self._improve(block, cells)
            self._leave_arrays()

    def _tick(self) -> None:
        """Say how far it is; before any design is known there is nothing to tell but that it was time to stop."""
        if self._stop():
            raise StoppedError
        self._report()

    def _report(self) -> None:
        done = sum(len(pricer.done) for pricer in self.pricers)
        self._progress("pricing groups", done, len(self.pricers) * len(self._frame.members))

    def _price(self, family: int, wanted: NDArray[np.bool_]) -> None:
        classes = np.flatnonzero(wanted).tolist()
        for begin in range(0, len(classes), _AT_ONCE):
            if self._stop():
                return
            some = classes[begin : begin + _AT_ONCE]
            self.pricers[family].price(some, self._report)
            self.priced[family, some] = True

    def _costs(self, block: _Block, cells: Cells, unpriced: Ints, start: int = 0) -> Ints:
        """Put exact costs of priced classes (from the family's ``start``-th on) over others, in the goal's unit."""
        pricer = self.pricers[block.family]
        exact = pricer.cheapest(block.array, block.feature[cells], block.weight[cells], start)
        done = pricer.done[start:]
        unpriced[done] = multiplied(exact, self._runs[done] * block.period_fs)
        return unpriced

    def _optimistic(self, block: _Block, cells: Cells) -> Ints:
        """Costs of all group classes at cells, least costs where unpriced: (class, cell)."""
        least = self._least[block.family].at(block.array, block.feature[cells], block.weight[cells])
        return self._costs(block, cells, multiplied(least, self._runs * block.period_fs))

    def _remembered(self, block: _Block, cells: Cells) -> Ints:
        """`_optimistic`, from the columns of earlier rounds where they are still at hand."""
        points = block.points[cells].tolist()
        now = len(self.pricers[block.family].done)
        missing = [i for i, point in enumerate(points) if point not in self._columns]
        if missing:
            columns = self._optimistic(block, cells[missing]).T
            for i, column in zip(missing, columns, strict=True):
                self._columns[points[i]] = (column[:, None].copy(), now)
        for i, point in enumerate(points):
            column, start = self._columns.pop(point)
            self._columns[point] = (self._costs(block, cells[[i]], column, start), now)
        best = np.concatenate([self._columns[point][0] for point in points], axis=1)
        while len(self._columns) > _REMEMBERED:
            del self._columns[next(iter(self._columns))]
        return best

    def _bound(self, block: _Block, cells: Cells) -> None:
        self.lower[block.points[cells]], _ = self.groupings.bounds(self._optimistic(block, cells))

    def _visit(self, block: _Block, cells: Cells) -> NDArray[np.bool_]:
        """Bound points again with today's prices; the group classes that these prices make worth pricing."""
        best = self._remembered(block, cells)
        self.lower[block.points[cells]], wanted = self.groupings.visit(best, self.priced[block.family], self.upper)
        return wanted

    def _improve(self, block: _Block, cells: Cells) -> None:
        """Look for a better design of priced groups."""
        nothing = np.full((self.priced.shape[1], len(cells)), NO_COST, dtype=np.int64)
        self.upper = min(self.upper, int(self.groupings.reached(self._costs(block, cells, nothing)).min()))


def table_in_rounds(
    frame: Frame, progress: Callable[[str, int, int], None], stop: Callable[[], bool], processes: int = 1
) -> tuple[CandidateTable, Deduction]:
    """Build a table that may lack groups that are in no better design, and say how many.

    If ``stop`` ends it early, the table's ``floor`` still bounds what the unpriced groups could do.

    Raises
    ------
    StoppedError
        If ``stop`` asks before all groups of one layer are priced.
    """
    rounds = _Rounds(frame, progress, stop, processes)
    rounds.run(stop)
    frame = replace(
        frame,
        lattice=frame.lattice.with_ideals(frame.study.network, rounds.groupings.ideals()),
        families=[*rounds.families, *(family for _, family in rounds.left)],
    )
    priced = [*(pricer.result() for pricer in rounds.pricers), *(left for left, _ in rounds.left)]
    table = frame.table(priced, rounds.lower)
    skipped = int((~rounds.priced).sum())
    step = f"least costs: {skipped} of {rounds.priced.size} (group class, accelerator) not priced"
    return table, Deduction(step, int((rounds.lower <= rounds.upper).sum()), rounds.priced.size - skipped)
