"""The comparison's bars: their heights, and what the caption says of the proofs."""

from __future__ import annotations

from typing import Any

import pytest

from plots.compare import compared_bars
from plots.style import written


def compared(status: str = "optimal", gap: float = 0.0) -> dict[str, Any]:
    def entry(template: str, energy: float) -> dict[str, Any]:
        side = {"status": status, "gap": gap}
        saving = {"energy": energy, "latency": -0.1, "dram_traffic": 0.5, "edp": None}
        return {"template": template, "fused": side, "layer_by_layer": side, "saving": saving}

    own = [entry("vwa", 0.25), entry("eyeriss", 0.4)]
    failed = {"template": "systolic", "fused": None, "layer_by_layer": None, "saving": None}
    return {"study": "edge", "goal": "energy", "own_best_hardware": [*own, failed], "on_given_buffers": []}


def test_bars_are_savings_in_per_cent() -> None:
    ax = compared_bars(compared())
    heights = [round(patch.get_height(), 6) for patch in ax.patches]  # type: ignore[attr-defined]
    assert heights == [25, 40, -10, -10, 50, 50, 0, 0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["vwa", "eyeriss"]
    assert written(ax, "caption").endswith("all designs are proven optimal in the stated space")


def test_what_is_not_proven_is_said() -> None:
    assert "not all designs are proven optimal: an optimum is at most 5 % lower" in written(
        compared_bars(compared("feasible", 0.05)), "caption"
    )


def test_nothing_to_compare_is_refused() -> None:
    nothing = compared() | {"own_best_hardware": []}
    with pytest.raises(ValueError, match="nothing to draw"):
        compared_bars(nothing)
