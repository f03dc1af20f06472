"""The figure of energy by level: bars are the priced energies, both designs of the same layers beside each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from drawn import collisions, filled, mixed_result
from made_results import chain_study, solved, unsolved
from plots.energy import LEVELS, MOST_BARS, energy_levels, energy_rows
from plots.style import COLUMN, WIDE, NothingToDrawError, written


def test_rows_are_the_groups_and_their_layers_one_by_one() -> None:
    result = solved(chain_study())
    rows = energy_rows(result, 30)
    assert [row.label for row in rows] == ["1  conv1 .. conv2", "2  conv3 .. conv4"]
    assert result.cost is not None
    assert result.layer_by_layer is not None
    assert result.layer_by_layer.cost is not None
    for i, row in enumerate(rows):
        assert sum(row.fused) == pytest.approx(result.cost.groups[i].energy_fj / 10**15)
        apart = result.layer_by_layer.cost.groups[2 * i : 2 * i + 2]
        assert row.apart == pytest.approx(
            [sum(getattr(cost, part) for cost in apart) / 10**15 for _, part, _, _ in LEVELS]
        )


def test_all_energy_is_drawn_of_a_mix_too() -> None:
    result = mixed_result()
    rows = energy_rows(result, 30)
    assert [row.label.split()[:2] for row in rows] == [["1", "[1]"], ["2", "[2]"], ["3", "[2]"]]
    assert result.cost is not None
    assert sum(sum(row.fused) for row in rows) == pytest.approx(result.cost.energy_j)
    assert "one mix is 1 x eye [1] and 0.25 x ear [2]" in written(energy_levels(result), "caption")


def test_bars_have_the_lengths_of_the_levels() -> None:
    result = solved(chain_study())
    ax = energy_levels(result)
    bars = [bar for bar in filled(ax) if isinstance(bar, Rectangle) and bar.get_height() > 0.3 and bar.get_width()]
    first = energy_rows(result, 30)[0]
    apart = sorted((bar.get_x(), bar.get_width()) for bar in bars if abs(bar.get_y() + 0.41) < 1e-9)
    assert first.apart is not None
    assert [width / 10**6 for _, width in apart] == pytest.approx([value for value in first.apart if value])
    assert ax.get_xlabel() == "energy [uJ]"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [name for name, _, _, _ in LEVELS]


def test_many_groups_share_bars_with_their_neighbours() -> None:
    result = solved(chain_study(80))
    rows = energy_rows(result, 30)
    assert len(rows) == MOST_BARS
    assert rows[0].label.startswith("1-")
    assert rows[-1].label.split()[0].endswith("-40")
    assert result.cost is not None
    assert sum(sum(row.fused) for row in rows) == pytest.approx(result.cost.energy_j)


def test_without_a_baseline_there_is_one_bar_a_group() -> None:
    ax = energy_levels(replace(solved(chain_study()), layer_by_layer=None))
    assert not any("alone" in text.get_text() for text in ax.texts)


def test_layers_that_stay_alone_are_not_called_fused() -> None:
    result = solved(chain_study())
    assert result.layer_by_layer is not None
    ax = energy_levels(replace(result, best=result.layer_by_layer))
    texts = " ".join(text.get_text() for text in ax.texts)
    assert "fused" not in texts
    assert "alone too (0.0 %)" in texts


@pytest.mark.parametrize("width", [COLUMN, WIDE])
def test_texts_keep_off_each_other(width: float) -> None:
    assert collisions(energy_levels(solved(chain_study(6), gap=0.25), width=width)) == []
    assert collisions(energy_levels(solved(chain_study(150)), width=width)) == []
    assert collisions(energy_levels(mixed_result(), width=width)) == []


def test_it_draws_into_given_axes_and_tells_the_proof() -> None:
    ax = Figure(layout="constrained").subplots()
    assert energy_levels(solved(chain_study(), gap=0.25), ax) is ax
    assert "fused: not proven optimal (the optimum is at most 25 % lower)" in written(ax, "caption")
    assert written(ax, "title") == "chain_study: energy by level, for least energy"


def test_without_a_design_there_is_nothing_to_draw() -> None:
    with pytest.raises(NothingToDrawError, match="chain_study has no design"):
        energy_levels(unsolved(chain_study(), "unknown"))
