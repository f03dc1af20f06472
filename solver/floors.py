"""How far a design is from what nothing could undercut, and what limits it: the array or the DRAM."""

from __future__ import annotations

from costmodel.limits import network_compulsory_bytes, of_mix
from costmodel.technology import mac_fj
from solver.explanation import Floors, GroupTime
from solver.result import Outcome
from specs.study import Study


def floors_of(study: Study, outcome: Outcome) -> Floors | None:
    """Compare a design with its floors; None without one."""
    if outcome.design is None or outcome.cost is None:
        return None
    hardware, cost = outcome.design.hardware, outcome.cost
    compulsory = float(of_mix(study, network_compulsory_bytes))
    macs = float(of_mix(study, _macs))
    period_s = cost.period_fs / 10**15
    groups = tuple(
        GroupTime(group.layers, part.cycles, part.compute_cycles, hardware.dram_cycles(part.dram_bytes))
        for group, part in zip(outcome.design.groups, cost.groups, strict=True)
    )
    runs = cost.runs or (1,) * len(groups)
    bound = sum(n * group.cycles for n, group in zip(runs, groups, strict=True) if group.is_dram_bound)
    bits = max(study.precision.activation, study.precision.weight)
    return Floors(
        dram_bytes=float(cost.mean("dram_bytes")),
        compulsory_bytes=compulsory,
        latency_s=cost.latency_s,
        compute_s=macs / hardware.array.pes * period_s,
        array_s=float(cost.mean("compute_cycles")) * period_s,
        dram_s=float(cost.mean("dram_bytes")) / hardware.dram.bytes_per_s,
        compulsory_s=compulsory / hardware.dram.bytes_per_s,
        energy_j=cost.energy_j,
        mac_energy_j=macs * mac_fj(study.technology, bits, study.precision.floating) / 10**15,
        compulsory_energy_j=compulsory * hardware.dram.fj_per_byte / 10**15,
        groups=groups,
        dram_bound_share=bound / cost.cycles if cost.cycles else 0.0,
    )


def _macs(study: Study) -> int:
    return study.batch * study.network.macs
