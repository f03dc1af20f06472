"""What all figures share: colours, sizes, and a heading that never runs into the axes."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plots.text import wrapped
from solver.quantities import percent_at_most
from solver.report import GOAL_TEXTS
from solver.result import Outcome, Result
from specs.study import Study

WIDE, COLUMN = 7.2, 3.5
"""Inches: a page's text width, and one column of a paper in two columns."""

ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#999999"
"""Okabe and Ito's palette, told apart by every kind of colour vision; hatches and markers tell more in print."""
INK, FAINT = "#222222", "#666666"


class NothingToDrawError(ValueError):
    """A result that lacks what a figure shows; ``str()`` says what."""


def axes_of(ax: Axes | None, width: float, height: float) -> Axes:
    """Return the axes given, or new ones on a figure of that many inches."""
    return ax if ax is not None else Figure(figsize=(width, height), layout="constrained").subplots()


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes are in."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def lay_out(ax: Axes) -> None:
    """Let the figure's layout, if it has one, place the axes, so that their size is known."""
    figure = figure_of(ax)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)


def is_wide(ax: Axes | None, width: float) -> bool:
    """Whether there is room as on a page: on the figure of the axes given, or on a new one of that width."""
    return (width if ax is None else figure_of(ax).get_figwidth()) >= 5


def font_size(ax: Axes) -> float:
    """Points of ordinary text: less in a narrow figure."""
    return 9.0 if is_wide(ax, 0) else 7.0


def plain(ax: Axes) -> None:
    """Set the size of all tick and axis labels, and leave two spines."""
    size = font_size(ax)
    ax.tick_params(labelsize=size - 0.5)
    ax.xaxis.label.set_fontsize(size)
    ax.yaxis.label.set_fontsize(size)
    ax.spines[["top", "right"]].set_visible(False)


def heading(ax: Axes, title: str, caption: str, legend: bool = True) -> None:
    """Write title and caption, wrapped to what the axes take, above a legend that is above the axes.

    To be called last. Lays the figure out once, so that it knows how wide the axes and their labels are.
    """
    figure, size = figure_of(ax), font_size(ax)
    lay_out(ax)
    tight, frame = ax.get_tightbbox(), ax.get_window_extent()
    assert tight is not None
    to_points = 72 / figure.dpi
    left, width = (tight.x0 - frame.x0) * to_points, tight.width * to_points
    offset = 6.0
    if legend and ax.get_legend_handles_labels()[1]:
        offset += _legend(ax, left, width, size) * to_points
    for text, points, weight, color in ((caption, size - 1, "normal", FAINT), (title, size + 1, "bold", INK)):
        lines = wrapped(text, points, width, weight)
        written = ax.annotate(
            "\n".join(lines),
            (0, 1),
            (left, offset),
            xycoords="axes fraction",
            textcoords="offset points",
            va="bottom",
            fontsize=points,
            fontweight=weight,
            color=color,
            annotation_clip=False,
        )
        written.set_gid("title" if text == title else "caption")
        offset += len(lines) * points * 1.25 + 3


def _legend(ax: Axes, left: float, width: float, size: float) -> float:
    """Put the legend above the axes in as many columns as fit; return its height in pixels."""
    figure = figure_of(ax)
    frame = ax.get_window_extent()
    anchor = (left / 72 * figure.dpi / frame.width, 1 + 3 / 72 * figure.dpi / frame.height)
    handles, labels = ax.get_legend_handles_labels()
    for columns in range(min(len(labels), 8), 0, -1):
        legend = ax.legend(
            handles, labels, loc="lower left", bbox_to_anchor=anchor, ncols=columns, frameon=False,
            fontsize=size - 1, borderaxespad=0, borderpad=0, columnspacing=1.2, handlelength=1.6, handletextpad=0.5,
        )  # fmt: skip
        extent = legend.get_window_extent()
        if 1.05 * extent.width <= width / 72 * figure.dpi:
            break
        if columns == 2:
            labels = ["\n".join(wrapped(label, size - 1, width - 3 * size)) for label in labels]
    return extent.height + 3 / 72 * figure.dpi


def written(ax: Axes, what: str) -> str:
    """Return the ``title`` or the ``caption`` that `heading` wrote, in one line."""
    texts = [text.get_text() for text in ax.texts if text.get_gid() == what]
    return " ".join(texts[0].split("\n"))


def study_title(result: Result, what: str) -> str:
    """Name the study, the figure's subject and the goal."""
    return f"{result.study.name}: {what}, for {', then '.join(GOAL_TEXTS[goal] for goal in result.study.goals)}"


def proof_text(outcome: Outcome) -> str:
    """Say what is proven of a design."""
    if outcome.status == "optimal":
        return "proven optimal in the stated space"
    if outcome.gap is None:
        return "not proven optimal"
    return f"not proven optimal (the optimum is at most {percent_at_most(outcome.gap)} lower)"


def proofs_text(fused: Outcome, layer_by_layer: Outcome | None) -> str:
    """Say what is proven of a design and of the one it is compared with."""
    if layer_by_layer is None or layer_by_layer.design is None:
        return proof_text(fused)
    proofs = proof_text(fused), proof_text(layer_by_layer)
    if proofs[0] == proofs[1]:
        return f"both designs are {proofs[0]}"
    return f"fused: {proofs[0]}; layer-by-layer: {proofs[1]}"


def workloads_text(study: Study) -> str:
    """Say what the numbers of a mix's networks stand for, and that totals are of one mix; nothing without a mix."""
    if not study.mix:
        return ""
    names = [f"{float(one.weight):g} x {one.name} [{i}]" for i, one in enumerate(study.mix, 1)]
    return f"one mix is {' and '.join(names)}; "
