"""Many questions about one space: the candidate table is built once, whatever the goal and the budgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from costmodel.table import CandidateTable, build_table
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
    as_first
        Let every question be about the designs that ``study`` itself speaks of. Otherwise a question has the space that
        it would have alone: where totals count per time, it matters whether energy decides anything.
    """

    def __init__(
        self,
        study: Study,
        workers: int | None = None,
        on_table: TableProgress = lambda *_: None,
        as_first: bool = False,
    ) -> None:
        self._space = _space(study)
        self._first = study if as_first else None
        self._workers, self._on_table = workers, on_table
        self._tables: dict[tuple[bool, bool], CandidateTable] = {}

    def solve(self, study: Study, **options: Any) -> Result:
        """Find the best design of one study, as `solver.solve` does with the same options.

        Raises
        ------
        ValueError
            If the study is about another space.
        """
        if _space(study) != self._space:
            raise ValueError("a session's studies may differ in goals and budgets alone")
        return solve(study, table=self.table(study), **({"workers": self._workers, "baseline": False} | options))

    def table(self, study: Study) -> CandidateTable:
        """The whole table, with every hardware point; where slowness pays there are fewer ways to run a group."""
        asked = self._first or study
        slow = asked.slowness_pays
        kind = slow, asked.weighs_energy or not slow
        if kind not in self._tables:
            # Questions that no single total decides, so that nothing is left out for being dear in one of them.
            if not slow:
                whole = replace(self._space, then=("latency",))
            elif asked.weighs_energy:
                whole = replace(self._space, goal="power")
            else:
                whole = replace(self._space, goal="latency", budgets=Budgets(dram_bytes_per_s=1))
            self._tables[kind] = build_table(whole, self._on_table, processes=self._workers or available_cores())
        return self._tables[kind]


def _space(study: Study) -> Study:
    """The study without what it asks."""
    mix = tuple(replace(workload, budgets=Budgets()) for workload in study.mix)
    return replace(study, name="", goal="energy", then=(), budgets=Budgets(), mix=mix)
