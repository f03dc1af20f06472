"""What-if curves: points, steps, breaks and what is not proven."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from matplotlib.collections import PolyCollection

from drawn import collisions
from plots.style import COLUMN, WIDE, NothingToDrawError, written
from plots.whatif import design_name, what_if
from solver.whatif_result import Break, Varied, WhatIfCurve, WhatIfPoint

MJ = 10**12
AREA = Varied("area", "mm2", 10**6)


def point(area_mm2: float, mj: int | None, design: int | None, *binding: str, bound: int | None = None) -> WhatIfPoint:
    status = "infeasible" if mj is None else "optimal" if bound is None else "feasible"
    objective = None if mj is None else mj * MJ
    low = objective if bound is None else bound * MJ
    return WhatIfPoint({"area": int(area_mm2 * 10**6)}, status, objective, low, design, binding)


POINTS = (
    point(1, None, None),
    point(2, 8, 0, "area"),
    point(3, 5, 1, "area", "latency"),
    point(4, 5, 1, "area", "latency"),
    point(5, 4, 2),
)
CURVE = WhatIfCurve("edge", "energy", "J", 10**15, AREA, POINTS, (Break(2_500_000, 8 * MJ, 5 * MJ),))


def test_points_are_drawn_by_what_binds() -> None:
    ax = what_if(CURVE)
    drawn = {str(line.get_label()): list(zip(*line.get_data(), strict=True)) for line in ax.lines}
    assert drawn["area binds"] == [(2, 8)]
    assert drawn["area and latency bind"] == [(3, 5), (4, 5)]
    assert drawn["no budget binds"] == [(5, 4)]
    assert [x for x, _ in drawn["no design (proven)"]] == [1]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("budget: area [mm2]", "energy [mJ]")
    assert written(ax, "title") == "edge: least energy against area"
    assert written(ax, "caption") == (
        "3 best designs, named on top; 1 exact change; every point is proven optimal in the stated space"
    )


def test_the_line_steps_at_a_known_break_and_else_at_the_point() -> None:
    (steps,) = [line for line in what_if(CURVE).lines if line.get_drawstyle() == "steps-post"]
    assert list(map(tuple, steps.get_xydata())) == [(2, 8), (2.5, 5), (5, 4)]


def test_breaks_below_the_first_point_and_between_two_are_all_drawn() -> None:
    breaks = tuple(Break(at, None, above * MJ) for at, above in ((1_200_000, 12), (1_600_000, 8), (2_200_000, 6)))
    ax = what_if(replace(CURVE, breaks=(*breaks, Break(2_500_000, 6 * MJ, 5 * MJ))))
    (steps,) = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    assert list(map(tuple, steps.get_xydata())) == [(1.2, 12), (1.6, 8), (2, 8), (2.2, 6), (2.5, 5), (5, 4)]
    assert ax.get_ylim()[1] > 12


def test_between_points_without_a_break_the_optimum_is_in_the_band() -> None:
    (band,) = [one for one in what_if(CURVE).collections if isinstance(one, PolyCollection)]
    box = band.get_paths()[0].get_extents()
    assert (box.x0, box.x1, box.y0, box.y1) == pytest.approx((4, 5, 4, 5))


def test_designs_are_named_in_turn() -> None:
    texts = [text.get_text() for text in what_if(CURVE).texts]
    assert [text for text in texts if len(text) == 1] == ["A", "B", "C"]
    assert [design_name(i) for i in (0, 25, 26)] == ["A", "Z", "27"]


def test_what_is_not_proven_is_hollow_and_says_so() -> None:
    ax = what_if(replace(CURVE, points=(*POINTS[:4], point(5, 4, 2, bound=3))))
    hollow = [line for line in ax.lines if line.get_label() == "no budget binds, not proven optimal"]
    assert [line.get_markerfacecolor() for line in hollow] == ["white"]
    assert written(ax, "caption").endswith("hollow points are not proven optimal (the optimum is at most 25 % lower)")


@pytest.mark.parametrize("width", [COLUMN, WIDE])
def test_texts_keep_off_each_other(width: float) -> None:
    assert collisions(what_if(CURVE, width=width)) == []
    many = tuple(point(1 + i / 20, 100 - i, i, "area") for i in range(60))
    for one, two in pairwise(many):
        assert one.design_id != two.design_id
    assert collisions(what_if(replace(CURVE, points=many, breaks=()), width=width)) == []


def test_units_with_a_prefix_get_one() -> None:
    latency = tuple(WhatIfPoint({"latency": i * 10**12}, "optimal", 5 * MJ, 5 * MJ, 0) for i in (2, 3))
    curve = replace(CURVE, varied=Varied("latency", "s", 10**15), points=latency, breaks=())
    assert what_if(curve).get_xlabel() == "budget: latency [ms]"


def test_without_points_or_designs() -> None:
    with pytest.raises(NothingToDrawError):
        what_if(replace(CURVE, points=()))
    ax = what_if(replace(CURVE, points=(point(1, None, None), point(2, None, None)), breaks=()))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["no design (proven)"]
    assert written(ax, "caption") == "no design at any of these values"


def test_small_changes_are_not_lost() -> None:
    close = tuple(point(i, 100 - i, i, "sram") for i in range(5))
    ax = what_if(replace(CURVE, points=close, breaks=(), varied=Varied("area", "mm2", 10**6)))
    assert ax.get_ylim()[0] == pytest.approx(95)
    assert "SRAM binds" in [text.get_text() for text in ax.get_legend().get_texts()]
