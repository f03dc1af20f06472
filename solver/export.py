"""A result as one JSON object (format ``laminate-design/1``), and a design read back from it."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from costmodel import Cost, Design, DesignError, GroupDesign, Hardware
from costmodel.design import Order, Start
from costmodel.hardware import hardware_points
from costmodel.template import Preference
from solver.export_parts import (
    group_objects,
    hardware_identity,
    hardware_object,
    limits_object,
    totals_object,
    workload_objects,
)
from solver.files import write_whole
from solver.phase_parts import training_object
from solver.result import BASE_UNITS, UNIT_OF_GOAL, Outcome, Result, mixes_in
from specs import describe
from specs.study import Goal, Overlap, Precision, Study
from specs.training_recompute import with_keepers

FORMAT = "laminate-design/1"
DESIGN_FILE = "design.json"
MODEL_FILE = "model.mps"
CERTIFICATE_FILE = "certificate.json"
BASE_UNIT_OF_GOAL: dict[Goal, str] = {
    "energy": "fJ",
    "latency": "fs",
    "bandwidth": "B",
    "edp": "fJ fs",
    "area": "um2",
    "power": "nW",
    "throughput": "fs",
}


def package_version(package: str) -> str:
    """Return the version of an installed package; a checkout that was never installed has none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def design_object(result: Result) -> dict[str, Any]:
    """Return the whole result as plain values. Without a design its parts are null, and there are no groups."""
    study, best = result.study, result.best
    baselines = {
        "layer_by_layer": (result.layer_by_layer, result.layer_by_layer_precision or study.precision),
        "layer_by_layer_same_hardware": (result.layer_by_layer_same_hardware, study.precision),
    }
    return {
        "format": FORMAT,
        "study": study.name,
        "mode": study.mode,
        "goal": list(study.goals) if study.then else study.goal,
        **_verdict(study.goal, best, study.num_mixes),
        "unit": UNIT_OF_GOAL[study.goal],
        "base_unit": base_unit(study.goal, study.num_mixes),
        "hardware": hardware_object(best, study.precision),
        "totals": totals_object(best),
        "then": [
            {"goal": goal, "unit": UNIT_OF_GOAL[goal], "base_unit": base_unit(goal, study.num_mixes)}
            | _verdict(goal, outcome, study.num_mixes)
            for goal, outcome in zip(study.then, result.then, strict=False)
        ],
        **training_object(study, best),
        "workloads": workload_objects(study, best),
        "limits": limits_object(study, best),
        "layers": {
            layer.name: {"op": layer.op, "macs": layer.macs, "params": layer.params}
            for layer in study.network.layers
            if layer.op not in ("keep", "use")
        },
        "groups": group_objects(study, best),
        "baseline": {
            name: outcome and _baseline(study, outcome, precision) for name, (outcome, precision) in baselines.items()
        }
        | {
            "saving": saving(best.cost, result.layer_by_layer),
            "saving_same_hardware": saving(best.cost, result.layer_by_layer_same_hardware),
        },
        "space": asdict(result.space) | {"designs": _as_number(result.space.designs)},
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


def base_unit(goal: Goal, num_mixes: int) -> str:
    """Name the integer unit of objectives: of a mix a fraction, if its networks run a fraction of a time."""
    mixes = mixes_in(goal, num_mixes)
    return BASE_UNIT_OF_GOAL[goal] if mixes == 1 else f"{BASE_UNIT_OF_GOAL[goal]} / {mixes}"


def _verdict(goal: Goal, outcome: Outcome, num_mixes: int) -> dict[str, Any]:
    base = BASE_UNITS[goal] * mixes_in(goal, num_mixes)
    return {
        "status": outcome.status,
        "objective": None if outcome.objective is None else outcome.objective / base,
        "bound": None if outcome.bound is None else outcome.bound / base,
        "gap": outcome.gap,
        "objective_base": outcome.objective,
        "bound_base": outcome.bound,
    }


def _as_number(count: int) -> int | float | None:
    """Write a count so that every JSON reader can hold it; none can hold more than about 1.8e308."""
    if count < 2**53:
        return count
    return float(count) if count < 10**308 else None


def _baseline(study: Study, outcome: Outcome, precision: Precision) -> dict[str, Any]:
    verdict = _verdict(study.goal, outcome, study.num_mixes)
    return verdict | {"hardware": hardware_object(outcome, precision), "totals": totals_object(outcome)}


class _GroupDoc(BaseModel):
    """What a design file must say of a group; everything else in it is there to be read by people."""

    model_config = ConfigDict(strict=True, extra="ignore")

    layers: list[str] = Field(min_length=1)
    keeps: list[str] = []
    tile_grid: list[int] = Field(min_length=2, max_length=2)
    overlap: Overlap
    weights: dict[str, Literal["resident", "streamed"]]
    order: Order
    channel_splits: int
    input_splits: int
    images_per_tile: int
    start: Start
    mapping_by: Preference

    def design(self) -> GroupDesign:
        resident = frozenset(name for name, how in self.weights.items() if how == "resident")
        tile_rows, tile_cols = self.tile_grid
        return GroupDesign(
            layers=with_keepers(self.layers, self.keeps),
            tile_rows=tile_rows,
            tile_cols=tile_cols,
            overlap=self.overlap,
            resident=resident,
            order=self.order,
            channel_splits=self.channel_splits,
            images=self.images_per_tile,
            input_splits=self.input_splits,
            start=self.start,
            mapping=self.mapping_by,
        )


class _DesignDoc(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    format: Literal["laminate-design/1"]
    hardware: dict[str, Any]
    groups: list[_GroupDoc] = Field(min_length=1)


def with_written_precision(study: Study, design: object) -> Study:
    """Return a study with the one of its precisions that a written design chose.

    Raises
    ------
    DesignError
        If the study has several precisions and the object names none of them.
    """
    if len(study.precision_choices) == 1:
        return study
    hardware = design.get("hardware") if isinstance(design, dict) else None
    written = hardware.get("precision_bits") if isinstance(hardware, dict) else None
    for precision in study.precision_choices:
        if asdict(precision) == written:
            return replace(study, precision=precision)
    raise DesignError("the design's hardware.precision_bits is not a precision of the study")


def design_from_json(study: Study, design: object) -> Design:
    """Read back the design in an object that `design_object` made for the same study.

    Raises
    ------
    DesignError
        If the object is not of this format, holds no design, or names hardware that the study does not list.
        Of several precisions the study must have the design's: see `with_written_precision`.
        Whether the groups are legal and fit is for `costmodel.evaluate` to say.
    """
    try:
        doc = _DesignDoc.model_validate(design)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the design"
        raise DesignError(f"not a design in format {FORMAT}: {where}: {first['msg']}") from None
    return Design(_hardware_point(study, doc.hardware), tuple(group.design() for group in doc.groups))


def _hardware_point(study: Study, values: dict[str, Any]) -> Hardware:
    for point in hardware_points(study):
        identity = hardware_identity(point)
        if identity == {key: values.get(key) for key in identity}:
            return point
    raise DesignError("the design's hardware is not a point of the study")
