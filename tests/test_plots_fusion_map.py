"""The fusion map: every layer has its cell, every group its box, words and bars."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from drawn import collisions, mixed_result, rectangles
from made_results import chain_study, solved
from plots.fusion_map import TINTS, fusion_map
from plots.fusion_map_data import MapGroup, lines_of, main_pieces, map_groups
from plots.style import COLUMN, WIDE, written


def group(number: int, num_layers: int, workload: int = 0) -> MapGroup:
    layers = tuple(f"l{number}_{i}" for i in range(num_layers))
    return MapGroup(number, workload, layers, "2x1", "cache-all steps", 0.5, 0.25)


def test_lines_are_filled_cell_by_cell() -> None:
    pieces = lines_of((group(1, 3), group(2, 5), group(3, 1)), 5)
    assert [(p.group.number, p.first, p.last, p.line, p.cell) for p in pieces] == [
        (1, 0, 3, 0, 0),
        (2, 0, 2, 0, 3),
        (2, 2, 5, 1, 0),
        (3, 0, 1, 1, 3),
    ]
    assert {(p.group.number, p.first) for p in main_pieces(pieces)} == {(1, 0), (2, 2), (3, 0)}


def test_a_group_longer_than_a_line_has_its_words_once() -> None:
    pieces = lines_of((group(1, 12),), 4)
    assert [p.line for p in pieces] == [0, 1, 2]
    assert [p.first for p in main_pieces(pieces)] == [0]


def test_each_network_of_a_mix_begins_a_line() -> None:
    pieces = lines_of((group(1, 2, 0), group(2, 2, 1)), 8)
    assert [(p.line, p.cell) for p in pieces] == [(0, 0), (1, 0)]


def test_groups_tell_how_they_run_and_how_full_the_buffers_are() -> None:
    result = solved(chain_study())
    groups = map_groups(result)
    assert result.cost is not None
    peak = result.cost.groups[0].feature_peak_bytes / 16384
    assert groups[0].layers == ("conv1", "conv2")
    assert groups[0].words[:3] == ["1", "2x1", "recompute"]
    assert groups[0].feature_share == pytest.approx(peak)
    assert groups[0].weight_share == pytest.approx(result.cost.groups[0].weight_peak_bytes / 4096)


def test_boxes_and_bars_have_the_groups_lengths() -> None:
    result = solved(chain_study(6))
    ax = fusion_map(result)
    for one in map_groups(result):
        (box,) = rectangles(ax, f"group {one.number}")
        assert (box.get_x(), box.get_width()) == (2 * (one.number - 1), 2)
        assert box.get_facecolor()[:3] == pytest.approx(TINTS[one.number - 1])
        (bar,) = rectangles(ax, f"F {one.number}")
        assert bar.get_width() == pytest.approx(one.feature_share * (2 - 0.12))
    names = [text.get_text() for text in ax.texts]
    assert [name for name in names if name.startswith("conv")] == [f"conv{i}" for i in range(1, 7)]


def test_layers_alone_are_white() -> None:
    result = solved(chain_study())
    assert result.layer_by_layer is not None
    (box,) = rectangles(fusion_map(replace(result, best=result.layer_by_layer)), "group 1")
    assert box.get_facecolor()[:3] == (1, 1, 1)


def test_a_group_over_two_lines_is_one_bar() -> None:
    ax = fusion_map(solved(chain_study(150)), width=COLUMN)  # 13 layers a line: every second line ends inside a pair
    split = [number for number in range(1, 76) if len(rectangles(ax, f"group {number}")) == 2]
    assert split[:2] == [7, 20]
    first, second = rectangles(ax, "F 7")
    assert first.get_width() > second.get_width() == 0


@pytest.mark.parametrize("width", [COLUMN, WIDE])
@pytest.mark.parametrize("num_layers", [2, 6, 72, 150])
def test_texts_keep_off_each_other(num_layers: int, width: float) -> None:
    assert collisions(fusion_map(solved(chain_study(num_layers)), width=width)) == []


@pytest.mark.parametrize("width", [COLUMN, WIDE])
def test_a_mix_names_its_networks(width: float) -> None:
    ax = fusion_map(mixed_result(), width=width)
    texts = [text.get_text() for text in ax.texts]
    assert {"eye, weight 1", "ear, weight 0.25"} <= set(texts)
    assert texts.count("conv1") == 2
    assert collisions(ax) == []


def test_long_names_are_cut_to_their_cell() -> None:
    ax = fusion_map(solved(chain_study(30, prefix="a_rather_long_name_of_a_convolution_")), width=COLUMN)
    assert any("~" in text.get_text() for text in ax.texts)
    assert collisions(ax) == []


def test_it_draws_into_given_axes_and_tells_the_proof() -> None:
    ax = Figure(figsize=(7, 3), layout="constrained").subplots()
    assert fusion_map(solved(chain_study()), ax) is ax
    assert written(ax, "caption").endswith("(feature 16 KiB, weight 4 KiB); proven optimal in the stated space")
