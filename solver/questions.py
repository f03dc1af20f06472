"""Yes-or-no questions and least limits over one study's space, each proven or said to be undecided."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from costmodel.hardware import PriceList, hardware_points
from costmodel.table import CandidateTable
from solver.explanation import Least
from solver.result import Outcome, Progress, Result
from solver.session import Session
from solver.stated_budgets import BUDGET_OF, FIELDS, GOAL_OF, StatedBudget, in_whole_runs, moved, value
from specs.study import Goal, Study

Aim = tuple[tuple[Goal, int], ...]
"""Goals with the most that a design may have of each, in base units."""


class _StoppedError(Exception):
    """The wish to stop came while the table was being built."""


class _Either(threading.Event):
    """An event that is also set when another one is."""

    def __init__(self, other: threading.Event) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        return super().is_set() or self._other.is_set()


class Questions:
    """Asks about one study's designs under other goals and budgets; nothing is asked twice.

    Parameters
    ----------
    study
        Its designs are what all questions are about.
    time_limit
        Seconds for all questions together.

    Attributes
    ----------
    study
        The study in whole runs: objectives and budgets are of `Study.num_mixes` mixes.
    asked
        How many questions were solved.
    """

    def __init__(
        self,
        study: Study,
        time_limit: float | None = None,
        workers: int | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        stop: threading.Event | None = None,
    ) -> None:
        self.study = in_whole_runs(study)
        self.asked = 0
        self._deadline = None if time_limit is None else time.perf_counter() + time_limit
        self._stop, self._report = stop or threading.Event(), on_progress
        self._session = Session(self.study, workers, self._on_table, as_first=True)
        self._results: dict[Any, Result] = {}
        self._found: dict[Any, Outcome] = {}

    def stopped(self) -> bool:
        """Whether no more questions can be asked."""
        return self._stop.is_set() or (self._deadline is not None and time.perf_counter() > self._deadline)

    def table(self) -> CandidateTable | None:
        """The table that all questions share, or None if there was no time to build it."""
        try:
            return self._session.table(self.study)
        except _StoppedError:
            return None

    def result(self, study: Study, enough: threading.Event | None = None) -> Result | None:
        """The study's answer; None if time was up before it could be asked.

        Parameters
        ----------
        enough
            Is set when a design is known, and ends the search then.
        """

        def on_progress(progress: Progress) -> None:
            self._report(replace(progress, phase=f"question {self.asked}: {progress.phase}", best=None, bound=None))
            if enough is not None and progress.best is not None:
                enough.set()

        key = (study.goals, study.budgets, tuple(workload.budgets for workload in study.mix))
        if key not in self._results:
            if self.stopped() or self.table() is None:
                return None
            self.asked += 1
            left = None if self._deadline is None else max(0.01, self._deadline - time.perf_counter())
            found = self._session.solve(study, time_limit=left, stop=enough or self._stop, on_progress=on_progress)
            if found.status not in ("optimal", "infeasible"):
                return found
            self._results[key] = found
        return self._results[key]

    def find(self, study: Study, aim: Aim = ()) -> Outcome:
        """Look for any design within the study's budgets and the aim.

        Returns
        -------
        Outcome
            With a design; or ``infeasible``: proven that there is none; or ``unknown``.
        """
        asked, product = _within(study, aim)
        key = (asked.budgets, tuple(workload.budgets for workload in asked.mix), product)
        if key not in self._found:
            found = self._least_product(asked, product) if product is not None else self._any(asked)
            if found.status == "unknown":
                return found
            self._found[key] = found
        return self._found[key]

    def least(
        self, study: Study, budget: StatedBudget, aim: Aim = (), above: int = 0, enough: int | None = None
    ) -> Least:
        """Find the least limit of one budget with which there is a design, all other budgets kept.

        Parameters
        ----------
        aim
            What the design must reach, too.
        above
            A limit that is known not to be enough.
        enough
            One that is known to be, if any.
        """
        free = moved(study, budget, None)
        asked, product = _within(free, aim)
        goal = GOAL_OF.get(budget.name)
        if goal is None or product is not None or budget.workload is not None:
            return self._narrowed(free, budget, aim, above, enough)
        found = self.result(replace(asked, goal=goal, then=()))
        if found is None or found.design is None:
            return Least("none" if found is not None and found.status == "infeasible" else "unknown")
        return Least("least" if found.status == "optimal" else "unknown", found.objective)

    def _narrowed(self, free: Study, budget: StatedBudget, aim: Aim, above: int, enough: int | None) -> Least:
        """Narrow the interval between what is not enough and what is: with more, there is no less.

        Every other question is about the largest limit below what is enough, as often no other design is left there;
        those between halve the interval.
        """
        listed, just_below = _listed(free, budget.name), True
        if enough is None:
            found = self.find(free, aim)
            if found.design is None or found.cost is None:
                return Least("none" if found.status == "infeasible" else "unknown")
            enough = value(free, budget, found.design, found.cost)
        while True:
            between = [number for number in listed if above < number < enough]
            if not between and (listed or above + 1 >= enough):
                return Least("least", enough)
            if listed:
                limit = between[-1 if just_below else (len(between) - 1) // 2]
            else:
                limit = enough - 1 if just_below else (above + enough) // 2
            just_below = not just_below
            found = self.find(moved(free, budget, limit), aim)
            if found.status == "infeasible":
                above = limit
            elif found.design is None or found.cost is None:
                return Least("unknown", enough)
            else:
                enough = value(free, budget, found.design, found.cost)

    def _any(self, study: Study) -> Outcome:
        """Stop at the first design. A budget's own number is asked for, so that it bounds the search from the start."""
        stated: list[Goal] = ["latency", "energy", "bandwidth"]
        own = [goal for goal in stated if getattr(study.budgets, FIELDS[BUDGET_OF[goal]]) is not None]
        asked = replace(study, goal=(own or stated)[0], then=())
        found = self.result(asked, _Either(self._stop))
        if found is not None and found.status == "unknown" and not self.stopped():
            found = self.result(asked)
        return Outcome("unknown") if found is None else found.best

    def _least_product(self, study: Study, most: int) -> Outcome:
        """Whether the least energy-delay product is small enough: as a product it cannot be a budget."""
        found = self.result(replace(study, goal="edp", then=()))
        if found is None or (found.objective is None and found.status != "infeasible"):
            return Outcome("unknown")
        if found.objective is not None and found.objective <= most:
            return found.best
        above = found.bound is not None and found.bound > most
        return Outcome("infeasible" if above or found.status == "infeasible" else "unknown")

    def _on_table(self, phase: str, done: int, total: int) -> None:
        if self.stopped():
            raise _StoppedError
        self._report(Progress(phase, None, None, done, total))


def _within(study: Study, aim: Aim) -> tuple[Study, int | None]:
    """Turn an aim into budgets; and the most energy-delay product, if the aim has one."""
    budgets, product = study.budgets, None
    for goal, most in aim:
        if goal == "edp":
            product = most
            continue
        field = FIELDS[BUDGET_OF[goal]]
        stated = getattr(budgets, field)
        budgets = replace(budgets, **{field: most if stated is None else min(stated, most)})
    return replace(study, budgets=budgets), product


def _listed(study: Study, name: str) -> list[int]:
    """The values that the study's hardware has of a number, in rising order; none of a total."""
    if name == "sram":
        return sorted({point.sram_bytes for point in hardware_points(study)})
    if name == "pes":
        return sorted({point.array.pes for point in hardware_points(study)})
    if name == "area":
        price_list = PriceList(study)
        return sorted({price_list.of(point).area_um2 for point in hardware_points(study)})
    return []
