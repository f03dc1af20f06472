"""A problem in which groups that are not priced yet stand with one row each: the least of every total, on its own.

Every design has a counterpart here that is no larger in any total, so lower bounds on this problem are lower bounds
on the real one (docs/solver.md). Designs of priced rows alone are real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from costmodel.candidates import Candidates, join
from costmodel.extents import extents
from costmodel.least import LeastCosts
from costmodel.pricing import FamilyPricer, PricedFamily
from costmodel.selection import price_cells
from costmodel.table import CandidateTable, FamilyTable, Frame, price_rows
from costmodel.template import Ints
from solver.bounds import PointView, WeightedPath
from solver.problem import Block, Piece, Points, Problem, RowCosts, Selection
from solver.totals import SUMS, Total, row_total
from specs.study import Goal, Study

MOST_PATHS = 2
"""So many of a point's best paths are priced at once: mostly the two on both sides of a limit or a corner."""

_SURVIVORS = 16
_SURVIVORS_SHARE = 8
"""Where the best paths are priced: so many groups that others leave open at once, or one in so many of them."""

_AT_ONCE = 4
"""Group classes that are priced between two looks at the clock."""


class StoppedError(Exception):
    """The wish to stop came before any design was known."""


class PartlyPriced:
    """What is priced so far on every family, and least totals of the rest.

    Attributes
    ----------
    priced : (family, group class)
        What is priced. Groups of one layer are from the beginning.
    table
        The study's table without any rows.
    """

    def __init__(
        self,
        frame: Frame,
        totals: tuple[Goal, ...],
        progress: Callable[[str, int, int], None],
        stop: Callable[[], bool],
    ) -> None:
        self._frame, self._progress, self._stop = frame, progress, stop
        plans, none = frame.plans, np.empty(0, dtype=np.int64)
        self._pricers = [FamilyPricer(frame.study, family, plans) for family, _ in frame.families]
        self.priced = np.zeros((len(self._pricers), len(frame.members)), dtype=bool)
        self.table = frame.table([PricedFamily(family, None, none, none, None, 0) for family, _ in frame.families])
        self._rows: dict[tuple[int, int], tuple[int, int, FamilyTable | None]] = {}
        alone = np.flatnonzero(frame.alone).tolist()
        for family in range(len(self._pricers)):
            self.price(family, alone)
        if stop():
            raise StoppedError
        sizes = extents(frame.study, [frame.lattice.groups[group] for group in frame.members])
        self._least = [
            {
                total: LeastCosts(pricer.family, replace(sizes, study=replace(frame.study, goal=total)), pricer.grid)
                for total in totals
            }
            for pricer in self._pricers
        ]

    @property
    def study(self) -> Study:
        return self._frame.study

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(
            Block(family, array, points)
            for family, (_, by_array) in enumerate(self._frame.families)
            if self._pricers[family].found or not self.priced[family].all()
            for array, points in enumerate(by_array)
        )

    def price(self, family: int, classes: Iterable[int]) -> None:
        """Price group classes on a family, until it is time to stop."""
        waiting = [one for one in classes if not self.priced[family, one]]
        for begin in range(0, len(waiting), _AT_ONCE):
            if self._stop():
                return
            some = waiting[begin : begin + _AT_ONCE]
            self._pricers[family].price(some, self._tick)
            self.priced[family, some] = True

    def _tick(self) -> None:
        self._progress("pricing groups", int(self.priced.sum()), self.priced.size)

    def unpriced(self, family: int) -> NDArray[np.intp]:
        """Group classes that are not priced on a family."""
        return np.flatnonzero(~self.priced[family])

    def rows(self, block: Block) -> FamilyTable:
        """Rows so far on one array, and behind them one for every group class that is not priced.

        The table's ``rows`` are those that are priced; the others are only counted in ``classes`` and ``starts``.
        """
        pricer, key = self._pricers[block.family], (block.family, block.array)
        done, number, known = self._rows.get(key, (0, 0, None))
        if known is not None and done == len(pricer.done):
            return known
        parts = [_no_rows() if known is None else known.rows]
        rows = join([*parts, *(_on_array(one, block.array) for _, one in pricer.found[number:])])
        starts = np.cumsum([0, *(len(one) for _, one in pricer.found)])
        unpriced = self.unpriced(block.family)
        table = FamilyTable(
            family=pricer.family,
            rows=rows,
            classes=np.concatenate([np.array([one for one, _ in pricer.found], dtype=np.int64), unpriced]),
            starts=np.concatenate([starts[:-1], starts[-1] + np.arange(len(unpriced))]),
            points=(block.points,),
            cheapest=None,
        )
        self._rows[key] = len(pricer.done), len(pricer.found), table
        return table

    def least(self, block: Block, points: Points, total: Goal) -> Ints:
        """Least totals of the group classes that are not priced at points of a block: (class, point)."""
        unpriced = self.unpriced(block.family)
        cells = price_cells(self.study, [self.table.points[p] for p in points])
        least: Ints = self._least[block.family][total].at(block.array, *cells)[unpriced]
        return least

    def finished(self) -> CandidateTable:
        """The table of what was priced."""
        return self._frame.table([pricer.result() for pricer in self._pricers])

    def in_finished(self, best: Selection, block: Block) -> Selection:
        """A selection of priced rows in the row numbers of the finished table."""
        rows, found = self.rows(block), self._pricers[block.family].found
        by_class = np.argsort([one for one, _ in found])
        lengths = np.array([len(one) for _, one in found])
        starts = np.empty_like(lengths)
        starts[by_class] = np.cumsum(lengths[by_class]) - lengths[by_class]
        pieces = []
        for piece in best.pieces:
            which = int(np.searchsorted(rows.starts, piece.row, side="right")) - 1
            pieces.append(Piece(piece.group, int(starts[which]) + piece.row - int(rows.starts[which])))
        return replace(best, pieces=tuple(pieces))


