"""The bounds in a certificate, computed again without the solver: whole table, plain sums, one path at a time.

Nothing here comes from `solver.bounds`, `solver.paths` or `solver.rounds`. The table is built whole, also where the
solver left groups unpriced. Sums are Python integers wherever 64 bits could be too few.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from costmodel.table import CandidateTable, FamilyTable, build_table, price_rows
from costmodel.template import Ints
from solver.export_parts import hardware_identity
from specs.study import Study

_ROOM = 2**62


def recheck(study: Study, certificate: dict[str, Any], table: CandidateTable | None = None) -> list[str]:
    """Return what is wrong with the certificate's points: one line for each, nothing if all is right.

    Parameters
    ----------
    table
        The study's whole table, if it is at hand.
    """
    table = table or build_table(study)
    deductions = certificate["deductions"]
    told = {point["point"]: point for point in deductions["points"]}
    if sorted(told) != list(range(len(table.points))) or len(told) != len(deductions["points"]):
        return ["the points told are not the study's hardware points"]
    wrong = []
    for family in table.families:
        for array, points in enumerate(family.points):
            for point in points.tolist():
                line = _wrong(study, table, family, array, told[point], deductions["threshold_base"])
                wrong += [f"point {point}: {line}"] if line else []
    return wrong


def _wrong(
    study: Study, table: CandidateTable, family: FamilyTable, array: int, told: dict[str, Any], upper: int | None
) -> str | None:
    """Say what is wrong with one point."""
    hardware = table.points[told["point"]]
    if told["hardware"] != hardware_identity(hardware):
        return "is other hardware"
    budgets = study.budgets
    limits = {"latency": budgets.latency_fs, "energy": budgets.energy_fj, "bandwidth": budgets.dram_bytes}
    if limits["latency"] is not None:
        limits["latency"] //= hardware.period_fs
    weights: dict[str, int] = told["weights"]
    if min(weights.values()) < 0 or any(limits.get(name) is None for name in weights if name != "objective"):
        return f"these weights prove nothing: {weights}"
    told_bound: int | None = told["lower_bound_base"]
    if told["verdict"] == "dropped" and told_bound is not None and (upper is None or told_bound < upper):
        return f"was dropped, but its bound is {told_bound}: below what the best design known costs"
    path = _shortest_path(study, table, family, array, told["point"], weights)
    if path is None:
        return None  # no design fits
    slack = sum(weight * (limits[name] or 0) for name, weight in weights.items() if name != "objective")
    if weights["objective"] == 0:
        return None if path > slack else "some design may keep the budget that is said to exclude the point"
    bound = -(-(path - slack) // weights["objective"])
    if told_bound is None:
        return f"is said to have no design, but its multipliers prove only {bound}"
    return f"its multipliers prove {bound}, not {told_bound}" if bound < told_bound else None


def _shortest_path(
    study: Study, table: CandidateTable, family: FamilyTable, array: int, point: int, weights: dict[str, int]
) -> int | None:
    """Least weighted cost of all run-orders of groups at a point, or None if nothing fits: ideal after ideal."""
    cheapest = _cheapest(study, table, family, array, point, weights)
    reach: list[int | None] = [None] * len(table.lattice.ideals)
    reach[0] = 0
    for step in sorted(table.lattice.steps, key=lambda step: (step.before, step.after)):
        start, cost = reach[step.before], cheapest.get(int(table.group_class[step.group]))
        if start is not None and cost is not None:
            end = reach[step.after]
            reach[step.after] = start + cost if end is None else min(end, start + cost)
    return reach[-1]


def _cheapest(
    study: Study, table: CandidateTable, family: FamilyTable, array: int, point: int, weights: dict[str, int]
) -> dict[int, int]:
    """Weighted cost of each group class's cheapest fitting candidate, where there is one."""
    priced = price_rows(table, family, array, np.array([point], dtype=np.intp))
    totals = {"energy": priced.energy_fj[:, 0], "latency": priced.cycles, "bandwidth": priced.dram_bytes}
    period = table.points[point].period_fs if study.goal == "latency" else 1
    summands = [(weights["objective"] * period, totals[study.goal])]
    summands += [(weight, totals[name]) for name, weight in weights.items() if name != "objective"]
    weighted = _weighted(summands)
    ends = np.append(family.starts[1:], len(weighted))
    found = {}
    for group_class, start, end in zip(family.classes.tolist(), family.starts.tolist(), ends.tolist(), strict=True):
        fitting = weighted[start:end][priced.fits[start:end, 0]]
        if len(fitting):
            found[group_class] = int(fitting.min())
    return found


def _weighted(summands: list[tuple[int, Ints]]) -> Any:
    """The sum of weight x total over rows; in Python integers if 64 bits may be too few."""
    most = sum(weight * int(total.max(initial=0)) for weight, total in summands)
    if most < _ROOM:
        return np.sum([weight * total for weight, total in summands], axis=0)
    return np.sum([weight * total.astype(object) for weight, total in summands], axis=0)
