"""Many variants of one study: which questions a sweep asks, and one answer after the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from costmodel.groups import TooWideError
from costmodel.technology import PriceError
from solver.export import design_object, package_version
from solver.result import Result
from solver.stated_budgets import FIELDS
from solver.vary import BUDGET_UNITS, Varied, base_value
from specs import SpecError, describe, load
from specs.errors import Origin, Problem
from specs.study import Budgets, Study

FORMAT = "laminate-whatif/1"


@dataclass(frozen=True)
class Question:
    """One variant: what is varied, by its text, and the study that it makes."""

    values: tuple[tuple[str, str], ...]
    study: Study

    @property
    def key(self) -> str:
        """What tells this question from every other, also of other versions."""
        told = json.dumps([package_version("laminate"), describe(self.study)], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:32]


def questions(spec: Path, overrides: Mapping[str, object], study: Study, varied: Sequence[Varied]) -> list[Question]:
    """Every combination of the varied values, the first key slowest.

    Parameters
    ----------
    spec, overrides
        The study file and what options replace in it, read again where more than budgets vary.
    study
        What they make without anything varied.

    Raises
    ------
    SpecError
        With every value that makes no study.
    """
    found, problems = list[Question](), list[Problem]()
    read: dict[tuple[tuple[str, str], ...], Study] = {(): study}
    for texts in product(*(one.values for one in varied)):
        values = tuple(zip((one.name for one in varied), texts, strict=True))
        others = tuple((one.key, text) for one, text in zip(varied, texts, strict=True) if not one.is_budget)
        try:
            if others not in read:
                read[others] = load(spec, {**overrides, **dict(others)})
            limits = {name: text for name, text in values if name in BUDGET_UNITS}
            budgets = _limited(read[others].budgets, limits, problems)
            found.append(Question(values, replace(read[others], budgets=budgets)))
        except SpecError as error:
            problems += [replace(problem, origin=_typed(problem.origin, varied)) for problem in error.problems]
    if problems:
        raise SpecError(problems)
    return found


def _typed(origin: Origin, varied: Sequence[Varied]) -> Origin:
    """Blame the option that was typed for what it was read as."""
    options = {f"--set {one.key}": f"--vary {one.name}" for one in varied}
    return Origin(options[origin.source]) if origin.source in options else origin


def _limited(budgets: Budgets, limits: Mapping[str, str], problems: list[Problem]) -> Budgets:
    """Replace budgets; note what is no value of one."""
    for name, text in limits.items():
        try:
            budgets = replace(budgets, **{FIELDS[name]: base_value(name, text)})
        except ValueError as error:
            problems.append(Problem(Origin(f"--vary {name}"), ("budgets", name), str(error)))
    return budgets


def in_halves(number: int) -> Iterator[int]:
    """The indices below a number: both ends first, then the middle of every gap, so that each lies in a known one."""
    if number <= 2:
        yield from range(number)
        return
    yield from (0, number - 1)
    gaps = [(0, number - 1)]
    while gaps:
        low, high = gaps.pop(0)
        if high - low > 1:
            middle = (low + high) // 2
            yield middle
            gaps += [(low, middle), (middle, high)]


def answer(question: Question, result: Result) -> dict[str, Any]:
    """One line of a sweep's log: the question, and what the result says without its groups' details."""
    told = design_object(result)
    kept = ("status", "objective", "bound", "gap", "unit", "objective_base", "bound_base", "base_unit", "hardware")
    groups = [group["layers"] for group in told["groups"]]
    way = [{name: value for name, value in group.items() if name in _OF_DESIGN} for group in told["groups"]]
    chosen = json.dumps([told["hardware"], way], sort_keys=True)
    return {
        "format": FORMAT,
        "key": question.key,
        "values": dict(question.values),
        "goal": told["goal"],
        **{name: told[name] for name in kept},
        "totals": told["totals"],
        "design": hashlib.sha256(chosen.encode()).hexdigest()[:12] if groups else None,
        "groups": groups,
        "seconds": round(told["time_s"]["total"], 3),
        "message": None,
    }


_OF_DESIGN = frozenset(
    {"layers", "tile_grid", "overlap", "start", "order", "channel_splits", "input_splits", "images_per_tile", "weights"}
    | {"mapping_by"}
)


def failure(question: Question, error: PriceError | TooWideError) -> dict[str, Any]:
    """The line of a question that has no answer."""
    return {
        "format": FORMAT,
        "key": question.key,
        "values": dict(question.values),
        "status": "error",
        "message": str(error),
    }
