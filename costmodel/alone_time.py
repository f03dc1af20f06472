"""Cycles of some candidates of a layer alone, tile by tile; the sweeps are those of `plain_alone.sweeps`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from costmodel.alone_maps import maps_of
from costmodel.alone_ways import Way
from costmodel.alone_work import Index, LayerWork, Parts
from costmodel.beside_maps import word_bytes
from costmodel.candidates import Family
from costmodel.group_plan import GroupPlan
from costmodel.regions import AxisPlan
from costmodel.sweeps import Share
from costmodel.template import Ints
from specs.study import Study


class Sweep(NamedTuple):
    """Sweeps over all tiles: how many alike, in which parts a tile is made, and bytes that go with a position.

    Attributes
    ----------
    under, here, sums_in
        Loaded with a position under the kernel, at the outputs, and of partial sums.
    out, sums_out
        Stored.
    stays, stream, once
        Weights that come with the first tile, with every tile; sums that every visit but the last stores and every
        visit but the first loads.
    """

    times: Ints
    parts: Ints
    under: Ints
    here: Ints
    sums_in: Ints
    out: Ints
    sums_out: Ints
    stays: Ints
    stream: Ints
    once: Ints
    streams_input: Ints


class AloneTime:
    """Times candidates of one layer."""

    def __init__(self, study: Study, family: Family, plan: GroupPlan, ways: tuple[Way, ...], work: LayerWork) -> None:
        self._study, self._family, self._plan, self._ways, self._work = study, family, plan, ways, work
        self._maps = maps_of(study, plan)
        self._out_area, self._store_area = plan.area(0), plan.store_area(0)
        self._parts: dict[Parts, int] = {}
        self._sweeps: dict[int, Ints] = {}

    def cycles(self, share: Share, way: Index, row: Index, col: Index) -> Ints:
        """Cycles up to the last tile: (candidate, array)."""
        used, which = np.unique(way, return_inverse=True)
        sweeps = [self._sweeps_of(number) for number in used.tolist()]
        lengths = np.array([len(one) for one in sweeps])
        many = lengths[which.ravel()]
        begins = np.cumsum(many) - many
        candidate = np.repeat(np.arange(len(way)), many)
        at = (np.cumsum(lengths) - lengths)[which.ravel()][candidate] + np.arange(len(candidate)) - begins[candidate]
        columns = np.concatenate(sweeps)[at].T
        each = self._each(share, Sweep(*columns), row[candidate], col[candidate])
        total: Ints = np.add.reduceat(columns[0][:, None] * each, begins, axis=0)
        return total

    def _sweeps_of(self, number: int) -> Ints:
        """Sweeps of a way: (sweep, field)."""
        if number not in self._sweeps:
            way = self._ways[number]
            self._sweeps[number] = np.array([self._sweep(way, *one) for one in _sweeps(way)], dtype=np.int64)
        return self._sweeps[number]

    def _each(self, share: Share, sweep: Sweep, row: Index, col: Index) -> Ints:
        """Cycles of each sweep, the fields of ``sweep`` being columns; as `costmodel.sweeps.sweep_cycles` has them."""
        plan, dram, every_parts = self._plan, self._family.dram_cycles, list(self._parts)
        used, which = np.unique(sweep.parts, return_inverse=True)
        parts = [every_parts[number] for number in used.tolist()]
        job, rows, cols, begins = _tiles(plan.rows, plan.cols, row, col)
        at, last_at = (rows, cols), np.append(begins[1:], len(job)) - 1
        number = (plan.rows.number[rows] * plan.cols.number[cols])[:, None]
        maps, out = self._maps, self._out_area[at]
        load = sweep.under[job] * maps.under_area[at] + sweep.here[job] * maps.here_area[at] + sweep.sums_in[job] * out
        store = sweep.out[job] * self._store_area[at] + sweep.sums_out[job] * out
        which = which.ravel()[job]
        work = {images: self._work.cycles(images, parts)(which, rows, cols) for images, _ in share.sizes}
        ends = sweep.stream + sweep.once
        every = ends + sweep.once
        visits = plan.visits[row, col] * share.count
        total: Ints = np.zeros(1, dtype=np.int64)
        load_first, load_last = share.images * load[begins], share.last * load[last_at]
        store_first, store_last = share.images * store[begins], share.last * store[last_at]
        compute_first, compute_last = work[share.images][begins], work[share.last][last_at]

        def column(num_bytes: Ints) -> Ints:
            cycles: Ints = dram(num_bytes)[:, None]
            return cycles

        if not self._family.double_buffer:
            for images, many in share.sizes:
                body = column(every[job] + images * (load + store)) + work[images]
                total = total + many * np.add.reduceat(number * body, begins, axis=0)
            first, last = load_first + store_first, load_last + store_last
            total = total - column(every + first)
            only = total + column(sweep.stream + sweep.stays + first)
            both = total + column(ends + sweep.stays + first) - column(every + last) + column(ends + last)
            return np.where((visits == 1)[:, None], only, both)
        for images, many in share.sizes:
            body = np.maximum(work[images], column(every[job] + images * (load + store)))
            total = total + many * np.add.reduceat(number * body, begins, axis=0)
            if images == share.images:
                body_first = body[begins]
            if images == share.last:
                body_last = body[last_at]
        ahead, inside = np.where(sweep.streams_input, 0, load_first), np.where(sweep.streams_input, load_first, 0)
        first = column(ahead) + np.maximum(compute_first, column(ends + sweep.stays + inside + store_first))
        last = np.maximum(compute_last, column(ends + load_last)) + column(store_last)
        only = column(ahead) + np.maximum(compute_first, column(sweep.stream + sweep.stays + inside))
        only = only + column(store_first)
        return np.where((visits == 1)[:, None], only, total - body_first - body_last + first + last)

    def _sweep(self, way: Way, times: int, outputs: _Outputs, inputs: _Inputs) -> tuple[int, ...]:
        layer, operands = way.layer, self._maps.operands
        act, psum = self._study.precision.activation_bytes, self._study.precision.partial_sum_bytes
        stationary, size = "input-stationary" in way.order, outputs[0][0]
        whole = way.chunks.count == 1
        out = sum(n * operands.leaving_bytes(k) for k, n in outputs)
        sums_in = sums_out = 0
        if way.num_inputs == 1:
            whole = whole or stationary
            under = operands.under_bytes(size if operands.by_outputs else way.chunks.input_channels, whole)
            here = operands.here_bytes(size, whole)
        else:
            again = 1 if stationary else sum(n for _, n in outputs)
            under = sum(c * m for c, _, _, m in inputs) * way.groups_at_once * again * act
            here = operands.here_bytes(size, whole) if layer.reduces else 0
        if way.spills:
            made = sum(k * n for k, n in outputs) * psum
            sums_in = made * sum(m for _, first, _, m in inputs if not first)
            sums_out = made * sum(m for _, _, last, m in inputs if not last)
            out = out if any(last for _, _, last, _ in inputs) else 0
        words = sum(n * m * way.weight_words(k, c, first) for k, n in outputs for c, first, _, m in inputs)
        moved = words * word_bytes(self._study, layer)
        parts = tuple((k, c, n * m) for k, n in outputs for c, _, _, m in inputs)
        return (
            times,
            self._parts.setdefault(parts, len(self._parts)),
            under,
            here,
            sums_in,
            out,
            sums_out,
            moved if way.weights_stay and not layer.reduces else 0,
            0 if way.weights_stay or layer.reduces else moved,
            moved if layer.reduces and not way.weights_stay else 0,
            int(way.streams_input),
        )


_Outputs = tuple[tuple[int, int], ...]
_Inputs = list[tuple[int, bool, bool, int]]


def _sweeps(way: Way) -> list[tuple[int, _Outputs, _Inputs]]:
    """Sweeps over all tiles: how many alike, chunks of outputs, and chunks of the input in each."""
    every, positions = way.chunks.sizes, list(way.positions())
    if way.order == "weight-stationary" and not way.layer.reduces:
        return [(count, ((k, 1),), positions) for k, count in every]
    if way.order.startswith("weight-stationary"):
        return [(count * at[3], ((k, 1),), [(*at[:3], 1)]) for k, count in every for at in positions]
    if way.order == "weight-input-stationary-spilling":
        return [(at[3], every, [(*at[:3], 1)]) for at in positions]
    return [(1, every, positions)]


def _tiles(rows: AxisPlan, cols: AxisPlan, row: Index, col: Index) -> tuple[Index, Index, Index, Index]:
    """All tiles of some pairs of options, first to last: whose it is, row class, col class; and where each begins."""
    high, wide = (rows.ends - rows.starts + 1)[row], (cols.ends - cols.starts + 1)[col]
    many = high * wide
    begins = np.cumsum(many) - many
    job = np.repeat(np.arange(len(row)), many)
    inside = np.arange(len(job)) - begins[job]
    return job, rows.starts[row][job] + inside // wide[job], cols.starts[col][job] + inside % wide[job], begins
