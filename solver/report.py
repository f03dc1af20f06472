"""The answer as a person reads it: the hardware, what it costs, its fusion groups, and what is proven."""

from __future__ import annotations

import textwrap

from costmodel import Cost, Design, Hardware
from costmodel.limits import network_compulsory_bytes, network_pebble_bound_bytes, of_mix
from solver.export_parts import workload_costs
from solver.group_table import LEGEND, LEGEND_OF_MIX, LEGEND_OF_TRAINING, WIDTH, aligned, group_table
from solver.phase_parts import decides, kept_of, recomputed, trained
from solver.phase_table import phase_tables
from solver.quantities import area_text, change, engineering, percent, percent_at_most, stated
from solver.result import Outcome, Result
from solver.statements import budget_texts, verdict
from specs.study import Goal, Precision, Study
from specs.units import size_text

GOAL_TEXTS: dict[Goal, str] = {
    "energy": "least energy",
    "latency": "least latency",
    "bandwidth": "least DRAM traffic",
    "edp": "least energy-delay product",
    "area": "least area",
    "power": "least power",
    "throughput": "most images per second",
}


def report(result: Result) -> str:
    """Write a result as text of about a hundred columns, the proof's verdict last."""
    blocks = [[_title(result)]]
    if result.design is not None and result.cost is not None:
        blocks += [
            _facts(result, result.design.hardware, result.cost),
            _workloads(result),
            phase_tables(result.study, result.best),
            [*group_table(result.study, result.design, result.cost), *(f"  {line}" for line in _legend(result.study))],
            _savings(result, result.cost),
        ]
    blocks.append(textwrap.wrap(verdict(result), WIDTH, break_long_words=False, break_on_hyphens=False))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _legend(study: Study) -> tuple[str, ...]:
    return (*LEGEND, *[LEGEND_OF_TRAINING] * study.trains, *[LEGEND_OF_MIX] * bool(study.mix))


def _title(result: Result) -> str:
    study = result.study
    batch = "one image" if study.batch == 1 else f"{study.batch} images"
    name = f"a mix of {len(study.mix)} network{'s' * (len(study.mix) > 1)}" if study.mix else study.network.name
    if study.trains and not study.mix:
        name = f"a training step of {name} ({study.optimizer})"
    layers = sum(not layer.copy_of for layer in study.network.layers)
    network = f"{name}, {layers} layers, {batch}, {study.technology.name}"
    return f"{study.name}: {', then '.join(GOAL_TEXTS[goal] for goal in study.goals)} for {network}"


def accelerator_text(hardware: Hardware) -> str:
    """Name an accelerator with its numbers, as in ``vwa (blocks 8, rows 7, taps 3)``."""
    numbers = ", ".join(f"{name} {number}" for name, number in hardware.array.numbers.items())
    return f"{hardware.template} ({numbers})"


def buffers_text(hardware: Hardware) -> str:
    """Name the buffers with their sizes."""
    if hardware.shared:
        return f"{size_text(hardware.feature_bytes)} shared by features and weights"
    return f"feature {size_text(hardware.feature_bytes)}, weight {size_text(hardware.weight_bytes)}"


def _facts(result: Result, hardware: Hardware, cost: Cost) -> list[str]:
    limits = {name: f"budget {text}" for name, text in budget_texts(result.study.budgets).items()}
    limits |= {name: f"{limits[name]} in all" for name in ("sram", "pes") if name in limits}
    buffering = "double-buffered" if hardware.double_buffer else "single-buffered"
    pes = f"{hardware.array.pes} PEs at {stated(hardware.clock_hz, 'Hz')}, {buffering}"
    energy_j, latency_s, traffic = cost.energy_j, cost.latency_s, cost.mean("dram_bytes")
    images = float(result.study.batch * sum(workload.weight for workload in result.study.mix) or result.study.batch)
    reads, writes = (engineering(cost.mean(part), "B") for part in ("dram_read_bytes", "dram_write_bytes"))
    facts = [
        ("accelerator", f"{accelerator_text(hardware)}: {pes}", "pes"),
        *_precision(result.study),
        ("buffers", buffers_text(hardware), "sram"),
        ("DRAM", f"{hardware.dram.name}, {stated(hardware.dram.bytes_per_s, 'B/s')}", ""),
        ("area", area_text(cost.area_um2), "area"),
        ("energy", f"{engineering(energy_j, 'J')} ({_energy_shares(cost)})", "energy"),
        ("latency", engineering(latency_s, "s"), "latency"),
        ("DRAM traffic", f"{engineering(traffic, 'B')} ({reads} read, {writes} written)", "dram_traffic"),
        ("", f"{engineering(traffic / latency_s, 'B/s')} on average" if latency_s else "", "dram_bandwidth"),
        ("", _limits(result.study, hardware, cost), ""),
        *_kept(result.study, result.design, cost),
        ("EDP", engineering(energy_j * latency_s, "J s"), ""),
        ("power", engineering(energy_j / latency_s, "W") if latency_s else "n/a", "power"),
        ("throughput", f"{engineering(images / latency_s, 'images/s')}" if latency_s else "n/a", ""),
    ]
    return [f"  {name:<14}{'; '.join(filter(None, (text, limits.get(limit, ''))))}" for name, text, limit in facts]


