"""Many questions about one space: the candidate table is built once, whatever the goal and the budgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from costmodel.pricing import single_total
from costmodel.table import CandidateTable, build_table
from solver.memory import Memory
from solver.optimise import available_cores, solve
from solver.result import Result
from specs.study import Budgets, Study

TableProgress = Callable[[str, int, int], None]


class Session:
    """Answers studies that differ from the first one in nothing but goals and budgets.

    Parameters
    ----------
    study
        The space: everything of it but ``goal``, ``then``, ``budgets`` and the budgets in ``mix``.
    workers
        Processes that price, and CP-SAT workers; as many as there are cores by default.
    on_table
        Called now and then while a table is built, with a phase, steps done and steps in all; may raise to leave.
    questions
        What will be asked, if that is known: where one total alone matters in all of it, the table is smaller.
    as_first
        Let every question be about the designs that ``study`` itself speaks of. Otherwise a question has the space that
        it would have alone: where totals count per time, it matters whether energy decides anything.
    """

    def __init__(
        self,
        study: Study,
        workers: int | None = None,
        on_table: TableProgress = lambda *_: None,
        questions: Sequence[Study] = (),
        as_first: bool = False,
    ) -> None:
        self._space = space_of(study)
        self._first = study if as_first else None
        self._workers, self._on_table = workers, on_table
        self._tables: dict[object, tuple[CandidateTable, Memory]] = {}
        self._single = {question.goal for question in questions if single_total(question)}
        if len(self._single) != 1 or not all(single_total(question) for question in questions):
            self._single = set()

    def solve(self, study: Study, **options: Any) -> Result:
        """Find the best design of one study, as `solver.solve` does with the same options.

        Raises
        ------
        ValueError
            If the study is about another space.
        """
        if space_of(study) != self._space:
            raise ValueError("a session's studies may differ in goals and budgets alone")
        options = {"workers": self._workers, "baseline": False} | options
        if len(study.precision_choices) > 1:  # a table speaks of one
            return solve(study, **options)
        table, memory = self._table(study)
        return solve(study, table=table, memory=memory, **options)

    def table(self, study: Study) -> CandidateTable:
        """The whole table, with every hardware point; where slowness pays there are fewer ways to run a group."""
        return self._table(study)[0]

    def _table(self, study: Study) -> tuple[CandidateTable, Memory]:
        kind, whole = self._whole(study)
        if kind not in self._tables:
            table = build_table(whole, self._on_table, processes=self._workers or available_cores())
            self._tables[kind] = table, Memory()
        return self._tables[kind]

    def _whole(self, study: Study) -> tuple[object, Study]:
        """A study whose whole table serves a question, and what other such questions have in common with it."""
        asked = self._first or study
        if single_total(study) and study.goal in self._single:
            return study.goal, replace(self._space, goal=study.goal)
        # Else goals that no single total decides, so that nothing is left out for being dear in one of them.
        if not asked.slowness_pays:
            return "several", replace(self._space, then=("latency",))
        if asked.weighs_energy:
            return "slow", replace(self._space, goal="power")
        return "slow traffic", replace(self._space, goal="latency", budgets=Budgets(dram_bytes_per_s=1))


def space_of(study: Study) -> Study:
    """The study without what it asks: one table serves all studies of equal spaces."""
    mix = tuple(replace(workload, budgets=Budgets()) for workload in study.mix)
    return replace(study, name="", goal="energy", then=(), budgets=Budgets(), mix=mix)
