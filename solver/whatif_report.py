"""The answers of a sweep as text, as CSV and as one JSON object."""

from __future__ import annotations

import csv
import io
from decimal import ROUND_CEILING
from typing import Any

from solver.group_table import aligned
from solver.quantities import budget_text, change, engineering, objective_text, percent_at_most
from solver.report import GOAL_TEXTS
from solver.sweep import FORMAT
from solver.vary import BUDGET_UNITS, base_value
from solver.whatif import Gap, WhatIf
from specs.units import size_text

BUDGET_IN_SI = {
    "area": ("mm2", 10**6),
    "sram": ("bytes", 1),
    "pes": ("number", 1),
    "latency": ("s", 10**15),
    "energy": ("j", 10**15),
    "power": ("w", 10**9),
    "dram_bandwidth": ("bytes_per_s", 1),
    "dram_traffic": ("bytes", 1),
    "activation_memory": ("bytes", 1),
}
"""The unit in which each budget stands in a CSV file, and its base units in it."""
COLUMNS = ("status", "gap", "energy_j", "latency_s", "dram_bytes", "area_mm2", "edp_js", "power_w")


def value_text(name: str, text: str) -> str:
    """Write a varied value as a person would: a budget with its largest fitting unit, else as it was typed."""
    if name not in BUDGET_UNITS:
        return text
    value = base_value(name, text)
    return "no limit" if value is None else budget_text(name, value)


def text(found: WhatIf) -> str:
    """Write the table of answers, and what lies between them."""
    blocks = [[_title(found)], _table(found), *(filter(None, (_gaps(found), _binding(found), _failures(found))))]
    return "\n\n".join("\n".join(block) for block in blocks)


def _title(found: WhatIf) -> str:
    goals = ", then ".join(GOAL_TEXTS[goal] for goal in found.study.goals)
    return f"{found.study.name}: {goals}, what if {' and '.join(one.name for one in found.varied)} varied"


def _table(found: WhatIf) -> list[str]:
    names = [one.name for one in found.varied]
    header = (*names, "energy", "latency", "DRAM traffic", "area", "design", "hardware", "groups", "proof", "binding")
    letters = _letters(found)
    rows = [_row(names, told, letters) for told in found.answers]
    return aligned(
        [header, *rows], (*(False for _ in names), False, False, False, False, True, True, False, True, True)
    )


def _row(names: list[str], told: dict[str, Any], letters: dict[str, str]) -> tuple[str, ...]:
    values = tuple(value_text(name, told["values"][name]) for name in names)
    totals, hardware = told.get("totals"), told.get("hardware")
    if totals is None or hardware is None:
        return (*values, *("-",) * 7, told["status"], "")
    proof = "optimal" if told["status"] == "optimal" else f"gap {percent_at_most(told['gap'] or 1.0)}"
    return (
        *values,
        engineering(totals["energy_j"], "J"),
        engineering(totals["latency_s"], "s"),
        engineering(totals["dram_bytes"], "B"),
        f"{hardware['area_mm2']:.4g} mm2",
        letters[told["design"]],
        hardware_text(hardware),
        str(len(told["groups"])),
        proof,
        ", ".join(told["binding"]) if told.get("binding") else "",
    )


def hardware_text(hardware: dict[str, Any]) -> str:
    """Name hardware of a JSON object in a few words."""
    if "shared_buffer_bytes" in hardware:
        buffers = size_text(hardware["shared_buffer_bytes"])
    else:
        buffers = f"{size_text(hardware['feature_buffer_bytes'])} + {size_text(hardware['weight_buffer_bytes'])}"
    return f"{hardware['template']}, {hardware['pes']} PEs, {buffers}"


def _letters(found: WhatIf) -> dict[str, str]:
    """Name designs A, B, ... in the order in which they first appear."""
    designs = dict.fromkeys(told["design"] for told in found.answers if told.get("design"))
    return {design: _letter(i) for i, design in enumerate(designs)}


def _letter(number: int) -> str:
    return (_letter(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


def _gaps(found: WhatIf) -> list[str]:
    """Where the optimum changes between the values, from below, and what the next step up buys."""
    if not found.gaps:
        return []
    name, goal, mixes = found.varied[0].name, found.study.goal, found.study.num_mixes
    rows = []
    for gap in found.gaps:
        for one in reversed(gap.breaks):
            above = objective_text(goal, one.above, mixes)
            before = "nothing fits" if one.below is None else objective_text(goal, one.below, mixes)
            gain = "" if one.below is None else change(one.above, one.below)
            rows.append((f"{budget_text(name, one.value, ROUND_CEILING, 7)}", above, before, gain))
    header = (f"{name} from", "optimum", "just below", "change")
    lines = ["  the best design changes exactly here:", *aligned([header, *rows], (False, False, False, False))]
    lines += [f"  {_unfinished(name, gap)}" for gap in found.gaps if not gap.complete]
    return lines


def _unfinished(name: str, gap: Gap) -> str:
    return f"between {budget_text(name, gap.low)} and {budget_text(name, gap.high)} there may be more changes"


def _binding(found: WhatIf) -> list[str]:
    if not any(told.get("binding") for told in found.answers):
        return []
    return ["  binding: budgets without which the optimum were better (each proven)"]


def _failures(found: WhatIf) -> list[str]:
    return [
        f"  {', '.join(f'{name} {text}' for name, text in told['values'].items())}: {told['message']}"
        for told in found.answers
        if told["status"] == "error"
    ]


def as_csv(found: WhatIf) -> str:
    """One line per answer; totals in SI units."""
    names = [one.name for one in found.varied]
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    units = [f"budget_{name}_{BUDGET_IN_SI[name][0]}" if name in BUDGET_IN_SI else name for name in names]
    writer.writerow([*units, "goal", "objective", "bound", "unit", *COLUMNS, "design", "binding", "message"])
    for told in found.answers:
        flat = told | (told.get("totals") or {}) | {"area_mm2": (told.get("hardware") or {}).get("area_mm2")}
        goal = ", ".join(found.study.goals)
        writer.writerow(
            [
                *(_number(name, told["values"][name]) for name in names),
                goal,
                *(flat.get(key) for key in ("objective", "bound", "unit", *COLUMNS, "design")),
                ", ".join(told.get("binding") or ()),
                told["message"],
            ]
        )
    return lines.getvalue()


def _number(name: str, text: str) -> object:
    """A budget as a plain number in its column's unit, nothing where there is no limit; other keys as they are."""
    if name not in BUDGET_IN_SI:
        return text
    value = base_value(name, text)
    return None if value is None else value / BUDGET_IN_SI[name][1]


def as_object(found: WhatIf) -> dict[str, Any]:
    """Everything as plain values."""
    return {
        "format": FORMAT,
        "study": found.study.name,
        "varied": [{"name": one.name, "key": one.key, "values": list(one.values)} for one in found.varied],
        "answers": list(found.answers),
        "gaps": [
            {
                "low_base": gap.low,
                "high_base": gap.high,
                "complete": gap.complete,
                "breaks": [
                    {"value_base": one.value, "objective_base": one.above, "objective_base_below": one.below}
                    for one in gap.breaks
                ],
            }
            for gap in found.gaps
        ],
    }
