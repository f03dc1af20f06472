"""docs/results.md from rows: the three savings of each case, their summary, and where fusion pays."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from solver.quantities import percent_at_most
from tests.results.cases import ACCELERATORS, MEMORIES, Case

MEASURES = (("DRAM traffic", "dram_bytes"), ("latency", "latency_s"), ("energy", "energy_j"))
PUBLISHED = (55.6, 36.7, 49.2)
"""The headline savings in per cent, in this order, of the paper that these results are set beside."""
SUMMARIES: tuple[tuple[str, Callable[[Sequence[float]], float]], ...] = (
    ("mean", statistics.mean),
    ("median", statistics.median),
    ("least", min),
    ("most", max),
)
Row = dict[str, Any]

HEAD = """# What fusion saves

Made by `python -m tests.results`; do not edit by hand. One line of `docs/results.jsonl` for each row.

Every network of `specs/networks` on each accelerator with each memory: the best fused design against the best
layer-by-layer design, **each on its own best hardware** of the same space ({points} hardware points:
`tests/results/study.yaml`, `cases.py`), 40 nm, 8-bit words, batch 1. Both sides are designed **for least energy**;
latency and DRAM traffic are what these designs happen to need, so they can be worse than layer by layer. A gap is how
much lower the optimum could be at most where {limit:g} s were not enough for the proof; everything else is proven.
*same*: the saving in energy against layer by layer on the hardware of the fused design.
"""
STATEMENT = """The last row is the headline of the paper behind this project's question. Its networks, its buffers
and its technology are not known to us, so **nothing is reproduced here**: the rows above it are answers of this model
to studies of ours, and stand beside the paper's figures only because the question is the same.
"""


def savings(row: Row, against: str = "layer_by_layer") -> tuple[float, ...] | None:
    """Per cent saved, as in `MEASURES`; None without both designs."""
    fused, other = row["fused"], row[against]
    if fused["totals"] is None or other is None or other["totals"] is None:
        return None
    return tuple(100 * (1 - fused["totals"][key] / other["totals"][key]) for _, key in MEASURES)


def proof(row: Row) -> str:
    """What is proven of both sides."""
    texts = []
    for name, side in (("fused", row["fused"]), ("layer by layer", row["layer_by_layer"])):
        if side is None or side["totals"] is None:
            texts.append(f"{name}: {'infeasible' if side and side['status'] == 'infeasible' else 'none found'}")
        elif side["status"] != "optimal":
            texts.append(f"{name}: " + ("no bound" if side["gap"] is None else f"gap {percent_at_most(side['gap'])}"))
    return "; ".join(texts) or "both optimal"


def report(rows: dict[Case, Row], missing: int) -> str:
    """Write the whole page."""
    listed = list(rows.values())
    limit = max((row["time_limit_s"] for row in listed), default=0.0)
    points = ", ".join(str(number) for number in sorted({row["hardware_points"] for row in listed}))
    parts = [HEAD.format(points=points or "no", limit=limit)]
    if missing:
        parts.append(f"**{missing} cases have not been run yet.**\n")
    parts += [_table(rows), "## Summary\n", _summary(rows), STATEMENT, "## Where fusion pays\n", _where(listed)]
    parts.append(_stamp(listed))
    return "\n".join(part for part in parts if part)


def _table(rows: dict[Case, Row]) -> str:
    lines = [
        "| network | accelerator | memory | DRAM traffic | latency | energy | same | groups / layers | proof | s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for case, row in rows.items():
        cells = [_percent(value) for value in savings(row) or (None,) * len(MEASURES)]
        same = savings(row, "same_hardware")
        cells += [
            _percent(same and same[-1]),
            f"{row['groups']} / {row['layers']}",
            proof(row),
            f"{row['seconds']:.0f}",
        ]
        lines.append(f"| {case.network} | {case.accelerator} | {case.memory} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _percent(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.1f} %"


def _summary(rows: dict[Case, Row]) -> str:
    lines = [f"| over | saved | {' | '.join(name for name, _ in MEASURES)} |", "|---|---|" + "---|" * len(MEASURES)]
    chosen = [(f"{a}, {m}", [r for c, r in rows.items() if (c.accelerator, c.memory) == (a, m)]) for a, m in _pairs()]
    for name, some in [*chosen, ("all", list(rows.values()))]:
        found = [saved for row in some if (saved := savings(row)) is not None]
        if not found:
            continue
        for what, summary in SUMMARIES:
            cells = [_percent(summary([saved[i] for saved in found])) for i in range(len(MEASURES))]
            lines.append(f"| {name} ({len(found)}) | {what} | {' | '.join(cells)} |")
    lines.append(f"| the paper | as stated | {' | '.join(map(_percent, PUBLISHED))} |")
    return "\n".join(lines) + "\n"


def _pairs() -> list[tuple[str, str]]:
    return [(accelerator, memory) for accelerator in ACCELERATORS for memory in MEMORIES]


def _where(rows: list[Row]) -> str:
    """One paragraph whose every number is computed."""
    found = [(saved[-1], row) for row in rows if (saved := savings(row)) is not None]
    if len(found) < 2:
        return "Too few cases have been run to say.\n"
    found.sort(key=lambda pair: pair[0])
    (least, worst), (most, best) = found[0], found[-1]
    traffic = [saved[0] for row in rows if (saved := savings(row)) is not None]
    energy = [saved[2] for row in rows if (saved := savings(row)) is not None]
    slower = sum(1 for row in rows if (saved := savings(row)) is not None and saved[1] < 0)
    text = (
        f"Fusion saves most energy for {_name(best)} ({_percent(most)}) and least for {_name(worst)}"
        f" ({_percent(least)}); {sum(1 for value, _ in found if value >= 10)} of {len(found)} cases save 10 % or more,"
        f" {sum(1 for value, _ in found if value < 1)} less than 1 %."
    )
    by_memory = {memory: [saved for saved, row in found if row["memory"] == memory] for memory in MEMORIES}
    means = [f"{_percent(statistics.mean(some))} with {memory}" for memory, some in by_memory.items() if some]
    text += f" The mean is {' and '.join(means)}."
    text += " " + _weights(found)
    text += f" {slower} of {len(found)} designs for least energy are slower than layer by layer."
    if len(set(traffic)) > 1 and len(set(energy)) > 1:
        correlation = statistics.correlation(traffic, energy)
        text += f" Over the cases, savings of energy and of DRAM traffic correlate with {correlation:.2f}."
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False) + "\n"


def _weights(found: list[tuple[float, Row]]) -> str:
    """Compare the half of the cases that compute most per DRAM byte of layer by layer with the other half."""
    dense = sorted(found, key=lambda pair: pair[1]["macs"] / pair[1]["layer_by_layer"]["totals"]["dram_bytes"])
    half = len(dense) // 2
    few, many = ([saved for saved, _ in part] for part in (dense[:half], dense[len(dense) - half :]))
    border = dense[half][1]["macs"] / dense[half][1]["layer_by_layer"]["totals"]["dram_bytes"]
    return (
        f"The half of the cases with fewest MACs per layer-by-layer DRAM byte (below about {border:.0f}) saves"
        f" {_percent(statistics.mean(few))} in the mean, the other half {_percent(statistics.mean(many))}."
    )


def _name(row: Row) -> str:
    return f"{row['network']} on {row['accelerator']} with {row['memory']}"


def _stamp(rows: list[Row]) -> str:
    stamps = sorted({", ".join(f"{name} {number}" for name, number in row["versions"].items()) for row in rows})
    return "\nMade with " + "; ".join(stamps) + ".\n" if stamps else ""
