"""A resolved study as plain JSON-able values: every setting, those left out included, units in the key names."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from specs.network import Network
from specs.study import AcceleratorSpec, Study, Technology, Workload


def describe(study: Study) -> dict[str, Any]:
    """Return everything that a study states or leaves to a default, in base units.

    The network is told by its name, source, inputs, outputs and counts; its layers are not listed.
    """
    return {
        "name": study.name,
        "network": _network(study.network),
        "mix": [_workload(workload) for workload in study.mix],
        "mode": study.mode,
        "optimizer": study.optimizer if study.trains else None,
        "recompute": list(study.network.keepers),
        "batch": study.batch,
        "precision_bits": _one_or_all([asdict(precision) for precision in study.precision_choices]),
        "accelerators": [_accelerator(accelerator) for accelerator in study.accelerators],
        "buffers": _plain(asdict(study.buffers)),
        "technology": _technology(study.technology),
        "dram": [asdict(dram) for dram in study.dram],
        "fusion": _plain(asdict(study.fusion)),
        "tiling": {key: "all" if value is None else _plain(value) for key, value in asdict(study.tiling).items()},
        "goal": list(study.goals) if study.then else study.goal,
        "budgets": asdict(study.budgets),
    }


def _network(network: Network) -> dict[str, Any]:
    return {
        "name": network.name,
        "source": network.source,
        "inputs": {name: [shape.channels, shape.rows, shape.cols] for name, shape in network.inputs},
        "outputs": list(network.outputs),
        "num_layers": len(network.layers),
        "macs": network.macs,
        "params": network.params,
    }


def _workload(workload: Workload) -> dict[str, Any]:
    budgets = {name: limit for name, limit in asdict(workload.budgets).items() if limit is not None}
    return {
        "name": workload.name,
        "weight": str(workload.weight),
        "mode": workload.mode,
        "num_layers": workload.num_layers,
        "budgets": budgets,
    }


def _accelerator(accelerator: AcceleratorSpec) -> dict[str, Any]:
    """Tell the template, each of its numbers as the list it may be chosen from, and the pinned mappings."""
    return {
        "template": accelerator.template,
        **{key: list(values) for key, values in accelerator.numbers},
        "clock_hz": list(accelerator.clock_hz),
        "double_buffer": accelerator.double_buffer,
        "skip_zeros": accelerator.skip_zeros,
        "mapping": {layer: dict(letters) for layer, letters in accelerator.mapping},
    }


def _technology(technology: Technology) -> dict[str, Any]:
    plain: dict[str, Any] = _plain(asdict(technology))
    for unit in ("mac", "add", "float_mac", "float_add"):
        plain[unit] = {f"{bits}_bits": cost for bits, cost in plain[unit]}
    return plain


def _one_or_all(choices: list[dict[str, Any]]) -> dict[str, Any] | list[dict[str, Any]]:
    return choices[0] if len(choices) == 1 else choices


def _plain(value: Any) -> Any:
    """Make tuples lists, all the way down."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
