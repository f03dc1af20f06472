"""A design's fusion groups beside the same layers one by one: the data that several figures draw."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel import Cost, Design, GroupCost
from plots.style import NothingToDrawError
from solver.result import Outcome, Result


@dataclass(frozen=True)
class GroupRow:
    """One fusion group of the best design, with what its layers cost in the layer-by-layer design.

    Attributes
    ----------
    number
        As in the report's table, from 1.
    runs
        How often it runs in one run of the study: in a mix not always a whole number of times.
    apart
        The groups of the layer-by-layer design that its layers are; nothing without such a design.
    """

    number: int
    layers: tuple[str, ...]
    runs: float
    fused: GroupCost
    apart: tuple[GroupCost, ...]

    def total(self, part: str) -> float:
        """Sum up a part of the cost (``dram_fj``, ``cycles``, ...) over all runs."""
        return self.runs * float(getattr(self.fused, part))

    def total_apart(self, part: str) -> float:
        """Sum up the same part, layer by layer."""
        return self.runs * float(sum(getattr(cost, part) for cost in self.apart))


def solved_design(result: Result) -> tuple[Design, Cost]:
    """Return the best design with its cost.

    Raises
    ------
    NothingToDrawError
        If there is none.
    """
    if result.design is None or result.cost is None:
        raise NothingToDrawError(f"there is nothing to draw: {result.study.name} has no design")
    return result.design, result.cost


def group_rows(result: Result, baseline: Outcome | None) -> list[GroupRow]:
    """Line up the groups of the best design with the same layers of a design without fusion."""
    design, cost = solved_design(result)
    by_layer: dict[str, GroupCost] = {}
    if baseline is not None and baseline.design is not None and baseline.cost is not None:
        pairs = zip(baseline.design.groups, baseline.cost.groups, strict=True)
        by_layer = {name: price for group, price in pairs for name in group.layers}
    runs = cost.runs or (1,) * len(cost.groups)
    return [
        GroupRow(
            number,
            group.layers,
            times / cost.num_mixes,
            price,
            tuple(by_layer[name] for name in group.layers) if by_layer else (),
        )
        for number, (group, price, times) in enumerate(zip(design.groups, cost.groups, runs, strict=True), 1)
    ]
