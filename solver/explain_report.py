"""An explanation as a person reads it. What each sentence rests on: docs/explain.md."""

from __future__ import annotations

import textwrap
from decimal import ROUND_CEILING

from solver.explanation import Conflict, Explanation, Floors, Influence, Least, Relaxation, Release
from solver.group_table import WIDTH, aligned
from solver.quantities import budget_text, change, engineering, objective_text, percent
from solver.report import GOAL_TEXTS, accelerator_text, buffers_text
from solver.stated_budgets import StatedBudget
from solver.statements import verdict
from specs.study import Study
from specs.units import size_text

MOST_UNFIT = 10
_LEGEND = (
    "without it: the optimum if this budget alone is dropped; better from: the least limit with which the optimum is"
    " strictly better; same down to: the least limit with which it is as good, below it is worse or there is none;"
    " each with all other budgets kept, proven, limits rounded up"
)


def report(found: Explanation) -> str:
    """Write an explanation as text of about a hundred columns, the most important first."""
    blocks = [_answer(found), _unfit(found), *_conflicts(found), _influences(found), _floors(found), _undecided(found)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _answer(found: Explanation) -> list[str]:
    study, result = found.study, found.result
    title = f"{study.name}: {', then '.join(GOAL_TEXTS[goal] for goal in study.goals)}, explained"
    if result is None:
        return [title, "", "not proven: time was up before anything was solved"]
    lines = [title, ""]
    if result.design is not None and result.objective is not None:
        hardware = result.design.hardware
        objective = objective_text(study.goal, result.objective, study.num_mixes)
        lines.append(f"  {objective} on {accelerator_text(hardware)}; buffers: {buffers_text(hardware)}")
    return [*lines, *_wrapped(verdict(result), "  ")]


# Infeasible studies


def _conflicts(found: Explanation) -> list[list[str]]:
    blocks = []
    for conflict in found.conflicts:
        listed = [f"    {budget}" for budget in conflict.budgets]
        blocks.append([f"  {_conflict_text(conflict)}", *listed])
    if len(found.conflicts) > 1:
        text = "These conflicts share no budget, so relaxing any single budget is not enough (proven)."
        release = "" if found.release is None else f" {_release_text(found.release)}"
        blocks.append(_wrapped(text + release, "  "))
    if found.relaxations:
        head = "What is enough, all other budgets kept, for each of them alone (proven least, rounded up):"
        blocks.append([f"  {head}", *(f"    {_relaxation_text(one)}" for one in found.relaxations)])
        if found.release is not None:
            blocks.append(_wrapped(_release_text(found.release), "  "))
    return blocks


def _release_text(release: Release) -> str:
    names = " and ".join(budget.label for budget in release.budgets)
    proof = "fewer of them are not enough (proven)" if release.is_minimal else "whether fewer do, was not decided"
    return f"Dropping {names} together is enough; {proof}."


def _conflict_text(conflict: Conflict) -> str:
    if len(conflict.budgets) == 1:
        return "No design keeps this budget, whatever the others are (proven):"
    if not conflict.is_minimal:
        return "No design keeps all of these budgets (proven; some may not be needed for it: time was up):"
    return "No design keeps all of these budgets; without any one of them some design does (proven):"


def _relaxation_text(one: Relaxation) -> str:
    name, least = one.budget.label, one.least
    if least.status == "none":
        return f"{name}: nothing is enough: the other budgets exclude each other without it, too"
    if least.limit is None:
        return f"{name}: not decided in time"
    proof = "" if least.status == "least" else " is enough; whether less is, was not decided in time"
    return f"{name}: {_limit(one.budget, least.limit)} ({change(least.limit, one.budget.limit)}){proof}"


def _limit(budget: StatedBudget, limit: int) -> str:
    return budget_text(budget.name, limit, ROUND_CEILING)


def _unfit(found: Explanation) -> list[str]:
    if found.result is None or found.result.status != "infeasible" or found.conflicts:
        return []
    if not found.unfit:
        if "the study itself" in found.undecided or not found.budgets:
            text = "Every layer fits some listed hardware, but no listed hardware runs them all: list larger buffers."
        else:
            text = "No budget is to blame: even without any, no listed hardware runs every layer: list larger buffers."
        return _wrapped(text, "  ")
    lines = _wrapped("No budget is to blame: these layers fit no listed hardware, in no group (proven):", "  ")
    for one in found.unfit[:MOST_UNFIT]:
        if one.enough is None:
            lines.append(f"    {one.layer}")
        elif not one.enough[0]:
            lines.append(f"    {one.layer}: alone it would fit weight {size_text(one.enough[1])}")
        elif one.enough[1]:
            feature, weight = map(size_text, one.enough)
            lines.append(f"    {one.layer}: alone it would fit feature {feature} and weight {weight}")
        else:
            lines.append(f"    {one.layer}: alone it would fit {size_text(one.enough[0])}")
    if len(found.unfit) > MOST_UNFIT:
        lines.append(f"    and {len(found.unfit) - MOST_UNFIT} more")
    return lines


# Solved studies


def _influences(found: Explanation) -> list[str]:
    study = found.study
    if found.result is None or found.result.status != "optimal" or found.floors is None:
        return []
    if not found.influences:
        return ["  No budgets are stated, so none limits the optimum."]
    rows = [_row(study, found.result.objective, one) for one in found.influences]
    header = ("budget", "limit", "here", "binds", "without it", "better from", "same down to")
    lines = aligned([header, *rows], (True, False, False, True, False, False, False))
    lines += _wrapped(_LEGEND, "  ")
    if found.release is not None:
        free = "" if found.free[0] is None else f" ({objective_text(study.goal, found.free[0], study.num_mixes)})"
        text = (
            f"No budget limits the optimum alone; without any it would be better{free}. {_release_text(found.release)}"
        )
        lines += ["", *_wrapped(text, "  ")]
    return lines


def _row(study: Study, objective: int | None, one: Influence) -> tuple[str, ...]:
    budget, binds = one.budget, {True: "yes", False: "no", None: "?"}[one.binds]
    without = "?" if one.without[0] is None else "the same"
    if one.binds and one.without[0] is not None and objective:
        without = objective_text(study.goal, one.without[0], study.num_mixes)
        without = f"{without} {change(one.without[0], objective)}"
    return (
        budget.label,
        budget_text(budget.name, budget.limit),
        _limit(budget, one.value),
        binds,
        without,
        _least(budget, one.better_from),
        _least(budget, one.kept_down_to),
    )


def _least(budget: StatedBudget, least: Least) -> str:
    if least.status == "none":
        return "never"
    if least.limit is None:
        return "?"
    return ("" if least.status == "least" else "<= ") + _limit(budget, least.limit)


def _floors(found: Explanation) -> list[str]:
    floors = found.floors
    if floors is None:
        return []
    rows = [
        (
            "DRAM traffic",
            engineering(floors.dram_bytes, "B"),
            engineering(floors.compulsory_bytes, "B"),
            _times(floors.dram_bytes, floors.compulsory_bytes),
            "weights, used inputs and outputs once",
        ),
        (
            "latency",
            engineering(floors.latency_s, "s"),
            engineering(floors.compute_s, "s"),
            _times(floors.latency_s, floors.compute_s),
            "all MACs, one per PE and cycle",
        ),
        ("", "", engineering(floors.dram_s, "s"), _times(floors.latency_s, floors.dram_s), "its DRAM bytes at peak"),
        (
            "",
            "",
            engineering(floors.compulsory_s, "s"),
            _times(floors.latency_s, floors.compulsory_s),
            "compulsory DRAM bytes at peak",
        ),
        (
            "energy",
            engineering(floors.energy_j, "J"),
            engineering(floors.mac_energy_j + floors.compulsory_energy_j, "J"),
            _times(floors.energy_j, floors.mac_energy_j + floors.compulsory_energy_j),
            "all MACs and compulsory DRAM bytes, no more",
        ),
    ]
    header = ("this design", "needs", "floor", "x floor", "the floor")
    return [*aligned([header, *rows], (True, False, False, False, True)), "", *_wrapped(_time(floors), "  ")]


def _times(amount: float, floor: float) -> str:
    return f"{amount / floor:.2f}" if floor else "n/a"


def _time(floors: Floors) -> str:
    """Say what the latency is made of."""
    bound = [group for group in floors.groups if group.is_dram_bound]
    busy = 1 - floors.waiting_share
    useful = floors.compute_s / floors.array_s if floors.array_s else 0.0
    what = "compute-bound" if floors.dram_bound_share < 0.5 else "DRAM-bound"
    return (
        f"Mostly {what}: the array works in {percent(busy)} of the latency and waits for DRAM in the rest; while it"
        f" works, the network's MACs keep {percent(useful)} of its PEs busy. In {len(bound)} of {len(floors.groups)}"
        f" groups, {percent(floors.dram_bound_share)} of the latency, DRAM transfers take longer than the array."
    )


def _undecided(found: Explanation) -> list[str]:
    if not found.undecided:
        return []
    return ["  not decided in time:", *(f"    {what}" for what in found.undecided)]
