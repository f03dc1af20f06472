"""``certificate.json``: what was proven, which deductions the proof rests on, and the numbers that prove each of them.

Of every hardware point it tells integer weights D (of the objective) and m (of each budgeted total). With S the length
of the shortest path at the point under ``D objective + sum m total``, the lower bound there is
``ceil((S - sum m limit) / D)``; where D is 0, S is larger than ``sum m limit`` and no design keeps the budgets.
docs/solver.md has the proofs; `solver.certificate_check` computes them again.
"""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from costmodel.table import NO_COST
from solver.bounds import PointView, Weights, shortest, view
from solver.export import BASE_UNIT_OF_GOAL, DESIGN_FILE, MODEL_FILE, package_version
from solver.export_parts import hardware_identity
from solver.plain_model import PlainModel
from solver.problem import Problem
from solver.proof import Proof
from solver.result import Result
from specs import describe

FORMAT = "laminate-certificate/1"


@dataclass(frozen=True)
class Dropped:
    """How much the bounds dropped, for the report."""

    points: int
    of_points: int
    pairs: int
    of_pairs: int


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def certificate_object(result: Result, proof: Proof, model: PlainModel, folder: Path) -> dict[str, Any]:
    """Return the certificate as plain values; the model and the design must lie in the folder."""
    study, problem, upper = result.study, proof.problem, proof.bounds.upper
    groups = sorted({pair.group for pair in proof.pairs})
    names = problem.table.group_layers
    return {
        "format": FORMAT,
        "study": study.name,
        "goal": study.goal,
        "status": result.status,
        "objective_base": result.objective,
        "bound_base": result.bound,
        "base_unit": BASE_UNIT_OF_GOAL[study.goal],
        "model": {
            "file": MODEL_FILE,
            "sha256": sha256(folder / MODEL_FILE),
            "unit_base": model.unit,
            "optimum": None if result.objective is None else result.objective // model.unit,
            "columns": len(model.program.columns),
            "rows": len(model.program.rows),
            "groups": {f"group{group}": list(names(group)) for group in groups},
        },
        "design": {"file": DESIGN_FILE, "sha256": sha256(folder / DESIGN_FILE)},
        "deductions": {
            "threshold_base": None if upper >= NO_COST else upper,
            "margin_base": proof.bounds.margin,
            "points_over_a_hardware_budget": result.space.hardware_points_listed - result.space.hardware_points,
            "point_of_the_best_design_known": None if proof.bounds.best is None else proof.bounds.best.point,
            "least_costs": next((d.step for d in result.deductions if d.step.startswith("least costs")), None),
            "points": _points(proof),
            "cycles_cut": [[list(names(group)) for group in cycle] for cycle in proof.cycles_cut],
        },
        "versions": {"python": platform.python_version()}
        | {package: package_version(package) for package in ("laminate", "numpy", "ortools", "highspy")},
        "settings": describe(study),
    }


def dropped(certificate: dict[str, Any]) -> Dropped:
    """Count what a certificate says was dropped."""
    points = certificate["deductions"]["points"]
    kept = [point["pairs"] for point in points if point["pairs"] is not None]
    fitting = sum(pairs["fitting"] for pairs in kept)
    return Dropped(
        points=sum(point["verdict"] == "dropped" for point in points),
        of_points=len(points),
        pairs=fitting - sum(pairs["kept"] for pairs in kept),
        of_pairs=fitting,
    )


def _points(proof: Proof) -> list[dict[str, Any]]:
    """Tell every hardware point with its bound, its weights, and what is left of its pairs if it was kept."""
    problem, bounds = proof.problem, proof.bounds
    left = Counter(pair.point for pair in proof.pairs)
    told = []
    for point in problem.points.tolist():
        lower = int(bounds.lower[point])
        keeps = lower < bounds.upper + bounds.margin
        weights = _weights(proof, point)
        told.append(
            {
                "point": point,
                "hardware": hardware_identity(problem.table.points[point]),
                "verdict": "kept" if keeps else "dropped",
                "lower_bound_base": None if lower >= NO_COST else lower,
                "weights": {"objective": weights.objective}
                | dict(zip(map(str, problem.budgeted), weights.budgeted, strict=True)),
                "limits": {str(total): problem.limit(total, point) for total in problem.budgeted},
                "pairs": _pairs(proof, view(problem, point), weights, left[point]) if keeps else None,
            }
        )
    return told


def _weights(proof: Proof, point: int) -> Weights:
    """Return the weights that prove a point's bound; the budget that excludes the point alone if there is one."""
    problem, bounds = proof.problem, proof.bounds
    plain = Weights(1, (0,) * len(problem.budgeted))
    if point in bounds.weights or bounds.lower[point] < NO_COST:
        return bounds.weights.get(point, plain)
    at = view(problem, point)
    for number, limit in enumerate(at.limits):
        alone = Weights(0, tuple(int(i == number) for i in range(len(at.limits))))
        found = shortest(bounds, at, alone)
        if found is None or found.cost > limit:
            return alone
    return plain


def _pairs(proof: Proof, at: PointView, weights: Weights, kept: int) -> dict[str, Any]:
    """Tell how many pairs fit a kept point, how many were left, and what the others' paths reach at least."""
    problem, upper = proof.problem, proof.bounds.upper + proof.bounds.margin
    slack = sum(weight * limit for weight, limit in zip(weights.budgeted, at.limits, strict=True))
    threshold = None if upper >= NO_COST else weights.objective * upper + slack
    return {"fitting": _fitting(problem, at), "kept": kept, "threshold": threshold}


def _fitting(problem: Problem, at: PointView) -> int:
    """How many pairs fit a point."""
    table = problem.table
    members = np.bincount(table.group_class[problem.groups], minlength=table.num_classes)
    return int(members[problem.row_class(problem.family(at.block))[at.fits]].sum())
