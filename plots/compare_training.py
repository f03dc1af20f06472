"""Inference and a training step, phase by phase, on hardware made for each and for both: stacked bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from costmodel.phases import JOINED, PHASES
from plots.savings import goal_text
from plots.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    WIDE,
    NothingToDrawError,
    font_size,
    heading,
    plain,
)
from solver.quantities import axis_unit, engineering, percent_at_most

PARTS = (("energy", "energy_j", "J"), ("latency", "latency_s", "s"))
STYLES = {"inference": (SKY, "")} | dict(
    zip(PHASES, ((BLUE, "////"), (PURPLE, "xx"), (ORANGE, "...."), (GREEN, "\\\\\\\\")), strict=True)
)
"""Colour and hatch of inference and of each phase."""
_BAR = 0.38


def training_bars(
    comparison_json: dict[str, Any], axes: Sequence[Axes] | None = None, *, width: float = WIDE
) -> tuple[Axes, ...]:
    """Draw energy and latency of inference beside those of a training step, on each hardware of a comparison.

    Parameters
    ----------
    comparison_json
        An object of format ``laminate-training-comparison/1``.
    axes
        Two axes, from the top; by default on a new figure ``width`` inches wide.

    Raises
    ------
    NothingToDrawError
        If nothing runs on any hardware.
    """
    places = {name: made for name, made in comparison_json["best_hardware_for"].items() if _runs(made)}
    if not places:
        raise NothingToDrawError("there is nothing to draw: no hardware runs inference or training")
    if axes is None:
        axes = list(Figure(figsize=(width, 0.95 * width), layout="constrained").subplots(2, 1, sharex=True))
    for ax, (name, key, unit) in zip(axes, PARTS, strict=True):
        _panel(ax, name, key, unit, places)
    for name in _shown(places):
        color, hatch = STYLES[name]
        label = "training: forward" if name == "forward" else name
        axes[0].bar([0], [0], color=color, hatch=hatch, edgecolor="white", linewidth=0, label=label)
    title = (
        f"{comparison_json['study']}: inference and a training step of {comparison_json['network']},"
        f" {goal_text(comparison_json['goal'])}"
    )
    heading(axes[0], title, _caption(comparison_json, places))
    return tuple(axes)


def _runs(made: dict[str, Any]) -> bool:
    return made["inference"] is not None or made["training"] is not None


def _shown(places: dict[str, Any]) -> list[str]:
    """Inference and all phases that some step has, in order."""
    found = {name for made in places.values() for name in ((made["training"] or {}).get("phases") or ())}
    found |= {"inference"} if any(made["inference"] is not None for made in places.values()) else set()
    return [name for name in STYLES if name in found]


def _panel(ax: Axes, name: str, key: str, unit: str, places: dict[str, Any]) -> None:
    totals = [made[work][key] for made in places.values() for work in ("inference", "training") if made[work]]
    scale, shown_unit = axis_unit(max(totals), unit)
    size = font_size(ax) - 2
    for i, made in enumerate(places.values()):
        for work, x in (("inference", i - _BAR / 2), ("training", i + _BAR / 2)):
            ran = made[work]
            if ran is None:
                ax.text(x, 0, "n/a", fontsize=size, ha="center", va="bottom", rotation=90)
                continue
            parts = {work: ran} if work == "inference" else ran["phases"]
            _stack(ax, x, [(part, values[key] / scale) for part, values in parts.items()])
            text = engineering(ran[key], unit, digits=3)
            ax.annotate(
                text, (x, ran[key] / scale), (0, 2), textcoords="offset points", fontsize=size, ha="center", va="bottom"
            )
    ax.set_xticks(range(len(places)), [f"best for\n{place}" for place in places])
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel(f"{name} [{shown_unit}]")
    ax.set_ylim(0, 1.1 * max(totals) / scale)
    plain(ax)


def _stack(ax: Axes, x: float, parts: Sequence[tuple[str, float]]) -> None:
    bottom = 0.0
    for name, height in parts:
        color, hatch = STYLES[name]
        ax.bar([x], [height], 0.92 * _BAR, bottom, color=color, hatch=hatch, edgecolor="white", linewidth=0, gid=name)
        bottom += height
    ax.bar([x], [bottom], 0.92 * _BAR, color="none", edgecolor=INK, linewidth=0.5)


def _caption(comparison_json: dict[str, Any], places: dict[str, Any]) -> str:
    images = comparison_json["batch"]
    parts = [f"left bars: inference, right: training, {'one image' if images == 1 else f'{images} images'} each"]
    if JOINED in _shown(places):
        parts.append(f"{JOINED}: groups with layers of both")
    runs = [made[work] for made in places.values() for work in ("inference", "training") if made[work]]
    if all(ran["status"] == "optimal" for ran in runs):
        parts.append("all designs are proven optimal in the stated space")
    else:
        worst = max((ran["gap"] for ran in runs if ran["gap"] is not None), default=None)
        most = "" if worst is None else f": an optimum is at most {percent_at_most(worst)} lower"
        parts.append(f"not all designs are proven optimal{most}")
    return "; ".join(parts)
