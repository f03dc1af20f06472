"""What `solve certify` says: the comments of model.mps, and the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from solver.certificate import dropped
from solver.certify_checks import Checked
from solver.export import BASE_UNIT_OF_GOAL, CERTIFICATE_FILE, DESIGN_FILE, MODEL_FILE
from solver.plain_model import PlainModel
from solver.proof import Proof
from solver.quantities import objective_text
from solver.result import Result
from solver.second_solver import INSTALL

_MARGIN = 18


def mps_comments(result: Result, proof: Proof, model: PlainModel) -> list[str]:
    """Say in the file what it is, its unit, and what it must come to."""
    goal, upper = result.study.goal, proof.bounds.upper
    base = BASE_UNIT_OF_GOAL[goal]
    if result.objective is None:
        claim = "claimed: infeasible"
    else:
        claim = f"claimed optimum: {result.objective // model.unit} = {result.objective} {base}"
    known = "no cutoff: nothing was dropped by cost" if result.objective is None else f"cutoff: {upper} {base}"
    return [
        f"laminate, study {result.study.name}: least {goal}",
        f"unit: {model.unit} {base}; the objective's constant is the negated right side of its row",
        f"{known}; whatever the bounds dropped costs at least this ({CERTIFICATE_FILE})",
        claim,
        "columns: pointH is 1 if hardware point H is built; groupG_rowR_pointH if group G runs in way R on it",
        "rows: one point; every layer once on it; budgets on totals; groups in cycles that cannot run",
    ]


def report(result: Result, certificate: dict[str, Any], folder: Path, checks: Sequence[Checked]) -> str:
    """Tell what was written, what was checked by whom, and what follows."""
    study, model, count = result.study, certificate["model"], dropped(certificate)
    what = f"least {study.goal} {objective_text(study.goal, result.objective)}, optimal" if result.objective else ""
    head = what or ("least 0, optimal" if result.objective == 0 else "no design in the stated space keeps the budgets")
    unit = f"unit {model['unit_base']} {certificate['base_unit']}"
    pairs = f", and {count.pairs:,} of {count.of_pairs:,} pairs at the others" if count.of_pairs else ""
    written = [
        f"{folder / MODEL_FILE}: {model['columns']:,} columns, {model['rows']:,} rows, {unit}",
        f"{folder / CERTIFICATE_FILE}: {count.points:,} of {count.of_points:,} hardware points dropped{pairs}",
        f"{folder / DESIGN_FILE}",
    ]
    lines = [f"{study.name}: CP-SAT says: {head}", "", *_block("written", written)]
    for check in checks:
        lines += _block(check.who, [*check.lines])
    return "\n".join([*lines, "", *map(_ending, checks)])


def _block(title: str, lines: Sequence[str]) -> list[str]:
    return [f"  {title if i == 0 else '':{_MARGIN - 2}}{line}" for i, line in enumerate(lines)]


def _ending(check: Checked) -> str:
    return {
        "confirmed": f"confirmed by {check.who}",
        "differs": f"CONTRADICTED by {check.who}: do not rely on this result, and report it",
        "undecided": f"not decided by {check.who}: what it could not check is said above",
        "missing": f"no second solver checked model.mps: {check.who} is not installed ({INSTALL})",
    }[check.found]
