"""Where the energy goes: each fusion group by level of the memory hierarchy, beside the same layers one by one."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes

from plots.group_rows import GroupRow, group_rows
from plots.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    WIDE,
    YELLOW,
    axes_of,
    font_size,
    heading,
    is_wide,
    plain,
    proofs_text,
    study_title,
    workloads_text,
)
from solver.group_table import group_text
from solver.quantities import axis_unit, change, engineering
from solver.result import Result

LEVELS = (
    ("MAC", "mac_fj", BLUE, ""),
    ("spad", "spad_fj", SKY, "////"),
    ("array network", "network_fj", GREEN, "...."),
    ("feature buffer", "feature_fj", YELLOW, ""),
    ("weight buffer", "weight_fj", ORANGE, "\\\\\\\\"),
    ("DRAM", "dram_fj", VERMILLION, "xx"),
    ("leakage", "leakage_fj", PURPLE, ""),
)
"""Name, part of the cost, colour and hatch of each level, from the array outwards."""
MOST_BARS = 12
"""Groups drawn one by one; the others, which need least, are summed up."""


@dataclass(frozen=True)
class EnergyRow:
    """Joules by level, of a group and of its layers one by one (None without such a design)."""

    label: str
    fused: tuple[float, ...]
    apart: tuple[float, ...] | None
    is_fused: bool


def energy_levels(result: Result, ax: Axes | None = None, *, width: float = WIDE) -> Axes:
    """Draw the energy of each group by level, below that of the same layers on layer-by-layer's own best hardware.

    Parameters
    ----------
    ax
        Where to draw; by default on a new figure ``width`` inches wide and as high as it needs.

    Raises
    ------
    NothingToDrawError
        If the result holds no design.
    """
    wide = is_wide(ax, width)
    rows = energy_rows(result, 30 if wide else 18)
    bars = 1 if rows[0].apart is None else 2
    ax = axes_of(ax, width, 1.6 + (0.22 if wide else 0.18) * (bars + 0.5) * len(rows))
    largest = max(sum(values) for row in rows for values in (row.fused, row.apart or ()))
    scale, unit = axis_unit(largest, "J")
    for i, row in enumerate(rows):
        if row.apart is not None:
            _bar(ax, i - 0.21, row.apart, scale, f"{engineering(sum(row.apart), 'J', digits=3)} alone")
        saved = "" if row.apart is None else f" ({change(sum(row.fused), sum(row.apart))})"
        word = "fused" if row.is_fused else "alone too" if row.apart is not None else ""
        text = f"{engineering(sum(row.fused), 'J', digits=3)} {word}{saved}"
        _bar(ax, i + 0.21 * (bars - 1), row.fused, scale, text)
    for name, _, color, hatch in LEVELS:
        ax.barh([0], [0], color=color, hatch=hatch, edgecolor="white", linewidth=0, label=name)
    ax.set_yticks(range(len(rows)), [row.label for row in rows])
    ax.set_ylim(len(rows) - 0.45, -0.55)
    ax.set_xlim(0, (1.35 if wide else 1.75) * largest / scale)
    ax.set_xlabel(f"energy [{unit}]")
    ax.tick_params(axis="y", length=0)
    plain(ax)
    heading(ax, study_title(result, "energy by level"), _caption(result, bars == 2))
    return ax


def energy_rows(result: Result, room: int) -> list[EnergyRow]:
    """Return the groups in run order, with labels of at most about ``room`` characters; small ones summed up."""
    rows = group_rows(result, result.layer_by_layer)
    ranked = sorted(rows, key=lambda row: max(row.total("energy_fj"), row.total_apart("energy_fj")), reverse=True)
    shown = ranked if len(rows) <= MOST_BARS else ranked[: MOST_BARS - 1]
    numbers = {row.number for row in shown}
    assert result.design is not None
    found = [
        _row([row], f"{row.number}  {group_text(result.study, result.design.groups[row.number - 1], room)}")
        for row in rows
        if row.number in numbers
    ]
    others = [row for row in rows if row.number not in numbers]
    return [*found, _row(others, f"{len(others)} other groups")] if others else found


def _row(groups: list[GroupRow], label: str) -> EnergyRow:
    fused = tuple(sum(group.total(part) for group in groups) / 10**15 for _, part, _, _ in LEVELS)
    is_fused = any(len(group.layers) > 1 for group in groups)
    if not groups[0].apart:
        return EnergyRow(label, fused, None, is_fused)
    apart = tuple(sum(group.total_apart(part) for group in groups) / 10**15 for _, part, _, _ in LEVELS)
    return EnergyRow(label, fused, apart, is_fused)


def _bar(ax: Axes, y: float, values: tuple[float, ...], scale: float, text: str) -> None:
    left = 0.0
    for (_, _, color, hatch), value in zip(LEVELS, values, strict=True):
        ax.barh([y], [value / scale], 0.4, left, color=color, hatch=hatch, edgecolor="white", linewidth=0)
        left += value / scale
    ax.barh([y], [left], 0.4, color="none", edgecolor=INK, linewidth=0.5)
    ax.annotate(text, (left, y), (3, 0), textcoords="offset points", va="center", fontsize=font_size(ax) - 1.5)


def _caption(result: Result, compared: bool) -> str:
    proof = proofs_text(result.best, result.layer_by_layer)
    if not compared:
        return f"{workloads_text(result.study)}{proof}"
    return f"{workloads_text(result.study)}alone: the same layers, layer by layer on their own best hardware; {proof}"