def _kept(study: Study, design: Design | None, cost: Cost) -> list[tuple[str, str, str]]:
    """Tell what waits for backward passes, and what is made again in them."""
    networks = trained(study)
    if not networks:
        return []
    if decides(study) and design is not None:
        names = recomputed(study, design)
        again = f"{len(names)} made again: {', '.join(names)}" if names else "none made again"
        kept = f"{engineering(cost.activation_bytes, 'B')} of {engineering(kept_of(study, 0), 'B')} kept in DRAM"
        first, *more = textwrap.wrap(f"{kept}, {again}", WIDTH - 16, break_long_words=False, break_on_hyphens=False)
        return [("activations", first, "" if more else "activation_memory")] + [
            ("", line, "activation_memory" * (line is more[-1])) for line in more
        ]
    text = " and ".join(engineering(kept_of(study, which), "B") for which in networks)
    return [("activations", f"{text} of maps and masks wait for the backward pass", "")]


def _precision(study: Study) -> list[tuple[str, str, str]]:
    """Tell the precision where it was a decision."""
    listed = len(study.precision_choices)
    if listed == 1:
        return []
    return [
        (
            "precision",
            f"{precision_text(study.precision)}, one of {listed} (what it does to accuracy: not modelled)",
            "",
        )
    ]


def precision_text(precision: Precision) -> str:
    """Name a precision."""
    return f"activations {precision.activation}, weights {precision.weight}, partial sums {precision.partial_sum} bits"


def _workloads(result: Result) -> list[str]:
    """What one run of each network of a mix costs; nothing without a mix."""
    rows = []
    costs = workload_costs(result.study, result.best)
    for number, (workload, cost) in enumerate(zip(result.study.mix, costs, strict=False), 1):
        limits = ", ".join(f"{name} {text}" for name, text in budget_texts(workload.budgets).items())
        totals = (engineering(cost.energy_j, "J"), engineering(cost.latency_s, "s"), engineering(cost.dram_bytes, "B"))
        rows.append(
            (f"[{number}] {workload.name}", f"{float(workload.weight):g}", str(workload.num_layers), *totals, limits)
        )
    if not rows:
        return []
    header = ("one run of", "weight", "layers", "energy", "latency", "DRAM traffic", "budgets")
    return aligned([header, *rows], (True, False, False, False, False, False, True))


def _limits(study: Study, hardware: Hardware, cost: Cost) -> str:
    """How far the traffic lies above what nothing in the model can undercut; see `costmodel.limits`."""
    least = of_mix(study, network_compulsory_bytes)
    apart = of_mix(study, lambda one: network_pebble_bound_bytes(one, hardware.sram_bytes))
    return (
        f"{cost.mean('dram_bytes') / least:.2f} x the least with any fusion, {engineering(least, 'B')}; "
        f"layer by layer at least {engineering(apart, 'B')}"
    )


def _energy_shares(cost: Cost) -> str:
    parts = {
        "array": cost.total("array_fj"),
        "feature buffer": cost.total("feature_fj"),
        "weight buffer": cost.total("weight_fj"),
        "DRAM": cost.total("dram_fj"),
        "leakage": cost.total("leakage_fj"),
    }
    total = max(1, cost.energy_fj)
    return ", ".join(f"{name} {percent(energy_fj / total)}" for name, energy_fj in parts.items())


def _savings(result: Result, cost: Cost) -> list[str]:
    if result.study.fusion.max_layers == 1:
        return ["  fusion is off: this is layer-by-layer at its best"]
    baselines = {
        "on its own best hardware": result.layer_by_layer,
        "on the same hardware": result.layer_by_layer_same_hardware,
    }
    rows = [_saving_row(where, outcome, cost) for where, outcome in baselines.items() if outcome is not None]
    if not rows:
        return []
    header = ("against layer-by-layer", "energy", "latency", "DRAM traffic", "its proof")
    lines = aligned([header, *rows], (True, False, False, False, True))
    best = result.layer_by_layer
    if best is not None and best.design is not None:
        hardware = best.design.hardware
        lines.append(f"  its own best hardware: {accelerator_text(hardware)}; buffers: {buffers_text(hardware)}")
        if result.layer_by_layer_precision not in (None, result.study.precision):
            lines.append(f"  its own best precision: {precision_text(result.layer_by_layer_precision)}")
    return lines


def _saving_row(where: str, outcome: Outcome, cost: Cost) -> tuple[str, str, str, str, str]:
    theirs = outcome.cost
    if theirs is None:
        does_not_run = {"infeasible": "none keeps the budgets (proven)", "unknown": "none found in time"}
        return (where, "n/a", "n/a", "n/a", does_not_run.get(outcome.status, outcome.status))
    gap = outcome.gap
    proof = "optimal" if outcome.status == "optimal" else f"gap {percent_at_most(gap)}" if gap is not None else "none"
    return (
        where,
        f"{engineering(theirs.energy_j, 'J')} {change(cost.energy_fj, theirs.energy_fj):>7}",
        f"{engineering(theirs.latency_s, 's')} {change(cost.latency_fs, theirs.latency_fs):>7}",
        f"{engineering(theirs.mean('dram_bytes'), 'B')} {change(cost.dram_bytes, theirs.dram_bytes):>7}",
        proof,
    )
