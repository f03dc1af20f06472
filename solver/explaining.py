"""Why a study's answer is what it is: which budgets exclude each other, which of them limit the optimum, by how much.

Every statement is a solved optimisation or a proof that there is no design; docs/explain.md says which.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from solver.explanation import Conflict, Explanation, Influence, Least, Relaxation, Release
from solver.floors import floors_of
from solver.questions import Aim, Questions
from solver.result import Outcome, Progress, Result
from solver.stated_budgets import GOAL_OF, SUMS, StatedBudget, only, stated_budgets, value
from solver.unfit import layers_that_fit_nowhere
from specs.study import Goal, Study


def explain(
    study: Study,
    *,
    time_limit: float | None = None,
    workers: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Explanation:
    """Explain the answer to a study.

    Parameters
    ----------
    time_limit
        Seconds for all questions together; what is not decided by then is said to be unknown.
    workers, on_progress, stop
        As in `solver.solve`.
    """
    begin = time.perf_counter()
    questions = Questions(study, time_limit, workers, on_progress or (lambda progress: None), stop)
    found = _Explainer(study, questions).explanation()
    return replace(found, questions=questions.asked, seconds=time.perf_counter() - begin)


class _Explainer:
    """One explanation. Inside, limits are of whole runs of a mix; `_one_mix` turns them into those of one."""

    def __init__(self, study: Study, questions: Questions) -> None:
        self.stated, self.questions, self.study = study, questions, questions.study
        self.budgets = stated_budgets(self.study)
        self.undecided: list[str] = []

    def explanation(self) -> Explanation:
        result = self.questions.result(self.study)
        known = Explanation(self.stated, result and self._of_one_mix(result), stated_budgets(self.stated))
        if result is None or result.status in ("unknown", "feasible"):
            self.undecided.append("the study itself")
        elif result.status == "infeasible":
            known = self._infeasible(known)
        else:
            known = self._solved(known, result)
        return replace(known, undecided=tuple(self.undecided))

    # Infeasible studies

    def _infeasible(self, known: Explanation) -> Explanation:
        free = self.questions.find(only(self.study, ()))
        if free.status == "infeasible":
            return replace(known, unfit=layers_that_fit_nowhere(self.study, self.questions.table()))
        conflicts, left = [], list(self.budgets)
        while left and self.questions.find(only(self.study, left)).status == "infeasible":
            conflict = self._conflict(left)
            conflicts.append(conflict)
            left = [budget for budget in left if budget not in conflict.budgets]
        if self.questions.stopped():
            self.undecided.append("whether further budgets exclude each other")
        known = replace(known, conflicts=tuple(map(self._shown, conflicts)))
        if len(conflicts) > 1:
            return replace(known, release=self._release([()]))
        # Only a budget of the conflict can be enough: without another one the conflict stays.
        relaxations = [
            Relaxation(self._shown_budget(budget), self._least("the relaxation of", budget, above=budget.limit))
            for budget in conflicts[0].budgets
        ]
        known = replace(known, relaxations=tuple(relaxations))
        if all(one.least.status == "none" for one in relaxations):
            return replace(known, release=self._release([()]))
        return known

    def _conflict(self, budgets: Sequence[StatedBudget]) -> Conflict:
        """Leave out one budget after another, as long as the others still exclude each other."""
        kept, is_minimal = list(budgets), True
        for budget in budgets:
            others = [other for other in kept if other != budget]
            found = self.questions.find(only(self.study, others))
            if found.status == "infeasible":
                kept = others
            elif found.status == "unknown":
                is_minimal = False
                self.undecided.append(f"whether the conflict needs {budget}")
        return Conflict(tuple(kept), is_minimal)

    # Solved studies

    def _solved(self, known: Explanation, result: Result) -> Explanation:
        reached = _objectives(self.study, result)
        if len(reached) < len(self.study.goals) or any(
            outcome.status != "optimal" for outcome in (result.best, *result.then)
        ):
            self.undecided.append("the study itself")
            return known
        known = replace(known, floors=floors_of(self.stated, self._of_one_mix(result).best))
        if not self.budgets:
            return replace(known, free=reached)
        free = self._objectives_without(list(self.budgets))
        influences = tuple(self._influence(budget, result.best, reached, free) for budget in self.budgets)
        known = replace(known, free=free, influences=influences)
        if _known(free) and free < reached and not any(one.binds or one.binds is None for one in influences):
            return replace(known, release=self._release(_better(self.study.goals, reached)))
        return known

    def _influence(
        self, budget: StatedBudget, best: Outcome, reached: tuple[int, ...], free: tuple[int | None, ...]
    ) -> Influence:
        assert best.design is not None
        assert best.cost is not None
        # Without this budget the optimum is no better than without any.
        without = reached if free == reached else self._objectives_without([budget])
        binds = without < reached if _known(without) else None
        better = Least("none") if binds is False else self._better_from(budget, reached)
        if binds is None and better.status != "unknown":
            binds = better.status == "least"
        if binds is None:
            self.undecided.append(f"whether {budget} binds")
        return Influence(
            self._shown_budget(budget),
            self._one_mix(budget, value(self.study, budget, best.design, best.cost)),
            binds,
            without,
            better,
            self._kept_down_to(budget, reached, value(self.study, budget, best.design, best.cost)),
        )

    def _better_from(self, budget: StatedBudget, reached: tuple[int, ...]) -> Least:
        """Of a list of goals a better design is better in one and as good in all before it."""
        found = [
            self._least("when the optimum gets better with", budget, aim, above=budget.limit)
            for aim in _better(self.study.goals, reached)
        ]
        limits = [least.limit for least in found if least.limit is not None]
        if any(least.status == "unknown" for least in found):
            return Least("unknown", min(limits, default=None))
        return Least("least", min(limits)) if limits else Least("none")

    def _kept_down_to(self, budget: StatedBudget, reached: tuple[int, ...], enough: int) -> Least:
        if budget.workload is None and self.study.goals == (GOAL_OF.get(budget.name),):
            return Least("least", self._one_mix(budget, reached[0]))
        aim = tuple(zip(self.study.goals, reached, strict=True))
        return self._least("how far the optimum keeps", budget, aim, enough=enough)

    def _release(self, aims: list[Aim]) -> Release:
        """Take back one budget after another, as long as some design keeps them and reaches one of the aims."""
        kept, dropped, is_minimal = list[StatedBudget](), list[StatedBudget](), True
        for budget in self.budgets:
            study = only(self.study, [*kept, budget])
            found = [self.questions.find(study, aim) for aim in aims]
            if any(outcome.design is not None for outcome in found):
                kept.append(budget)
                continue
            dropped.append(budget)
            if any(outcome.status == "unknown" for outcome in found):
                is_minimal = False
                self.undecided.append(f"whether {budget} has to be dropped with others")
        return Release(tuple(map(self._shown_budget, dropped)), is_minimal)

    def _objectives_without(self, budgets: list[StatedBudget]) -> tuple[int | None, ...]:
        study = only(self.study, [budget for budget in self.budgets if budget not in budgets])
        result = self.questions.result(study)
        if result is None or any(outcome.status != "optimal" for outcome in (result.best, *result.then)):
            return (None,) * len(study.goals)
        found = _objectives(study, result)
        return found if len(found) == len(study.goals) else (None,) * len(study.goals)

    def _least(
        self, what: str, budget: StatedBudget, aim: Aim = (), above: int = 0, enough: int | None = None
    ) -> Least:
        found = self.questions.least(self.study, budget, aim, above, enough)
        if found.status == "unknown":
            self.undecided.append(f"{what} {budget}")
        return found if found.limit is None else replace(found, limit=self._one_mix(budget, found.limit))

    def _of_one_mix(self, result: Result) -> Result:
        """The same result, its costs told of one mix; objectives are of `Study.num_mixes` either way."""

        def restated(outcome: Outcome) -> Outcome:
            return replace(outcome, cost=outcome.cost and replace(outcome.cost, num_mixes=self.stated.num_mixes))

        then = tuple(map(restated, result.then))
        return replace(result, study=self.stated, best=restated(result.best), then=then)

    def _one_mix(self, budget: StatedBudget, limit: int) -> int:
        """The least limit on one mix that is at least this much on whole runs."""
        if budget.workload is not None or budget.name not in SUMS:
            return limit
        return -(-limit // self.stated.num_mixes)

    def _shown_budget(self, budget: StatedBudget) -> StatedBudget:
        return replace(budget, limit=self._one_mix(budget, budget.limit))

    def _shown(self, conflict: Conflict) -> Conflict:
        return replace(conflict, budgets=tuple(map(self._shown_budget, conflict.budgets)))


def _better(goals: Sequence[Goal], reached: Sequence[int]) -> list[Aim]:
    """Every strictly better design reaches one of these aims."""
    pairs = list(zip(goals, reached, strict=True))
    return [(*pairs[:i], (goal, most - 1)) for i, (goal, most) in enumerate(pairs)]


def _objectives(study: Study, result: Result) -> tuple[int, ...]:
    found = (result.objective, *(outcome.objective for outcome in result.then))
    return tuple(objective for objective in found if objective is not None)


def _known(objectives: tuple[int | None, ...]) -> bool:
    return None not in objectives
