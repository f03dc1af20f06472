"""The figure of savings: bars in per cent, values with units on them, and an honest caption."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from matplotlib.figure import Figure

from drawn import collisions
from made_results import chain_study, layer_by_layer, outcome, solved, unsolved
from plots.savings import FUSED, LAYER_BY_LAYER, saving_bars
from plots.style import COLUMN, WIDE, written
from solver.export import design_object
from solver.quantities import change, engineering


def made(gap: float = 0.0) -> dict[str, Any]:
    return design_object(solved(chain_study(), gap))


def test_bars_are_per_cent_of_layer_by_layer() -> None:
    design = made()
    ax = saving_bars(design)
    heights = [patch.get_height() for patch in ax.patches]  # type: ignore[attr-defined]
    saving = design["baseline"]["saving"]
    assert heights == pytest.approx([100.0] * 3 + [100 * (1 - saving[k]) for k in ("energy", "latency", "bandwidth")])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["energy", "latency", "DRAM traffic"]
    assert ax.get_ylabel() == "% of layer-by-layer"
    assert ax.get_ylim()[1] > max(heights)


def test_bars_carry_absolute_values_and_changes() -> None:
    design = made()
    ours, theirs = design["totals"], design["baseline"]["layer_by_layer"]["totals"]
    texts = [text.get_text() for text in saving_bars(design).texts]
    assert texts[0] == engineering(theirs["energy_j"], "J", digits=3)
    assert texts[5] == (
        f"{change(ours['dram_bytes'], theirs['dram_bytes'])}\n{engineering(ours['dram_bytes'], 'B', digits=3)}"
    )


def test_the_legend_names_both_accelerators() -> None:
    legend = saving_bars(made()).get_legend()
    assert legend is not None
    texts = [" ".join(text.get_text().split()) for text in legend.get_texts()]
    assert texts[0].startswith("layer-by-layer: vwa, 84 PEs, 4 KiB feature + 4 KiB weight, ")
    assert texts[1].startswith("fused: vwa, 84 PEs, 16 KiB feature + 4 KiB weight, ")


def test_a_shared_scratchpad_is_named_as_one() -> None:
    legend = saving_bars(design_object(solved(chain_study(shared=True)))).get_legend()
    assert legend is not None
    assert "16 KiB shared" in legend.get_texts()[1].get_text()


def test_the_caption_tells_the_proof() -> None:
    assert written(saving_bars(made()), "caption") == "both designs are proven optimal in the stated space"
    assert written(saving_bars(made(gap=0.25)), "caption") == (
        "fused: not proven optimal (the optimum is at most 25 % lower);"
        " layer-by-layer: proven optimal in the stated space"
    )


@pytest.mark.parametrize("width", [COLUMN, WIDE])
def test_texts_keep_off_each_other(width: float) -> None:
    assert collisions(saving_bars(made(gap=0.25), width=width)) == []


def test_it_draws_into_given_axes() -> None:
    ax = Figure().subplots()
    assert saving_bars(made(), ax) is ax


def test_colours_differ_in_brightness_too() -> None:
    def brightness(color: str) -> float:
        red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    assert brightness(LAYER_BY_LAYER) - brightness(FUSED) > 60


def test_without_two_designs_there_is_nothing_to_draw() -> None:
    study = chain_study()
    alone = replace(solved(study), layer_by_layer=None)
    for result in (alone, unsolved(study, "unknown")):
        with pytest.raises(ValueError, match="there are no savings to draw"):
            saving_bars(design_object(result))


def test_a_design_that_needs_more_is_drawn_above_the_line() -> None:
    study = replace(chain_study(), goal="bandwidth")
    result = solved(study)
    worse = replace(result, best=outcome(study, layer_by_layer(study)), layer_by_layer=result.best)
    ax = saving_bars(design_object(worse))
    assert "+" in ax.texts[5].get_text()


def test_pyplot_is_not_imported() -> None:
    code = "import sys, plots.savings; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
