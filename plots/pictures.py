"""The pictures of one result as files: which figure has which name, and how it becomes bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

from plots.energy import energy_levels
from plots.fusion_map import fusion_map
from plots.roofline import roofline
from plots.savings import saving_bars
from plots.style import NothingToDrawError, figure_of
from solver.result import Result

_FIGURES: dict[str, Callable[[Result], Axes]] = {
    "energy": energy_levels,
    "roofline": roofline,
    "fusion_map": fusion_map,
}
_SETTINGS: Any = {"pdf.fonttype": 42, "svg.hashsalt": "laminate"}
"""Letters stay letters in PDF, and equal figures are equal files."""
_NO_DATE: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def picture(file_name: str, result: Result, design_json: dict[str, Any]) -> bytes | None:
    """Draw one of `solver.picture_files.PICTURES`, in the format of the file's name; None if there is nothing to draw.

    Parameters
    ----------
    design_json
        The result as an object of format ``laminate-design/1``.
    """
    name, _, suffix = file_name.partition(".")
    try:
        ax = saving_bars(design_json) if name == "savings" else _FIGURES[name](result)
    except NothingToDrawError:
        return None
    return image(ax, suffix)


def image(ax: Axes, suffix: str, dpi: int = 150) -> bytes:
    """Write the figure of some axes as png, svg or pdf."""
    content = io.BytesIO()
    with mpl.rc_context(_SETTINGS):
        figure_of(ax).savefig(content, format=suffix, dpi=dpi, metadata=_NO_DATE.get(suffix))
    return content.getvalue()
