"""Where the optimum changes as one budget is tightened: exactly, not only on the grid of a sweep.

For a budget b on a total t the optimum o(b) is a step function that rises as b falls. From an optimum o that holds at
b, the next step lies at t* = the least t of all designs that reach o within the other budgets: o(t*) = o, and just
below t* the optimum is worse, as no design that reaches o is left (docs/solver.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from costmodel.hardware import hardware_points
from solver.result import Result
from solver.session import Session
from solver.stated_budgets import BUDGET_OF, FIELDS, GOAL_OF
from specs.study import Budgets, Study


@dataclass(frozen=True)
class Break:
    """A value of a budget from which on the optimum is what it is above; below it is worse.

    Attributes
    ----------
    value
        In base units of the budget; the budget at this value still allows ``above``.
    above, below
        Optima in base units of the goal; None where no design keeps the budgets.
    result
        Holds a design that reaches ``above`` at ``value``; perhaps as the answer to another question.
    """

    value: int
    above: int
    below: int | None
    result: Result


class UndecidedError(Exception):
    """A question that a break needs was not decided in time."""


def with_budget(study: Study, name: str, value: int | None) -> Study:
    return replace(study, budgets=replace(study.budgets, **{FIELDS[name]: value}))


def breaks_between(
    session: Session, study: Study, name: str, low: int, high: int, stop: Callable[[], bool] = lambda: False
) -> Iterator[Break]:
    """Every break with ``low < value <= high``, from above.

    Raises
    ------
    UndecidedError
        If an optimum on the way was not proven, or ``stop`` says so.
    """

    def ask(value: int) -> Result:
        if stop():
            raise UndecidedError
        found = session.solve(with_budget(study, name, value))
        if found.status not in ("optimal", "infeasible"):
            raise UndecidedError
        return found

    at = ask(high)
    while at.objective is not None:
        value, reached = _least_value(session, study, name, at.objective, high, ask)
        if value <= low:
            return
        below = ask(value - 1)
        yield Break(value, at.objective, below.objective, reached or ask(value))
        at, high = below, value - 1


def _least_value(
    session: Session, study: Study, name: str, objective: int, high: int, ask: Callable[[int], Result]
) -> tuple[int, Result | None]:
    """The least value of a budget that leaves the optimum at ``objective``, as ``high`` does; a result with both."""
    goal, own = GOAL_OF.get(name), BUDGET_OF.get(study.goal)
    if own == name and not study.then:
        mixes = 1 if name in ("area", "power") else study.num_mixes
        return -(-objective // mixes), None  # a budget on the goal itself
    if goal is not None and own is not None and not study.then:
        field = FIELDS[own]
        per_mix = _per_mix(study, field, objective)
        if per_mix is not None:
            limited = replace(study, goal=goal, budgets=replace(study.budgets, **{field: per_mix}))
            found = session.solve(with_budget(limited, name, high))
            if found.status != "optimal" or found.objective is None:
                raise UndecidedError
            return -(-found.objective // (1 if goal in ("area", "power") else study.num_mixes)), found
    values = _hardware_values(study, name, high)
    return _bisect(values or range(1, high + 1), objective, ask), None


def _per_mix(study: Study, field: str, objective: int) -> int | None:
    """An objective as a budget of the study; of a mix only if it is a whole number."""
    mixes = 1 if field in ("area_um2", "power_nw") else study.num_mixes
    return objective // mixes if objective % mixes == 0 else None


def _hardware_values(study: Study, name: str, high: int) -> list[int]:
    """The values of a hardware number that some listed point has, ascending."""
    if name not in ("sram", "pes"):
        return []
    points = hardware_points(replace(study, budgets=Budgets()))
    values = {point.sram_bytes if name == "sram" else point.array.pes for point in points}
    return sorted(value for value in values if value <= high)


def _bisect(values: range | list[int], objective: int, ask: Callable[[int], Result]) -> int:
    """The first of some ascending values at which the optimum is ``objective``; it is at the last one."""
    low, high = 0, len(values) - 1
    while low < high:
        middle = (low + high) // 2
        if ask(values[middle]).objective == objective:
            high = middle
        else:
            low = middle + 1
    return values[low]
