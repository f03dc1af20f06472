"""A sweep of one budget as a curve to draw."""

from __future__ import annotations

from typing import Any

from solver.quantities import BUDGETED
from solver.result import BASE_UNITS, UNIT_OF_GOAL, mixes_in
from solver.vary import base_value
from solver.whatif import WhatIf
from solver.whatif_result import Break, Varied, WhatIfCurve, WhatIfPoint

_UNITS = BUDGETED | {"sram": (1024, "KiB"), "pes": (1, "")}
"""Base units of each budget in the unit in which it is drawn, and that unit."""


def curve_of(found: WhatIf) -> WhatIfCurve | None:
    """The curve of a sweep over values of one budget; None of any other sweep, or without any design."""
    if len(found.varied) != 1 or not found.varied[0].is_budget:
        return None
    name, goal, mixes = found.varied[0].name, found.study.goal, found.study.num_mixes
    told = [(base_value(name, answer["values"][name]), answer) for answer in found.answers]
    finite = sorted(((value, answer) for value, answer in told if value is not None), key=lambda pair: pair[0])
    designs = list(dict.fromkeys(answer["design"] for _, answer in finite if answer.get("design")))
    if not designs:
        return None
    base, unit = _UNITS[name]
    return WhatIfCurve(
        study=found.study.name,
        goal=goal,
        unit=UNIT_OF_GOAL[goal],
        base=BASE_UNITS[goal] * mixes_in(goal, mixes),
        varied=Varied(name, unit, base),
        points=tuple(_point(name, value, answer, designs) for value, answer in finite if answer["status"] != "error"),
        breaks=tuple(Break(one.value, one.below, one.above) for gap in found.gaps for one in reversed(gap.breaks)),
    )


def _point(name: str, value: int, answer: dict[str, Any], designs: list[str]) -> WhatIfPoint:
    return WhatIfPoint(
        values={name: value},
        status=answer["status"],
        objective=answer["objective_base"],
        bound=answer["bound_base"],
        design_id=designs.index(answer["design"]) if answer["design"] else None,
        binding=tuple(answer.get("binding") or ()),
    )
