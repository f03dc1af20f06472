"""Where the energy goes: each fusion group by level of the memory hierarchy, beside the same layers one by one."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes

from costmodel import GroupDesign
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
    lay_out,
    plain,
    proofs_text,
    study_title,
    workloads_text,
)
from plots.text import figure_dpi, text_width
from solver.group_table import group_text, served_text
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
"""Bars beside each other; of more groups, neighbours share one."""


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
    rows = energy_rows(result, 30 if wide else 20)
    ax = axes_of(ax, width, 1.6 + (0.22 if wide else 0.18) * (1.5 if rows[0].apart is None else 2.5) * len(rows))
    largest = max(sum(values) for row in rows for values in (row.fused, row.apart or ()))
    scale, unit = axis_unit(largest, "J")
    bars = [bar for i, row in enumerate(rows) for bar in _bars(i, row)]
    for y, values, text in bars:
        _bar(ax, y, values, scale, text)
    for name, _, color, hatch in LEVELS:
        ax.barh([0], [0], color=color, hatch=hatch, edgecolor="white", linewidth=0, label=name)
    ax.set_yticks(range(len(rows)), [row.label for row in rows])
    ax.set_ylim(len(rows) - 0.45, -0.55)
    ax.set_xlabel(f"energy [{unit}]")
    ax.tick_params(axis="y", length=0)
    plain(ax)
    ax.set_xlim(0, _with_texts(ax, [(sum(values) / scale, text) for _, values, text in bars]))
    heading(ax, study_title(result, "energy by level"), _caption(result, rows[0].apart is not None))
    return ax


def energy_rows(result: Result, room: int) -> list[EnergyRow]:
    """Return the groups in run order, with names of at most about ``room`` letters.

    Of too many groups neighbours are drawn as one, those that need least energy together.
    """
    runs = [[row] for row in group_rows(result, result.layer_by_layer)]
    while len(runs) > MOST_BARS:
        pairs = [i for i in range(len(runs) - 1) if _workload(result, runs[i]) == _workload(result, runs[i + 1])]
        if not pairs:
            break
        at = min(pairs, key=lambda i: _energy(runs[i]) + _energy(runs[i + 1]))
        runs[at : at + 2] = [runs[at] + runs[at + 1]]
    return [_row(run, _label(result, run, room)) for run in runs]


def _workload(result: Result, groups: list[GroupRow]) -> int:
    return result.study.workload_of[result.study.network.index[groups[0].layers[0]]]


def _energy(groups: list[GroupRow]) -> float:
    return sum(max(group.total("energy_fj"), group.total_apart("energy_fj")) for group in groups)


def _label(result: Result, groups: list[GroupRow], room: int) -> str:
    first, last = groups[0].number, groups[-1].number
    layers = tuple(name for group in groups for name in group.layers)
    numbers = str(first) if first == last else f"{first}-{last}"
    name = served_text if result.study.trains and len(groups) > 1 else group_text
    return f"{numbers}  {name(result.study, GroupDesign(layers), room)}"


def _row(groups: list[GroupRow], label: str) -> EnergyRow:
    fused = tuple(sum(group.total(part) for group in groups) / 10**15 for _, part, _, _ in LEVELS)
    is_fused = any(len(group.layers) > 1 for group in groups)
    if not groups[0].apart:
        return EnergyRow(label, fused, None, is_fused)
    apart = tuple(sum(group.total_apart(part) for group in groups) / 10**15 for _, part, _, _ in LEVELS)
    return EnergyRow(label, fused, apart, is_fused)


def _bars(place: int, row: EnergyRow) -> list[tuple[float, tuple[float, ...], str]]:
    """Return the bars of a row from the top: where each lies, its values, and what is written at its end."""
    fused = engineering(sum(row.fused), "J", digits=3)
    if row.apart is None:
        return [(place, row.fused, fused)]
    word = "fused" if row.is_fused else "alone too"
    saved = change(sum(row.fused), sum(row.apart))
    return [
        (place - 0.21, row.apart, f"{engineering(sum(row.apart), 'J', digits=3)} alone"),
        (place + 0.21, row.fused, f"{fused} {word} ({saved})"),
    ]


def _with_texts(ax: Axes, ends: list[tuple[float, str]]) -> float:
    """Return where the axis must end for the texts behind the bars to fit."""
    lay_out(ax)
    room, size = ax.get_window_extent().width * 72 / figure_dpi(ax), font_size(ax) - 1.5
    return max(end / (1 - min(0.8, (text_width(text, size) + 6) / room)) for end, text in ends)


def _bar(ax: Axes, y: float, values: tuple[float, ...], scale: float, text: str) -> None:
    left = 0.0
    for (_, _, color, hatch), value in zip(LEVELS, values, strict=True):
        ax.barh([y], [value / scale], 0.4, left, color=color, hatch=hatch, edgecolor="white", linewidth=0)
        left += value / scale
    ax.barh([y], [left], 0.4, color="none", edgecolor=INK, linewidth=0.5)
    end = ax.annotate(text, (left, y), (3, 0), textcoords="offset points", va="center", fontsize=font_size(ax) - 1.5)
    end.set_in_layout(False)  # the axis is made to hold it


def _caption(result: Result, compared: bool) -> str:
    proof = proofs_text(result.best, result.layer_by_layer)
    if not compared:
        return f"{workloads_text(result.study)}{proof}"
    return f"{workloads_text(result.study)}alone: the same layers, layer by layer on their own best hardware; {proof}"
