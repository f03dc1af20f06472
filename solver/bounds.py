"""Bounds before CP-SAT: shortest groupings at every hardware point, with multipliers for budgets on totals.

Every deduction is of one kind: *no design that keeps the budgets and contains this (point, or candidate at
a point) costs less than the best design known*. docs/solver.md has the proofs. Numbers are exact integers:
with weights D > 0 and m >= 0, any feasible design x satisfies D*objective(x) >= D*objective(x) +
m*(total(x) - limit), and the right side is bounded from below by a shortest grouping (`solver.groupings`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from costmodel.table import NO_COST
from costmodel.template import Ints
from solver.choose_groupings import groupings_of
from solver.groupings import Groupings
from solver.problem import Block, Piece, Points, Problem, RowCosts, Selection

_ROOM = 2**58
"""What better designs weigh in any one total stays below this, so that a few of them add up inside 64 bits."""


@dataclass(frozen=True)
class Weights:
    """Integer weights of the objective and of each budgeted total at one point."""

    objective: int
    budgeted: tuple[int, ...] = ()


@dataclass
class Bounds:
    """What the bounds know.

    Attributes
    ----------
    lower
        Per point (indexed like `CandidateTable.points`): no design there costs less. NO_COST where there
        is none at all.
    reached
        Per point, what some grouping of priced groups costs: a design, unless budgets say no.
    weights
        Per point, the weights that gave the bound.
    best
        The best design found so far.
    optimistic
        Paths that are no designs, as some of their groups are not priced yet (`solver.relaxed`).
    """

    problem: Problem
    groupings: Groupings
    lower: Ints
    reached: Ints | None = None
    weights: dict[int, Weights] = field(default_factory=dict)
    best: Selection | None = None
    margin: int = 0
    """What is dropped costs at least this much more than needed; 0 unless more is to be left for others to look at."""
    optimistic: list[WeightedPath] = field(default_factory=list)

    @property
    def upper(self) -> int:
        """Designs must cost less than this to be of interest."""
        return self.problem.cutoff if self.best is None else self.best.objective

    def open_points(self) -> Points:
        """Points where a better design is not excluded, most promising first."""
        points = self.problem.points[self.lower[self.problem.points] < self.upper + self.margin]
        return points[np.argsort(self.lower[points], kind="stable")]


def plain_bounds(problem: Problem) -> Bounds:
    """Bound every point by its shortest path under the objective alone; then by each budgeted total alone."""
    groupings = problem_groupings(problem)
    lower = np.full(len(problem.table.points), NO_COST, dtype=np.int64)
    reached, weights = lower.copy(), dict[int, Weights]()
    for block in problem.blocks:
        if problem.family(block).cheapest is not None and problem.goal == problem.table.study.goal:
            lower[block.points], reached[block.points] = groupings.bounds(problem.cheapest(block))
            continue
        if problem.stop():
            lower[block.points] = reached[block.points] = 0
            continue
        for part in _parts(problem, block):
            shortest, reached[part], leasts = least_sums(problem, groupings, block, part)
            for name, least in zip(problem.budgeted, leasts, strict=True):
                limits = np.array([problem.limit(name, int(p)) for p in part])
                alone = Weights(0, tuple(int(one == name) for one in problem.budgeted))
                weights |= dict.fromkeys(part[(least > limits) & (shortest < NO_COST)].tolist(), alone)
                shortest = np.where(least > limits, NO_COST, shortest)
            lower[part] = shortest
    if problem.table.floor is not None and problem.fuses:
        lower = np.minimum(lower, problem.table.floor)  # what unpriced groups could still do
    bounds = Bounds(problem, groupings, lower, reached, weights)
    if problem.memory is not None:
        problem.memory.raise_bounds(bounds)
    return bounds


def least_sums(problem: Problem, groupings: Groupings, block: Block, points: Points) -> tuple[Ints, Ints, list[Ints]]:
    """Per point the shortest path under the goal alone, what some grouping reaches, and under each budgeted total."""
    known = problem.memory.least(problem, points) if problem.memory is not None and groupings.exact else None
    if known is not None:
        return known[0], known[0], known[1:]
    costs = problem.row_costs(block, points)
    shortest, reached = groupings.bounds(_class_best(problem, block, costs.objective, costs.fits))
    totals = [groupings.bounds(_class_best(problem, block, total, costs.fits))[0] for total in costs.budgeted]
    if problem.memory is not None:
        problem.memory.keep_least(problem, points, [shortest, *totals])
    return shortest, reached, totals


def problem_groupings(problem: Problem) -> Groupings:
    """How a problem's groupings are looked at."""
    table = problem.table
    return groupings_of(table.study.network, table.lattice, table.group_class, problem.groups, problem.stop)


