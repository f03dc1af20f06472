"""What fusion saves on each accelerator: grouped bars."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plots.savings import goal_text

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
    ax = ax if ax is not None else Figure(figsize=(7.2, 4.2), layout="constrained").subplots()
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
    ax.spines[["top", "right"]].set_visible(False)
    ax.margins(y=0.12)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(_MEASURES), frameon=False, fontsize="small")
    ax.set_title(f"{comparison_json['study']}: for {goal_text(comparison_json['goal'])}", pad=30)
    return ax
