"""The plain reading: what a design costs, one group after another, one tile after another.

Nothing here is shared with the candidate table that feeds the solver, apart from the accelerators' own
tile formulas: regions (`plain_regions`), live tensors, traffic and time (`plain_sweep`), the loop orders of a
layer alone (`plain_alone`) are written out a second time, to be checked by eye. Lengths are rows and columns,
sizes bytes, time array cycles, energy fJ.
"""

from __future__ import annotations

from dataclasses import fields

from costmodel.cost import Cost, GroupCost
from costmodel.design import Design, GroupDesign, Hardware
from costmodel.hardware import Prices, mapping_terms, prices
from costmodel.legal import DesignError, check_design
from costmodel.plain_alone import layer_alone
from costmodel.plain_alone import sweeps as sweeps_alone
from costmodel.plain_alone import weight_peak as weight_peak_alone
from costmodel.plain_regions import RegionPlan
from costmodel.plain_sweep import Sweep, add_works, double_buffer_bytes, fused_sweep, sweep_cycles, weight_bytes
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
    )


def workloads(study: Study, design: Design) -> tuple[int, ...]:
    """Which network of a mix each group is of; 0 without a mix."""
    return tuple(study.workload_of[study.network.index[group.layers[0]]] for group in design.groups)


def group_cost(study: Study, hardware: Hardware, price: Prices, group: GroupDesign) -> GroupCost:
    """Cost one legal group; raises `DesignError` if it does not fit."""
    layers = [study.network.layer(name) for name in group.layers]
    plan, terms = RegionPlan(study.network, layers, group), mapping_terms(study, hardware, group.mapping)
    if group.order == "fused":
        sweeps = [(1, fused_sweep(study, hardware, group, plan, terms))]
        weight_peak = _weight_peak(study, hardware, layers, group)
    else:
        alone = layer_alone(study, hardware, group, plan, terms)
        sweeps = list(sweeps_alone(alone))
        weight_peak = weight_peak_alone(alone)
    parts = [(number, _sweep_cost(hardware, price, sweep)) for number, sweep in sweeps]
    feature_peak = max(cost.feature_peak_bytes for _, cost in parts)
    _check_fits(hardware, group, feature_peak, weight_peak)
    sums = {field.name: sum(n * getattr(cost, field.name) for n, cost in parts) for field in fields(GroupCost)}
    return GroupCost(**(sums | {"feature_peak_bytes": feature_peak, "weight_peak_bytes": weight_peak}))


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
    """Resident weights, and room for one layer that streams."""
    resident = sum(weight_bytes(study, layer) for layer in layers if layer.name in group.resident)
    copies = 2 if hardware.double_buffer else 1
    chunk_words = [
        hardware.array.weight_chunk_words(layer, layer.K, layer.C // layer.G)
        for layer in layers
        if layer.has_weights and layer.name not in group.resident
    ]
    return resident + copies * max(chunk_words, default=0) * study.precision.weight_bytes


def _sweep_cost(hardware: Hardware, price: Prices, sweep: Sweep) -> GroupCost:
    """Add up one sweep; weights that stay are loaded with the first visit."""
    visits = sweep.visits
    work = add_works([visit.work for visit in visits])
    loads, stores = sum(visit.load_bytes for visit in visits), sum(visit.store_bytes for visit in visits)
    weights = sweep.stays_bytes + sum(visit.stream_bytes for visit in visits)
    feature_read, feature_write = work.feature_read_bytes + stores, work.feature_write_bytes + loads
    cycles = sweep_cycles(hardware, sweep)
    room = double_buffer_bytes(hardware, sweep)
    return GroupCost(
        macs=sum(visit.macs for visit in visits),
        compute_cycles=work.cycles,
        cycles=cycles,
        dram_read_bytes=loads + weights,
        dram_write_bytes=stores,
        feature_read_bytes=feature_read,
        feature_write_bytes=feature_write,
        weight_read_bytes=work.weight_read_bytes,
        weight_write_bytes=work.weight_write_bytes + weights,
        feature_peak_bytes=max(v.live_bytes for v in visits) + max(v.ahead_bytes for v in visits) + room,
        weight_peak_bytes=0,
        mac_fj=work.mac_fj,
        spad_fj=work.spad_fj,
        network_fj=work.network_fj,
        feature_fj=feature_read * price.feature_read_fj + feature_write * price.feature_write_fj,
        weight_fj=work.weight_read_bytes * price.weight_read_fj
        + (work.weight_write_bytes + weights) * price.weight_write_fj,
        dram_fj=(loads + weights + stores) * price.dram_fj,
        leakage_fj=cycles * price.leakage_fj_per_cycle,
    )
