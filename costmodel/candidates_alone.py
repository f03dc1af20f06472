"""Candidates of a layer alone; see `plain_alone` for the loop orders.

There are very many. Where a single total decides, needs, traffic and work of all are computed at once, and only
those get their cycles that could be the cheapest somewhere.
"""

from __future__ import annotations

import numpy as np

from costmodel.alone_listing import Context, Listing, listing
from costmodel.alone_needs import cut_needs, uncut_needs
from costmodel.alone_traffic import LeastTraffic
from costmodel.alone_ways import Way, cut_ways, uncut_ways
from costmodel.alone_work import LayerWork
from costmodel.candidates import Candidates, Family, join
from costmodel.group_plan import GroupPlan
from costmodel.promising import Optimistic
from costmodel.selection import UNFIT, Cells, PriceGrid, cheapest_somewhere
from costmodel.sweeps import Bools, Share
from costmodel.template import Ints, Preference
from costmodel.works import Depth, NoWorks, Works
from specs.study import Study


def alone(
    study: Study,
    family: Family,
    works: dict[Preference, Works],
    different: dict[Preference, Works],
    plan: GroupPlan,
    shares: list[Share],
    grid: PriceGrid | None,
) -> tuple[Candidates | None, int]:
    """Candidates of a layer alone (None if nothing fits), and how many there are.

    Parameters
    ----------
    different
        Preferences that lead to different works where the input is not cut.
    grid
        Leave out what is cheapest at none of these prices, if only the goal matters.
    """
    layer, at = plan.tensors.layers[0], Context(study, family, plan, shares)
    terms = next(iter(works.values())).terms
    uncut = uncut_needs(study, family, terms, plan, shares, uncut_ways(study, layer))
    lists = [listing(at, uncut, *_work(at, one), uncut.valid) for one in different.items()]
    ways, least = cut_ways(study, layer), None
    if ways:
        least = LeastTraffic(study, uncut)
        cut = cut_needs(study, family, terms, plan, shares, ways)
        better = least.beaten_by(cut)
        if better.any():
            _announce(works, at, better, cut.ways)
            lists += [listing(at, cut, *_work(at, one), better) for one in works.items()]
    number, lists = sum(map(len, lists)), [one for one in lists if len(one)]
    if not lists:
        return None, 0
    if grid is None:
        return _join(at, [(one, one.sums()) for one in lists], least), number
    return _promising(at, lists, least, grid), number


def _work(at: Context, of: tuple[Preference, Works]) -> tuple[Preference, LayerWork | None]:
    mapping, works = of
    if isinstance(works, NoWorks):
        return mapping, None
    return mapping, LayerWork(at.study, works, at.plan, len(at.family.arrays))


def _announce(works: dict[Preference, Works], at: Context, better: Bools, ways: tuple[Way, ...]) -> None:
    """Price the tiles of some cuts together."""
    depths = {
        Depth(images, k, c)
        for share, way in zip(*(one.tolist() for one in np.nonzero(better.any(axis=(2, 3)))), strict=True)
        for images, _ in at.shares[share].sizes
        for k, _ in ways[way].chunks.sizes
        for c, _ in ways[way].inputs
    }
    for work in works.values():
        work.need(at.plan.tensors.signatures[0], tuple(sorted(depths)), at.plan.rows.new[:, 0], at.plan.cols.new[:, 0])
    for work in works.values():
        work.price()


def _promising(at: Context, lists: list[Listing], least: LeastTraffic | None, grid: PriceGrid) -> Candidates:
    """Candidates that could be cheapest at some price, the most promising first."""
    goal, told = at.study.goal, []
    for one in lists:
        sums = one.sums()
        rows = one.candidates(one.least_cycles(sums), sums)
        optimistic = Optimistic(rows, at.family, grid, goal)
        told.append((one, sums, optimistic))
    firsts = [optimistic.first_choice() for _, _, optimistic in told]
    rows = _join(at, [(one.pick(some), sums[some]) for (one, sums, _), some in zip(told, firsts, strict=True)], least)
    if len(rows):
        best = cheapest_somewhere(rows, at.family, grid, goal, in_order=False).best
    else:
        best = np.full((len(at.family.arrays), *grid.leakage_fj.shape), UNFIT, dtype=np.int64)
    kept = [np.flatnonzero(optimistic.could_beat(best)) for _, _, optimistic in told]
    return _join(at, [(one.pick(some), sums[some]) for (one, sums, _), some in zip(told, kept, strict=True)], least)


def _join(at: Context, lists: list[tuple[Listing, Ints]], least: LeastTraffic | None) -> Candidates:
    """Candidates in order: by preference, share, cut of the output, order, tiling; then those with cut inputs."""
    uncut: list[tuple[Listing, Candidates]] = []
    cut: list[tuple[Listing, Candidates]] = []
    for one, sums in lists:
        rows = one.candidates(one.cycles(), sums)
        (uncut if one.needs.ways[0].num_inputs == 1 else cut).append((one, rows))
    parts = [rows.pick(_uncut_order(one)) for one, rows in uncut]
    if least is not None and any(len(rows) > 0 for _, rows in cut):
        order = _cut_order([one for one, _ in cut])
        parts += least.capped(join([rows for _, rows in cut]).pick(order))
    return join(parts or [rows for _, rows in cut])


def _uncut_order(one: Listing) -> Cells:
    """By share, cut of the output, order, tiling, and whether weights stay."""
    cuts = dict[object, int]()
    blocks = [2 * cuts.setdefault(way.chunks, len(cuts)) + (way.order != "weight-stationary") for way in one.needs.ways]
    stays = np.array([way.stays for way in one.needs.ways])
    return np.lexsort((stays[one.way], one.col, one.row, np.array(blocks)[one.way], one.share))


def _cut_order(lists: list[Listing]) -> Cells:
    """By share, way, preference and tiling."""
    number = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
    share, way, row, col = (
        np.concatenate([getattr(one, name) for one in lists]) for name in ("share", "way", "row", "col")
    )
    return np.lexsort((col, row, number, way, share))
