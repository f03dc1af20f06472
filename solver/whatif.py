"""What if a budget, or any key, were different: every variant proven, and where on the way the best design changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from solver.breaks import Break, UndecidedError, breaks_between, with_budget
from solver.result import Progress, Result
from solver.session import Session, space_of
from solver.stated_budgets import FIELDS
from solver.sweep import Question
from solver.sweep_log import SweepLog
from solver.sweep_run import run_sweep
from solver.vary import Varied, base_value
from specs.study import Study

MOST_BREAKS = 20
"""Breaks looked for between two neighbouring values."""


@dataclass(frozen=True)
class Gap:
    """What lies between two neighbouring values of a budget: every break, the highest first, unless not complete."""

    low: int
    high: int
    breaks: tuple[Break, ...]
    complete: bool


@dataclass(frozen=True)
class WhatIf:
    """A sweep's answers.

    Attributes
    ----------
    study
        With nothing varied.
    answers
        One per question, in the order of the questions; see `solver.sweep.answer` for the keys. Beside them
        ``binding``: which budgets the optimum is better without (None where that was not asked or not decided).
    gaps
        Of one varied budget: between neighbouring values with different optima.
    """

    study: Study
    varied: tuple[Varied, ...]
    questions: tuple[Question, ...]
    answers: tuple[dict[str, Any], ...]
    gaps: tuple[Gap, ...] = ()


def answer_all(
    study: Study,
    varied: Sequence[Varied],
    questions: Sequence[Question],
    *,
    log: Path | None = None,
    stop: threading.Event | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    workers: int | None = None,
    time_limit: float | None = None,
    details: bool = True,
) -> WhatIf:
    """Answer every question of a sweep, each proven, then find what lies between the answers.

    Parameters
    ----------
    questions
        From `solver.sweep.questions`.
    log
        A JSON Lines file that answers are appended to one by one; what it already answers is not asked again.
    time_limit
        Seconds for each question; for all further questions of ``details`` together as many as for the sweep's own.
    details
        Whether to look for breaks between values and for the budgets that bind.

    Raises
    ------
    SweepStoppedError
        If ``stop`` was set before every question was answered.
    """
    stop = stop or threading.Event()
    known = SweepLog(log)
    sessions = run_sweep(questions, known, stop, on_progress, workers, time_limit)
    answers = [dict(known.answers[question.key]) for question in questions]
    asker = _Asker(sessions, [question.study for question in questions], workers, stop, time_limit)
    gaps: tuple[Gap, ...] = ()
    if details:
        for i, (question, told) in enumerate(zip(questions, answers, strict=True)):
            on_progress(Progress("which budgets bind", done=i, total=len(questions)))
            told["binding"] = asker.binding(question, told)
        if len(varied) == 1 and varied[0].is_budget:
            gaps = tuple(_gaps(asker, study, varied[0], answers, on_progress))
    return WhatIf(study, tuple(varied), tuple(questions), tuple(answers), gaps)


class _Asker:
    """Further questions beside those of the sweep, each asked once."""

    def __init__(
        self,
        sessions: dict[str, Session],
        studies: list[Study],
        workers: int | None,
        stop: threading.Event,
        time_limit: float | None,
    ) -> None:
        self._sessions, self._studies, self._workers, self._stop = sessions, studies, workers, stop
        self.time_limit = time_limit
        self._deadline = None if time_limit is None else time.perf_counter() + time_limit * len(studies)
        self._found: dict[Study, Result] = {}
        self._by_space: dict[Study, Session] = {}

    def session(self, key: str, study: Study) -> Session:
        """The session that answered a question, or a new one if another process or an earlier run did."""
        if key in self._sessions:
            return self._sessions[key]
        space = space_of(study)
        if space not in self._by_space:
            self._by_space[space] = Session(study, self._workers, questions=self._studies)
        return self._by_space[space]

    def stopped(self) -> bool:
        """Whether to leave the rest undecided: all further questions have as much time as the sweep's own."""
        return self._stop.is_set() or (self._deadline is not None and time.perf_counter() > self._deadline)

    def binding(self, question: Question, told: dict[str, Any]) -> list[str] | None:
        """The budgets without which the optimum were better."""
        if told["status"] != "optimal":
            return None
        study, session = question.study, self.session(question.key, question.study)
        found = []
        for name, field in FIELDS.items():
            if getattr(study.budgets, field) is None:
                continue
            if self.stopped():
                return None
            free = self.ask(session, with_budget(study, name, None))
            if free.status != "optimal" or free.objective is None:
                return None
            if free.objective < told["objective_base"]:
                found.append(name)
        return found

    def ask(self, session: Session, study: Study) -> Result:
        if study not in self._found:
            self._found[study] = session.solve(study, stop=self._stop, time_limit=self.time_limit)
        return self._found[study]


class _Within(Session):
    """A session whose solves end with an asker's time."""

    def __init__(self, session: Session, asker: _Asker) -> None:
        self._session, self._asker = session, asker

    def solve(self, study: Study, **options: Any) -> Result:
        return self._asker.ask(self._session, study)


def _gaps(
    asker: _Asker,
    study: Study,
    varied: Varied,
    answers: Sequence[dict[str, Any]],
    on_progress: Callable[[Progress], None],
) -> list[Gap]:
    """Breaks between neighbouring values whose optima differ."""
    values = [base_value(varied.name, text) for text in varied.values]
    order = sorted((i for i, value in enumerate(values) if value is not None), key=lambda i: values[i] or 0)
    gaps = []
    for number, (i, j) in enumerate(pairwise(order)):
        on_progress(Progress("where the best design changes", done=number, total=len(order) - 1))
        low, high = answers[i], answers[j]
        decided = all(one["status"] in ("optimal", "infeasible") for one in (low, high))
        if not decided or high["objective_base"] is None or low["objective_base"] == high["objective_base"]:
            continue
        found, complete = list[Break](), True
        first, last = values[i], values[j]
        assert first is not None
        assert last is not None
        session = asker.session(high["key"], replace(study))
        try:
            for one in breaks_between(_Within(session, asker), study, varied.name, first, last, asker.stopped):
                found.append(one)
                if one.below == low["objective_base"]:
                    break
                if len(found) == MOST_BREAKS:
                    complete = False
                    break
        except UndecidedError:
            complete = False
        gaps.append(Gap(first, last, tuple(found), complete))
    return gaps
