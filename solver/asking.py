"""What-if studies and fronts from Python: a study and a few words in, typed results out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from solver.pareto import Front
from solver.pareto import front as points_of
from solver.session import Session
from solver.sweep import questions
from solver.vary import Varied, read_varied
from solver.whatif import WhatIf, answer_all
from specs.study import Goal, Study

Vary = Mapping[str, str | Sequence[str]]


def what_if(
    study: Study,
    vary: Vary,
    *,
    spec: Path | str | None = None,
    overrides: Mapping[str, object] | None = None,
    **options: Any,
) -> WhatIf:
    """Solve a study for every value of what is varied, each proven; see `solver.whatif.answer_all`.

    Parameters
    ----------
    vary
        A budget, or any dotted key, to its values: a list such as ``["64 KiB", "128 KiB"]``, or text as on the command
        line, such as ``"64KiB:1MiB:x2"``. Of several keys every combination is asked.
    spec, overrides
        What `specs.load` read the study from: needed where other keys than budgets vary.
    options
        ``log``, ``workers``, ``time_limit``, ``details``, ``stop``, ``on_progress`` of `solver.whatif.answer_all`.

    Raises
    ------
    ValueError
        If values cannot be read, or other keys than budgets vary and there is no ``spec``.
    SpecError
        If a value makes no study.
    """
    varied = [read_varied(name, values) if isinstance(values, str) else _listed(name, values)
              for name, values in vary.items()]  # fmt: skip
    if spec is None and not all(one.is_budget for one in varied):
        raise ValueError("keys that are no budgets vary: give the study's file as spec")
    asked = questions(Path(spec or ""), overrides or {}, study, varied)
    return answer_all(study, varied, asked, **options)


def _listed(name: str, values: Sequence[str]) -> Varied:
    return Varied(name.removeprefix("budgets."), tuple(map(str, values)))


def front(study: Study, goals: tuple[Goal, Goal], *, workers: int | None = None) -> Front:
    """Every best compromise between two goals of energy, latency, bandwidth and area; see `solver.pareto`."""
    return points_of(Session(study, workers), study, goals)
