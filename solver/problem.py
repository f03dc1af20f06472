"""The optimisation problem in the solver's terms: which groups, which points, which integers to add up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from costmodel.design import Design, GroupDesign
from costmodel.kept import decides_only
from costmodel.selection import price_cells
from costmodel.table import NO_COST, CandidateTable, FamilyTable, price_rows
from costmodel.template import Ints
from solver.links import Links
from solver.memory import Memory
from solver.totals import (
    Largest,
    Rate,
    Total,
    all_limits,
    exact_rate,
    limits_of,
    no_cost,
    rate,
    row_layers,
    row_runs,
    row_total,
)
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
    """Integer costs of candidate rows at points, (row, point): the objective and every budgeted total.

    Rows from ``num_priced`` on, if it is given, are no candidates: see `solver.relaxed`.
    """

    objective: Ints
    budgeted: tuple[Ints, ...]
    fits: NDArray[np.bool_]
    num_priced: int | None = None


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


def multiplied(costs: Ints, times: Ints | int) -> Ints:
    """Costs times whole numbers; what would be beyond `NO_COST`, or was, is `NO_COST`."""
    if np.max(times, initial=1) == 1:
        return costs
    return np.where(costs < NO_COST, np.minimum(costs, NO_COST // times) * times, NO_COST)


def cutoff(goal: Goal, budgets: Budgets) -> int:
    """What objectives must stay below: a budget on the goal itself, or more than any real cost."""
    own = limits_of(budgets).get(goal)
    return int(NO_COST) if own is None else no_cost(own + 1)


@dataclass(frozen=True)
class Problem:
    """A table, a goal, the budgets on totals, and the part of the space that is searched.

    Attributes
    ----------
    groups
        Which groups of the lattice may be used (all, or those of one layer for layer-by-layer).
    points
        Which hardware points may be used.
    memory
        What other questions about the same table found out.
    """

    table: CandidateTable
    goal: Goal
    budgets: Budgets
    groups: NDArray[np.bool_]
    points: Points
    stop: Callable[[], bool] = field(default=lambda: False, compare=False)
    memory: Memory | None = field(default=None, compare=False)
    _rates: dict[tuple[Total, int], Rate] = field(default_factory=dict, init=False, compare=False, repr=False)
    _largest_of: dict[tuple[int, int], Largest] = field(default_factory=dict, init=False, compare=False, repr=False)
    _layers_of: dict[int, Ints] = field(default_factory=dict, init=False, compare=False, repr=False)
    _runs_of: dict[tuple[Total, int], Ints] = field(default_factory=dict, init=False, compare=False, repr=False)

    @cached_property
    def fuses(self) -> bool:
        """Whether any group of several layers may be used."""
        return any(self.table.lattice.size(group) > 1 for group in np.flatnonzero(self.groups).tolist())

    @cached_property
    def links(self) -> Links:
        """Which groups say that an activation is not kept, and which that a kept one is read."""
        return Links.of(self.table)

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
    def limits(self) -> dict[Total, int]:
        """Every stated limit on a total."""
        return all_limits(self.table.study, self.budgets)

    @cached_property
    def budgeted(self) -> tuple[Total, ...]:
        """The totals that carry a budget and are not the goal."""
        return tuple(total for total in self.limits if total != Total(self.goal))

    def limit(self, total: Total, point: int) -> int:
        """The budget of a total in the units of `RowCosts`: latency in cycles of the point's clock."""
        if total.name == "latency":
            return no_cost(self.limits[total] // self.table.points[point].period_fs)
        return self._rate(total, point).limit if total.is_rate else no_cost(self.limits[total])

    def _rate(self, total: Total, point: int) -> Rate:
        """A limit per time in 64 bits, perhaps a little wider than stated."""
        if (total, point) not in self._rates:
            largest = self._largest(self.block_of[point])
            most = largest.amount(total.name, self.table.point_prices[point])
            self._rates[total, point] = rate(self._exact_rate(total, point), most, largest)
        return self._rates[total, point]

    def _exact_rate(self, total: Total, point: int) -> Rate:
        largest = self._largest(self.block_of[point])
        return exact_rate(self.table, total, self.limits[total], point, largest)

    def is_exact(self, point: int) -> bool:
        """Whether the totals of `row_costs` at a point are what is limited, and not a little wider."""
        return all(self._rate(total, point).is_exact for total in self.budgeted if total.is_rate)

    def exact_limits(self, point: int) -> tuple[int, ...]:
        """The limits on `exact_totals`."""
        return tuple(
            self._exact_rate(total, point).limit if total.is_rate else self.limit(total, point)
            for total in self.budgeted
        )

    def exact_totals(self, point: int, rows: Sequence[int]) -> list[tuple[int, ...]]:
        """Every budgeted total of some rows at a point, in integers of any size."""
        block, which = self.block_of[point], np.array(rows, dtype=np.int64)
        family, at = self.family(block), np.array([point], dtype=np.intp)
        priced, layers = price_rows(self.table, family, block.array, at, which), self._layers(block.family)[which]
        energy, cycles, traffic = priced.energy_fj[:, 0].tolist(), priced.cycles.tolist(), priced.dram_bytes.tolist()
        by_name = {"energy": energy, "power": energy, "latency": cycles, "bandwidth": traffic}
        by_name["activation_memory"] = priced.kept_bytes.tolist()
        columns = []
        for total in self.budgeted:
            runs = self._runs(total, block.family)[which].tolist()
            amounts = [n * amount for n, amount in zip(runs, by_name.get(total.name, traffic), strict=True)]
            if total.is_rate:
                exact = self._exact_rate(total, point)
                times = [n * cycle for n, cycle in zip(runs, cycles, strict=True)]
                counted = [layer if n else 0 for n, layer in zip(runs, layers.tolist(), strict=True)]
                amounts = [exact.of_row(*row) for row in zip(amounts, times, counted, strict=True)]
            columns.append(amounts)
        return list(zip(*columns, strict=True)) if columns else [()] * len(rows)

    def _layers(self, family: int) -> Ints:
        if family not in self._layers_of:
            self._layers_of[family] = row_layers(self.table, self.table.families[family])
        return self._layers_of[family]

    def _runs(self, total: Total, family: int) -> Ints:
        """How often each row of a family counts in a total."""
        if (total, family) not in self._runs_of:
            self._runs_of[total, family] = row_runs(self.table, self.table.families[family], total)
        return self._runs_of[total, family]

    def _largest(self, block: Block) -> Largest:
        if (block.family, block.array) not in self._largest_of:
            layers, runs = self._layers(block.family), self._runs(Total(self.goal), block.family)
            self._largest_of[block.family, block.array] = Largest.of(self.family(block), block.array, layers, runs)
        return self._largest_of[block.family, block.array]

    @property
    def cutoff(self) -> int:
        """Objectives must stay below this."""
        return cutoff(self.goal, self.budgets)

    def family(self, block: Block) -> FamilyTable:
        return self.table.families[block.family]

    def row_costs(self, block: Block, points: Points, rows: slice | Ints = slice(None)) -> RowCosts:
        """Price rows of a block's family at some of its points."""
        priced = price_rows(self.table, self.family(block), block.array, points, rows)
        layers = self._layers(block.family)[rows]

        def costs(total: Total) -> Ints:
            rates = [self._rate(total, int(p)) for p in points] if total.is_rate else []
            return row_total(total.name, priced, rates, layers, self._runs(total, block.family)[rows])

        objective = costs(Total(self.goal))
        if self.goal == "latency":
            objective = objective * np.array([self.table.points[p].period_fs for p in points])
        return RowCosts(objective, tuple(map(costs, self.budgeted)), priced.fits)

    def cheapest(self, block: Block) -> Ints:
        """What each group class costs at best at a block's points: (group class, point)."""
        family, study = self.family(block), self.table.study
        assert family.cheapest is not None
        points = [self.table.points[p] for p in block.points]
        feature, weight = price_cells(study, points)
        best = np.full((self.table.num_classes, len(points)), NO_COST, dtype=np.int64)
        best[family.classes] = family.cheapest[:, block.array, feature, weight]
        times = self.table.runs[:, None]
        if self.goal == "latency":
            times = times * np.array([p.period_fs for p in points], dtype=np.int64)
        return multiplied(best, times)

    def row_class(self, family: FamilyTable) -> Ints:
        """Group class of every row of a family."""
        return family.per_row(family.classes)

    def design(self, selection: Selection) -> Design:
        """Spell a selection out; networks of a mix run one after another."""
        family, table = self.block_of[selection.point].family, self.table
        pieces = sorted(selection.pieces, key=lambda piece: int(table.workloads[table.group_class[piece.group]]))
        groups: list[GroupDesign] = [table.group_design(family, piece.row, piece.group) for piece in pieces]
        layer = table.study.network.layer
        run = [group for group in groups if not decides_only([layer(name) for name in group.layers])]
        return Design(self.table.points[selection.point], tuple(run))
