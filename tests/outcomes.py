"""What the solver finds, held against brute force."""

from __future__ import annotations

from brute_force import brute_force, total_of
from costmodel import evaluate
from costmodel.limits import network_compulsory_bytes, network_pebble_bound_bytes
from solver import Outcome
from specs.study import Study


def chunks(seeds: range, size: int) -> list[range]:
    return [seeds[i : i + size] for i in range(0, len(seeds), size)]


def check_outcome(study: Study, found: Outcome, label: str) -> None:
    """Compare one outcome of the solver with brute force: status, objective, bound, and the design itself."""
    status, objective, _ = brute_force(study)
    label = f"{label}, goal {study.goal}, {study.budgets}"
    assert found.status == status, label
    assert found.objective == objective, label
    if status == "infeasible":
        assert found.design is None, label
        return
    assert found.bound == objective, label
    assert found.design is not None, label
    assert found.cost == evaluate(study, found.design), label
    assert found.cost.dram_bytes >= network_compulsory_bytes(study), label
    if study.fusion.max_layers == 1:
        assert found.cost.dram_bytes >= network_pebble_bound_bytes(study, found.design.hardware.sram_bytes), label
    total = total_of(study, found.design)
    assert total.objective(study) == objective, label
    assert total.keeps(study.budgets), label