def _parts(problem: Problem, block: Block) -> list[Points]:
    """Cut a block's points so that one price matrix stays near 16 million entries."""
    rows = max(1, len(problem.family(block).rows))
    parts = max(1, -(-rows * len(block.points) // 16_000_000))
    return [part for part in np.array_split(block.points, parts) if len(part)]


def _class_best(problem: Problem, block: Block, cost: Ints, fits: NDArray[np.bool_]) -> Ints:
    """Cheapest fitting candidate of every group class: (group class, point)."""
    family = problem.family(block)
    best = np.full((problem.table.num_classes, cost.shape[1]), NO_COST, dtype=np.int64)
    best[family.classes] = np.minimum.reduceat(np.where(fits, cost, NO_COST), family.starts, axis=0)
    return best


@dataclass(frozen=True)
class PointView:
    """Everything at one point: row costs as vectors, and which rows fit."""

    point: int
    block: Block
    objective: Ints
    budgeted: tuple[Ints, ...]
    fits: NDArray[np.bool_]
    limits: tuple[int, ...]
    num_priced: int | None = None

    def weighted(self, weights: Weights) -> Ints:
        return np.where(self.fits, weighted_sum(weights, self.objective, self.budgeted), NO_COST)


def weighted_sum(weights: Weights, objective: Ints, budgeted: tuple[Ints, ...]) -> Ints:
    """Weighted sums of totals that are not negative, NO_COST where they would be larger than that."""
    total: Ints = np.zeros_like(objective)
    for weight, one in zip((weights.objective, *weights.budgeted), (objective, *budgeted), strict=True):
        if weight:
            total = np.minimum(total + np.where(one < NO_COST // weight, weight * one, NO_COST), NO_COST)
    return total


def view(problem: Problem, point: int) -> PointView:
    block = problem.block_of[point]
    costs: RowCosts = problem.row_costs(block, np.array([point], dtype=np.intp))
    return PointView(
        point=point,
        block=block,
        objective=costs.objective[:, 0],
        budgeted=tuple(total[:, 0] for total in costs.budgeted),
        fits=costs.fits[:, 0],
        limits=tuple(problem.limit(name, point) for name in problem.budgeted),
        num_priced=costs.num_priced,
    )


@dataclass(frozen=True)
class WeightedPath:
    """A grouping at one point that is short under some weights: its pieces and totals.

    ``least`` is what no grouping costs less than under these weights: the same as ``cost`` where paths are exact.
    """

    pieces: tuple[Piece, ...]
    cost: int
    least: int
    objective: int
    budgeted: tuple[int, ...]


def shortest(bounds: Bounds, at: PointView, weights: Weights) -> WeightedPath | None:
    """The shortest known path at a point under weights, or None if none is known to fit there."""
    return shortest_by(bounds, at, at.weighted(weights))


def shortest_by(bounds: Bounds, at: PointView, cost: Ints) -> WeightedPath | None:
    """The shortest known path at a point where rows cost so much, NO_COST those that may not be used."""
    problem = bounds.problem
    family = problem.family(at.block)
    best = _class_best(problem, at.block, cost[:, None], at.fits[:, None])
    found = bounds.groupings.found(best)
    if found is None:
        return None
    groups = _agreeing(problem, found.groups, best)
    if groups is None:
        return None
    first_row = dict(zip(family.classes.tolist(), family.starts.tolist(), strict=True))
    pieces = []
    for group in groups:
        group_class = int(problem.table.group_class[group])
        start = first_row[group_class]
        offset = int(np.argmax(cost[start:] == best[group_class, 0]))
        pieces.append(Piece(group, start + offset))
    rows = [piece.row for piece in pieces]
    return WeightedPath(
        pieces=tuple(pieces),
        cost=found.cost,
        least=found.least,
        objective=int(at.objective[rows].sum()),
        budgeted=tuple(int(total[rows].sum()) for total in at.budgeted),
    )


def _agreeing(problem: Problem, groups: Sequence[int], best: Ints) -> Sequence[int] | None:
    """Groups of a path put right if they disagree about what is kept; None if that does not fit."""
    links = problem.links
    if not links.links or links.agree(groups):
        return groups
    sets = problem.table.lattice.groups
    ways = [links.put_right(groups, sets, keep) for keep in (True, False)]
    costs = [int(best[problem.table.group_class[way], 0].astype(object).sum()) for way in ways]
    least = min(range(len(ways)), key=costs.__getitem__)
    return ways[least] if costs[least] < NO_COST else None


def offer(bounds: Bounds, at: PointView, found: WeightedPath) -> None:
    """Keep a path as the best design if it is one, keeps the budgets and is better."""
    if is_optimistic(at, found):
        bounds.optimistic.append(found)
        return
    if found.objective < bounds.upper and keeps_budgets(bounds.problem, at, found):
        bounds.best = Selection(at.point, found.pieces, found.objective)


def is_optimistic(at: PointView, found: WeightedPath) -> bool:
    """Whether a path runs groups that are not priced yet."""
    return at.num_priced is not None and any(piece.row >= at.num_priced for piece in found.pieces)


def keeps_budgets(problem: Problem, at: PointView, found: WeightedPath) -> bool:
    """Whether a path keeps every budget exactly."""
    if not all(total <= limit for total, limit in zip(found.budgeted, at.limits, strict=True)):
        return False
    if problem.is_exact(at.point):
        return True
    totals = problem.exact_totals(at.point, [piece.row for piece in found.pieces])
    limits = problem.exact_limits(at.point)
    return all(sum(total[i] for total in totals) <= limit for i, limit in enumerate(limits))


def close_plain(bounds: Bounds) -> None:
    """Without budgets on totals the shortest path over all points is the best priced design: take it."""
    points = bounds.problem.points
    if not len(points) or bounds.reached is None:
        return
    shortest_at = int(points[bounds.reached[points].argmin()])
    if bounds.reached[shortest_at] >= bounds.upper:
        return
    at = view(bounds.problem, shortest_at)
    weights = Weights(1)
    found = shortest(bounds, at, weights)
    bounds.weights[at.point] = weights
    if found is not None:
        offer(bounds, at, found)
    if not bounds.groupings.exact or bounds.problem.links.links:
        _visit_open(bounds, at.point)


def _visit_open(bounds: Bounds, visited: int) -> None:
    """Where paths are not exact: look at open points one by one, most promising first."""
    floor = bounds.problem.table.floor
    done = {visited}
    while not bounds.problem.stop():
        waiting = [int(p) for p in bounds.open_points() if int(p) not in done]
        if not waiting:
            return
        at = view(bounds.problem, waiting[0])
        done.add(at.point)
        found = shortest(bounds, at, Weights(1))
        if found is not None:
            offer(bounds, at, found)
            least = found.least if floor is None or not bounds.problem.fuses else min(found.least, int(floor[at.point]))
            bounds.lower[at.point] = max(int(bounds.lower[at.point]), least)


def surviving_rows(bounds: Bounds, at: PointView, weights: Weights) -> list[tuple[int, Ints]]:
    """For each group, the rows at a point that may be part of a design better than the best known.

    A row stays if the shortest grouping with this row, as far as is known, stays below what a better design must
    stay below under the weights.
    """
    problem = bounds.problem
    family = problem.family(at.block)
    cost = at.weighted(weights)
    best = _class_best(problem, at.block, cost[:, None], at.fits[:, None])
    around = bounds.groupings.around(best)
    slack = sum(w * limit for w, limit in zip(weights.budgeted, at.limits, strict=True))
    threshold = min(weights.objective * (bounds.upper + bounds.margin) + slack, int(NO_COST))
    bounds_of = dict(
        zip(
            family.classes.tolist(),
            zip(family.starts.tolist(), np.append(family.starts[1:], len(family.rows)).tolist(), strict=True),
            strict=True,
        )
    )
    survivors, exact = [], problem.is_exact(at.point)
    for group in np.flatnonzero(around < threshold):
        span = bounds_of.get(int(problem.table.group_class[group]))
        if span is not None:
            rows = np.arange(*span)
            rows = rows[at.fits[rows] & (cost[rows] + around[group] < threshold)]
            rows = _front(at, rows) if exact else rows
            if len(rows):
                survivors.append((int(group), rows))
    return survivors


def _front(at: PointView, rows: Ints) -> Ints:
    """Rows that no other row of the group equals or beats in the objective and every budgeted total here."""
    columns = np.stack([at.objective[rows], *(total[rows] for total in at.budgeted)], axis=1)
    order = np.lexsort(columns.T[::-1])
    kept: list[int] = []
    for i in order:
        if not any((columns[k] <= columns[i]).all() for k in kept):
            kept.append(int(i))
    return rows[np.sort(np.array(kept, dtype=np.int64))] if kept else rows[:0]
