"""Who checks a proof besides CP-SAT: plain Python computes the bounds again, HiGHS solves the reduced model again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from costmodel.table import build_table
from solver.certificate_check import recheck
from solver.plain_model import PlainModel
from solver.result import Result
from solver.second_solver import check_with_highs, is_installed
from specs.study import Study

MOST_LINES = 5
TOO_WIDE = (
    "the network runs in too many orders to list: its points' bounds rest on prices of layers, which are not told"
)


@dataclass(frozen=True)
class Checked:
    """What one check found: ``missing`` if whoever should do it is not there."""

    who: str
    found: Literal["confirmed", "differs", "undecided", "missing"]
    lines: tuple[str, ...]


class _LateError(Exception):
    """The time of a check is up."""


def points_again(study: Study, certificate: dict[str, Any], seconds: float | None) -> Checked:
    """Price the whole table again and compute every dropped point's bound from the certificate."""
    end = None if seconds is None else time.perf_counter() + seconds

    def watch(phase: str, done: int, total: int) -> None:
        if end is not None and time.perf_counter() > end:
            raise _LateError

    try:
        table = build_table(study, watch)
        if not table.lattice.complete:
            return Checked("plain Python", "undecided", (TOO_WIDE,))
        wrong = recheck(study, certificate, table)
    except _LateError:
        return Checked("plain Python", "undecided", ("its time was up before every candidate was priced again",))
    if wrong:
        more = [f"and {len(wrong) - MOST_LINES} more"] if len(wrong) > MOST_LINES else []
        return Checked("plain Python", "differs", (*wrong[:MOST_LINES], *more))
    number = len(certificate["deductions"]["points"])
    what = f"the lower bound of each of {number:,} hardware points holds, computed again from its multipliers"
    return Checked("plain Python", "confirmed", (what, f"over all {table.priced:,} candidates"))


def second_solver(file: Path, model: PlainModel, result: Result, seconds: float | None) -> Checked:
    """Let HiGHS solve the written model."""
    if not is_installed():
        return Checked("HiGHS", "missing", ("not installed: nothing was checked",))
    best = None if result.objective is None else result.objective // model.unit
    verdict = check_with_highs(file, model, best, seconds)
    return Checked(verdict.solver, verdict.found, verdict.lines)
