"""Text that fits: widths, wrapping, labels beside points, the heading above everything, and the tests' own eyes."""

from __future__ import annotations

from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from drawn import collisions
from plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, YELLOW, heading, written
from plots.text import label_points, text_width, wrapped


def test_widths_are_those_of_the_renderer() -> None:
    figure = Figure(dpi=144)
    FigureCanvasAgg(figure)
    for text in ("conv1", "a longer line of text, with WWW"):
        box = figure.text(0, 0.5, text, fontsize=8).get_window_extent()
        assert box.width / 2 <= text_width(text, 8) <= 1.15 * box.width / 2


def test_lines_are_broken_between_words() -> None:
    text = "tile visits are priced one after another and drawn in the same order"
    lines = wrapped(text, 8, 120)
    assert " ".join(lines) == text
    assert len(lines) > 2
    assert all(text_width(line, 8) <= 120 for line in lines)
    assert wrapped("unbreakable", 8, 5) == ["unbreakable"]
    assert wrapped("two\nlines", 8, 500) == ["two", "lines"]


def test_labels_keep_off_points_and_labels() -> None:
    ax = Figure(figsize=(3, 3)).subplots()
    points = [(0.5 + 0.01 * i, 0.5) for i in range(12)]
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    placed = label_points(ax, points, [3.0] * 12, [str(i) for i in range(8)], 7)
    assert 2 <= len(placed) < 8
    assert placed[0].get_text() == "0"
    boxes = [label.get_window_extent() for label in placed]
    assert not any(one.overlaps(two) for one, two in combinations(boxes, 2))


@pytest.mark.parametrize("width", [2.5, 3.5, 7.2])
def test_a_heading_lies_above_the_axes_and_inside_the_figure(width: float) -> None:
    ax = Figure(figsize=(width, 3), layout="constrained").subplots()
    for i in range(6):
        ax.plot([0, 1], [0, i], label=f"series number {i}")
    heading(ax, "a title that is too long for a narrow figure", "and a caption that is even longer than that " * 3)
    assert collisions(ax) == []
    assert written(ax, "title") == "a title that is too long for a narrow figure"


def test_collisions_are_seen() -> None:
    ax = Figure(figsize=(3, 3)).subplots()
    ax.text(0.5, 0.5, "one")
    ax.text(0.5, 0.52, "two")
    ax.text(5, 0.5, "far")
    assert collisions(ax) == ["'one' on 'two'", "'far' outside"]


def test_the_palette_is_okabe_and_itos() -> None:
    assert {ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE, GREY} == {
        "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999",
    }  # fmt: skip
