"""What a result proves, in plain sentences."""

from __future__ import annotations

import math

from solver.quantities import bound_text, budget_text, percent_at_most
from solver.result import Result, Space
from solver.stated_budgets import FIELDS
from specs.study import Budgets, Goal

_BETTER: dict[Goal, str] = {
    "energy": "needs less energy",
    "latency": "is faster",
    "bandwidth": "moves fewer DRAM bytes",
    "edp": "has a smaller energy-delay product",
    "area": "is smaller",
    "power": "needs less power (in whole nW)",
    "throughput": "computes more images per second",
}
_HARDWARE_BUDGETS = ("area", "sram", "pes")


def budget_texts(limits: Budgets) -> dict[str, str]:
    """Return the stated budgets by name, as a user would write them."""
    stated = {name: getattr(limits, field) for name, field in FIELDS.items()}
    return {name: budget_text(name, limit) for name, limit in stated.items() if limit is not None}


def space_text(space: Space) -> str:
    """Say how large the space is that a proof speaks of."""
    return (
        f"{space.hardware_points_listed:,} hardware points, {space.groups:,} fusion groups,"
        f" over {_count(space.designs)} designs"
    )


def _count(number: int) -> str:
    """Write a count, a huge one as a power of ten."""
    if number < 10**9:
        return f"{number:,}"
    power = int(math.log10(number))
    return f"{number // 10 ** (power - 1) / 10:.1f}e{power}"


def verdict(result: Result) -> str:
    """Say what is proven: the last line of every report."""
    goal, status = result.study.goal, result.status
    if status == "infeasible":
        return _infeasible(result)
    if status == "unknown":
        return "not proven: no design was found in the time given; there may be one"
    if status == "optimal":
        return (
            f"proven optimal: no design in the stated space ({space_text(result.space)}) {_BETTER[goal]}{_then(result)}"
        )
    if not result.bound or result.best.gap is None:
        return "not proven: a design was found, but no limit to how much better another could be"
    bound = bound_text(goal, result.bound, result.study.num_mixes)
    return f"not proven: the optimum is at most {percent_at_most(result.best.gap)} lower (bound {bound})"


def _then(result: Result) -> str:
    """Say what is proven of the further goals of a list."""
    texts = []
    for goal, outcome in zip(result.study.then, result.then, strict=False):
        if outcome.status == "optimal":
            texts.append(f"; of those as good none {_BETTER[goal]}")
        elif outcome.gap is not None:
            texts.append(f"; for the goal {goal}, not proven: at most {percent_at_most(outcome.gap)} lower is possible")
        else:
            texts.append(f"; for the goal {goal}, not proven")
    return "".join(texts)


def _infeasible(result: Result) -> str:
    budgets = budget_texts(result.study.budgets)
    for workload in result.study.mix:
        own = budget_texts(workload.budgets)
        budgets |= {f"{name} of {workload.name}": text for name, text in own.items()}
    space = f"no design in the stated space ({space_text(result.space)})"
    if not budgets:
        return f"proven infeasible: {space} fits its buffers: list larger ones"
    limits = [f"{name} <= {text}" for name, text in budgets.items()]
    if result.space.hardware_points == 0:
        of_hardware = [limit for name, limit in zip(budgets, limits, strict=True) if name in _HARDWARE_BUDGETS]
        listed = f"{result.space.hardware_points_listed:,}"
        return f"proven infeasible: none of the {listed} hardware points listed keeps {_joined(of_hardware)}"
    return f"proven infeasible: {space} fits its buffers and keeps {_joined(limits)}"


def _joined(texts: list[str]) -> str:
    """Join as in "a, b and c"."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
