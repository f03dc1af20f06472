"""Goals that are no sums over groups, and lists of goals, each as a sequence of problems with a sum to minimise.

`optima` is what the main job calls. docs/solver.md has the proofs.

- throughput: images per second of a fixed batch are most where latency is least.
- area: points in order of area, until one has a design that keeps the budgets.
- power: a design's average power, in whole nW rounded up, is improved until no design keeps a limit 1 nW below.
- edp: `solver.edp`.
- a list: every goal but the last becomes a budget at its optimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from costmodel import Hardware
from costmodel.table import NO_COST, CandidateTable
from solver.bounds import plain_bounds
from solver.known import Known
from solver.memory import Memory
from solver.problem import Points, Problem
from solver.result import Outcome
from solver.totals import limits_of, objective_of
from specs.study import Budgets, Goal, Study


@dataclass(frozen=True)
class Part:
    """The part of a table's space that is searched, and what to call it.

    Attributes
    ----------
    known
        What rounds of pricing proved about the whole space: the table may lack what is in no better design.
    """

    table: CandidateTable
    groups: NDArray[np.bool_]
    points: Points
    phase: str
    stop: Callable[[], bool]
    known: Known | None = None
    memory: Memory | None = None

    def problem(self, goal: Goal, budgets: Budgets) -> Problem:
        """The problem of minimising a sum over this part."""
        return Problem(self.table, goal, budgets, self.groups, self.points, self.stop, self.memory)

    def at(self, points: Points) -> Part:
        return replace(self, points=points, known=None)

    def alone(self) -> Part:
        """The part without fusion."""
        lattice = self.table.lattice
        groups = np.array([lattice.size(group) <= 1 for group in range(len(lattice.groups))])
        return replace(self, groups=groups, phase="layer by layer", known=None)

    def alone_on(self, hardware: Hardware) -> Part:
        """The part without fusion on one hardware point."""
        point = np.array([self.table.points.index(hardware)], dtype=np.intp)
        return replace(self.alone(), points=point, phase="layer by layer on the same hardware")


class Sums(Protocol):
    """What minimises a sum over groups: `solver.optimise` does."""

    use_bounds: bool

    def optimise(self, part: Part, goal: Goal, budgets: Budgets, quiet: bool = False) -> Outcome:
        """Best design of a part for energy, latency or bandwidth; ``quiet`` notes no deduction."""


def optima(sums: Sums, part: Part, study: Study, limits: Budgets | None = None) -> list[Outcome]:
    """Minimise a study's goals one after another; stops at the first that is not proven.

    Parameters
    ----------
    limits
        Budgets in place of the study's own, as `Study.limits` gives them.

    Returns
    -------
    list
        One outcome per goal that was reached. All hold the design of the last.
    """
    budgets, found = study.limits if limits is None else limits, list[Outcome]()
    for goal in study.goals:
        outcome = optimum(sums, part, goal, budgets)
        if outcome.design is None and found:  # out of time: the design of the goal before is one for this goal, too
            before = found[-1]
            assert outcome.status == "unknown"
            assert before.cost is not None
            outcome = replace(before, status="feasible", objective=objective_of(goal, before.cost), bound=outcome.bound)
        found.append(outcome)
        if outcome.status != "optimal":
            break
        assert outcome.objective is not None
        budgets, part = no_worse(goal, outcome.objective, budgets), no_larger(part, goal, outcome.objective)
    return [replace(outcome, design=found[-1].design, cost=found[-1].cost) for outcome in found]


def no_worse(goal: Goal, objective: int, budgets: Budgets) -> Budgets:
    """Budgets that nothing keeps which is worse for a goal; those on area and edp are not of this kind."""
    key = {
        "energy": "energy_fj",
        "bandwidth": "dram_bytes",
        "latency": "latency_fs",
        "throughput": "latency_fs",
        "power": "power_nw",
    }
    return replace(budgets, **{key[goal]: objective}) if goal in key else budgets


def no_larger(part: Part, goal: Goal, objective: int) -> Part:
    """The part in which no point is worse for a goal that points alone decide: area."""
    if goal != "area":
        return part
    areas = np.array([part.table.point_prices[p].area_um2 for p in part.points], dtype=np.int64)
    return part.at(part.points[areas <= objective])


def optimum(sums: Sums, part: Part, goal: Goal, budgets: Budgets) -> Outcome:
    """Minimise one goal."""
    if goal == "throughput":
        return sums.optimise(part, "latency", budgets)
    if goal == "area":
        return _least_area(sums, part, budgets)
    if goal == "power":
        return _least_power(sums, part, budgets)
    if goal == "edp":
        from solver.edp import least_edp

        return least_edp(sums, part, budgets)
    return sums.optimise(part, goal, budgets)


def _least_area(sums: Sums, part: Part, budgets: Budgets) -> Outcome:
    """Try areas in rising order; of equal areas all points at once, with whatever budget there is as the goal."""
    stated = limits_of(budgets)
    goal: Goal = next((goal for goal in ("latency", "energy", "bandwidth") if goal in stated), "latency")
    open_points = part.points
    if sums.use_bounds:
        problem = part.problem(goal, budgets)
        lower = plain_bounds(problem).lower
        open_points = part.points[lower[part.points] < min(problem.cutoff, int(NO_COST))]
    areas = np.array([part.table.point_prices[p].area_um2 for p in open_points], dtype=np.int64)
    for area in np.unique(areas).tolist():
        outcome = sums.optimise(part.at(open_points[areas == area]), goal, budgets, quiet=True)
        if outcome.design is not None:
            return replace(outcome, status="optimal", objective=area, bound=area)
        if outcome.status == "unknown":
            return Outcome("unknown", bound=area)
    return Outcome("infeasible")


def _least_power(sums: Sums, part: Part, budgets: Budgets) -> Outcome:
    """Ask for less power, 1 nW below what the best design needs, until there is no such design."""
    best = Outcome("infeasible")
    while True:
        asked = budgets if best.objective is None else replace(budgets, power_nw=best.objective - 1)
        found = sums.optimise(part, "energy", asked, quiet=best.objective is not None)
        if found.cost is None:
            if found.status == "infeasible":
                return replace(best, status="optimal", bound=best.objective) if best.design else found
            return replace(best, status="feasible", bound=0) if best.design else Outcome("unknown", bound=0)
        power = objective_of("power", found.cost)
        best = replace(found, status="feasible", objective=power, bound=0)
        if power <= 1:
            return replace(best, status="optimal", bound=power)
