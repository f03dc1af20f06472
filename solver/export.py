"""A result as one JSON object (format ``laminate-design/1``), and a design read back from it."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from costmodel import Cost, Design, DesignError, GroupCost, GroupDesign, Hardware
from costmodel.chunks import cut_channels
from costmodel.design import Order
from costmodel.hardware import hardware_points
from costmodel.legal import group_outputs
from costmodel.regions import axis_plan, group_tensors
from solver.files import write_whole
from solver.result import BASE_UNITS, UNIT_OF_GOAL, Outcome, Result
from specs import describe
from specs.study import Goal, Overlap, Study

FORMAT = "laminate-design/1"
DESIGN_FILE = "design.json"
BASE_UNIT_OF_GOAL: dict[Goal, str] = {"energy": "fJ", "latency": "fs", "bandwidth": "B"}


def package_version(package: str) -> str:
    """Return the version of an installed package; a checkout that was never installed has none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def design_object(result: Result) -> dict[str, Any]:
    """Return the whole result as plain values. Without a design its parts are null, and there are no groups."""
    study, best = result.study, result.best
    baselines = {
        "layer_by_layer": result.layer_by_layer,
        "layer_by_layer_same_hardware": result.layer_by_layer_same_hardware,
    }
    return {
        "format": FORMAT,
        "study": study.name,
        "goal": study.goal,
        **_verdict(study.goal, best),
        "unit": UNIT_OF_GOAL[study.goal],
        "base_unit": BASE_UNIT_OF_GOAL[study.goal],
        "hardware": _hardware(best),
        "totals": _totals(best),
        "layers": {
            layer.name: {"op": layer.op, "macs": layer.macs, "params": layer.params} for layer in study.network.layers
        },
        "groups": _groups(study, best),
        "baseline": {name: outcome and _baseline(study, outcome) for name, outcome in baselines.items()}
        | {
            "saving": saving(best.cost, result.layer_by_layer),
            "saving_same_hardware": saving(best.cost, result.layer_by_layer_same_hardware),
        },
        "space": asdict(result.space),
        "deductions": [asdict(deduction) for deduction in result.deductions],
        "time_s": asdict(result.seconds),
        "versions": {"python": platform.python_version()}
        | {package: package_version(package) for package in ("laminate", "numpy", "ortools")},
        "settings": describe(study),
    }


def json_text(design: dict[str, Any]) -> str:
    """Write the object as JSON text; a NaN is a mistake of ours and raises."""
    return json.dumps(design, indent=2, allow_nan=False)


def write_design(design: dict[str, Any], folder: Path) -> Path:
    """Write ``design.json`` into a folder, whole or not at all, and return its path."""
    path = folder / DESIGN_FILE
    write_whole(path, (json_text(design) + "\n").encode())
    return path


def saving(cost: Cost | None, baseline: Outcome | None) -> dict[str, float | None] | None:
    """Return the fractions of a baseline that a design saves; below 0 where it needs more."""
    if cost is None or baseline is None or baseline.cost is None:
        return None
    ours = (cost.energy_fj, cost.latency_fs, cost.dram_bytes)
    theirs = (baseline.cost.energy_fj, baseline.cost.latency_fs, baseline.cost.dram_bytes)
    fractions = [(old - new) / old if old else None for new, old in zip(ours, theirs, strict=True)]
    return dict(zip(("energy", "latency", "bandwidth"), fractions, strict=True))


def _verdict(goal: Goal, outcome: Outcome) -> dict[str, Any]:
    base = BASE_UNITS[goal]
    return {
        "status": outcome.status,
        "objective": None if outcome.objective is None else outcome.objective / base,
        "bound": None if outcome.bound is None else outcome.bound / base,
        "gap": outcome.gap,
        "objective_base": outcome.objective,
        "bound_base": outcome.bound,
    }


def _baseline(study: Study, outcome: Outcome) -> dict[str, Any]:
    return _verdict(study.goal, outcome) | {"hardware": _hardware(outcome), "totals": _totals(outcome)}


def _hardware(outcome: Outcome) -> dict[str, Any] | None:
    if outcome.design is None or outcome.cost is None:
        return None
    hardware, groups = outcome.design.hardware, outcome.cost.groups
    values = _identity(hardware) | {"pes": hardware.array.pes, "area_mm2": outcome.cost.area_um2 / 10**6}
    if hardware.shared:
        values["feature_buffer_bytes"] = max(group.feature_peak_bytes for group in groups)
        values["weight_buffer_bytes"] = max(group.weight_peak_bytes for group in groups)
    return values


