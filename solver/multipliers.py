"""Multipliers for budgets on totals: the best Lagrangian bound at a point, and designs found on the way."""

from __future__ import annotations

import numpy as np

from costmodel.table import NO_COST
from costmodel.template import Ints
from solver.bounds import (
    _ROOM,
    Bounds,
    PointView,
    WeightedPath,
    Weights,
    _class_best,
    offer,
    shortest,
    view,
    weighted_sum,
)

_ROUNDS = 40
_COARSER = 8


def close_with_budgets(bounds: Bounds) -> None:
    """Visit open points, most promising first, until each is closed or has its best multipliers.

    After each visit its multipliers are tried at all open points of the same clock at once: a valid bound
    there too, and mostly a good one.
    """
    visited: set[int] = set()
    while not bounds.problem.stop():
        waiting = [int(p) for p in bounds.open_points() if int(p) not in visited]
        if not waiting:
            return
        at = view(bounds.problem, waiting[0])
        visited.add(at.point)
        weights = search(bounds, at)
        count = len(visited)
        if weights is not None and (count <= 3 or count & (count - 1) == 0):
            share(bounds, weights, waiting[1:])


def search(bounds: Bounds, at: PointView) -> Weights | None:
    """Raise a point's lower bound as far as multipliers can; returns the best weights."""
    plain = shortest(bounds, at, Weights(1, (0,) * len(at.limits)))
    if plain is None:
        if bounds.groupings.exact:
            bounds.lower[at.point] = NO_COST
        return None
    if _excluded(bounds, at):
        return None
    current = Weights(_scale(bounds, at, plain), (0,) * len(at.limits))
    _record(bounds, at, current, plain.least, plain)
    for _ in range(_ROUNDS if len(at.limits) > 1 else 1):
        before = current
        for which in range(len(at.limits)):
            current = _line_search(bounds, at, current, which)
        if current == before or bounds.lower[at.point] >= bounds.upper:
            break
    return bounds.weights.get(at.point)


def _excluded(bounds: Bounds, at: PointView) -> bool:
    """Whether some budget alone says that there is no design at a point."""
    for which, limit in enumerate(at.limits):
        alone = Weights(0, tuple(int(i == which) for i in range(len(at.limits))))
        found = shortest(bounds, at, alone)
        if found is None:
            continue
        offer(bounds, at, found)
        if found.least > limit:
            bounds.lower[at.point] = NO_COST
            bounds.weights[at.point] = alone
            return True
    return False


