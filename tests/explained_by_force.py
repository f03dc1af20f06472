"""What `solver.explain` says, checked against every design that brute force finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from solver.explanation import Explanation, Least
from solver.result import mixes_in
from solver.stated_budgets import FIELDS, StatedBudget, stated_budgets
from specs.study import Study

Designs = Sequence[Any]
"""`Total`s or `MixTotal`s."""
Number = Callable[[Any, StatedBudget], int]


def number(design: Any, budget: StatedBudget) -> int:
    """The least whole limit that a design keeps; of a mix a total may be a fraction."""
    part = design if budget.workload is None else design.parts[budget.workload]
    amount = getattr(part, FIELDS[budget.name])
    return int(-(-amount // 1))


def kept(designs: Designs, budgets: Iterable[StatedBudget]) -> list[Any]:
    limits = list(budgets)
    return [design for design in designs if all(number(design, budget) <= budget.limit for budget in limits)]


def without(budgets: Sequence[StatedBudget], left_out: StatedBudget) -> list[StatedBudget]:
    return [budget for budget in budgets if budget != left_out]


def check(study: Study, designs: Designs, found: Explanation, label: str) -> str:
    """Compare an explanation with all designs; returns which kind it is."""
    budgets = stated_budgets(study)
    assert not found.undecided, label
    assert found.budgets == budgets, label
    if not designs:
        assert found.result is not None
        assert found.result.status == "infeasible", label
        assert not found.conflicts, label
        return "nothing fits"
    if not kept(designs, budgets):
        return _check_infeasible(budgets, designs, found, label)
    return _check_solved(study, budgets, designs, found, label)


def _check_infeasible(budgets: Sequence[StatedBudget], designs: Designs, found: Explanation, label: str) -> str:
    left = list(budgets)
    for conflict in found.conflicts:
        assert conflict.is_minimal, label
        assert set(conflict.budgets) <= set(left), label
        assert not kept(designs, conflict.budgets), label
        for budget in conflict.budgets:
            assert kept(designs, without(conflict.budgets, budget)), f"{label}: {budget} is not needed"
        left = [budget for budget in left if budget not in conflict.budgets]
    assert kept(designs, left), label
    if len(found.conflicts) > 1:
        assert not any(kept(designs, without(budgets, budget)) for budget in budgets), label
        _check_release(budgets, designs, found, label)
        return "several conflicts"
    assert [one.budget for one in found.relaxations] == list(found.conflicts[0].budgets), label
    for one in found.relaxations:
        assert one.least == _least(kept(designs, without(budgets, one.budget)), one.budget), f"{label}: {one}"
    if all(one.least.status == "none" for one in found.relaxations):
        _check_release(budgets, designs, found, label)
        return "conflicts that overlap"
    assert found.release is None, label
    return "one conflict"


def _check_solved(
    study: Study, budgets: Sequence[StatedBudget], designs: Designs, found: Explanation, label: str
) -> str:
    def goals(design: Any) -> tuple[Any, ...]:
        return tuple(design.of_goal(goal) for goal in study.goals)

    best = min(map(goals, kept(designs, budgets)))
    free = min(map(goals, designs))
    for one in found.influences:
        others = kept(designs, without(budgets, one.budget))
        alone = min(map(goals, others))
        assert one.binds == (alone < best), f"{label}: {one}"
        assert one.without == _objectives(study, alone), f"{label}: {one}"
        assert one.better_from == _least([d for d in others if goals(d) < best], one.budget), f"{label}: {one}"
        assert one.kept_down_to == _least([d for d in others if goals(d) == best], one.budget), f"{label}: {one}"
        assert one.kept_down_to.limit is not None
        assert one.kept_down_to.limit <= one.value <= one.budget.limit, f"{label}: {one}"
    bind = [one for one in found.influences if one.binds]
    assert (found.release is not None) == (free < best and not bind), label
    if found.release is not None:
        _check_release(budgets, [d for d in designs if goals(d) < best], found, label)
        return "together"
    return "binding" if bind else "slack"


def _check_release(budgets: Sequence[StatedBudget], wanted: Designs, found: Explanation, label: str) -> None:
    """Without these budgets there is a wanted design; with any one of them there is none."""
    assert found.release is not None
    assert found.release.is_minimal
    assert len(found.release.budgets) >= 2
    left = [budget for budget in budgets if budget not in found.release.budgets]
    assert kept(wanted, left), label
    for budget in found.release.budgets:
        assert not kept(wanted, [*left, budget]), label


def _objectives(study: Study, reached: tuple[Any, ...]) -> tuple[int, ...]:
    """Objectives as the solver counts them: of all whole runs of a mix."""
    scales = [mixes_in(goal, study.num_mixes) for goal in study.goals]
    return tuple(int(value * scale) for value, scale in zip(reached, scales, strict=True))


def _least(designs: Designs, budget: StatedBudget) -> Least:
    needs = [number(design, budget) for design in designs]
    return Least("least", min(needs)) if needs else Least("none")