def _identity(hardware: Hardware) -> dict[str, Any]:
    """What tells one hardware point of a study from all others."""
    values = {
        "template": hardware.template,
        **hardware.array.numbers,
        "array": asdict(cast(Any, hardware.array)),
        "clock_hz": hardware.clock_hz,
        "double_buffer": hardware.double_buffer,
        "dram": asdict(hardware.dram),
    }
    if hardware.shared:
        return values | {"shared_buffer_bytes": hardware.feature_bytes}
    return values | {"feature_buffer_bytes": hardware.feature_bytes, "weight_buffer_bytes": hardware.weight_bytes}


def _totals(outcome: Outcome) -> dict[str, Any] | None:
    cost = outcome.cost
    if cost is None:
        return None
    energy_j, latency_s = cost.energy_fj / 10**15, cost.latency_fs / 10**15
    return {
        "energy_j": energy_j,
        "latency_s": latency_s,
        "dram_bytes": cost.dram_bytes,
        "dram_read_bytes": sum(group.dram_read_bytes for group in cost.groups),
        "dram_write_bytes": sum(group.dram_write_bytes for group in cost.groups),
        "edp_js": energy_j * latency_s,
        "power_w": energy_j / latency_s if latency_s else None,
        "macs": sum(group.macs for group in cost.groups),
    }


def _groups(study: Study, outcome: Outcome) -> list[dict[str, Any]]:
    if outcome.design is None or outcome.cost is None:
        return []
    design, cost = outcome.design, outcome.cost
    pairs = zip(design.groups, cost.groups, strict=True)
    return [_group(study, design.hardware, cost.period_fs, group, group_cost) for group, group_cost in pairs]


def _group(study: Study, hardware: Hardware, period_fs: int, group: GroupDesign, cost: GroupCost) -> dict[str, Any]:
    weighty = [name for name in group.layers if study.network.layer(name).has_weights]
    parts_fj = {
        "array": cost.array_fj,
        "feature_buffer": cost.feature_fj,
        "weight_buffer": cost.weight_fj,
        "dram": cost.dram_fj,
        "leakage": cost.leakage_fj,
    }
    return {
        "layers": list(group.layers),
        "macs": cost.macs,
        "tile_grid": [group.tile_rows, group.tile_cols],
        "overlap": group.overlap,
        "order": group.order,
        "channel_splits": group.channel_splits,
        "weights": {name: "resident" if name in group.resident else "streamed" for name in weighty},
        "mapping": _mapping(study, hardware, group),
        "dram_read_bytes": cost.dram_read_bytes,
        "dram_write_bytes": cost.dram_write_bytes,
        "energy_j": cost.energy_fj / 10**15,
        "energy_breakdown_j": {part: energy_fj / 10**15 for part, energy_fj in parts_fj.items()},
        "latency_s": cost.cycles * period_fs / 10**15,
        "cycles": cost.cycles,
        "compute_cycles": cost.compute_cycles,
        "feature_peak_bytes": cost.feature_peak_bytes,
        "weight_peak_bytes": cost.weight_peak_bytes,
    }


def _mapping(study: Study, hardware: Hardware, group: GroupDesign) -> dict[str, Any]:
    """How each layer lies on the array in the group's first tile, beside that tile's channels, rows and columns."""
    network = study.network
    layers = tuple(network.layer(name) for name in group.layers)
    tensors = group_tensors(network, layers, group_outputs(network, group.layers))
    rows = axis_plan(tensors, (group.tile_rows,), 0).fresh[0]
    cols = axis_plan(tensors, (group.tile_cols,), 1).fresh[0]
    mappings = {}
    for i, layer in enumerate(layers):
        chunks = cut_channels(network, layer, group.channel_splits)
        assert chunks is not None
        # A tile whose inputs are padding alone has no rows; one is enough to name a mapping.
        tile = [chunks.largest, max(1, int(rows[i])), max(1, int(cols[i]))]
        mappings[layer.name] = {"tile": tile, **hardware.array.mapping(layer, *tile, study.precision)}
    return mappings
