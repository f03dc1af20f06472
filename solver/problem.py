"""The optimisation problem in the solver's terms: which groups, which points, which integers to add up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from costmodel.design import Design, GroupDesign
from costmodel.selection import price_cells
from costmodel.table import NO_COST, CandidateTable, FamilyTable, price_rows
from costmodel.template import Ints
from specs.study import Budgets, Goal

Points = NDArray[np.intp]


@dataclass(frozen=True)
class Block:
    """One array of one family: the unit in which costs are computed."""

    family: int
    array: int
    points: Points


@dataclass(frozen=True)
class RowCosts:
    """Integer costs of candidate rows at points, (row, point): the objective and every budgeted total."""

    objective: Ints
    budgeted: tuple[Ints, ...]
    fits: NDArray[np.bool_]


@dataclass(frozen=True)
class Piece:
    """One chosen row: a group run in one way."""

    group: int
    row: int


@dataclass(frozen=True)
class Selection:
    """A complete choice: a hardware point and pieces in an order in which they can run."""

    point: int
    pieces: tuple[Piece, ...]
    objective: int


def cutoff(goal: Goal, budgets: Budgets) -> int:
    """What objectives must stay below: a budget on the goal itself, or more than any real cost."""
    own = {"latency": budgets.latency_fs, "energy": budgets.energy_fj, "bandwidth": None}[goal]
    return int(NO_COST) if own is None else min(own + 1, int(NO_COST))


@dataclass(frozen=True)
class Problem:
    """A table, a goal, the budgets on totals, and the part of the space that is searched.

    Attributes
    ----------
    groups
        Which groups of the lattice may be used (all, or those of one layer for layer-by-layer).
    points
        Which hardware points may be used.
    """

    table: CandidateTable
    goal: Goal
    budgets: Budgets
    groups: NDArray[np.bool_]
    points: Points
    stop: Callable[[], bool] = field(default=lambda: False, compare=False)

    @cached_property
    def fuses(self) -> bool:
        """Whether any group of several layers may be used."""
        return any(self.table.lattice.groups[group].bit_count() > 1 for group in np.flatnonzero(self.groups))

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        wanted = np.zeros(len(self.table.points), dtype=bool)
        wanted[self.points] = True
        blocks = [
            Block(f, a, points[wanted[points]])
            for f, family in enumerate(self.table.families)
            for a, points in enumerate(family.points)
        ]
        return tuple(block for block in blocks if len(block.points))

    @cached_property
    def block_of(self) -> dict[int, Block]:
        return {int(p): block for block in self.blocks for p in block.points}

    @cached_property
    def budgeted(self) -> tuple[str, ...]:
        """Names of the totals that carry a budget and are not the goal."""
        limits = {"latency": self.budgets.latency_fs, "energy": self.budgets.energy_fj}
        return tuple(name for name, limit in limits.items() if limit is not None and name != self.goal)

    def limit(self, name: str, point: int) -> int:
        """The budget of a total in the units of `RowCosts`: latency in cycles of the point's clock."""
        if name == "latency":
            assert self.budgets.latency_fs is not None
            return min(self.budgets.latency_fs // self.table.points[point].period_fs, int(NO_COST))
        assert self.budgets.energy_fj is not None
        return min(self.budgets.energy_fj, int(NO_COST))

    @property
    def cutoff(self) -> int:
        """Objectives must stay below this."""
        return cutoff(self.goal, self.budgets)

    def family(self, block: Block) -> FamilyTable:
        return self.table.families[block.family]

    def row_costs(self, block: Block, points: Points, rows: slice | Ints = slice(None)) -> RowCosts:
        """Price rows of a block's family at some of its points."""
        priced = price_rows(self.table, self.family(block), block.array, points, rows)
        shape = priced.energy_fj.shape
        by_name = {
            "energy": priced.energy_fj,
            "latency": np.broadcast_to(priced.cycles[:, None], shape),
            "bandwidth": np.broadcast_to(priced.dram_bytes[:, None], shape),
        }
        objective = by_name[self.goal]
        if self.goal == "latency":
            objective = objective * np.array([self.table.points[p].period_fs for p in points])
        return RowCosts(objective, tuple(by_name[name] for name in self.budgeted), priced.fits)

    def cheapest(self, block: Block) -> Ints:
        """What each group class costs at best at a block's points: (group class, point)."""
        family, study = self.family(block), self.table.study
        assert family.cheapest is not None
        points = [self.table.points[p] for p in block.points]
        feature, weight = price_cells(study, points)
        best = np.full((self.table.num_classes, len(points)), NO_COST, dtype=np.int64)
        best[family.classes] = family.cheapest[:, block.array, feature, weight]
        if self.goal == "latency":
            periods = np.array([p.period_fs for p in points], dtype=np.int64)
            best = np.where(best < NO_COST, np.minimum(best, NO_COST // periods.max()) * periods, NO_COST)
        return best

    def row_class(self, family: FamilyTable) -> Ints:
        """Group class of every row of a family."""
        return np.repeat(family.classes, np.diff(np.append(family.starts, len(family.rows))))

    def design(self, selection: Selection) -> Design:
        """Spell a selection out."""
        family = self.block_of[selection.point].family
        groups: list[GroupDesign] = [
            self.table.group_design(family, piece.row, piece.group) for piece in selection.pieces
        ]
        return Design(self.table.points[selection.point], tuple(groups))
