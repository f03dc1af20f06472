"""A comparison as one JSON object (format ``laminate-comparison/1``)."""

from __future__ import annotations

import platform
from dataclasses import asdict
from typing import Any

from solver.comparison import MEASURES, Comparison, Entry, saved
from solver.export import base_unit, package_version
from solver.export_parts import hardware_object, totals_object
from solver.result import Outcome, Result
from specs import describe

FORMAT = "laminate-comparison/1"


def comparison_object(found: Comparison) -> dict[str, Any]:
    """Return the whole comparison as plain values."""
    study = found.study
    return {
        "format": FORMAT,
        "study": study.name,
        "goal": list(study.goals) if study.then else study.goal,
        "base_unit": base_unit(study.goal, study.num_mixes),
        "own_best_hardware": [_entry(entry) for entry in found.own],
        "given_buffers": found.at and asdict(found.at),
        "on_given_buffers": [_entry(entry) for entry in found.given],
        "time_s": found.seconds,
        "versions": {"python": platform.python_version()}
        | {package: package_version(package) for package in ("laminate", "numpy", "ortools")},
        "settings": describe(study),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "template": entry.template,
        "failure": entry.failure or None,
        "fused": _outcome(entry.result, entry.fused),
        "layer_by_layer": _outcome(entry.result, entry.layer_by_layer),
        "layer_by_layer_same_hardware": _outcome(entry.result, entry.same_hardware),
        "saving": _saving(entry, entry.layer_by_layer),
        "saving_same_hardware": _saving(entry, entry.same_hardware),
    }


def _outcome(result: Result | None, outcome: Outcome | None) -> dict[str, Any] | None:
    if result is None or outcome is None:
        return None
    apart = outcome is result.layer_by_layer and result.layer_by_layer_precision
    return {
        "status": outcome.status,
        "gap": outcome.gap,
        "objective_base": outcome.objective,
        "bound_base": outcome.bound,
        "hardware": hardware_object(outcome, apart or result.study.precision),
        "totals": totals_object(outcome),
    }


def _saving(entry: Entry, theirs: Outcome | None) -> dict[str, float | None] | None:
    fractions = saved(entry.fused, theirs)
    if fractions is None:
        return None
    return {name.lower().replace(" ", "_"): part for name, part in zip(MEASURES, fractions, strict=True)}
