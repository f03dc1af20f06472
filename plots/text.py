"""Text that fits: how wide it is in points, lines wrapped to a width, and labels that keep off each other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.text import Annotation
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Bbox

_AROUND = ((1, 0), (1, 1), (-1, 0), (1, -1), (-1, 1), (-1, -1), (0, 1), (0, -1))
"""Where a label may lie beside its point, the best place first."""
_HINTING = 1.06
"""Letters on a grid of pixels are wider than their outlines, the more so the smaller they are."""


@lru_cache(maxsize=4096)
def text_width(text: str, points: float, weight: str = "normal") -> float:
    """Return how wide a line of text is, in points."""
    if not text.strip():
        return 0.3 * points * len(text)
    font = FontProperties(weight=weight, size=points)
    return _HINTING * float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def wrapped(text: str, points: float, width: float, weight: str = "normal") -> list[str]:
    """Break text between words into lines of at most a width in points (a longer word stands alone)."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if line and text_width(longer, points, weight) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


def label_points(
    ax: Axes, points: Sequence[tuple[float, float]], radii: Sequence[float], texts: Sequence[str], size: float
) -> list[Annotation]:
    """Write labels beside the first points, each where it covers no label and no point; where none is free, nothing.

    The axes must have their final limits and size. Points named first choose first; those without a text are only
    kept free. Radii are in points.
    """
    frame = ax.get_window_extent()
    scale = figure_dpi(ax) / 72
    discs = []
    for point, radius in zip(points, radii, strict=True):
        (x, y), r = ax.transData.transform(point), radius * scale
        discs.append(Bbox.from_extents(x - r, y - r, x + r, y + r))
    taken: list[Bbox] = []
    placed = []
    for i, text in enumerate(texts):
        others = [*discs[:i], *discs[i + 1 :], *taken]
        for dx, dy in _AROUND:
            reach = radii[i] + 1.5 if 0 in (dx, dy) else 0.75 * radii[i] + 0.5
            label = ax.annotate(
                text,
                points[i],
                (dx * reach, dy * reach),
                textcoords="offset points",
                fontsize=size,
                ha=("right", "center", "left")[dx + 1],
                va=("top", "center_baseline", "bottom")[dy + 1],
            )
            box = label.get_window_extent()
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if inside and not any(box.overlaps(other) for other in others):
                taken.append(box.padded(2 * scale))
                placed.append(label)
                break
            label.remove()
    return placed


def figure_dpi(ax: Axes) -> float:
    """Return the pixels in an inch of the figure that axes are in."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure.dpi
