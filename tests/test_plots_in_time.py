"""One group in time: spans drawn are the priced ones, and the buffer's steps end at the priced peak."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from costmodel import Design, GroupDesign
from costmodel.timeline import timeline
from drawn import collisions, mixed_result, rectangles
from made_results import chain_study, outcome, solved
from plots.occupancy import buffer_occupancy
from plots.style import COLUMN, WIDE, NothingToDrawError, written
from plots.timeline import group_timeline
from solver.result import Result
from specs.study import Study


def many_visits(study: Study | None = None) -> Result:
    """All four layers in twelve steps of one row, with kept rows."""
    study = study or chain_study()
    result = solved(study)
    assert result.design is not None
    names = tuple(layer.name for layer in study.network.layers)
    group = GroupDesign(names, 12, 1, "cache-rows", frozenset(names), start="stepwise")
    return replace(result, best=outcome(study, Design(result.design.hardware, (group,))))


def test_spans_are_the_priced_ones() -> None:
    result = solved(chain_study())
    assert result.design is not None
    ax = group_timeline(result, 2)
    line = timeline(result.study, result.design.hardware, result.design.groups[1])
    period_us = result.design.hardware.period_fs / 10**9
    for layer in ("conv3", "conv4"):
        drawn = [(bar.get_x(), bar.get_width()) for bar in rectangles(ax, layer)]
        priced = [(s.start, s.end - s.start) for visit in line.visits for s in visit.layers if s.layer == layer]
        assert np.array(drawn) == pytest.approx(np.array(priced) * period_us)
    for what in ("weights", "load", "store"):
        drawn = [(bar.get_x(), bar.get_width()) for bar in rectangles(ax, what)]
        priced = [(s.start, s.end - s.start) for visit in line.visits for s in visit.transfers if s.what == what]
        assert np.array(drawn) == pytest.approx(np.array(priced) * period_us)
    assert ax.get_xlabel() == "time [us]"
    assert ax.get_xlim() == pytest.approx((0, line.cycles * period_us))
    assert written(ax, "title") == "chain_study: timeline of group 2, conv3 .. conv4"


def test_of_many_visits_some_are_shown_and_counted() -> None:
    result = many_visits()
    ax = group_timeline(result, 1, first=3)
    assert written(ax, "caption").startswith("visits 3 to 10 of 16, ")
    assert {"visit 3", "visit 10"} <= {text.get_text() for text in ax.texts}
    assert len(rectangles(ax, "conv4")) == 8
    assert written(group_timeline(result, 1, width=COLUMN), "caption").startswith("visits 1 to 5 of 16, ")


def test_chunks_of_a_layer_alone_are_drawn_as_one() -> None:
    study = chain_study(1)
    group = GroupDesign(("conv1",), order="output-stationary", channel_splits=2, input_splits=4)
    result = solved(chain_study())
    assert result.design is not None
    result = replace(result, study=study, best=outcome(study, Design(result.design.hardware, (group,))))
    ax = group_timeline(result, 1)
    assert len(rectangles(ax, "conv1")) == 1
    assert "conv1, 8 chunks" in [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("shared", [False, True])
def test_the_buffer_is_drawn_up_to_its_priced_peak(shared: bool) -> None:
    result = many_visits(chain_study(shared=shared))
    assert result.cost is not None
    ax = buffer_occupancy(result, 1)
    cost = result.cost.groups[0]
    top = max(path.vertices[:, 1].max() for c in areas(ax) for path in c.get_paths())
    assert top == pytest.approx((cost.feature_peak_bytes + shared * cost.weight_peak_bytes) / 1024)
    assert "capacity, 16 KiB" in [text.get_text() for text in ax.get_legend().get_texts()]
    assert written(ax, "caption").startswith("all 16 tile visits; features need most in visit ")
    assert ax.get_ylabel() == ("shared buffer [KiB]" if shared else "feature buffer [KiB]")


def areas(ax: object) -> list[PolyCollection]:
    return [one for one in ax.collections if isinstance(one, PolyCollection)]  # type: ignore[attr-defined]


def test_visits_around_the_peak_are_shown() -> None:
    result = many_visits()
    assert result.design is not None
    line = timeline(result.study, result.design.hardware, result.design.groups[0])
    peak = 1 + next(i for i, visit in enumerate(line.visits) if visit.peak_bytes == line.feature_peak_bytes)
    ax = buffer_occupancy(result, 1, width=COLUMN)
    words = written(ax, "caption").split()
    assert int(words[1]) <= peak <= int(words[3])


def test_what_does_not_exist_is_refused() -> None:
    result = solved(chain_study())
    with pytest.raises(ValueError, match="no group 3; chain_study has 2"):
        group_timeline(result, 3)
    with pytest.raises(ValueError, match="no visit 9; group 1 has 2"):
        buffer_occupancy(result, 1, first=9)
    with pytest.raises(NothingToDrawError):
        group_timeline(replace(result, best=replace(result.best, design=None, cost=None)), 1)


@pytest.mark.parametrize("width", [COLUMN, WIDE])
def test_texts_keep_off_each_other(width: float) -> None:
    for result in (solved(chain_study(), gap=0.25), many_visits(), mixed_result()):
        assert collisions(group_timeline(result, 1, width=width)) == []
        assert collisions(buffer_occupancy(result, 1, width=width)) == []


def test_a_mix_leaves_out_the_networks_name() -> None:
    texts = [text.get_text() for text in group_timeline(mixed_result(), 1).texts]
    assert "conv1" in texts
    assert not any("/" in text for text in texts)


def test_they_draw_into_given_axes() -> None:
    ax = Figure(layout="constrained").subplots()
    assert group_timeline(solved(chain_study()), 1, ax) is ax
    ax = Figure(layout="constrained").subplots()
    assert buffer_occupancy(solved(chain_study()), 1, ax) is ax
