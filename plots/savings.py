"""What fusion saves: the best fused design beside the best layer-by-layer design."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from plots.style import WIDE, NothingToDrawError, axes_of, font_size, heading, plain
from solver.quantities import change, engineering, percent_at_most
from solver.report import GOAL_TEXTS
from specs.units import size_text

LAYER_BY_LAYER, FUSED = "#E69F00", "#0072B2"
"""Orange and blue of Okabe and Ito's palette, told apart by every kind of colour vision (and by the hatch in print)."""

_METRICS = (("energy", "energy_j", "J"), ("latency", "latency_s", "s"), ("DRAM traffic", "dram_bytes", "B"))
_BAR_WIDTH = 0.38


def saving_bars(design_json: dict[str, Any], ax: Axes | None = None, *, width: float = WIDE) -> Axes:
    """Draw energy, latency and DRAM traffic in per cent of the layer-by-layer optimum on its own best hardware.

    Parameters
    ----------
    design_json
        An object of format ``laminate-design/1`` that holds both designs.
    ax
        Where to draw; by default on a new figure ``width`` inches wide.

    Raises
    ------
    NothingToDrawError
        If the object lacks one of the two designs.
    """
    baseline = design_json["baseline"]["layer_by_layer"]
    if design_json["totals"] is None or baseline is None or baseline["totals"] is None:
        raise NothingToDrawError("there are no savings to draw: the result needs a design with and one without fusion")
    ax = axes_of(ax, width, 0.64 * width if width >= 5 else 0.9 * width)
    for offset, color, hatch, label, totals in (
        (-_BAR_WIDTH / 2, LAYER_BY_LAYER, "//", "layer-by-layer", baseline),
        (_BAR_WIDTH / 2, FUSED, "", "fused", design_json),
    ):
        _draw_series(ax, offset, color, hatch, label, totals, baseline["totals"])
    ax.set_xticks(range(len(_METRICS)), [name for name, _, _ in _METRICS])
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel("% of layer-by-layer")
    tallest = max(patch.get_height() for patch in ax.patches)  # type: ignore[attr-defined]
    ax.set_ylim(0, 1.2 * tallest)
    plain(ax)
    title = f"{design_json['study']}: savings of fusion, for {goal_text(design_json['goal'])}"
    heading(ax, title, _caption(design_json, baseline))
    return ax


def goal_text(goal: str | list[str]) -> str:
    """Write a goal, or a list of them, as it is in the JSON object."""
    return ", then ".join(GOAL_TEXTS[name] for name in ([goal] if isinstance(goal, str) else goal))  # type: ignore[index]


def _draw_series(
    ax: Axes, offset: float, color: str, hatch: str, label: str, outcome: dict[str, Any], reference: dict[str, Any]
) -> None:
    """Draw one bar per metric, with its value above it and, if it differs, its change in per cent."""
    totals = outcome["totals"]
    values = [totals[key] for _, key, _ in _METRICS]
    bases = [reference[key] for _, key, _ in _METRICS]
    bars = ax.bar(
        [i + offset for i in range(len(_METRICS))],
        [100 * value / base if base else 0.0 for value, base in zip(values, bases, strict=True)],
        _BAR_WIDTH,
        color=color,
        hatch=hatch,
        edgecolor="white",
        label=f"{label}: {_hardware_text(outcome['hardware'])}",
    )
    texts = []
    for (_, _, unit), value, base in zip(_METRICS, values, bases, strict=True):
        text = engineering(value, unit, digits=3)
        texts.append(text if totals is reference else f"{change(value, base)}\n{text}")
    ax.bar_label(bars, labels=texts, padding=3, fontsize=font_size(ax) - 1)


def _hardware_text(hardware: dict[str, Any]) -> str:
    shared = hardware.get("shared_buffer_bytes")
    if shared:
        buffers = f"{size_text(shared)} shared"
    else:
        sizes = (hardware["feature_buffer_bytes"], hardware["weight_buffer_bytes"])
        buffers = f"{size_text(sizes[0])} feature + {size_text(sizes[1])} weight"
    return f"{hardware['template']}, {hardware['pes']} PEs, {buffers}, {hardware['area_mm2']:.3g} mm2"


def _caption(design_json: dict[str, Any], baseline: dict[str, Any]) -> str:
    proofs = [_proof(design_json), _proof(baseline)]
    if proofs[0] == proofs[1]:
        return f"both designs are {proofs[0]}"
    return f"fused: {proofs[0]}; layer-by-layer: {proofs[1]}"


def _proof(outcome: dict[str, Any]) -> str:
    if outcome["status"] == "optimal":
        return "proven optimal in the stated space"
    if outcome["gap"] is None:
        return "not proven optimal"
    return f"not proven optimal (the optimum is at most {percent_at_most(outcome['gap'])} lower)"
