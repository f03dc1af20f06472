"""Price groups in rounds where budgets on other totals matter: only those that a better design could use.

The same search for multipliers as without rounds bounds hardware points, over rows priced so far and least totals of
the rest (`solver.relaxed`). What stands on the best paths of the most promising point is priced, until no point that
is open leaves an unpriced group that a better design could use (docs/solver.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from costmodel.table import NO_COST, CandidateTable, Frame
from solver.bounds import Bounds, PointView, WeightedPath, Weights, _class_best, plain_bounds, view
from solver.edp import limited
from solver.known import Known
from solver.multipliers import search, share
from solver.relaxed import MOST_PATHS, PartlyPriced, Relaxed, few, priced_only, unpriced_on
from solver.result import Deduction
from solver.rounds import limits_activations
from solver.rounds_of_edp import products_in_rounds
from solver.totals import limits_of
from specs.study import Goal

Progress = Callable[[str, int, int], None]


_SUMS: tuple[Goal, ...] = ("energy", "latency", "bandwidth")


def can_price_totals_in_rounds(frame: Frame) -> bool:
    """Whether several sums over groups matter, and nothing else; and whether shortest paths bound them."""
    study = frame.study
    several = any(group.bit_count() > 1 for group in frame.lattice.groups)
    goals = study.goals in (("energy",), ("latency",), ("bandwidth",), ("edp",))
    return (
        several
        and goals
        and not (study.budgets.rates or study.mix)
        and frame.lattice.complete
        and not limits_activations(study)
    )


def totals_in_rounds(
    frame: Frame, progress: Progress, stop: Callable[[], bool]
) -> tuple[CandidateTable, Deduction, Known]:
    """Build a table that may lack groups that are in no better design, and tell what is known of all designs.

    Raises
    ------
    StoppedError
        If ``stop`` asks before any design is known.
    """
    study, product = frame.study, frame.study.goal == "edp"
    # A product is the energy under a limit on latency, if only one that everything keeps.
    budgets = study.budgets if not product else limited(study.budgets)
    goal: Goal = "energy" if product else study.goal
    prices = PartlyPriced(
        frame, tuple(one for one in _SUMS if one == goal or one in limits_of(budgets)), progress, stop
    )
    every, points = np.ones(len(frame.lattice.groups), dtype=bool), np.arange(len(frame.points), dtype=np.intp)
    problem = Relaxed(prices.table, goal, budgets, every, points, stop, prices=prices)
    known = products_in_rounds(problem) if product else _known(bounds_in_rounds(problem))
    if known.best is not None:
        best = prices.in_finished(known.best, problem.block_of[known.best.point])
        known = replace(known, best=best)
    skipped = int((~prices.priced).sum())
    step = f"least costs: {skipped} of {prices.priced.size} (group class, accelerator) not priced"
    left = sum(bound <= known.upper for bound in known.lower.values())
    deduction = Deduction(step, left, prices.priced.size - skipped)
    return prices.finished(), deduction, known


def _known(bounds: Bounds) -> Known:
    points = np.flatnonzero(bounds.lower < NO_COST)
    lower = dict(zip(points.tolist(), bounds.lower[points].tolist(), strict=True))
    return Known(lower, bounds.weights, bounds.upper, bounds.best)


def bounds_in_rounds(problem: Relaxed) -> Bounds:
    """Price until every open point's unpriced groups are excluded; what the bounds know then.

    If the problem's ``stop`` ends it early, bounds and best design are still valid, but groups that are not priced
    may be in better designs.
    """
    bounds = plain_bounds(problem)
    settled, visits = set[int](), 0
    while not problem.stop():
        waiting = [int(p) for p in bounds.open_points() if int(p) not in settled]
        if not waiting:
            break
        at = view(problem, waiting[0])
        visits += 1
        weights = _searched(bounds, at)
        if weights is not None and (visits <= 3 or visits & (visits - 1) == 0):
            share(bounds, weights, waiting[1:])
        if bounds.lower[at.point] >= bounds.upper:
            continue
        wanted = _wanted(bounds, at, weights)
        if wanted:
            problem.prices.price(at.block.family, wanted)
            _design_of_priced(bounds, at.point)
        else:
            settled.add(at.point)
    return bounds


def _searched(bounds: Bounds, at: PointView) -> Weights | None:
    bounds.optimistic.clear()
    return search(bounds, at)


def _wanted(bounds: Bounds, at: PointView, weights: Weights | None) -> list[int]:
    """Group classes that are not priced and stand in the way of closing a point; none if no better design has any."""
    assert isinstance(bounds.problem, Relaxed)
    weights = weights or Weights(1, (0,) * len(at.limits))
    slack = sum(w * limit for w, limit in zip(weights.budgeted, at.limits, strict=True))
    threshold = min(weights.objective * bounds.upper + slack, int(NO_COST))
    seen = {path.pieces: path for path in bounds.optimistic}.values()
    lengths = [(_length(path, weights), path) for path in seen]
    best = sorted((one for one in lengths if one[0] < threshold), key=lambda one: one[0])
    if best:
        return unpriced_on([path for _, path in best[:MOST_PATHS]], bounds.problem, at)
    return few(_surviving(bounds, at, weights, threshold))


def _length(path: WeightedPath, weights: Weights) -> int:
    totals = zip(weights.budgeted, path.budgeted, strict=True)
    return weights.objective * path.objective + sum(weight * total for weight, total in totals)


def _surviving(bounds: Bounds, at: PointView, weights: Weights, threshold: int) -> list[int]:
    """Group classes not priced with which a path may stay below the threshold, the shortest paths first."""
    assert isinstance(bounds.problem, Relaxed)
    table = bounds.problem.table
    best = _class_best(bounds.problem, at.block, at.weighted(weights)[:, None], at.fits[:, None])
    through = np.full(table.num_classes, NO_COST, dtype=np.int64)
    np.minimum.at(through, table.group_class, bounds.groupings.around(best))
    unpriced = bounds.problem.prices.unpriced(at.block.family)
    through = through[unpriced] + best[unpriced, 0]
    order = np.argsort(through, kind="stable")
    classes: list[int] = unpriced[order[through[order] < threshold]].tolist()
    return classes


def _design_of_priced(bounds: Bounds, point: int) -> None:
    """Look for a better design of priced rows at a point."""
    trial = Bounds(bounds.problem, bounds.groupings, np.zeros_like(bounds.lower), best=bounds.best)
    search(trial, priced_only(view(bounds.problem, point)))
    bounds.best = trial.best
