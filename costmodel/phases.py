"""What the phases of a training step cost: forward, backward, update; together exactly what the step costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from costmodel.cost import Cost, GroupCost
from costmodel.design import Design, GroupDesign
from costmodel.evaluate import finish_cost, workloads
from costmodel.hardware import prices
from specs.study import Study
from specs.training import kept

JOINED = "forward+backward"
"""Groups that layers of both phases are fused in: what they cost cannot be told apart."""
PHASES = ("forward", JOINED, "backward", "update")


@dataclass(frozen=True)
class PhaseCost:
    """What one phase costs: integers, of one run of the network.

    Attributes
    ----------
    groups
        Fusion groups of which anything belongs to the phase: one whose update is fused with its gradient counts in two.
    """

    groups: int = 0
    macs: int = 0
    cycles: int = 0
    energy_fj: int = 0
    dram_read_bytes: int = 0
    dram_write_bytes: int = 0

    @property
    def dram_bytes(self) -> int:
        return self.dram_read_bytes + self.dram_write_bytes


_COSTS = tuple(field.name for field in fields(PhaseCost) if field.name != "groups")


def phase_costs(study: Study, design: Design, cost: Cost, workload: int = 0) -> dict[str, PhaseCost]:
    """Share out the cost of a design, or of one network of a mix, among the phases that it has.

    The last phase of a group with an update, after its last tile, is *update*: in it parameters and optimizer state
    come, change and go (and with them what other sums of the group leave). All else goes to the phase of the group's
    layers, or to a line of its own if they are of both passes.
    """
    price = prices(study, design.hardware)
    found: dict[str, list[tuple[int, ...]]] = {}
    of = workloads(study, design)
    for group, part, which in zip(design.groups, cost.groups, of, strict=True):
        if which != workload:
            continue
        whole = _numbers(part)
        if "update" in _phases(study, group):
            end = _numbers(finish_cost(study, design.hardware, price, group))
            found.setdefault("update", []).append(end)
            whole = tuple(one - other for one, other in zip(whole, end, strict=True))
        name = phase_of(study, group)
        if name != "update":
            found.setdefault(name, []).append(whole)
    return {name: _added(found[name]) for name in PHASES if name in found}


def kept_bytes(study: Study) -> int:
    """Bytes of all maps and masks that the forward pass of a step leaves for the backward pass, for the whole batch."""
    act = study.precision.activation_bytes
    shapes = kept(study.network).values()
    return study.batch * sum(shape.pixel_bytes(act) * shape.rows * shape.cols for shape in shapes)


def phase_of(study: Study, group: GroupDesign) -> str:
    """Name the phase of a group's tiles; of an update alone, which has none, ``update``."""
    phases = _phases(study, group) - {"update"}
    return JOINED if len(phases) > 1 else next(iter(phases), "update")


def _phases(study: Study, group: GroupDesign) -> set[str]:
    return {study.network.layer(name).phase for name in group.layers}


def _numbers(cost: GroupCost) -> tuple[int, ...]:
    return tuple(int(getattr(cost, name)) for name in _COSTS)


def _added(parts: Iterable[tuple[int, ...]]) -> PhaseCost:
    parts = list(parts)
    return PhaseCost(len(parts), **dict(zip(_COSTS, map(sum, zip(*parts, strict=True)), strict=True)))