def _scale(bounds: Bounds, at: PointView, plain: WeightedPath) -> int:
    """A weight of the objective that leaves room for fine multipliers, and for large ones where limits need them.

    What better designs cost under the weights stays inside _ROOM for every total; where paths are exact, what costs
    more may be left out, and elsewhere every sum of rows has to stay inside.
    """
    exact = bounds.groupings.exact
    most = _most(bounds, at, at.objective)
    scale = max(1, _ROOM // max(1, min(bounds.upper, most) if exact else most))
    for which, limit in enumerate(at.limits):
        if exact and plain.budgeted[which] > limit:
            scale = _smaller(bounds, at, which, scale)
    return scale


def _smaller(bounds: Bounds, at: PointView, which: int, scale: int) -> int:
    """A weight of the objective beside which the largest multiplier of a budget leads to paths that keep it."""
    while scale > 1:
        weights = Weights(
            scale, tuple(_largest_multiplier(bounds, at, i) * (i == which) for i in range(len(at.limits)))
        )
        found = shortest(bounds, at, weights)
        if found is None or found.budgeted[which] <= at.limits[which]:
            break
        scale = max(1, scale // _COARSER)
    return scale


def num_layers(bounds: Bounds) -> int:
    """No path has more pieces than the network has layers."""
    return len(bounds.problem.table.study.network.layers)


def _line_search(bounds: Bounds, at: PointView, weights: Weights, which: int) -> Weights:
    """Best multiplier of one budget with the others fixed: intersect the two paths that bracket the limit."""

    def at_multiplier(value: int) -> tuple[Weights, WeightedPath | None]:
        tried = Weights(weights.objective, (*weights.budgeted[:which], value, *weights.budgeted[which + 1 :]))
        found = shortest(bounds, at, tried)
        _record(bounds, at, tried, _bound(at, tried, found), found)
        return tried, found

    limit = at.limits[which]
    low, low_path = at_multiplier(0)
    if low_path is None or low_path.budgeted[which] <= limit:
        return low
    high, high_path = at_multiplier(_largest_multiplier(bounds, at, which))
    if high_path is None or high_path.budgeted[which] > limit:
        return high
    best = high
    for _ in range(_ROUNDS):
        # Both paths cost the same where low.cost + (m - m_low)*low.total = high.cost + (m - m_high)*high.total.
        fixed_low = low_path.cost - low.budgeted[which] * low_path.budgeted[which]
        fixed_high = high_path.cost - high.budgeted[which] * high_path.budgeted[which]
        crossing = (fixed_high - fixed_low) // max(1, low_path.budgeted[which] - high_path.budgeted[which])
        if not low.budgeted[which] < crossing < high.budgeted[which]:
            break
        tried, found = at_multiplier(crossing)
        best = tried
        if found is None:
            break
        if found.budgeted[which] > limit:
            if found.budgeted == low_path.budgeted:
                break
            low, low_path = tried, found
        else:
            if found.budgeted == high_path.budgeted:
                break
            high, high_path = tried, found
    return best


def _largest_multiplier(bounds: Bounds, at: PointView, which: int) -> int:
    most = 1 if bounds.groupings.exact else _most(bounds, at, at.budgeted[which])
    return max(1, _ROOM // max(1, most, at.limits[which]))


def _most(bounds: Bounds, at: PointView, total: Ints) -> int:
    """What no path's total exceeds."""
    return int(np.where(at.fits, total, 0).max()) * num_layers(bounds)


def _bound(at: PointView, weights: Weights, found: WeightedPath | None) -> int:
    """ceil((cost - sum of multiplier*limit) / weight of the objective); where no path is found, it costs NO_COST."""
    least = int(NO_COST) if found is None else found.least
    relaxed = least - sum(w * limit for w, limit in zip(weights.budgeted, at.limits, strict=True))
    return -(-relaxed // weights.objective)


def _record(bounds: Bounds, at: PointView, weights: Weights, bound: int, found: WeightedPath | None) -> None:
    if found is not None:
        offer(bounds, at, found)
        if bounds.problem.memory is not None:
            at_point, least = np.array([at.point]), np.array([found.least])
            bounds.problem.memory.add(bounds.problem, at_point, least, weights)
    if bound >= bounds.lower[at.point] or at.point not in bounds.weights:
        bounds.lower[at.point] = max(int(bounds.lower[at.point]), min(bound, int(NO_COST)))
        bounds.weights[at.point] = weights


def share(bounds: Bounds, weights: Weights, points: list[int]) -> None:
    """Try one point's weights at other points; latency multipliers count per cycle of each point's clock."""
    if not weights.objective:
        return
    problem = bounds.problem
    for block in problem.blocks:
        some = np.array([p for p in points if problem.block_of[p] is block], dtype=np.intp)
        if not len(some):
            continue
        costs = problem.row_costs(block, some)
        summands = [(weights.objective, costs.objective), *zip(weights.budgeted, costs.budgeted, strict=True)]
        most = [w * int(np.where(costs.fits, totals, 0).max(initial=0)) for w, totals in summands]
        if max(most) * num_layers(bounds) > 2 * _ROOM and not bounds.groupings.exact:
            continue  # these weights would leave 64 bits here
        total = weighted_sum(weights, costs.objective, costs.budgeted)
        cost, _ = bounds.groupings.bounds(_class_best(problem, block, total, costs.fits))
        if problem.memory is not None:
            problem.memory.add(problem, some, cost, weights)
        for column, point in enumerate(some.tolist()):
            limits = [problem.limit(name, point) for name in problem.budgeted]
            slack = sum(w * limit for w, limit in zip(weights.budgeted, limits, strict=True))
            bound = -(-(int(cost[column]) - slack) // weights.objective)
            if bound > bounds.lower[point]:
                bounds.lower[point] = min(bound, int(NO_COST))
                bounds.weights[point] = weights
