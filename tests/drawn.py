"""What figures show, for tests: texts that lie on each other or leave the figure, and bars by their labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from made_results import chain, chain_study, solved
from plots.style import figure_of
from solver.result import Result
from specs.mix import joined
from specs.study import Workload


def mixed_result(gap: float = 0.0) -> Result:
    """A mix of a chain of two layers and, on every fourth run, one of four."""
    members = [("eye", chain(2)), ("ear", chain(4))]
    mix = (Workload("eye", Fraction(1), 2), Workload("ear", Fraction(1, 4), 4))
    return solved(replace(chain_study(), network=joined(members), mix=mix), gap)


def visible_texts(ax: Axes) -> Iterator[Text]:
    """Every text of some axes that is drawn."""
    legend = ax.get_legend()
    ticks = [*ax.get_xticklabels(), *ax.get_yticklabels()] if ax.axison else []
    inside = [(tick, axis) for tick, axis in zip(ticks, [0] * len(ax.get_xticklabels()) + [1] * 99, strict=False)]
    for tick, axis in inside:
        low, high = sorted((ax.get_xlim, ax.get_ylim)[axis]())
        if low <= tick.get_position()[axis] <= high:
            yield tick
    yield from ax.texts
    yield from (ax.xaxis.label, ax.yaxis.label, ax.title) if ax.axison else ()
    yield from legend.get_texts() if legend else ()


def collisions(*axes: Axes) -> list[str]:
    """Draw, and name every two texts that overlap, and every text that leaves the figure.

    Names on an axis at a slant lie in parallel, though the boxes around them overlap; they are not compared.
    """
    figure = figure_of(axes[0])
    FigureCanvasAgg(figure).draw()
    boxes = [
        (text.get_text(), _inner(text), text.get_rotation())
        for ax in axes
        for text in visible_texts(ax)
        if text.get_visible() and text.get_text()
    ]
    pairs = combinations(boxes, 2)
    found = [f"{a!r} on {b!r}" for (a, one, turn), (b, two, _) in pairs if one.overlaps(two) and turn % 90 == 0]
    page = figure.bbox
    outside = [
        f"{text!r} outside"
        for text, box, _ in boxes
        if box.x0 < page.x0 or box.y0 < page.y0 or box.x1 > page.x1 or box.y1 > page.y1
    ]
    return found + outside


def _inner(text: Text) -> Bbox:
    """A pixel less on every side: boxes are rounded up, and ascenders are rarely as high as they may be."""
    box = text.get_window_extent()
    return Bbox.from_extents(box.x0 + 1, box.y0 + 1, box.x1 - 1, box.y1 - 1)


def rectangles(ax: Axes, gid: str) -> list[Rectangle]:
    """The rectangles that a figure gave a name."""
    return [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_gid() == gid]


def filled(ax: Axes) -> list[Patch]:
    """Patches with a face, as those of bars that mean something."""
    return [patch for patch in ax.patches if patch.get_facecolor()[3] > 0]
