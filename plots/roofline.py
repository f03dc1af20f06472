"""The roofline of the chosen accelerator: what limits each fusion group, and what limited its layers one by one."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from costmodel import Hardware
from plots.group_rows import GroupRow, group_rows, solved_design
from plots.style import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    WIDE,
    NothingToDrawError,
    axes_of,
    font_size,
    heading,
    lay_out,
    plain,
    proofs_text,
    study_title,
    workloads_text,
)
from plots.text import label_points
from solver.quantities import engineering
from solver.report import accelerator_text
from solver.result import Result

MOST_LABELS = 12
"""Groups with their number beside them: those that take most time."""


@dataclass(frozen=True)
class RoofPoint:
    """One group on the roofline.

    Attributes
    ----------
    macs_per_byte, macs_per_s
        Of all its DRAM bytes, of all its time.
    share
        Of the design's time.
    """

    number: int
    macs_per_byte: float
    macs_per_s: float
    share: float


@dataclass(frozen=True)
class Roofline:
    """Groups before and after fusion under the roofs of one accelerator.

    Attributes
    ----------
    before, after
        By the groups' numbers; groups that multiply nothing are left out.
    """

    peak_macs_per_s: float
    dram_bytes_per_s: float
    before: tuple[RoofPoint, ...]
    after: tuple[RoofPoint, ...]
    without_macs: int

    def roof(self, macs_per_byte: float) -> float:
        """Return the most MAC/s at so many MACs per DRAM byte."""
        return min(self.peak_macs_per_s, macs_per_byte * self.dram_bytes_per_s)


def roofline(result: Result, ax: Axes | None = None, *, width: float = WIDE) -> Axes:
    """Draw MAC/s against MAC per DRAM byte, each group fused and layer by layer on the same hardware.

    Parameters
    ----------
    ax
        Where to draw; by default on a new figure ``width`` inches wide.

    Raises
    ------
    NothingToDrawError
        If the result holds no design, or one that multiplies nothing.
    """
    data = roofline_data(result)
    if not data.after:
        raise NothingToDrawError(f"there is no roofline to draw: {result.study.name} multiplies nothing")
    ax = axes_of(ax, width, 0.68 * width if width >= 5 else 0.95 * width)
    ax.set_xscale("log")
    ax.set_yscale("log")
    _roofs(ax, data)
    before = {point.number: point for point in data.before}
    for point in data.after:
        if point.number in before:
            old = before[point.number]
            ax.plot(
                [old.macs_per_byte, point.macs_per_byte], [old.macs_per_s, point.macs_per_s],
                color=FAINT, linewidth=0.6, zorder=2,
            )  # fmt: skip
    _points(ax, data.before, "s", ORANGE, "layer by layer", filled=False)
    _points(ax, data.after, "o", BLUE, "fused" if data.before else "groups", filled=True)
    ax.set_xlabel("MAC per DRAM byte")
    ax.set_ylabel("throughput [MAC/s]")
    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        if high < 100 * low:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(lambda value, _: engineering(value, "", digits=1).replace(" ", ""))
        axis.set_minor_formatter(NullFormatter())
    plain(ax)
    heading(ax, study_title(result, "roofline"), _caption(result, data))
    lay_out(ax)
    ranked = [*sorted(data.after, key=lambda point: -point.share), *data.before]
    label_points(
        ax,
        [(point.macs_per_byte, point.macs_per_s) for point in ranked],
        [_radius(ax, point) for point in ranked],
        [str(point.number) for point in ranked[: min(MOST_LABELS, len(data.after))]],
        font_size(ax) - 1,
    )
    return ax


def roofline_data(result: Result) -> Roofline:
    """Return the points and the roofs."""
    design, _ = solved_design(result)
    hardware, baseline = design.hardware, result.layer_by_layer_same_hardware
    rows = group_rows(result, baseline)
    with_macs = [row for row in rows if row.fused.macs]
    return Roofline(
        peak_macs_per_s=float(hardware.array.pes * hardware.clock_hz),
        dram_bytes_per_s=float(hardware.dram.bytes_per_s),
        before=_of(hardware, with_macs, rows, apart=True) if rows[0].apart else (),
        after=_of(hardware, with_macs, rows, apart=False),
        without_macs=len(rows) - len(with_macs),
    )


def _of(hardware: Hardware, rows: list[GroupRow], every: list[GroupRow], apart: bool) -> tuple[RoofPoint, ...]:
    total = GroupRow.total_apart if apart else GroupRow.total
    cycles = sum(total(row, "cycles") for row in every)
    return tuple(
        RoofPoint(
            row.number,
            total(row, "macs") / total(row, "dram_bytes"),
            total(row, "macs") / (total(row, "cycles") * hardware.period_fs / 10**15),
            total(row, "cycles") / cycles,
        )
        for row in rows
    )


def _roofs(ax: Axes, data: Roofline) -> None:
    points = [*data.before, *data.after]
    ridge = data.peak_macs_per_s / data.dram_bytes_per_s
    left = 0.5 * min(ridge, *(point.macs_per_byte for point in points))
    right = 2 * max(ridge, *(point.macs_per_byte for point in points))
    lowest = min(point.macs_per_s for point in points)
    peak = f"array's peak, {engineering(data.peak_macs_per_s, 'MAC/s', digits=3)}"
    bandwidth = f"DRAM, {engineering(data.dram_bytes_per_s, 'B/s', digits=3)}"
    ax.plot([ridge, right], [data.peak_macs_per_s] * 2, color=INK, zorder=1, label=peak)
    ax.plot([left, ridge], [data.roof(left), data.peak_macs_per_s], "--", color=INK, zorder=1, label=bandwidth)
    ax.set_xlim(left, right)
    ax.set_ylim(min(0.5 * lowest, 0.05 * data.peak_macs_per_s), 2 * data.peak_macs_per_s)


def _radius(ax: Axes, point: RoofPoint) -> float:
    return font_size(ax) * (0.3 + 0.9 * sqrt(point.share))


def _points(ax: Axes, points: tuple[RoofPoint, ...], marker: str, color: str, label: str, filled: bool) -> None:
    if not points:
        return
    ax.scatter(
        [point.macs_per_byte for point in points],
        [point.macs_per_s for point in points],
        [(2 * _radius(ax, point)) ** 2 for point in points],
        marker=marker, label=label, zorder=3,
        facecolors=color if filled else "none", edgecolors="white" if filled else color,
        linewidths=0.6 if filled else 1.4,
    )  # fmt: skip


def _caption(result: Result, data: Roofline) -> str:
    assert result.design is not None
    parts = [
        f"{workloads_text(result.study)}{accelerator_text(result.design.hardware)}; marks grow with time,"
        " numbers as in the report"
    ]
    if data.before:
        parts.append("lines join a group and its layers, layer by layer on the same hardware")
    if data.without_macs:
        parts.append(f"without groups that multiply nothing ({data.without_macs})")
    return "; ".join([*parts, proofs_text(result.best, result.layer_by_layer_same_hardware)])
