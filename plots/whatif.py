"""What a larger budget buys: the objective against a varied budget, and where another design becomes the best."""

from __future__ import annotations

from itertools import groupby, pairwise

from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from plots.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    WIDE,
    NothingToDrawError,
    axes_of,
    font_size,
    heading,
    lay_out,
    plain,
)
from plots.text import figure_dpi, text_width
from solver.quantities import axis_unit, goal_name, percent_at_most
from solver.report import GOAL_TEXTS
from solver.whatif_result import WhatIfCurve, WhatIfPoint

MARKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (PURPLE, "D"), (VERMILLION, "v"), (SKY, "P"))
"""Colour and marker of each set of binding budgets, in the order in which they appear."""
UNPREFIXED = ("mm2", "KiB", "MiB", "")
"""Units that stay as they are, where others take an engineering prefix."""


def what_if(curve: WhatIfCurve, ax: Axes | None = None, *, width: float = WIDE) -> Axes:
    """Draw the best objective at every value of a budget, with binding budgets, breaks and what is proven.

    Between two values without a known break the optimum lies in the shaded band, because a larger budget forbids
    nothing that a smaller one allows.

    Parameters
    ----------
    ax
        Where to draw; by default on a new figure ``width`` inches wide.

    Raises
    ------
    NothingToDrawError
        If the curve has no points.
    """
    if not curve.points:
        raise NothingToDrawError(f"there is no curve to draw: {curve.study} has no points")
    ax = axes_of(ax, width, 0.6 * width if width >= 5 else 0.9 * width)
    scales = _Scales(curve)
    solved = [point for point in curve.points if point.objective is not None]
    _band(ax, scales, solved)
    sets = list(dict.fromkeys(point.binding for point in solved))
    for (color, marker), binding in zip(MARKS * len(sets), sets, strict=False):
        _points(ax, scales, [point for point in solved if point.binding == binding], color, marker, binding)
    _without_design(ax, scales)
    ax.set_xlabel(f"budget: {_spoken(curve.varied.name)}" + (f" [{scales.x_unit}]" if scales.x_unit else ""))
    ax.set_ylabel(f"{goal_name(curve.goal)} [{scales.y_unit}]")
    if solved:
        levels = [*map(scales.objective, solved), *(change.above / scales.y for change in curve.breaks)]
        low, high = min(levels), max(levels)
        # From 0, unless all changes would be lost in the upper half.
        ax.set_ylim(0 if low < 0.5 * high else low - 0.25 * (high - low or high), high + 0.18 * (high - low or high))
    ax.margins(x=0.04)
    plain(ax)
    heading(ax, f"{curve.study}: {GOAL_TEXTS[curve.goal]} against {_spoken(curve.varied.name)}", _caption(curve))
    lay_out(ax)
    _letters(ax, scales, curve)
    return ax


def design_name(design_id: int) -> str:
    """Name designs A, B, ... Z, and by number from there on."""
    return chr(ord("A") + design_id) if design_id < 26 else str(design_id + 1)


class _Scales:
    """Base units in one unit of each axis, and these units."""

    def __init__(self, curve: WhatIfCurve) -> None:
        self.curve = curve
        values = [value for point in curve.points for value in [point.values[curve.varied.name]]]
        self.x, self.x_unit = self._axis(max(values), curve.varied.base, curve.varied.unit)
        objectives = [point.objective or 0 for point in curve.points]
        self.y, self.y_unit = self._axis(max(objectives), curve.base, curve.unit)

    def _axis(self, largest: float, base: int, unit: str) -> tuple[float, str]:
        if unit in UNPREFIXED:
            return float(base), unit
        scale, prefixed = axis_unit(largest / base, unit)
        return base * scale, prefixed

    def value(self, point: WhatIfPoint) -> float:
        return point.values[self.curve.varied.name] / self.x

    def objective(self, point: WhatIfPoint) -> float:
        assert point.objective is not None
        return point.objective / self.y


