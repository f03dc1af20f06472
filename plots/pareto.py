"""The front between two goals: what must be given up of the one for more of the other."""

from __future__ import annotations

from matplotlib.axes import Axes

from plots.style import BLUE, GREEN, INK, ORANGE, PURPLE, WIDE, NothingToDrawError, axes_of, heading, lay_out, plain
from solver.pareto import Front
from solver.quantities import axis_unit, goal_name
from solver.result import BASE_UNITS, UNIT_OF_GOAL, mixes_in

MARKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (PURPLE, "D"))
"""Colour and marker of each accelerator template, in the order in which they appear."""


def pareto_front(front: Front, ax: Axes | None = None, *, width: float = WIDE) -> Axes:
    """Draw every point of a front by its accelerator; the line between them bounds what can be had.

    Parameters
    ----------
    ax
        Where to draw; by default on a new figure ``width`` inches wide.

    Raises
    ------
    NothingToDrawError
        If the front has no points.
    """
    if not front.points:
        raise NothingToDrawError(f"there is no front to draw: {front.study.name} has no design")
    ax = axes_of(ax, width, 0.62 * width if width >= 5 else 0.9 * width)
    axes = [_in_units(front, which) for which in (0, 1)]
    (second, second_unit), (first, first_unit) = axes[1], axes[0]
    ax.step(second, first, where="pre", color=INK, linewidth=0.9, zorder=1)
    templates = [result.design.hardware.template for _, _, result in front.points if result.design is not None]
    for (color, marker), name in zip(MARKS * len(set(templates)), dict.fromkeys(templates), strict=False):
        which = [i for i, template in enumerate(templates) if template == name]
        xs, ys = [second[i] for i in which], [first[i] for i in which]
        ax.plot(xs, ys, marker, color=color, markersize=4, label=name, zorder=2)
    ax.set_xlabel(f"{goal_name(front.goals[1])} [{second_unit}]")
    ax.set_ylabel(f"{goal_name(front.goals[0])} [{first_unit}]")
    ax.margins(0.05)
    plain(ax)
    number = f"{len(front.points)} point{'s' * (len(front.points) > 1)}"
    proof = "the whole front, proven" if front.complete else "each proven; the front goes on to the left"
    heading(
        ax, f"{front.study.name}: {goal_name(front.goals[0])} against {goal_name(front.goals[1])}", f"{number}: {proof}"
    )
    lay_out(ax)
    return ax


def _in_units(front: Front, which: int) -> tuple[list[float], str]:
    """One goal of all points in a unit that suits the largest, and the unit."""
    goal = front.goals[which]
    base = BASE_UNITS[goal] * mixes_in(goal, front.study.num_mixes)
    values = [objectives[which] / base for objectives in ((one, two) for one, two, _ in front.points)]
    scale, unit = (1.0, "mm2") if goal == "area" else axis_unit(max(values), UNIT_OF_GOAL[goal])
    return [value / scale for value in values], unit
