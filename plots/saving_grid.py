"""What fusion saves over many networks, accelerators and DRAMs: grouped bars of energy, latency and DRAM traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
    figure_of,
    font_size,
    heading,
    plain,
)
from plots.text import text_width
from solver.export import saving
from solver.result import Result

COLORS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION)
"""Of accelerators, in turn."""
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\")
"""Of DRAMs, in turn."""
METRICS = ("energy", "latency", "DRAM traffic")


@dataclass(frozen=True)
class SavingRow:
    """What the best fused design saves against the best layer-by-layer design, as fractions of the latter.

    Attributes
    ----------
    energy, latency, traffic
        Below 0 where the fused design needs more; None without one of the two designs.
    proven
        Whether both designs are proven optimal.
    """

    network: str
    accelerator: str
    dram: str
    energy: float | None
    latency: float | None
    traffic: float | None
    proven: bool


def saving_row(result: Result, accelerator: str, dram: str, network: str = "") -> SavingRow:
    """Read a row off a result; the network's name is that of the study by default."""
    outcome = result.layer_by_layer
    fractions = saving(result.cost, outcome) or {}
    return SavingRow(
        network or result.study.network.name,
        accelerator,
        dram,
        fractions.get("energy"),
        fractions.get("latency"),
        fractions.get("bandwidth"),
        result.status == "optimal" and outcome is not None and outcome.status == "optimal",
    )


def saving_grid(
    rows: Sequence[SavingRow], title: str, axes: Sequence[Axes] | None = None, *, width: float = WIDE
) -> tuple[Axes, ...]:
    """Draw one group of bars a network, one panel each for energy, latency and DRAM traffic saved.

    Parameters
    ----------
    title
        Study and goal.
    axes
        Three axes, from the top; by default on a new figure ``width`` inches wide.

    Raises
    ------
    NothingToDrawError
        If there are no rows.
    """
    if not rows:
        raise NothingToDrawError("there are no savings to draw: no rows")
    if axes is None:
        height = 6.4 if width >= 5 else 5.2
        axes = list(Figure(figsize=(width, height), layout="constrained").subplots(3, 1, sharex=True))
    networks = list(dict.fromkeys(row.network for row in rows))
    kinds = list(dict.fromkeys((row.accelerator, row.dram) for row in rows))
    for ax, metric in zip(axes, METRICS, strict=True):
        _panel(ax, metric, rows, networks, kinds)
    last = axes[-1]
    room = 72 * figure_of(last).get_figwidth() * 0.85 / len(networks)
    widest = max(text_width(network, font_size(last)) for network in networks)
    turned = widest + 4 > room
    last.set_xticks(range(len(networks)), networks, rotation=30 if turned else 0, ha="right" if turned else "center")
    heading(axes[0], title, _caption(rows))
    return tuple(axes)


def _panel(ax: Axes, metric: str, rows: Sequence[SavingRow], networks: list[str], kinds: list[tuple[str, str]]) -> None:
    accelerators = list(dict.fromkeys(accelerator for accelerator, _ in kinds))
    drams = list(dict.fromkeys(dram for _, dram in kinds))
    wide, size = 0.84 / len(kinds), font_size(ax) - 2.5
    values = [value for row in rows if (value := _value(row, metric)) is not None]
    span = 100 * (max([0.0, *values]) - min([0.0, *values])) or 1.0
    for i, (accelerator, dram) in enumerate(kinds):
        some = [row for row in rows if (row.accelerator, row.dram) == (accelerator, dram)]
        places = [networks.index(row.network) - 0.42 + (i + 0.5) * wide for row in some]
        heights = [100 * (_value(row, metric) or 0.0) for row in some]
        ax.bar(
            places, heights, 0.92 * wide,
            color=COLORS[accelerators.index(accelerator) % len(COLORS)],
            hatch=HATCHES[drams.index(dram) % len(HATCHES)], edgecolor="white", linewidth=0,
            label=f"{accelerator}, {dram}",
        )  # fmt: skip
        for row, x, height in zip(some, places, heights, strict=True):
            text = "n/a" if _value(row, metric) is None else "0" * (abs(height) < 0.05) + "*" * (not row.proven)
            if text:
                turn = 90 if text == "n/a" else 0
                ax.text(x, max(0, height) + 0.02 * span, text, fontsize=size, ha="center", va="bottom", rotation=turn)
    ax.axhline(0, color=INK, linewidth=0.7)
    low, high = 100 * min([0.0, *values]), 100 * max([0.0, *values])
    ax.set_ylim(low - 0.05 * span * (low < 0), high + 0.12 * span)
    ax.set_xlim(-0.5, len(networks) - 0.5)
    ax.grid(axis="y", color="#dddddd", linewidth=0.5)
    ax.set_axisbelow(True)
    ax.set_ylabel(f"{metric}\nsaved [%]")
    ax.tick_params(axis="x", length=0)
    plain(ax)


def _value(row: SavingRow, metric: str) -> float | None:
    return {"energy": row.energy, "latency": row.latency, "DRAM traffic": row.traffic}[metric]


def _caption(rows: Sequence[SavingRow]) -> str:
    against = "fused against layer-by-layer, each on its own best hardware; below 0 the fused design needs more"
    if all(row.proven for row in rows):
        return f"{against}; all designs are proven optimal in the stated space"
    return f"{against}; * where one of both designs is not proven optimal; the others are, in the stated space"
