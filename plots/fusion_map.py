"""The fusion map: the network as a strip of layers in run order, cut into its fusion groups."""

from __future__ import annotations

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from plots.fusion_map_data import MapGroup, Piece, lines_of, main_pieces, map_groups
from plots.style import (
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    WIDE,
    YELLOW,
    axes_of,
    figure_of,
    heading,
    proof_text,
    study_title,
)
from plots.text import text_width
from solver.group_table import cut
from solver.report import buffers_text
from solver.result import Result

TINTS = tuple(tuple(0.45 * part + 0.55 for part in to_rgb(color)) for color in (SKY, ORANGE, GREEN, YELLOW, PURPLE))
"""Of fused groups, in turn; layers alone stay white."""
CELL_HEIGHT, BAR_HEIGHT, GAP = 0.62, 0.06, 0.14
"""Inches: a layer's cell, the bar of one buffer, and between lines."""
MOST_WORD_LINES = 4


def fusion_map(result: Result, ax: Axes | None = None, *, width: float = WIDE) -> Axes:
    """Draw the layers in run order with their fusion groups, tile grids, overlap modes and buffer peaks.

    Parameters
    ----------
    ax
        Where to draw; by default on a new figure ``width`` inches wide and as high as it needs.

    Raises
    ------
    NothingToDrawError
        If the result holds no design.
    """
    groups = map_groups(result)
    wide = ax.get_window_extent().width / figure_of(ax).dpi if ax is not None else width - 0.1
    longest = max(sum(len(g.layers) for g in groups if g.workload == w) for w in {g.workload for g in groups})
    per_line = min(longest, int(wide / (0.29 if wide >= 5 else 0.25)))
    pieces = lines_of(groups, per_line)
    cell_width = min(0.8, wide / per_line)
    size = 6.5 if wide >= 5 else 5.5
    main = main_pieces(pieces)
    words = {piece: _packed(piece, cell_width, size) if piece in main else [] for piece in pieces}
    names = {line for group in groups for name in group.layers for line in _lines(group, name)}
    upright = all(text_width(name, size) <= 72 * cell_width - 4 for name in names)
    num_lines = pieces[-1].line + 1
    titles = _titles(result, pieces)
    tops, y = [], 0.0
    word_height = 1.2 * size / 72
    for line in range(num_lines):
        y += 1.8 * word_height * (line in titles)
        y += word_height * max(len(words[piece]) for piece in pieces if piece.line == line) + 0.03
        tops.append(y)
        y += CELL_HEIGHT + 2 * BAR_HEIGHT + GAP
    ax = axes_of(ax, width, y + (0.75 if wide >= 5 else 0.9))
    ax.set_xlim(0, max(per_line, wide / cell_width))
    ax.set_ylim(y, 0)
    ax.axis("off")
    for piece in pieces:
        _draw(ax, piece, tops[piece.line], words[piece], size, upright)
    for line, title in titles.items():
        above = max(len(words[piece]) for piece in pieces if piece.line == line)
        y_title = tops[line] - word_height * above - 0.05
        ax.text(0, y_title, title, fontsize=size + 1, fontweight="bold", color=INK, va="bottom")
    _ends(ax, pieces, tops)
    heading(ax, study_title(result, "fusion map"), _caption(result), legend=False)
    return ax


def _titles(result: Result, pieces: list[Piece]) -> dict[int, str]:
    """Name each network of a mix over its first line."""
    if not result.study.mix:
        return {}
    firsts: dict[int, int] = {}
    for piece in pieces:
        firsts.setdefault(piece.group.workload, piece.line)
    mix = result.study.mix
    return {line: f"{mix[which].name}, weight {float(mix[which].weight):g}" for which, line in firsts.items()}


def _packed(piece: Piece, cell_width: float, size: float) -> list[str]:
    """Pack a group's words into as many lines as there may be; what finds no room is left out."""
    room = 72 * cell_width * piece.cells - (5 if piece.cells > 1 else 2)
    lines: list[str] = []
    for word in piece.group.words:
        joined = f"{lines[-1]}  {word}" if lines else word
        if lines and text_width(joined, size) <= room:
            lines[-1] = joined
        elif text_width(word, size) <= room and len(lines) < MOST_WORD_LINES:
            lines.append(word)
    return lines


