"""What questions about one table find out for each other: lines that no design crosses, and designs.

With weights D and m_j let S be no more than the shortest path at a point. Then every design there has
``D cost + sum m_j total_j >= S``, whatever the limits: under other limits the same line gives another bound (D7).
Only for sums: totals per time depend on their limit.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from costmodel import Cost, Design
from costmodel.table import NO_COST
from costmodel.template import Ints
from solver.totals import Total, keeps_all, objective_of

if TYPE_CHECKING:
    from solver.bounds import Bounds, Weights
    from solver.problem import Points, Problem, Selection

_Kind = tuple[str, bytes]
"""The goal and the groups that may be used."""


@dataclass
class _Lines:
    """Lines of one kind with weights on some totals, one column each: point, S, D, m of each total."""

    totals: tuple[Total, ...]
    columns: list[NDArray[np.int64]] = field(default_factory=list)

    def add(self, points: Points, least: Ints, weights: tuple[int, ...]) -> None:
        repeated = np.array(weights, dtype=np.int64)[:, None].repeat(len(points), axis=1)
        self.columns.append(np.vstack([points, least, repeated]))

    def joined(self) -> NDArray[np.int64]:
        """All lines; kept joined for the next time."""
        if len(self.columns) > 1:
            self.columns = [np.concatenate(self.columns, axis=1)]
        return self.columns[0]


class Memory:
    """Lines and designs of one table, by goal and by the groups that may be used."""

    def __init__(self) -> None:
        self.designs: int | None = None
        """How many designs the space has, once counted."""
        self._lines: dict[_Kind, dict[tuple[Total, ...], _Lines]] = defaultdict(dict)
        self._least: dict[tuple[_Kind, str], Ints] = {}
        self._designs: dict[bytes, dict[tuple[object, ...], tuple[Selection, Design, Cost]]] = defaultdict(dict)

    # Least totals, each on its own

    def least(self, problem: Problem, points: Points) -> list[Ints] | None:
        """Shortest paths at points under the goal alone and under each budgeted total alone, if all are known."""
        found = []
        for name in ("goal", *map(str, problem.budgeted)):
            known = self._least.get((_kind(problem) if name == "goal" else ("", _kind(problem)[1]), name))
            if known is None or (known[points] < 0).any():
                return None
            found.append(known[points])
        return found

    def keep_least(self, problem: Problem, points: Points, least: list[Ints]) -> None:
        """Remember what `least` returns."""
        kind = _kind(problem)
        named = [(kind, "goal"), *((("", kind[1]), str(total)) for total in problem.budgeted)]
        for key, one, total in zip(named, least, (None, *problem.budgeted), strict=True):
            if total is None or not total.is_rate:
                blank = np.full(len(problem.table.points), -1, dtype=np.int64)
                self._least.setdefault(key, blank)[points] = one

    # Lines

    def add(self, problem: Problem, points: Points, least: Ints, weights: Weights) -> None:
        """Remember a line at each of some points."""
        used = [(total, m) for total, m in zip(problem.budgeted, weights.budgeted, strict=True) if m]
        if not used or any(total.is_rate for total, _ in used):
            return
        totals = tuple(total for total, _ in used)
        lines = self._lines[_kind(problem)].setdefault(totals, _Lines(totals))
        lines.add(points, least, (weights.objective, *(m for _, m in used)))

    def raise_bounds(self, bounds: Bounds) -> None:
        """Raise lower bounds by what is known, and take the best design that keeps the budgets."""
        problem = bounds.problem
        for lines in self._lines[_kind(problem)].values():
            if set(lines.totals) <= set(problem.budgeted):
                _raise(bounds, lines)
        for selection, design, cost in self._designs[_kind(problem)[1]].values():
            objective = objective_of(problem.goal, cost)
            if (
                objective < bounds.upper
                and selection.point in problem.block_of
                and keeps_all(problem.table.study, design, cost, problem.budgets)
            ):
                bounds.best = type(selection)(selection.point, selection.pieces, objective)

    def cost_of(self, problem: Problem, selection: Selection) -> Cost | None:
        """What the plain reading said of a design that it has priced before."""
        known = self._designs[_kind(problem)[1]].get((selection.point, selection.pieces))
        return None if known is None else known[2]

    def keep_design(self, problem: Problem, selection: Selection, design: Design, cost: Cost) -> None:
        """Remember a design that was priced by the plain reading."""
        key = (selection.point, selection.pieces)
        self._designs[_kind(problem)[1]][key] = selection, design, cost


def _kind(problem: Problem) -> _Kind:
    return problem.goal, problem.groups.tobytes()


def _raise(bounds: Bounds, lines: _Lines) -> None:
    """Raise the bounds of points by lines under the problem's limits: ceil((S - sum m limit) / D)."""
    from solver.bounds import Weights

    problem = bounds.problem
    points, least, scale, *multipliers = lines.joined()
    slack = np.zeros(len(points), dtype=object)
    limits = [[problem.limit(total, p) if p in problem.block_of else 0 for p in range(len(problem.table.points))]
              for total in lines.totals]  # fmt: skip
    for number, weights in enumerate(multipliers):
        slack += weights.astype(object) * np.array(limits[number], dtype=object)[points]
    left = least.astype(object) - slack
    divided = np.array([-(-a // b) if b else int(NO_COST) * (a > 0) for a, b in zip(left, scale.tolist(), strict=True)])
    order = np.argsort(divided, kind="stable")
    which = {total: i for i, total in enumerate(problem.budgeted)}
    best = dict(zip(points[order].tolist(), order.tolist(), strict=True))  # the last one of a point is the highest
    for point, line in best.items():
        bound = min(int(divided[line]), int(NO_COST))
        if point in problem.block_of and bound > bounds.lower[point]:
            budgeted = [0] * len(problem.budgeted)
            for total, weights in zip(lines.totals, multipliers, strict=True):
                budgeted[which[total]] = int(weights[line])
            bounds.lower[point] = bound
            bounds.weights[point] = Weights(int(scale[line]), tuple(budgeted))
