"""What the phases of each trained network of a result cost, ready for a report or an export."""

from __future__ import annotations

from typing import Any

from costmodel import Design
from costmodel.kept import decided, made_again
from costmodel.phases import PhaseCost, kept_bytes, phase_costs
from solver.result import Outcome
from specs.mix import alone
from specs.study import Study


def trained(study: Study) -> list[int]:
    """Which networks of a mix are trained; 0 stands for the only network."""
    modes = [workload.mode for workload in study.mix] or [study.mode]
    return [which for which, mode in enumerate(modes) if mode == "training"]


def kept_of(study: Study, workload: int) -> int:
    """Bytes that the forward pass of a trained network leaves for its backward pass."""
    return kept_bytes(alone(study, workload) if study.mix else study)


def phases_of(study: Study, outcome: Outcome, workload: int) -> dict[str, PhaseCost]:
    """What one run of a trained network costs, phase by phase; nothing without a design."""
    if outcome.design is None or outcome.cost is None:
        return {}
    return phase_costs(study, outcome.design, outcome.cost, workload)


def training_object(study: Study, outcome: Outcome, workload: int = 0) -> dict[str, Any]:
    """Return what a result says of a network because it is trained: nulls if it is not."""
    if workload not in trained(study):
        return {"optimizer": None, "kept_bytes": None, "phases": None}
    phases = phases_of(study, outcome, workload)
    return {
        "optimizer": study.optimizer,
        "kept_bytes": kept_of(study, workload),
        **activations_object(study, outcome),
        "phases": {name: _phase(study, outcome, phase) for name, phase in phases.items()} or None,
    }


def activations_object(study: Study, outcome: Outcome) -> dict[str, Any]:
    """Say what a design keeps in DRAM and what it makes again; nothing where neither was asked for."""
    if not decides(study):
        return {}
    if outcome.design is None or outcome.cost is None:
        return {"activation_bytes": None, "recomputed": None}
    return {"activation_bytes": outcome.cost.activation_bytes, "recomputed": recomputed(study, outcome.design)}


def decides(study: Study) -> bool:
    """Whether activations may be recomputed, or what is kept of them is limited."""
    return decided(study.network) or study.budgets.activation_bytes is not None


def recomputed(study: Study, design: Design) -> list[str]:
    """Activations that a design makes again, in the order in which it does."""
    return [name for group in design.groups for name in made_again(study.network, group.layers)]


def _phase(study: Study, outcome: Outcome, phase: PhaseCost) -> dict[str, Any]:
    return {
        "groups": phase.groups,
        "energy_j": phase.energy_fj / 10**15,
        "latency_s": latency_s(outcome, phase),
        "dram_bytes": phase.dram_bytes,
        "dram_read_bytes": phase.dram_read_bytes,
        "dram_write_bytes": phase.dram_write_bytes,
        "macs": phase.macs,
    }


def latency_s(outcome: Outcome, phase: PhaseCost) -> float:
    """How long a phase takes."""
    assert outcome.cost is not None
    return phase.cycles * outcome.cost.period_fs / 10**15
