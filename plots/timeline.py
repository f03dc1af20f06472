"""The timeline of one fusion group: DRAM transfers and layers on the array, tile visit by tile visit."""

from __future__ import annotations

from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from costmodel.timeline import VisitSpan
from plots.style import (
    BLUE,
    FAINT,
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
    proof_text,
)
from plots.text import figure_dpi, text_width
from plots.visits import GroupInTime, group_in_time, short
from solver.quantities import axis_unit, engineering, percent
from solver.result import Result

TRANSFERS = {
    "weights": (ORANGE, "\\\\\\\\"),
    "sums": (PURPLE, "////"),
    "load": (GREEN, ""),
    "store": (VERMILLION, "xx"),
    "results": (YELLOW, "...."),
}
"""Colour and hatch of what DRAM does."""
_OF_TRAINING = ("sums", "results")
LAYER_TINTS = tuple(tuple(0.5 * part + 0.5 for part in to_rgb(color)) for color in (SKY, BLUE))
"""Of layers on the array, in turn."""
DRAM_LANE, ARRAY_LANE, LANE_HEIGHT = 1.0, 0.0, 0.8


def group_timeline(result: Result, number: int, ax: Axes | None = None, *, first: int = 1, width: float = WIDE) -> Axes:
    """Draw when DRAM and the array work for a group, as the cost model prices it; of many visits some.

    Parameters
    ----------
    number
        Of the group, as in the report.
    ax
        Where to draw; by default on a new figure ``width`` inches wide.
    first
        The first visit to show, from 1.

    Raises
    ------
    ValueError
        If the result holds no design, or the design no such group, or the group no such visit.
    """
    wide = is_wide(ax, width)
    group = group_in_time(result, number, first, 8 if wide else 5, 48 if wide else 20)
    ax = axes_of(ax, width, 2.6 if wide else 2.2)
    begin, end = group.shown[0].start, group.shown[-1].end
    scale, unit = axis_unit(group.seconds(end), "s")
    to_axis = group.seconds(1) / scale
    ax.set_xlim(begin * to_axis, end * to_axis)
    ax.set_ylim(-0.5, 1.75)
    ax.set_yticks([DRAM_LANE, ARRAY_LANE], ["DRAM", "array"])
    ax.set_xlabel(f"time [{unit}]")
    plain(ax)
    ax.tick_params(axis="y", length=0)
    for visit in group.shown:
        _transfers(ax, visit, to_axis)
        ax.axvline(visit.end * to_axis, color=FAINT, linewidth=0.6, linestyle=":", zorder=0)
    occurring = {span.what for visit in group.line.visits for span in visit.transfers}
    for what, (color, hatch) in TRANSFERS.items():
        if what not in occurring and what in _OF_TRAINING:
            continue
        ax.barh([0], [0], color=color, hatch=hatch, edgecolor="white", linewidth=0, label=what)
    ax.barh([0], [0], color=LAYER_TINTS[0], edgecolor=INK, linewidth=0.5, label="a layer on the array")
    heading(ax, f"{result.study.name}: timeline of {group.name}", _caption(result, group))
    lay_out(ax)
    points_per_cycle = ax.get_window_extent().width * 72 / figure_dpi(ax) / (end - begin)
    for i, visit in enumerate(group.shown):
        _layers(ax, result, visit, to_axis, points_per_cycle)
        _visit_number(ax, visit, group.first + i, to_axis, points_per_cycle)
    return ax


def _transfers(ax: Axes, visit: VisitSpan, to_axis: float) -> None:
    for span in visit.transfers:
        color, hatch = TRANSFERS[span.what]
        place = [DRAM_LANE], [(span.end - span.start) * to_axis], LANE_HEIGHT, span.start * to_axis
        ax.barh(*place, color=color, hatch=hatch, edgecolor="white", linewidth=0, gid=span.what)
        ax.barh(*place, color="none", edgecolor=color, linewidth=0.8)  # so that short ones are seen


def _layers(ax: Axes, result: Result, visit: VisitSpan, to_axis: float, points_per_cycle: float) -> None:
    """Draw the layers, chunks of one layer as one, with their names where there is room."""
    size = font_size(ax) - 2
    lane = LANE_HEIGHT * ax.get_window_extent().height * 72 / figure_dpi(ax) / 2.25
    for i, (layer, spans) in enumerate(groupby(visit.layers, key=lambda span: span.layer)):
        steps = list(spans)
        start, end = steps[0].start, steps[-1].end
        ax.barh(
            [ARRAY_LANE], [(end - start) * to_axis], LANE_HEIGHT, start * to_axis,
            color=LAYER_TINTS[i % 2], edgecolor=INK, linewidth=0.4, gid=layer,
        )  # fmt: skip
        name = short(result, layer) + (f", {len(steps)} chunks" if len(steps) > 1 else "")
        room, needed = (end - start) * points_per_cycle, text_width(name, size)
        middle = (start + end) / 2 * to_axis
        if needed + 3 <= room or (size * 1.3 <= room and needed + 2 <= lane):
            turn = 0 if needed + 3 <= room else 90
            ax.text(middle, ARRAY_LANE, name, fontsize=size, rotation=turn, ha="center", va="center", color=INK)


def _visit_number(ax: Axes, visit: VisitSpan, number: int, to_axis: float, points_per_cycle: float) -> None:
    size, room = font_size(ax) - 2, (visit.end - visit.start) * points_per_cycle
    for text in ("final phase", "end") if visit.final else (f"visit {number}", str(number)):
        if text_width(text, size) + 3 <= room:
            middle = (visit.start + visit.end) / 2 * to_axis
            ax.text(middle, 1.5, text, fontsize=size, ha="center", va="bottom", color=FAINT)
            break


def _caption(result: Result, group: GroupInTime) -> str:
    line = group.line
    ends = "both are done (double buffers)" if group.hardware.double_buffer else "all is done, one after another"
    return (
        f"{group.shown_text}; in all it takes {engineering(group.seconds(line.cycles), 's', digits=3)}, the array works"
        f" {percent(line.array_cycles / line.cycles)} of it, DRAM {percent(line.dram_cycles / line.cycles)};"
        f" as priced, a visit lasts until {ends}; {proof_text(result.best)}"
    )