def _draw(ax: Axes, piece: Piece, top: float, words: list[str], size: float, upright: bool) -> None:
    group = piece.group
    fused = len(group.layers) > 1
    color = TINTS[(group.number - 1) % len(TINTS)] if fused else "white"
    box = Rectangle((piece.cell, top), piece.cells, CELL_HEIGHT, facecolor=color, edgecolor=INK, linewidth=1.1)
    box.set_gid(f"group {group.number}")
    ax.add_patch(box)
    for i in range(piece.cells):
        x = piece.cell + i
        if i:
            ax.plot([x, x], [top, top + CELL_HEIGHT], color=FAINT, linewidth=0.4)
        lines = _lines(group, group.layers[piece.first + i])
        name = "\n".join(line if upright else _shortened(line, 72 * CELL_HEIGHT - 4, size) for line in lines)
        middle, turn = top + CELL_HEIGHT / 2, 0 if upright else 90
        ax.text(x + 0.5, middle, name, fontsize=size, rotation=turn, ha="center", va="center", color=INK,
                linespacing=1.2)  # fmt: skip
    if words:
        ax.text(
            piece.cell + 0.06, top - 0.03, "\n".join(words),
            fontsize=size, va="bottom", linespacing=1.1, color=INK, gid=f"words {group.number}",
        )  # fmt: skip
    _occupancy(ax, piece, top + CELL_HEIGHT)


def _lines(group: MapGroup, name: str) -> tuple[str, ...]:
    """Write a training step's layer in two lines: what it is for, and what it does."""
    served, colon, what = name.rpartition(":")
    return (served, what) if colon and group.trains else (name,)


def _shortened(name: str, room: float, size: float) -> str:
    """Cut a name in the middle until it fits."""
    letters = len(name)
    while letters > 3 and text_width(cut(name, letters), size) > room:
        letters -= 1
    return cut(name, letters)


def _occupancy(ax: Axes, piece: Piece, top: float) -> None:
    """Draw how full the group makes both buffers: the part of its width that is filled."""
    for row, (share, color) in enumerate(((piece.group.feature_share, INK), (piece.group.weight_share, FAINT))):
        y = top + 0.015 + row * BAR_HEIGHT
        # Over all lines of the group the bar is one.
        filled = min(max(share * len(piece.group.layers) - piece.first, 0), piece.cells)
        frame = (piece.cell + 0.06, y), piece.cells - 0.12, BAR_HEIGHT - 0.015
        ax.add_patch(Rectangle(*frame, facecolor="white", edgecolor=FAINT, linewidth=0.3))
        bar = Rectangle(frame[0], filled * frame[1] / piece.cells, frame[2], facecolor=color, linewidth=0)
        bar.set_gid(f"{'FW'[row]} {piece.group.number}")
        ax.add_patch(bar)


def _ends(ax: Axes, pieces: list[Piece], tops: list[float]) -> None:
    """Open the box of a group where it goes on in the next line."""
    for one, two in pairwise(pieces):
        if one.group is two.group:
            for x, top in ((one.cell + one.cells, tops[one.line]), (two.cell, tops[two.line])):
                ax.plot([x, x], [top, top + CELL_HEIGHT], color="white", linewidth=1.6)
                ax.plot([x, x], [top, top + CELL_HEIGHT], ":", color=INK, linewidth=1.1)


def _caption(result: Result) -> str:
    assert result.design is not None
    hardware = result.design.hardware
    return (
        "layers in run order; colour: layers fused in a group, white: alone; over each group its number, tiles"
        " (rows x columns) and how it runs, as in the report; F, W and the bars below: part of the"
        f" feature and weight buffer held at peak ({buffers_text(hardware)}); {proof_text(result.best)}"
    )
