"""Lists of ways to run a layer alone, with all that is known of them before their cycles are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from costmodel.alone_needs import Needs
from costmodel.alone_time import AloneTime
from costmodel.alone_work import LayerWork
from costmodel.candidates import NO_CAP, Candidates, Family, Kind
from costmodel.group_plan import GroupPlan
from costmodel.sweeps import Bools, Share
from costmodel.template import Ints, Preference
from costmodel.works import CYCLES
from specs.study import SharedBuffer, Study

Index = NDArray[np.intp]
_GATHERED = 2**22
"""Numbers that are gathered from at once."""

_TIMED = 2**11
"""Candidates whose tiles are timed at once."""


@dataclass(frozen=True)
class Context:
    """Whose layer is listed, and where."""

    study: Study
    family: Family
    plan: GroupPlan
    shares: list[Share]


@dataclass(frozen=True)
class Listing:
    """Candidates of a layer alone by their numbers: (candidate,).

    Attributes
    ----------
    work
        None where neither cycles nor energies are asked for.
    """

    at: Context
    needs: Needs
    mapping: Preference
    work: LayerWork | None
    share: Index
    way: Index
    row: Index
    col: Index

    def __len__(self) -> int:
        return len(self.way)

    def pick(self, some: Index | Bools) -> Listing:
        return replace(self, share=self.share[some], way=self.way[some], row=self.row[some], col=self.col[some])

    def sums(self) -> Ints:
        """Work over all tiles: (candidate, array, quantity)."""
        arrays = len(self.at.family.arrays)
        found = np.zeros((len(self), arrays, 6), dtype=np.int64)
        if self.work is None:
            return found
        ways, alike = self.needs.ways, dict[object, int]()
        cut_of = np.array([alike.setdefault((way.chunks.sizes, way.inputs), len(alike)) for way in ways], dtype=np.intp)
        one_of = {cut: way for way, cut in zip(ways, cut_of.tolist(), strict=True)}
        keys, where = np.unique(self.share * len(alike) + cut_of[self.way], return_inverse=True)
        asked = [(self.at.shares[key // len(alike)], one_of[key % len(alike)]) for key in keys.tolist()]
        step = max(1, _GATHERED // (self.at.plan.visits.size * arrays * 6))
        for begin in range(0, len(asked), step):
            sums = self.work.sums(asked[begin : begin + step])
            here = np.flatnonzero((where >= begin) & (where < begin + step))
            found[here] = sums[where[here] - begin, self.row[here], self.col[here]]
        return found

    def least_cycles(self, sums: Ints) -> Ints:
        """Cycles that no candidate undercuts: (candidate, array); docs/solver.md, D16."""
        needs, family = self.needs, self.at.family
        at = self.way, self.row, self.col
        compute, end = sums[..., CYCLES], np.stack([end.cycles + 0 * sums[0, :, 0] for end in needs.ends])[self.way]
        moved = needs.loads[at] + needs.stores[at] + needs.weights[self.share, *at] + 2 * needs.spilled[self.share, *at]
        dram = family.dram_cycles(moved)[:, None]
        if not family.double_buffer:
            return compute + dram + end
        first = np.array([share.images for share in self.at.shares])[self.share] * needs.first_load[at]
        last = np.array([share.last for share in self.at.shares])[self.share] * needs.last_store[at]
        beside = family.dram_cycles(first) + family.dram_cycles(last)
        least: Ints = np.maximum(dram, compute + beside[:, None]) + end
        return least

    def cycles(self) -> Ints:
        """Cycles of every candidate: (candidate, array)."""
        at = self.at
        found = np.zeros((len(self), len(at.family.arrays)), dtype=np.int64)
        if self.work is None or not len(self):
            return found
        time = AloneTime(at.study, at.family, at.plan, self.needs.ways, self.work)
        ends = np.stack([end.cycles + found[0] for end in self.needs.ends])
        for number, share in enumerate(at.shares):
            here = np.flatnonzero(self.share == number)
            for some in np.split(here, range(_TIMED, len(here), _TIMED)) if len(here) else ():
                found[some] = time.cycles(share, self.way[some], self.row[some], self.col[some]) + ends[self.way[some]]
        return found

    def candidates(self, cycles: Ints, sums: Ints) -> Candidates:
        """Columns of all candidates; buffers also see what DRAM brings and takes."""
        needs, plan, arrays = self.needs, self.at.plan, len(self.at.family.arrays)
        at = self.way, self.row, self.col
        images = np.array([share.images for share in self.at.shares], dtype=np.int64)
        loads, stores = needs.loads[at], needs.stores[at]
        weights, spilled = needs.weights[self.share, *at], needs.spilled[self.share, *at]
        read = np.array([end.weight_read for end in needs.ends], dtype=np.int64)[self.way]
        written = np.array([end.weight_write for end in needs.ends], dtype=np.int64)[self.way]
        moved = np.array([end.dram_bytes for end in needs.ends], dtype=np.int64)[self.way]
        fj = np.stack([end.array_fj + np.zeros(arrays, dtype=np.int64) for end in needs.ends])[self.way]
        used, kind = np.unique(self.way, return_inverse=True)
        ways = [needs.ways[number] for number in used.tolist()]
        kinds = tuple(Kind(way.resident, way.order, way.chunks.count, way.num_inputs, self.mapping) for way in ways)
        return Candidates(
            kinds=kinds,
            kind=kind.ravel(),
            tile_rows=plan.rows.counts[self.row],
            tile_cols=plan.cols.counts[self.col],
            images=images[self.share],
            overlap=plan.mode[self.row, self.col],
            stepwise=plan.stepwise[self.row, self.col],
            feature_need=np.repeat(needs.feature_bytes[self.share, *at][:, None], arrays, axis=1),
            weight_need=needs.weight_bytes[self.way],
            feature_cap=np.full((len(self), arrays), NO_CAP),
            weight_cap=np.full((len(self), arrays), NO_CAP),
            cycles=cycles,
            array_fj=sums[..., 1] + fj,
            feature_read=sums[..., 2] + stores[:, None],
            feature_write=sums[..., 3] + loads[:, None],
            weight_read=sums[..., 4] + (spilled + read)[:, None],
            weight_write=sums[..., 5] + (weights + spilled + written)[:, None],
            dram_bytes=loads + stores + weights + 2 * spilled + moved,
        )


def listing(at: Context, needs: Needs, mapping: Preference, work: LayerWork | None, valid: Bools) -> Listing:
    """Every valid (share, way, row option, col option) that fits the largest buffers on some array."""
    buffers, weight = at.study.buffers, needs.weight_bytes.min(axis=1)[:, None, None]
    if isinstance(buffers, SharedBuffer):
        fits = needs.feature_bytes + weight <= max(buffers.shared_bytes)
    else:
        fits = (needs.feature_bytes <= max(buffers.feature_bytes)) & (weight <= max(buffers.weight_bytes))
    return Listing(at, needs, mapping, work, *np.nonzero(valid & fits))
