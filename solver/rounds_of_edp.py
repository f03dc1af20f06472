"""Price groups in rounds for the energy-delay product: only those that a better design could use.

The same lines and corners as without rounds bound hardware points, over rows priced so far and least totals of the
rest (`solver.relaxed`, `solver.corners`).
"""

from __future__ import annotations

from math import ceil

import numpy as np

from costmodel.table import NO_COST
from costmodel.template import Ints
from solver.bounds import Bounds, _class_best, problem_groupings, view
from solver.corners import LATENCY, NOTHING, Corners, Line, least_product
from solver.edp import least_of_each
from solver.known import Known
from solver.problem import Selection
from solver.relaxed import MOST_PATHS, Relaxed, few, priced_only, unpriced_on

_LINES = 6
"""So many lines, those that are highest at the least corner, tell what a group costs at least."""

Best = tuple[int, Selection] | None


def products_in_rounds(problem: Relaxed) -> Known:
    """Price until every open point's unpriced groups are excluded; what is known then of energy x latency.

    Parameters
    ----------
    problem
        Energy under a limit on latency, if only one that everything keeps.
    """
    bounds = Bounds(problem, problem_groupings(problem), np.zeros(len(problem.table.points), dtype=np.int64))
    least = least_of_each(bounds)
    lower = {point: energy * latency for point, (energy, latency) in least.items()}
    best: Best = None
    settled = set[int]()
    while not problem.stop():
        waiting = [p for p, bound in lower.items() if p not in settled and (best is None or bound < best[0])]
        if not waiting:
            break
        point = min(waiting, key=lambda p: lower[p])
        bounds.optimistic.clear()
        corners = Corners(bounds, view(problem, point), *least[point], best)
        lower[point] = max(lower[point], corners.bound())
        best = corners.best
        if lower[point] >= NOTHING:
            del lower[point]
        elif best is None or lower[point] < best[0]:
            wanted = _wanted(bounds, corners)
            if not wanted:
                settled.add(point)
                continue
            problem.prices.price(corners.at.block.family, wanted)
            priced = Corners(bounds, priced_only(view(problem, point)), *least[point], best)
            priced.bound()
            best = priced.best
    upper, selection = (NOTHING, None) if best is None else best
    return Known(lower, {}, upper, selection)


def _wanted(bounds: Bounds, corners: Corners) -> list[int]:
    """Group classes that are not priced and stand in the way of closing a point; none if no better design has any."""
    assert isinstance(bounds.problem, Relaxed)
    at, cycles = corners.at, bounds.problem.budgeted.index(LATENCY)
    if bounds.optimistic:
        seen = {path.pieces: path for path in bounds.optimistic}.values()
        paths = sorted(seen, key=lambda path: path.objective * path.budgeted[cycles])
        return unpriced_on(paths[:MOST_PATHS], bounds.problem, at)
    unpriced = bounds.problem.prices.unpriced(at.block.family)
    _, corner = corners.least_corner()
    weights = {(line.a, line.b): line.energy(corner) for line in corners.lines}
    highest = sorted(weights, key=lambda one: weights[one], reverse=True)[:_LINES]
    through = [_through(bounds, corners, a, b)[unpriced] for a, b in [(0, 1), (1, 0), *highest]]
    found = []
    for number, group_class in enumerate(unpriced.tolist()):
        first, *values = (int(one[number]) for one in through)
        if max(first, *values) >= NO_COST or first > corners.last:
            continue
        lines = [Line(a, b, value) for (a, b), value in zip([(1, 0), *highest], values, strict=True)]
        product = ceil(least_product(lines, max(first, corners.cycles), corners.last)[0] * corners.period)
        if corners.best is None or product < corners.best[0]:
            found.append((product, group_class))
    return few([group_class for _, group_class in sorted(found)])


def _through(bounds: Bounds, corners: Corners, a: int, b: int) -> Ints:
    """For each group class, what no better design that uses it costs less than under weights."""
    table = bounds.problem.table
    useful, cost = corners.costs(a, b)
    best = _class_best(bounds.problem, corners.at.block, cost[:, None], useful[:, None])
    through = np.full(table.num_classes, NO_COST, dtype=np.int64)
    np.minimum.at(through, table.group_class, bounds.groupings.around(best))
    whole: Ints = np.minimum(through + best[:, 0], NO_COST)
    return whole
