"""An explanation as one JSON object (format ``laminate-explanation/1``); every limit also as an exact integer."""

from __future__ import annotations

import platform
from dataclasses import asdict
from decimal import ROUND_CEILING
from typing import Any

from solver.explanation import Conflict, Explanation, Influence, Least, Release
from solver.export import base_unit, package_version
from solver.quantities import budget_text
from solver.result import BASE_UNITS as BASE_UNITS_OF_GOAL
from solver.result import UNIT_OF_GOAL, mixes_in
from solver.stated_budgets import BASE_UNITS, StatedBudget
from specs import describe
from specs.study import Goal, Study

FORMAT = "laminate-explanation/1"


def explanation_object(found: Explanation) -> dict[str, Any]:
    """Return the whole explanation as plain values."""
    study, result, floors = found.study, found.result, found.floors
    return {
        "format": FORMAT,
        "study": study.name,
        "goal": list(study.goals) if study.then else study.goal,
        "status": "unknown" if result is None else result.status,
        "objective": result and _objective(study, study.goal, result.objective),
        "objective_base": result and result.objective,
        "unit": UNIT_OF_GOAL[study.goal],
        "base_unit": base_unit(study.goal, study.num_mixes),
        "budgets": [_budget(budget) for budget in found.budgets],
        "conflicts": [_conflict(conflict) for conflict in found.conflicts],
        "relaxations": [_budget(one.budget) | {"least": _least(one.budget, one.least)} for one in found.relaxations],
        "unfit_layers": [asdict(one) for one in found.unfit],
        "influences": [_influence(study, one) for one in found.influences],
        "without_any_budget": _objectives(study, found.free),
        "release": found.release and _conflict(found.release),
        "floors": floors and asdict(floors) | {"waiting_share": floors.waiting_share},
        "undecided": list(found.undecided),
        "questions": found.questions,
        "time_s": found.seconds,
        "versions": {"python": platform.python_version()}
        | {package: package_version(package) for package in ("laminate", "numpy", "ortools")},
        "settings": describe(study),
    }


def _budget(budget: StatedBudget) -> dict[str, Any]:
    return {
        "name": budget.name,
        "network": budget.of or None,
        "limit": budget_text(budget.name, budget.limit),
        "limit_base": budget.limit,
        "base_unit": BASE_UNITS[budget.name],
    }


def _least(budget: StatedBudget, least: Least) -> dict[str, Any]:
    text = None if least.limit is None else budget_text(budget.name, least.limit, ROUND_CEILING)
    return {"status": least.status, "limit": text, "limit_base": least.limit}


def _conflict(conflict: Conflict | Release) -> dict[str, Any]:
    return {"budgets": [_budget(budget) for budget in conflict.budgets], "is_minimal": conflict.is_minimal}


def _influence(study: Study, one: Influence) -> dict[str, Any]:
    return _budget(one.budget) | {
        "value_base": one.value,
        "binds": one.binds,
        "without": _objectives(study, one.without),
        "better_from": _least(one.budget, one.better_from),
        "same_down_to": _least(one.budget, one.kept_down_to),
    }


def _objectives(study: Study, reached: tuple[int | None, ...]) -> list[dict[str, Any]]:
    return [
        {"goal": goal, "objective": _objective(study, goal, base), "objective_base": base}
        for goal, base in zip(study.goals, reached, strict=False)
    ]


def _objective(study: Study, goal: Goal, base: int | None) -> float | None:
    return None if base is None else base / (BASE_UNITS_OF_GOAL[goal] * mixes_in(goal, study.num_mixes))
