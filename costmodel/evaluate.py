"""The plain reading: what a design costs, one group after another, one tile after another.

Nothing here is shared with the candidate table that feeds the solver, apart from the accelerators' own
tile formulas: regions (`plain_regions`), live tensors, traffic and time (`plain_sweep`), the loop orders of a
layer alone (`plain_alone`) are written out a second time, to be checked by eye. Lengths are rows and columns,
sizes bytes, time array cycles, energy fJ.
"""

from __future__ import annotations

from dataclasses import fields, replace

from costmodel.beside_maps import chunk_words, finish, kept_bytes, word_bytes
from costmodel.cost import Cost, GroupCost
from costmodel.design import Design, GroupDesign, Hardware
from costmodel.hardware import Prices, mapping_terms, prices
from costmodel.kept import activation_bytes, map_bytes
from costmodel.legal import DesignError, check_design
from costmodel.plain_alone import layer_alone
from costmodel.plain_alone import sweeps as sweeps_alone
from costmodel.plain_alone import weight_peak as weight_peak_alone
from costmodel.plain_regions import RegionPlan
from costmodel.plain_sweep import Sweep, add_so_often, double_buffer_bytes, fused_sweep, peak, sweep_cycles
from specs.network import Layer
from specs.study import Study


def evaluate(study: Study, design: Design) -> Cost:
    """Cost a design.

    Raises
    ------
    DesignError
        If the groups do not cover the network once, cannot run in their order, use a tiling that does not
        exist, or need more than a buffer holds. Budgets are not looked at.
    """
    check_design(study, design)
    price = prices(study, design.hardware)
    costs = tuple(group_cost(study, design.hardware, price, group) for group in design.groups)
    return Cost(
        groups=costs,
        period_fs=design.hardware.period_fs,
        area_um2=price.area_um2,
        runs=tuple(study.runs[which] for which in workloads(study, design)) if study.mix else (),
        num_mixes=study.num_mixes,
        activation_bytes=_activation_bytes(study, design),
    )


def _activation_bytes(study: Study, design: Design) -> int:
    """Maps and masks that groups leave in DRAM for the backward pass."""
    groups = [[study.network.layer(name) for name in group.layers] for group in design.groups]
    decided = [layer for layers in groups for layer in layers if layer.op == "keep"]
    return sum(activation_bytes(study, layers) for layers in groups) + sum(map_bytes(study, one) for one in decided)


def workloads(study: Study, design: Design) -> tuple[int, ...]:
    """Which network of a mix each group is of; 0 without a mix."""
    return tuple(study.workload_of[study.network.index[group.layers[0]]] for group in design.groups)


def group_cost(study: Study, hardware: Hardware, price: Prices, group: GroupDesign) -> GroupCost:
    """Cost one legal group; raises `DesignError` if it does not fit."""
    sweeps, weight_peak = group_sweeps(study, hardware, group)
    parts = [(number, _sweep_cost(hardware, price, sweep)) for number, sweep in sweeps]
    cost = replace(_sum(parts), weight_peak_bytes=weight_peak)
    _check_fits(hardware, group, cost.feature_peak_bytes, weight_peak)
    return cost


def finish_cost(study: Study, hardware: Hardware, price: Prices, group: GroupDesign) -> GroupCost:
    """Cost what a legal group does after its last tiles: a part of its cost, beside which the rest is its tiles'."""
    sweeps, _ = group_sweeps(study, hardware, group)
    ends = [(number, replace(sweep, visits=[], stays_bytes=0)) for number, sweep in sweeps]
    return _sum([(number, _sweep_cost(hardware, price, end)) for number, end in ends])


def group_sweeps(study: Study, hardware: Hardware, group: GroupDesign) -> tuple[list[tuple[int, Sweep]], int]:
    """Lay out one legal group: its sweeps, each with how often it runs, and its need of the weight buffer."""
    layers = [study.network.layer(name) for name in group.layers]
    plan, terms = RegionPlan(study.network, layers, group), mapping_terms(study, hardware, group.mapping)
    if group.order == "fused" or not plan.layers:
        sweep = fused_sweep(study, hardware, group, plan, terms)
        return [(1, sweep)], _weight_peak(study, hardware, layers, group)
    alone = layer_alone(study, hardware, group, plan, terms)
    return list(sweeps_alone(alone)), weight_peak_alone(alone)


