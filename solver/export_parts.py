"""The parts of a result as plain values in SI units: hardware, totals and groups of one outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, cast

from costmodel import Cost, GroupCost, GroupDesign, Hardware
from costmodel.chunks import cut_channels, cut_inputs
from costmodel.evaluate import workloads
from costmodel.hardware import mapping_terms
from costmodel.kept import decided, kept_in, running
from costmodel.limits import network_compulsory_bytes, network_pebble_bound_bytes, of_mix
from costmodel.plain_regions import RegionPlan, length
from costmodel.template import Tile
from solver.phase_parts import training_object
from solver.result import Outcome
from specs.study import Precision, Study


def hardware_object(outcome: Outcome, precision: Precision) -> dict[str, Any] | None:
    """Return the hardware; of a shared scratchpad also the largest shares that any group takes."""
    if outcome.design is None or outcome.cost is None:
        return None
    hardware, groups = outcome.design.hardware, outcome.cost.groups
    values = hardware_identity(hardware) | {
        "precision_bits": asdict(precision),
        "pes": hardware.array.pes,
        "area_mm2": outcome.cost.area_um2 / 10**6,
    }
    if hardware.shared:
        values["feature_buffer_bytes"] = max(group.feature_peak_bytes for group in groups)
        values["weight_buffer_bytes"] = max(group.weight_peak_bytes for group in groups)
    return values


def hardware_identity(hardware: Hardware) -> dict[str, Any]:
    """Return what tells one hardware point of a study from all others, as it also comes back from JSON."""
    pins = {layer: dict(letters) for layer, letters in hardware.array.pins}
    values = {
        "template": hardware.template,
        **hardware.array.numbers,
        "array": asdict(cast(Any, hardware.array)) | {"pins": pins},
        "clock_hz": hardware.clock_hz,
        "double_buffer": hardware.double_buffer,
        "dram": asdict(hardware.dram),
    }
    if hardware.shared:
        return values | {"shared_buffer_bytes": hardware.feature_bytes}
    return values | {"feature_buffer_bytes": hardware.feature_bytes, "weight_buffer_bytes": hardware.weight_bytes}


def totals_object(outcome: Outcome) -> dict[str, Any] | None:
    """Return what one run of the whole batch costs, or one mix."""
    cost = outcome.cost
    if cost is None:
        return None
    return _totals(cost)


def _totals(cost: Cost) -> dict[str, Any]:
    energy_j, latency_s = cost.energy_j, cost.latency_s
    return {
        "energy_j": energy_j,
        "latency_s": latency_s,
        "dram_bytes": cost.mean("dram_bytes"),
        "dram_read_bytes": cost.mean("dram_read_bytes"),
        "dram_write_bytes": cost.mean("dram_write_bytes"),
        "edp_js": energy_j * latency_s,
        "power_w": energy_j / latency_s if latency_s else None,
        "macs": cost.mean("macs"),
    }


def workload_objects(study: Study, outcome: Outcome) -> list[dict[str, Any]]:
    """Return the networks of a mix, each with what one run of it costs (null without a design)."""
    costs: Sequence[Cost | None] = workload_costs(study, outcome) or [None] * len(study.mix)
    return [
        {
            "name": workload.name,
            "mode": workload.mode,
            "weight": float(workload.weight),
            "num_layers": workload.num_layers,
            "totals": None if cost is None else _totals(cost),
            **training_object(study, outcome, which),
        }
        for which, (workload, cost) in enumerate(zip(study.mix, costs, strict=True))
    ]


def workload_costs(study: Study, outcome: Outcome) -> list[Cost]:
    """Return what one run of each network of a mix costs; nothing without a design."""
    if outcome.design is None or outcome.cost is None:
        return []
    of = workloads(study, outcome.design)
    return [outcome.cost.once(i for i, which in enumerate(of) if which == one) for one in range(len(study.mix))]


def limits_object(study: Study, outcome: Outcome) -> dict[str, int | float] | None:
    """Return DRAM bytes that no schedule undercuts: with any fusion, and layer by layer with these buffers."""
    if outcome.design is None:
        return None
    sram_bytes = outcome.design.hardware.sram_bytes
    return {
        "compulsory_dram_bytes": of_mix(study, network_compulsory_bytes),
        "layer_by_layer_dram_bytes": of_mix(study, lambda one: network_pebble_bound_bytes(one, sram_bytes)),
    }


def group_objects(study: Study, outcome: Outcome) -> list[dict[str, Any]]:
    """Return the fusion groups in the order in which they run, each with its cost."""
    if outcome.design is None or outcome.cost is None:
        return []
    design, cost = outcome.design, outcome.cost
    pairs = zip(design.groups, cost.groups, strict=True)
    return [_group(study, design.hardware, cost.period_fs, group, group_cost) for group, group_cost in pairs]


def _group(study: Study, hardware: Hardware, period_fs: int, group: GroupDesign, cost: GroupCost) -> dict[str, Any]:
    weighty = [name for name in group.layers if study.network.layer(name).has_weights]
    parts_fj = {
        "mac": cost.mac_fj,
        "spad": cost.spad_fj,
        "array_network": cost.network_fj,
        "feature_buffer": cost.feature_fj,
        "weight_buffer": cost.weight_fj,
        "dram": cost.dram_fj,
        "leakage": cost.leakage_fj,
    }
    return {
        "layers": list(running(study.network, group.layers)),
        **({"keeps": list(kept_in(study.network, group.layers))} if decided(study.network) else {}),
        "macs": cost.macs,
        "tile_grid": [group.tile_rows, group.tile_cols],
        "overlap": group.overlap,
        "start": group.start,
        "order": group.order,
        "channel_splits": group.channel_splits,
        "input_splits": group.input_splits,
        "images_per_tile": group.images,
        "weights": {name: "resident" if name in group.resident else "streamed" for name in weighty},
        "mapping_by": group.mapping,
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


def _mapping(study: Study, hardware: Hardware, group: GroupDesign) -> dict[str, dict[str, Any]]:
    """Say how the largest tile of each layer lies on the array."""
    layers = [study.network.layer(name) for name in running(study.network, group.layers)]
    plan, terms = RegionPlan(study.network, layers, group), mapping_terms(study, hardware, group.mapping)
    mappings: dict[str, dict[str, Any]] = {}
    for layer in layers:
        if layer.op == "update":
            mappings[layer.name] = dict(hardware.array.mapping(layer, Tile(1, layer.K, 1, 1, 1), terms))
            continue
        chunks = cut_channels(study.network, layer, group.channel_splits)
        inputs = cut_inputs(study.network, layer, group.input_splits)
        assert chunks is not None
        assert inputs is not None
        rows, cols = (max(length(step.new[layer.name]) for step in steps) for steps in (plan.rows, plan.cols))
        tile = Tile(group.images, chunks.largest, inputs[0][0], rows, cols)
        sizes = {"N": tile.images, "K": tile.channels, "C": tile.input_channels, "P": tile.rows, "Q": tile.cols}
        mappings[layer.name] = {"tile": sizes, **hardware.array.mapping(layer, tile, terms)}
    return mappings
