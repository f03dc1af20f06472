"""A comparison as a table of text, and as rows for a CSV file."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Sequence

from solver.comparison import MEASURES, Comparison, Entry, measures, saved
from solver.group_table import WIDTH, aligned
from solver.quantities import area_text, engineering, percent_at_most
from solver.report import GOAL_TEXTS, accelerator_text, buffers_text
from solver.result import Outcome
from specs.study import SeparateBuffers, SharedBuffer
from specs.units import size_text

SIDES = ("fused", "layer by layer", "same hardware")
_UNITS = ("J", "s", "B", "mm2", "J s")
_PLAIN = {"infeasible": "none keeps the budgets (proven)", "unknown": "none found in time"}


def report(found: Comparison) -> str:
    """Write a comparison as text: first on own best hardware, then with given buffers."""
    study = found.study
    goals = ", then ".join(GOAL_TEXTS[goal] for goal in study.goals)
    blocks = [[f"{study.name}: fused against layer by layer, {goals} for {study.network.name}"]]
    blocks += [["each on its own best hardware", *_table(found.own)]]
    if found.at is not None:
        blocks += [[f"all with {given_text(found.at)}", *_table(found.given)]]
    legend = (
        "saving: of the layer-by-layer design above it, fused; same hardware: layer by layer on the hardware of the"
        " fused design. Each design is the best for the goal, the other columns are what it happens to need."
    )
    blocks.append(textwrap.wrap(legend, WIDTH))
    return "\n\n".join("\n".join(block) for block in blocks)


def given_text(at: SeparateBuffers | SharedBuffer) -> str:
    """Name given buffers."""

    def sizes(listed: Sequence[int]) -> str:
        return " or ".join(map(size_text, listed))

    if isinstance(at, SharedBuffer):
        return f"{sizes(at.shared_bytes)} shared by features and weights"
    return f"feature {sizes(at.feature_bytes)}, weight {sizes(at.weight_bytes)}"


def proof_text(outcome: Outcome | None) -> str:
    """Say what is proven of one side in a word or two."""
    if outcome is None:
        return "not asked"
    if outcome.status in _PLAIN:
        return _PLAIN[outcome.status]
    if outcome.status == "optimal":
        return "optimal"
    return "none" if outcome.gap is None else f"gap {percent_at_most(outcome.gap)}"


def sides(entry: Entry) -> tuple[Outcome | None, ...]:
    """The designs of an entry, as in `SIDES`."""
    return entry.fused, entry.layer_by_layer, entry.same_hardware


def _table(entries: Sequence[Entry]) -> list[str]:
    rows: list[tuple[str, ...]] = [("accelerator", "", *MEASURES, "proof")]
    notes: list[str] = []
    for entry in entries:
        if entry.result is None:
            notes += textwrap.wrap(f"{entry.template}: {entry.failure}", WIDTH, initial_indent="  ")
            continue
        for i, (side, outcome) in enumerate(zip(SIDES, sides(entry), strict=True)):
            if side == "same hardware" and outcome is None:
                continue
            rows.append((entry.template if i == 0 else "", side, *_cells(outcome), proof_text(outcome)))
            saving = saved(entry.fused, outcome) if i else None
            if saving is not None:
                rows.append(("", "  saving", *map(_saving, saving), ""))
        notes += [f"  {entry.template}, {text}" for text in _hardware(entry)]
    lines = aligned(rows, (True, True, False, False, False, False, False, True)) if len(rows) > 1 else []
    return [*lines, *notes]


def _cells(outcome: Outcome | None) -> tuple[str, ...]:
    if outcome is None or outcome.cost is None:
        return ("n/a",) * len(MEASURES)
    energy, latency, traffic, _, edp = measures(outcome.cost)
    return (
        engineering(energy, "J"),
        engineering(latency, "s"),
        engineering(traffic, "B"),
        area_text(outcome.cost.area_um2),
        engineering(edp, "J s"),
    )


def _saving(fraction: float | None) -> str:
    return "n/a" if fraction is None else f"{100 * fraction:.1f} %"


def _hardware(entry: Entry) -> list[str]:
    named = (("fused", entry.fused), ("layer by layer", entry.layer_by_layer))
    return [
        f"{side}: {accelerator_text(outcome.design.hardware)}; buffers: {buffers_text(outcome.design.hardware)}"
        for side, outcome in named
        if outcome is not None and outcome.design is not None
    ]


def csv_text(found: Comparison) -> str:
    """Write one row for each design, numbers in SI units."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [
        f"{name.lower().replace(' ', '_')}_{unit.replace(' ', '')}" for name, unit in zip(MEASURES, _UNITS, strict=True)
    ]
    savings = [f"saving_{name.lower().replace(' ', '_')}" for name in MEASURES]
    writer.writerow(["accelerator", "hardware", "design", "status", "gap", *names, *savings, "array", "buffers"])
    for where, entries in (("own best", found.own), ("given buffers", found.given)):
        for entry in entries:
            for side, outcome in zip(SIDES, sides(entry), strict=True):
                writer.writerow([entry.template, where, side, *_csv_cells(entry, side, outcome)])
    return text.getvalue()


def _csv_cells(entry: Entry, side: str, outcome: Outcome | None) -> list[object]:
    if outcome is None:
        return [entry.failure or "not asked"]
    amounts = ("",) * len(MEASURES) if outcome.cost is None else measures(outcome.cost)
    saving = None if side == "fused" else saved(entry.fused, outcome)
    hardware = outcome.design and outcome.design.hardware
    return [
        outcome.status,
        "" if outcome.gap is None else outcome.gap,
        *amounts,
        *(saving or ("",) * len(MEASURES)),
        *((accelerator_text(hardware), buffers_text(hardware)) if hardware else ("", "")),
    ]