def _sum(parts: list[tuple[int, GroupCost]]) -> GroupCost:
    """Add up costs, each so many times; the largest needs of buffers."""
    sums = {field.name: sum(n * getattr(cost, field.name) for n, cost in parts) for field in fields(GroupCost)}
    peaks = {name: max(getattr(cost, name) for _, cost in parts) for name in sums if name.endswith("_peak_bytes")}
    return GroupCost(**(sums | peaks))


def _check_fits(hardware: Hardware, group: GroupDesign, feature_peak: int, weight_peak: int) -> None:
    name = "+".join(group.layers)
    if hardware.shared:
        if feature_peak + weight_peak > hardware.feature_bytes:
            raise DesignError(
                f"group {name} needs {feature_peak + weight_peak} bytes of the shared buffer's {hardware.feature_bytes}"
            )
    elif feature_peak > hardware.feature_bytes:
        raise DesignError(f"group {name} needs {feature_peak} bytes of the feature buffer's {hardware.feature_bytes}")
    elif weight_peak > hardware.weight_bytes:
        raise DesignError(f"group {name} needs {weight_peak} bytes of the weight buffer's {hardware.weight_bytes}")


def _weight_peak(study: Study, hardware: Hardware, layers: list[Layer], group: GroupDesign) -> int:
    """Resident words, and room for one layer that streams and for a parameter of one update."""
    resident = sum(kept_bytes(study, layer) for layer in layers if layer.name in group.resident)
    copies = 2 if hardware.double_buffer else 1
    chunks = [
        chunk_words(hardware.array, layer, layer.K, layer.C // layer.G) * word_bytes(study, layer)
        for layer in layers
        if layer.has_weights and layer.name not in group.resident
    ]
    return resident + copies * (max(chunks, default=0) + finish(study, layers).room_bytes)


def _sweep_cost(hardware: Hardware, price: Prices, sweep: Sweep) -> GroupCost:
    """Add up one sweep; weights that stay are loaded with the first visit."""
    visits = sweep.different
    work = add_so_often([(number, visit.work) for number, visit in visits])
    loads = sum(number * visit.load_bytes for number, visit in visits)
    stores = sum(number * visit.store_bytes for number, visit in visits)
    weights = sweep.stays_bytes + sum(number * visit.stream_bytes for number, visit in visits)
    sums, end = sweep.sums_bytes * max(0, len(sweep.visits) - 1), sweep.finish
    weight_read = work.weight_read_bytes + sums + end.weight_read_bytes
    weight_write = work.weight_write_bytes + weights + sums + end.weight_write_bytes
    dram_read, dram_write = loads + weights + sums + end.moved.load, stores + sums + end.moved.store
    feature_read, feature_write = work.feature_read_bytes + stores, work.feature_write_bytes + loads
    cycles = sweep_cycles(hardware, sweep)
    room = double_buffer_bytes(hardware, sweep)
    return GroupCost(
        macs=sum(number * visit.macs for number, visit in visits),
        compute_cycles=work.cycles + sweep.finish_cycles,
        cycles=cycles,
        dram_read_bytes=dram_read,
        dram_write_bytes=dram_write,
        feature_read_bytes=feature_read,
        feature_write_bytes=feature_write,
        weight_read_bytes=weight_read,
        weight_write_bytes=weight_write,
        feature_peak_bytes=peak(v.live_bytes for _, v in visits) + peak(v.ahead_bytes for _, v in visits) + room,
        weight_peak_bytes=0,
        mac_fj=work.mac_fj + sweep.finish_fj,
        spad_fj=work.spad_fj,
        network_fj=work.network_fj,
        feature_fj=feature_read * price.feature_read_fj + feature_write * price.feature_write_fj,
        weight_fj=weight_read * price.weight_read_fj + weight_write * price.weight_write_fj,
        dram_fj=(dram_read + dram_write) * price.dram_fj,
        leakage_fj=cycles * price.leakage_fj_per_cycle,
    )
