"""The whole front between two goals: every pair of totals that no design betters in one and equals in the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from solver.breaks import UndecidedError, breaks_between
from solver.result import Result
from solver.session import Session
from solver.stated_budgets import BUDGET_OF
from solver.totals import objective_of
from specs.study import Goal, Study

GOALS: tuple[Goal, ...] = ("energy", "latency", "bandwidth", "area")
"""The goals that fronts are made of."""


@dataclass(frozen=True)
class Front:
    """A front, from the best of the first goal to the best of the second.

    Attributes
    ----------
    points
        Each proven: its objectives of both goals (in base units, as in `solver.result.Outcome`) and the result.
    complete
        Whether no point is missing; else the front goes on below the last point's second objective.
    status
        What is known if there is no point: ``infeasible`` (proven) or ``unknown``.
    """

    study: Study
    goals: tuple[Goal, Goal]
    points: tuple[tuple[int, int, Result], ...]
    complete: bool
    status: str


def front(
    session: Session,
    study: Study,
    goals: tuple[Goal, Goal],
    on_point: Callable[[int], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    event: threading.Event | None = None,
    time_left: Callable[[], float | None] = lambda: None,
) -> Front:
    """Find every point of a front.

    Parameters
    ----------
    goals
        Two of `GOALS`; the study's own goal does not matter, its budgets do.
    on_point
        Called with the number of points known.
    stop
        Asked between solves.
    event, time_left
        What ends a solve: an event that is set, and the seconds that it may take.
    """
    first, second = goals
    asked = replace(study, goal=first, then=())
    points: list[tuple[int, int, Result]] = []
    status, complete = "unknown", True
    try:
        for result in _points(_Within(session, event, time_left), asked, second, stop):
            if result.cost is None:
                status = result.status
                break
            points.append((objective_of(first, result.cost), objective_of(second, result.cost), result))
            on_point(len(points))
    except UndecidedError:
        complete = False
    return Front(asked, goals, tuple(points), complete, status)


class _Within(Session):
    """A session whose solves end with an event and a time."""

    def __init__(self, session: Session, event: threading.Event | None, time_left: Callable[[], float | None]) -> None:
        self._session, self._event, self._left = session, event, time_left

    def solve(self, study: Study, **options: Any) -> Result:
        return self._session.solve(study, stop=self._event, time_limit=self._left(), **options)


def _points(session: Session, study: Study, second: Goal, stop: Callable[[], bool]) -> Iterator[Result]:
    """The points from the best of the study's goal on; a result without a design if there is none."""
    best = session.solve(study)
    if best.status not in ("optimal", "infeasible"):
        raise UndecidedError
    if best.cost is None:
        yield best
        return
    mixes = 1 if second == "area" else study.num_mixes
    highest = -(-objective_of(second, best.cost) // mixes)
    for one in breaks_between(session, study, BUDGET_OF[second], 0, highest, stop):
        yield one.result
