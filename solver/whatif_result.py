"""What a question asked at many values of a budget returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from solver.result import Status
from specs.study import Goal


@dataclass(frozen=True)
class WhatIfPoint:
    """The answer at one value of what is varied.

    Attributes
    ----------
    values
        What is varied by name, in base units.
    objective, bound
        In base units of the goal, as in `solver.result.Outcome`.
    design_id
        Equal for points with equal best designs, from 0; None without a design.
    binding
        Names of the budgets that the best design uses up, or of which the next better design would need more.
    """

    values: Mapping[str, int | float]
    status: Status
    objective: int | None = None
    bound: int | None = None
    design_id: int | None = None
    binding: tuple[str, ...] = ()


@dataclass(frozen=True)
class Break:
    """A value, in base units, from which on the objective is ``above``; just below it is ``below`` (or no design)."""

    at: int | float
    below: int | None
    above: int


@dataclass(frozen=True)
class Varied:
    """What is varied: its name, the unit it is told in, and how many base units that is."""

    name: str
    unit: str
    base: int


@dataclass(frozen=True)
class WhatIfCurve:
    """The objective against a varied budget, by rising value.

    Attributes
    ----------
    unit, base
        The objective's unit, and its base units in it.
    """

    study: str
    goal: Goal
    unit: str
    base: int
    varied: Varied
    points: tuple[WhatIfPoint, ...]
    breaks: tuple[Break, ...] = ()
