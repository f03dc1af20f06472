"""A front as text, as rows and as one JSON object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from solver.export import base_unit
from solver.export_parts import hardware_object, totals_object
from solver.group_table import aligned
from solver.pareto import Front
from solver.quantities import bound_text, engineering, goal_name
from solver.report import accelerator_text, buffers_text
from solver.result import Outcome, Result

FORMAT = "laminate-pareto/1"
COLUMNS = ("energy_j", "latency_s", "dram_bytes", "edp_js", "power_w")


def text(found: Front, most_rows: int) -> str:
    """Write the points as a table, of a long front evenly chosen ones, and what is proven."""
    first, second = found.goals
    title = f"{found.study.name}: best compromises between {goal_name(first)} and {goal_name(second)}"
    if not found.points:
        why = "no design keeps the budgets (proven)" if found.status == "infeasible" else "none was found in the time"
        return f"{title}\n\n{why}"
    header = ("#", "energy", "latency", "DRAM traffic", "area", "groups", "hardware")
    chosen = _evenly(len(found.points), most_rows)
    rows = [(str(i + 1), *_cells(found.points[i][2])) for i in chosen]
    lines = [title, "", *aligned([header, *rows], (False, False, False, False, False, False, True)), ""]
    if len(chosen) < len(found.points):
        lines.append(f"{len(chosen)} of {len(found.points)} points; --json and --out have all")
    if found.complete:
        number = len(found.points)
        these = f"these {number} points are" if number > 1 else "this point is"
        lines.append(f"proven: {these} the whole front in the stated space")
    else:
        last = bound_text(second, found.points[-1][1], found.study.num_mixes)
        lines.append(f"proven, but not complete: the front goes on below {last} of {goal_name(second)}")
    return "\n".join(lines)


def _evenly(number: int, most: int) -> list[int]:
    if number <= most:
        return list(range(number))
    return [i * (number - 1) // (most - 1) for i in range(most)]


def _cells(result: Result) -> tuple[str, ...]:
    cost, design = result.cost, result.design
    assert cost is not None
    assert design is not None
    return (
        engineering(cost.energy_j, "J"),
        engineering(cost.latency_s, "s"),
        engineering(cost.mean("dram_bytes"), "B"),
        f"{cost.area_um2 / 10**6:.4g} mm2",
        str(len(design.groups)),
        f"{accelerator_text(design.hardware)}; {buffers_text(design.hardware)}",
    )


def csv_rows(found: Front) -> Iterator[list[Any]]:
    """A header and one row per point; totals in SI units."""
    yield [*COLUMNS, "area_mm2", "template", "pes", "groups"]
    for _, _, result in found.points:
        totals, hardware = totals_object(_outcome(result)), hardware_object(_outcome(result), result.study.precision)
        assert totals is not None
        assert hardware is not None
        assert result.design is not None
        groups = len(result.design.groups)
        yield [*(totals[key] for key in COLUMNS), hardware["area_mm2"], hardware["template"], hardware["pes"], groups]


def as_object(found: Front) -> dict[str, Any]:
    """Everything as plain values; objectives of both goals as exact integers in base units."""
    mixes = found.study.num_mixes
    return {
        "format": FORMAT,
        "study": found.study.name,
        "goals": list(found.goals),
        "base_units": [base_unit(goal, mixes) for goal in found.goals],
        "complete": found.complete,
        "status": "optimal" if found.points else found.status,
        "points": [
            {
                "objectives_base": [one, two],
                "hardware": hardware_object(_outcome(result), result.study.precision),
                "totals": totals_object(_outcome(result)),
                "groups": [list(group.layers) for group in result.design.groups] if result.design else [],
            }
            for one, two, result in found.points
        ],
    }


def _outcome(result: Result) -> Outcome:
    return result.best
