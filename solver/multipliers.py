"""Multipliers for budgets on totals: the best Lagrangian bound at a point, and designs found on the way."""

from __future__ import annotations

import numpy as np

from costmodel.table import NO_COST
from solver.bounds import _ROOM, Bounds, PointView, WeightedPath, Weights, _class_best, offer, shortest, view

_ROUNDS = 40


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
    scale = _scale(bounds, at)
    current = Weights(scale, (0,) * len(at.limits))
    _record(bounds, at, current, plain.least, plain)
    for _ in range(_ROUNDS if len(at.limits) > 1 else 1):
        before = current
        for which in range(len(at.limits)):
            current = _line_search(bounds, at, current, which)
        if current == before or bounds.lower[at.point] >= bounds.upper:
            break
    return bounds.weights.get(at.point)


def _scale(bounds: Bounds, at: PointView) -> int:
    """A weight of the objective that leaves room for fine multipliers: any path's sum stays inside _ROOM."""
    largest = max(int(np.where(at.fits, at.objective, 0).max()), 1)
    return max(1, _ROOM // (largest * num_layers(bounds)))


def num_layers(bounds: Bounds) -> int:
    """No path has more pieces than the network has layers."""
    return len(bounds.problem.table.study.network.layers)


def _line_search(bounds: Bounds, at: PointView, weights: Weights, which: int) -> Weights:
    """Best multiplier of one budget with the others fixed: intersect the two paths that bracket the limit."""

    def at_multiplier(value: int) -> tuple[Weights, WeightedPath]:
        tried = Weights(weights.objective, (*weights.budgeted[:which], value, *weights.budgeted[which + 1 :]))
        found = shortest(bounds, at, tried)
        assert found is not None
        _record(bounds, at, tried, _bound(at, tried, found), found)
        return tried, found

    limit = at.limits[which]
    low, low_path = at_multiplier(0)
    if low_path.budgeted[which] <= limit:
        return low
    most = _largest_multiplier(bounds, at, which)
    high, high_path = at_multiplier(most)
    if high_path.budgeted[which] > limit:
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
    largest = max(int(np.where(at.fits, at.budgeted[which], 0).max()), 1)
    return max(1, _ROOM // (max(largest * num_layers(bounds), at.limits[which])))


def _bound(at: PointView, weights: Weights, found: WeightedPath) -> int:
    """ceil((cost - sum of multiplier*limit) / weight of the objective)."""
    relaxed = found.least - sum(w * limit for w, limit in zip(weights.budgeted, at.limits, strict=True))
    return -(-relaxed // weights.objective)


def _record(bounds: Bounds, at: PointView, weights: Weights, bound: int, found: WeightedPath) -> None:
    offer(bounds, at, found)
    if bound >= bounds.lower[at.point] or at.point not in bounds.weights:
        bounds.lower[at.point] = max(int(bounds.lower[at.point]), min(bound, int(NO_COST)))
        bounds.weights[at.point] = weights


def share(bounds: Bounds, weights: Weights, points: list[int]) -> None:
    """Try one point's weights at other points; latency multipliers count per cycle of each point's clock."""
    problem = bounds.problem
    for block in problem.blocks:
        some = np.array([p for p in points if problem.block_of[p] is block], dtype=np.intp)
        if not len(some):
            continue
        costs = problem.row_costs(block, some)
        summands = [(weights.objective, costs.objective), *zip(weights.budgeted, costs.budgeted, strict=True)]
        most = [w * int(np.where(costs.fits, totals, 0).max(initial=0)) for w, totals in summands]
        if max(most) * num_layers(bounds) > 2 * _ROOM:
            continue  # these weights would leave 64 bits here
        total = np.zeros_like(costs.objective)
        for weight, totals in summands:
            total += weight * totals
        cost, _ = bounds.groupings.bounds(_class_best(problem, block, total, costs.fits))
        for column, point in enumerate(some.tolist()):
            limits = [problem.limit(name, point) for name in problem.budgeted]
            slack = sum(w * limit for w, limit in zip(weights.budgeted, limits, strict=True))
            bound = -(-(int(cost[column]) - slack) // weights.objective)
            if bound > bounds.lower[point]:
                bounds.lower[point] = min(bound, int(NO_COST))
                bounds.weights[point] = weights
