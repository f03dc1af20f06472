"""What fusion saves on each accelerator: grouped bars."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from plots.savings import goal_text
from plots.style import WIDE, axes_of, heading, lay_out, plain
from solver.quantities import percent_at_most

_MEASURES = (("energy", "energy"), ("latency", "latency"), ("dram_traffic", "DRAM traffic"), ("edp", "EDP"))
_COLORS, _HATCHES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7"), ("", "//", "..", "\\\\")
"""Of Okabe and Ito's palette, told apart by every kind of colour vision, and by the hatches in print."""


def compared_bars(comparison_json: dict[str, Any], ax: Axes | None = None) -> Axes:
    """Draw what each accelerator saves by fusion, in per cent of layer by layer on its own best hardware.

    Parameters
    ----------
    comparison_json
        An object of format ``laminate-comparison/1``.
    ax
        Where to draw; by default on a new figure.

    Raises
    ------
    ValueError
        If no accelerator has both designs.
    """
    groups = [
        (entry["template"] + suffix, entry["saving"])
        for key, suffix in (("own_best_hardware", ""), ("on_given_buffers", "\ngiven buffers"))
        for entry in comparison_json[key]
        if entry["saving"] is not None
    ]
    if not groups:
        raise ValueError("there is nothing to draw: no accelerator has a design with and one without fusion")
    ax = axes_of(ax, WIDE, 0.58 * WIDE)
    width = 0.8 / len(_MEASURES)
    for i, ((key, name), color, hatch) in enumerate(zip(_MEASURES, _COLORS, _HATCHES, strict=True)):
        at = [group + (i - (len(_MEASURES) - 1) / 2) * width for group in range(len(groups))]
        heights = [100 * (saving[key] or 0.0) for _, saving in groups]
        bars = ax.bar(at, heights, width, color=color, hatch=hatch, edgecolor="white", label=name)
        ax.bar_label(bars, fmt="%.1f", padding=2, fontsize="small")
    ax.axhline(0, color="#444444", linewidth=0.8)
    ax.set_xticks(range(len(groups)), [name for name, _ in groups])
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel("saved by fusion, % of layer by layer")
    ax.margins(y=0.12)
    plain(ax)
    title = f"{comparison_json['study']}: saved by fusion on each accelerator, for {goal_text(comparison_json['goal'])}"
    heading(ax, title, _caption(comparison_json))
    lay_out(ax)
    return ax


def _caption(comparison_json: dict[str, Any]) -> str:
    """Say how well both sides are proven."""
    sides = [
        entry[side]
        for key in ("own_best_hardware", "on_given_buffers")
        for entry in comparison_json[key]
        for side in ("fused", "layer_by_layer")
        if entry["saving"] is not None
    ]
    if all(side["status"] == "optimal" for side in sides):
        return "each side on its own best hardware; all designs are proven optimal in the stated space"
    worst = max((side["gap"] for side in sides if side["gap"] is not None), default=None)
    most = "" if worst is None else f": an optimum is at most {percent_at_most(worst)} lower"
    return f"each side on its own best hardware; not all designs are proven optimal{most}"
