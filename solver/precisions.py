"""Precision as a decision: choices are solved one after another, each with the best so far as a budget.

Every choice is searched in full, or proven to hold nothing better; docs/solver.md has the proof.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from solver.goals import Part, no_larger, no_worse, optima
from solver.result import Outcome, Progress, Result, Seconds, Space, Status
from solver.space import space_of
from solver.totals import objective_of
from specs.study import Budgets, Goal, Precision, Study

if TYPE_CHECKING:
    from solver.optimise import Run


@dataclass
class Race:
    """Choices tried so far: what each reached for each goal, and the one that holds the best design."""

    goals: tuple[Goal, ...]
    tried: list[list[Outcome]] = field(default_factory=list)
    best: tuple[int, ...] | None = None
    """What the best design costs, goal by goal."""
    leader: Run | None = None

    @property
    def _limit(self) -> int | None:
        """The most that the first goal may cost of a better design."""
        # Of equal designs a further goal decides: then as much as the best, else less.
        return None if self.best is None else self.best[0] - (len(self.goals) == 1)

    def limits(self, study: Study) -> Budgets:
        """Limits that nothing keeps which is worse than the best."""
        return study.limits if self._limit is None else no_worse(self.goals[0], self._limit, study.limits)

    def attempt(self, run: Run, part: Part) -> None:
        """Look for a better design with one more choice."""
        within = part if self._limit is None else no_larger(part, self.goals[0], self._limit)
        self.tried.append(optima(run, within, run.study, self.limits(run.study)))
        cost = self.tried[-1][-1].cost
        if cost is None:
            return
        reached = tuple(objective_of(goal, cost) for goal in self.goals)
        if self.best is None or reached < self.best:
            self.best, self.leader = reached, run

    def give_up(self) -> None:
        """Note a choice for which no time was left."""
        self.tried.append([Outcome("unknown")])

    def outcomes(self) -> list[Outcome]:
        """What is proven of all choices together: one outcome per goal, up to the first that is not proven."""
        return combined(self.goals, self.tried)


def combined(goals: Sequence[Goal], tried: Sequence[Sequence[Outcome]]) -> list[Outcome]:
    """Outcomes of a choice, from those of each of its alternatives.

    Parameters
    ----------
    goals
        The first counts first; of equal designs the next, and so on.
    tried
        For each alternative an outcome per goal, up to the first that is not proven. ``infeasible`` says that it has
        no design that is better than those of the others.
    """
    open_ = [outcomes for outcomes in tried if outcomes[0].status != "infeasible"]
    designs = [outcomes[-1] for outcomes in tried if outcomes[-1].cost is not None]
    if not designs:
        if not open_:
            return [Outcome("infeasible")]
        bounds = [outcomes[0].bound for outcomes in open_]
        known = [bound for bound in bounds if bound is not None]
        return [Outcome("unknown", bound=min(known) if len(known) == len(bounds) else None)]

    def reached(outcome: Outcome) -> tuple[int, ...]:
        assert outcome.cost is not None
        return tuple(objective_of(goal, outcome.cost) for goal in goals)

    best = min(designs, key=reached)
    found = list[Outcome]()
    for number, objective in enumerate(reached(best)):
        # What another alternative did not get to may cost anything.
        lower = [(outcomes[number].bound or 0) if number < len(outcomes) else 0 for outcomes in open_]
        bound = min([objective, *lower])
        status: Status = "optimal" if bound == objective else "feasible"
        found.append(Outcome(status, objective, bound, best.design, best.cost))
        if status != "optimal":
            break
        open_ = [outcomes for outcomes, least in zip(open_, lower, strict=True) if least == objective]
    return found


def least_of_all(runs: Sequence[Run], baseline: bool) -> Result:
    """Solve one study with each of its precisions.

    Parameters
    ----------
    runs
        One for each precision; they share clock and wish to stop.
    baseline
        Also find the optimum without fusion, with its own best precision, and on the hardware of the best design.
    """
    study = runs[0].study
    fused, alone = Race(study.goals), Race(study.goals)
    spaces, table_seconds, kept = list[Space](), 0.0, None
    for run in runs:
        run.report = _told_of(run.study.precision, run.report)
        # Objectives are of `num_mixes` mixes, budgets of one.
        part = run.part(fused.limits(study) if study.num_mixes == 1 else study.budgets)
        if part is None:
            fused.give_up()
            alone.give_up()
            continue
        spaces.append(space_of(part))
        table_seconds += part.table.seconds
        fused.attempt(run, part)
        kept = part if fused.leader is run else kept  # no table but the leader's stays
        run.on_proof, run.margin = None, 0.0  # the rest is for comparison
        if baseline and not run.stopped():
            alone.attempt(run, part.alone())
        else:
            alone.give_up()
    best, *then = fused.outcomes()
    own = same = None
    if baseline and any(outcomes != [Outcome("unknown")] for outcomes in alone.tried):
        own = alone.outcomes()[0]
    leader = fused.leader
    if baseline and best.design is not None and leader is not None and kept is not None and not leader.stopped():
        same = optima(leader, kept.alone_on(best.design.hardware), leader.study)[0]
    return Result(
        study=leader.study if leader else study,
        best=best,
        then=tuple(then),
        layer_by_layer=own,
        layer_by_layer_same_hardware=same,
        layer_by_layer_precision=alone.leader.study.precision if alone.leader else None,
        space=_together(spaces),
        deductions=tuple(
            replace(step, step=f"{_label(run.study.precision)}: {step.step}") for run in runs for step in run.deductions
        ),
        seconds=Seconds(
            table=table_seconds,
            bounds=sum(run.bounds_seconds for run in runs),
            cpsat=sum(run.cpsat_seconds for run in runs),
            total=time.perf_counter() - runs[0].begin,
        ),
    )


def _label(precision: Precision) -> str:
    """Name a precision in few words."""
    return f"{precision.activation}/{precision.weight}/{precision.partial_sum} bits"


def _told_of(precision: Precision, report: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Say with all progress of which precision it is."""
    return lambda progress: report(replace(progress, phase=f"{_label(precision)}: {progress.phase}"))


def _together(spaces: Sequence[Space]) -> Space:
    """Add spaces up: a hardware point computes in one precision, while groups are the network's."""
    return Space(
        hardware_points_listed=sum(space.hardware_points_listed for space in spaces),
        hardware_points=sum(space.hardware_points for space in spaces),
        groups=max((space.groups for space in spaces), default=0),
        group_classes=max((space.group_classes for space in spaces), default=0),
        candidates=sum(space.candidates for space in spaces),
        designs=sum(space.designs for space in spaces),
    )