def _band(ax: Axes, scales: _Scales, solved: list[WhatIfPoint]) -> None:
    """Draw steps at the breaks; where none is known between two points, the optimum lies between their objectives."""
    if not solved:
        return
    label = "between values: the optimum is in here"
    levels = {change.at / scales.x: change.above / scales.y for change in scales.curve.breaks}
    levels.setdefault(scales.value(solved[0]), scales.objective(solved[0]))
    for one, two in pairwise(solved):
        x, y = (scales.value(one), scales.value(two)), (scales.objective(one), scales.objective(two))
        if one.objective != two.objective and not any(x[0] < at <= x[1] for at in levels):
            bound = two.bound if two.bound is not None else 0
            ax.fill_between(x, bound / scales.y, y[0], color=SKY, alpha=0.25, linewidth=0, label=label)
            label = ""
            levels[x[1]] = y[1]
    last = scales.value(solved[-1])
    levels.setdefault(last, scales.objective(solved[-1]))
    steps = sorted(levels.items())
    ax.step([x for x, _ in steps], [y for _, y in steps], where="post", color=INK, linewidth=0.9, zorder=2)


def _points(
    ax: Axes, scales: _Scales, points: list[WhatIfPoint], color: str, marker: str, binding: tuple[str, ...]
) -> None:
    names = " and ".join(map(_spoken, binding)) or "no budget"
    label = f"{names} binds" if len(binding) < 2 else f"{names} bind"
    size = 0.65 * font_size(ax)
    for proven in (True, False):
        some = [point for point in points if (point.status == "optimal") == proven]
        if some:
            ax.plot(
                [scales.value(point) for point in some], [scales.objective(point) for point in some], marker,
                color=color, markersize=size, markerfacecolor=color if proven else "white", zorder=3,
                label=label if proven else f"{label}, not proven optimal",
            )  # fmt: skip
    for point in points:
        if point.status != "optimal" and point.bound is not None:
            ax.vlines(scales.value(point), point.bound / scales.y, scales.objective(point), color=color, linewidth=1)


def _without_design(ax: Axes, scales: _Scales) -> None:
    floor = blended_transform_factory(ax.transData, ax.transAxes)
    for status, marker, label in (("infeasible", "x", "no design (proven)"), ("unknown", "+", "no design found")):
        values = [scales.value(point) for point in scales.curve.points if point.status == status]
        if values:
            ax.plot(
                values, [0.03] * len(values), marker, transform=floor, color=INK, markersize=0.7 * font_size(ax),
                label=label, clip_on=False,
            )  # fmt: skip


def _letters(ax: Axes, scales: _Scales, curve: WhatIfCurve) -> None:
    """Name the designs above the values at which they are best, where there is room."""
    size = font_size(ax) - 1
    left, right = ax.get_xlim()
    points_per_unit = ax.get_window_extent().width * 72 / figure_dpi(ax) / (right - left)
    above = blended_transform_factory(ax.transData, ax.transAxes)
    free = left
    for design_id, group in groupby(curve.points, key=lambda point: point.design_id):
        values = [scales.value(point) for point in group]
        if design_id is None:
            continue
        name = design_name(design_id)
        half = (text_width(name, size) / 2 + 2) / points_per_unit
        middle = (values[0] + values[-1]) / 2
        if middle - half >= free:
            ax.text(middle, 0.97, name, transform=above, fontsize=size, ha="center", va="top", color=INK)
            free = middle + half


def _spoken(budget: str) -> str:
    """Name a budget as people write it."""
    return {"sram": "SRAM", "pes": "PEs"}.get(budget, budget.replace("dram", "DRAM").replace("_", " "))


def _caption(curve: WhatIfCurve) -> str:
    solved = [point for point in curve.points if point.objective is not None]
    if not solved:
        return "no design at any of these values"
    designs = len({point.design_id for point in solved})
    counted = f"{designs} best designs, named on top" if designs != 1 else "one best design"
    if curve.breaks:
        counted += f"; {len(curve.breaks)} exact change{'s' * (len(curve.breaks) > 1)}"
    gaps = [
        (point.objective - point.bound) / point.objective
        for point in solved
        if point.status != "optimal" and point.objective and point.bound is not None
    ]
    if all(point.status == "optimal" for point in solved):
        return f"{counted}; every point is proven optimal in the stated space"
    worst = f" (the optimum is at most {percent_at_most(max(gaps))} lower)" if gaps else ""
    return f"{counted}; hollow points are not proven optimal{worst}"
