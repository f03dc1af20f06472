"""The feature buffer while one fusion group runs: bytes held, layer by layer, against what it can hold."""

from __future__ import annotations

from matplotlib.axes import Axes

from plots.style import (
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    WIDE,
    axes_of,
    heading,
    is_wide,
    plain,
    proof_text,
)
from plots.visits import GroupInTime, group_in_time, short
from solver.quantities import axis_unit, percent
from solver.result import Result
from specs.units import size_text

KIB = 1024


def buffer_occupancy(
    result: Result, number: int, ax: Axes | None = None, *, first: int | None = None, width: float = WIDE
) -> Axes:
    """Draw the bytes in the feature buffer over time; of many visits some, among them the one with the peak.

    Parameters
    ----------
    number
        Of the group, as in the report.
    ax
        Where to draw; by default on a new figure ``width`` inches wide.
    first
        The first visit to show, from 1, in place of those around the peak.

    Raises
    ------
    ValueError
        If the result holds no design, or the design no such group, or the group no such visit.
    """
    wide = is_wide(ax, width)
    group = group_in_time(result, number, first, 40 if wide else 16, 160 if wide else 60)
    ax = axes_of(ax, width, 3.2 if wide else 2.6)
    scale, unit = axis_unit(group.seconds(group.shown[-1].end), "s")
    to_axis = group.seconds(1) / scale
    weights = group.cost.weight_peak_bytes if group.hardware.shared else 0
    held = [(start * to_axis, amount / KIB) for visit in group.shown for start, _, amount in visit.held()]
    reserved = [visit.reserved_bytes / KIB for visit in group.shown for _ in visit.held()]
    times = [*(time for time, _ in held), group.shown[-1].end * to_axis]
    base = [weights / KIB] * len(times)
    middle = [weights / KIB + room for room in reserved]
    top = [low + amount for low, (_, amount) in zip(middle, held, strict=True)]
    middle, top = [*middle, middle[-1]], [*top, top[-1]]
    if weights:
        ax.fill_between(times, 0, base, step="post", facecolor=ORANGE, hatch="\\\\\\\\", edgecolor="white",
                        linewidth=0, label="weights at their peak")  # fmt: skip
    if max(reserved):
        ax.fill_between(times, base, middle, step="post", facecolor=PURPLE, hatch="////", edgecolor="white",
                        linewidth=0, label="room for what comes and leaves")  # fmt: skip
    ax.fill_between(times, middle, top, step="post", facecolor=SKY, linewidth=0, label="held by layers")
    ax.step(times, top, where="post", color=INK, linewidth=0.7)
    capacity = group.hardware.feature_bytes
    ax.axhline(capacity / KIB, color=VERMILLION, linestyle="--", label=f"capacity, {size_text(capacity)}")
    ax.set_xlim(times[0], times[-1])
    ax.set_ylim(0, 1.12 * capacity / KIB)
    ax.set_xlabel(f"time [{unit}]")
    ax.set_ylabel("shared buffer [KiB]" if group.hardware.shared else "feature buffer [KiB]")
    plain(ax)
    heading(ax, f"{result.study.name}: feature buffer in {group.name}", _caption(result, group))
    return ax


def _caption(result: Result, group: GroupInTime) -> str:
    line = group.line
    visit = next(i for i, one in enumerate(line.visits, 1) if one.peak_bytes == line.feature_peak_bytes)
    if not line.feature_peak_bytes:
        return f"{group.shown_text}; it holds no features; {proof_text(result.best)}"
    fullest = max(line.visits[visit - 1].layers, key=lambda span: span.held_bytes)
    share = percent(line.feature_peak_bytes / group.hardware.feature_bytes)
    return (
        f"{group.shown_text}; features need most in visit {visit} while {short(result, fullest.layer)} runs,"
        f" {line.feature_peak_bytes / KIB:.1f} KiB or {share}; {proof_text(result.best)}"
    )
