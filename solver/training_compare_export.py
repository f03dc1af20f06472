"""Inference against training as one JSON object (format ``laminate-training-comparison/1``)."""

from __future__ import annotations

import platform
from typing import Any

from costmodel.phases import PhaseCost
from solver.export import base_unit, package_version
from solver.export_parts import hardware_object
from solver.training_comparison import MadeFor, Ran, TrainingComparison
from specs import describe

FORMAT = "laminate-training-comparison/1"


def comparison_object(found: TrainingComparison) -> dict[str, Any]:
    """Return the whole comparison as plain values."""
    study = found.study
    return {
        "format": FORMAT,
        "study": study.name,
        "network": study.network.name,
        "batch": study.batch,
        "optimizer": study.optimizer,
        "goal": list(study.goals) if study.then else study.goal,
        "best_hardware_for": {made.name: _made_for(made) for made in found.made_for},
        "time_s": found.seconds,
        "versions": {"python": platform.python_version()}
        | {package: package_version(package) for package in ("laminate", "numpy", "ortools")},
        "settings": describe(study),
    }


def _made_for(made: MadeFor) -> dict[str, Any]:
    best, result = made.best, made.result
    return {
        "failure": made.failure or None,
        "status": None if best is None else best.status,
        "gap": None if best is None else best.gap,
        "objective_base": None if best is None else best.objective,
        "bound_base": None if best is None else best.bound,
        "base_unit": None if result is None else base_unit(result.study.goal, result.study.num_mixes),
        "hardware": None if result is None else hardware_object(result.best, result.study.precision),
        "inference": _ran(made.inference),
        "training": _ran(made.training),
    }


def _ran(ran: Ran | None) -> dict[str, Any] | None:
    if ran is None:
        return None
    cost = ran.cost
    return {
        "status": ran.status,
        "gap": ran.gap,
        "energy_j": cost.energy_j,
        "latency_s": cost.latency_s,
        "dram_bytes": cost.dram_bytes,
        "macs": cost.total("macs"),
        "phases": {name: _phase(phase, cost.period_fs) for name, phase in ran.phases.items()} or None,
    }


def _phase(phase: PhaseCost, period_fs: int) -> dict[str, Any]:
    return {
        "energy_j": phase.energy_fj / 10**15,
        "latency_s": phase.cycles * period_fs / 10**15,
        "dram_bytes": phase.dram_bytes,
        "macs": phase.macs,
    }