def _on_array(rows: Candidates, array: int) -> Candidates:
    """Candidates on one array of their family."""
    columns = {name: column[:, [array]] for name, column in vars(rows).items() if name != "kinds" and column.ndim == 2}
    return replace(rows, **columns)


def _no_rows() -> Candidates:
    one, two = np.empty(0, dtype=np.int64), np.empty((0, 1), dtype=np.int64)
    return Candidates((), one, one, one, one, one, one, two, two, two, two, two, two, two, two, two, two, one)


@dataclass(frozen=True)
class Relaxed(Problem):
    """The problem over what is priced so far, with least totals for the rest; it changes as more is priced."""

    prices: PartlyPriced = field(kw_only=True)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        return self.prices.blocks

    def family(self, block: Block) -> FamilyTable:
        return self.prices.rows(block)

    def row_costs(self, block: Block, points: Points, rows: slice | Ints = slice(None)) -> RowCosts:
        """Price rows so far, and behind them least totals of what is not priced; always all of them."""
        assert isinstance(rows, slice)
        assert rows == slice(None)
        family = self.family(block)
        priced = price_rows(self.table, family, 0, points)
        number = len(family.rows)

        def total(name: Goal) -> Ints:
            none = np.empty(0, dtype=np.int64)
            exact = row_total(name, priced, [], none, np.ones(number, dtype=np.int64))
            return np.concatenate([exact, self.prices.least(block, points, name)])

        objective = total(self.goal)
        if self.goal == "latency":
            objective = objective * np.array([self.table.points[p].period_fs for p in points])
        least_fit = np.ones((len(objective) - number, len(points)), dtype=bool)
        return RowCosts(
            objective=objective,
            budgeted=tuple(total(_sum(one)) for one in self.budgeted),
            fits=np.concatenate([priced.fits, least_fit]),
            num_priced=number,
        )


def few(classes: list[int]) -> list[int]:
    """The first of some group classes to price, the most promising of which come first."""
    return classes[: max(_SURVIVORS, len(classes) // _SURVIVORS_SHARE)]


def unpriced_on(paths: Iterable[WeightedPath], problem: Problem, at: PointView) -> list[int]:
    """Group classes on paths at a point that are not priced yet."""
    assert at.num_priced is not None
    groups = {piece.group for path in paths for piece in path.pieces if piece.row >= at.num_priced}
    return sorted({int(problem.table.group_class[group]) for group in groups})


def priced_only(at: PointView) -> PointView:
    """A point's view without what is not priced: all its paths are designs, if they keep the budgets."""
    fits = at.fits.copy()
    fits[at.num_priced :] = False
    return replace(at, fits=fits)


def _sum(total: Total) -> Goal:
    assert total.name in SUMS
    assert total.workload is None
    return total.name  # type: ignore[return-value]
