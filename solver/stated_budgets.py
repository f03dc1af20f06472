"""A study's budgets one by one: listed, read off a design, moved and left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from costmodel import Cost, Design
from costmodel.evaluate import workloads
from solver.quantities import budget_text
from specs.study import Budgets, Goal, Study

FIELDS = {
    "area": "area_um2",
    "sram": "sram_bytes",
    "pes": "pes",
    "latency": "latency_fs",
    "energy": "energy_fj",
    "power": "power_nw",
    "dram_bandwidth": "dram_bytes_per_s",
    "dram_traffic": "dram_bytes",
    "activation_memory": "activation_bytes",
}
"""The field of `Budgets` that each key of a study's ``budgets`` is."""
BASE_UNITS = {
    "area": "um2",
    "sram": "B",
    "pes": "PEs",
    "latency": "fs",
    "energy": "fJ",
    "power": "nW",
    "dram_bandwidth": "B/s",
    "dram_traffic": "B",
    "activation_memory": "B",
}
GOAL_OF: dict[str, Goal] = {
    "area": "area",
    "latency": "latency",
    "energy": "energy",
    "power": "power",
    "dram_traffic": "bandwidth",
}
"""The goal that makes the budgeted number least, where there is one."""
BUDGET_OF: dict[Goal, str] = {
    "area": "area",
    "latency": "latency",
    "throughput": "latency",
    "energy": "energy",
    "power": "power",
    "bandwidth": "dram_traffic",
}
"""The budget that limits what a goal makes least; a product has none."""
SUMS = ("latency", "energy", "dram_traffic")
"""Numbers that add up over the runs of a mix."""


@dataclass(frozen=True)
class StatedBudget:
    """One upper limit of a study.

    Attributes
    ----------
    name
        Its key in a study file.
    limit
        In base units; of a whole mix or, with ``workload``, of one run of that network.
    workload
        Which network of a mix it limits, if not all.
    of
        That network's name.
    """

    name: str
    limit: int
    workload: int | None = None
    of: str = ""

    @property
    def label(self) -> str:
        """How it is spoken of: ``latency of vgg16``."""
        return f"{self.name} of {self.of}" if self.of else self.name

    def __str__(self) -> str:
        return f"{self.label} <= {budget_text(self.name, self.limit)}"


def stated_budgets(study: Study) -> tuple[StatedBudget, ...]:
    """Every budget of a study: those on hardware, on totals, and on single networks of a mix."""

    def of(budgets: Budgets, workload: int | None = None, name: str = "") -> Iterable[StatedBudget]:
        for key, field in FIELDS.items():
            limit = getattr(budgets, field)
            if limit is not None:
                yield StatedBudget(key, limit, workload, name)

    own = (one for i, workload in enumerate(study.mix) for one in of(workload.budgets, i, workload.name))
    return (*of(study.budgets), *own)


def moved(study: Study, budget: StatedBudget, limit: int | None) -> Study:
    """The study with another limit in place of one, or with none."""
    change = {FIELDS[budget.name]: limit}
    if budget.workload is None:
        return replace(study, budgets=replace(study.budgets, **change))
    mix = list(study.mix)
    mix[budget.workload] = replace(mix[budget.workload], budgets=replace(mix[budget.workload].budgets, **change))
    return replace(study, mix=tuple(mix))


def only(study: Study, kept: Iterable[StatedBudget]) -> Study:
    """The study with these budgets and no others."""
    mix = tuple(replace(workload, budgets=Budgets()) for workload in study.mix)
    study = replace(study, budgets=Budgets(), mix=mix)
    for budget in kept:
        study = moved(study, budget, budget.limit)
    return study


def value(study: Study, budget: StatedBudget, design: Design, cost: Cost) -> int:
    """The number of a design that a budget limits, rates rounded up: the least limit that the design keeps."""
    if budget.workload is not None:
        of = workloads(study, design)
        cost = cost.once(i for i, which in enumerate(of) if which == budget.workload)
    if budget.name == "power":
        return -(-cost.energy_fj * 10**9 // cost.latency_fs)
    if budget.name == "dram_bandwidth":
        return -(-cost.dram_bytes * 10**15 // cost.latency_fs)
    return {
        "area": cost.area_um2,
        "sram": design.hardware.sram_bytes,
        "pes": design.hardware.array.pes,
        "latency": cost.latency_fs,
        "energy": cost.energy_fj,
        "dram_traffic": cost.dram_bytes,
        "activation_memory": cost.activation_bytes,
    }[budget.name]


def in_whole_runs(study: Study) -> Study:
    """The same study with every network of its mix run a whole number of times, its budgets on totals as often."""
    mix = tuple(replace(workload, weight=workload.weight * study.num_mixes) for workload in study.mix)
    return replace(study, budgets=study.limits, mix=mix)
