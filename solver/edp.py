"""The least energy-delay product, exactly.

Energy and latency are sums over groups, their product is not. Two facts make it a matter of sums (docs/solver.md):

- On one hardware point, weighted shortest paths give lines ``a*energy + b*latency >= c`` that every design keeps. The
  product is quasi-concave, so over the region above all lines its minimum lies in a corner: a lower bound.
- A design better than the best known, with latency of at most b, has an energy of at least the least energy e under
  this limit, hence a latency below best / e: the limit falls, until nothing is left.

The lines exclude nearly all hardware points; the second fact decides the rest, with proofs by `Sums`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from costmodel.table import NO_COST
from solver.bounds import Bounds, _parts, least_sums, problem_groupings, view
from solver.corners import LATENCY, Corners
from solver.goals import Part, Sums
from solver.problem import Problem, Selection
from solver.result import Outcome
from solver.totals import keeps_all, objective_of
from specs.study import Budgets


def least_edp(sums: Sums, part: Part, budgets: Budgets) -> Outcome:
    """Minimise energy times latency; objectives and bounds are in fJ fs."""
    budgets = limited(budgets)
    best, lower = Outcome("infeasible"), dict.fromkeys(part.points.tolist(), 0)
    if part.known is not None:
        best, lower = _priced(part.problem("energy", budgets), part.known.best), part.known.lower
    elif sums.use_bounds:
        best, lower = _corners(part, budgets)
    left = [point for point, bound in lower.items() if best.objective is None or bound < best.objective]
    return _below(sums, part.at(np.array(sorted(left), dtype=np.intp)), budgets, best, lower)


def limited(budgets: Budgets) -> Budgets:
    """The budgets with a limit on latency: one that everything keeps if there is none."""
    return replace(budgets, latency_fs=budgets.latency_fs if budgets.latency_fs is not None else int(NO_COST))


def _below(sums: Sums, part: Part, budgets: Budgets, best: Outcome, lower: dict[int, int]) -> Outcome:
    """Lower the limit on latency until no design is left that could be better."""
    floor = min((lower[int(p)] for p in part.points), default=None)
    while len(part.points):
        found = sums.optimise(part, "energy", budgets, quiet=True)
        if found.status == "infeasible":
            break
        if found.cost is not None and (best.objective is None or objective_of("edp", found.cost) < best.objective):
            best = replace(found, objective=objective_of("edp", found.cost))
        if found.status == "unknown" or not found.bound or best.objective is None:
            assert floor is not None
            bound = floor if best.objective is None else min(floor, best.objective)
            return replace(best, status="unknown" if best.design is None else "feasible", bound=bound)
        # Better designs have more energy than found.bound - 1, so their latency is below best / found.bound.
        assert budgets.latency_fs is not None
        budgets = replace(budgets, latency_fs=min(budgets.latency_fs, (best.objective - 1) // found.bound))
    return replace(best, status="optimal", bound=best.objective) if best.design is not None else best


def _corners(part: Part, budgets: Budgets) -> tuple[Outcome, dict[int, int]]:
    """Bound every point by the corners of its lines; the best design on the way."""
    problem = part.problem("energy", budgets)
    bounds = Bounds(problem, problem_groupings(problem), np.zeros(len(part.table.points), dtype=np.int64))
    least = least_of_each(bounds)
    lower = {point: energy * latency for point, (energy, latency) in least.items()}
    best: tuple[int, Selection] | None = None
    for point in sorted(lower, key=lambda p: lower[p]):
        if problem.stop() or (best is not None and lower[point] >= best[0]):
            break
        corner = Corners(bounds, view(problem, point), *least[point], best)
        lower[point] = max(lower[point], corner.bound())
        best = corner.best
    outcome = _priced(problem, None if best is None else best[1])
    assert best is None or outcome.objective == best[0]
    return outcome, lower


def _priced(problem: Problem, selection: Selection | None) -> Outcome:
    """A selection with its product, or that there is none yet."""
    if selection is None:
        return Outcome("infeasible")
    from costmodel import evaluate

    design = problem.design(selection)
    cost = evaluate(problem.table.study, design)
    assert cost.energy_fj == selection.objective
    assert keeps_all(problem.table.study, design, cost, problem.budgets)
    return Outcome("feasible", objective_of("edp", cost), None, design, cost)


def least_of_each(bounds: Bounds) -> dict[int, tuple[int, int]]:
    """Least energy (fJ) and least latency (fs) at every point that has a design, each on its own."""
    problem, found = bounds.problem, dict[int, tuple[int, int]]()
    cycles = problem.budgeted.index(LATENCY)
    for block in problem.blocks:
        for points in _parts(problem, block):
            if problem.stop():
                found |= dict.fromkeys(points.tolist(), (0, 0))  # nothing is known there
                continue
            energy, _, totals = least_sums(problem, bounds.groupings, block, points)
            latency = totals[cycles]
            for i, point in enumerate(points.tolist()):
                if energy[i] < problem.cutoff and latency[i] <= problem.limit(LATENCY, point):
                    found[point] = int(energy[i]), int(latency[i]) * problem.table.points[point].period_fs
    return found
