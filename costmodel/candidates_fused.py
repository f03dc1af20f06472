"""Candidates of a group of several layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from costmodel.beside_maps import finish
from costmodel.candidates import NO_CAP, Candidates, Family, Kind
from costmodel.group_plan import GroupPlan
from costmodel.residency import Residency, residency_options
from costmodel.sweeps import Priced, Share, ending, flatten, sweep_cycles
from costmodel.template import Ints, Preference, Terms
from costmodel.works import CYCLES, Works, whole_depth
from specs.study import SharedBuffer, Study


class Fused:
    """A group of several layers on a family: what is the same for all numbers of images in a tile is found once."""

    def __init__(self, study: Study, family: Family, terms: Terms, plan: GroupPlan) -> None:
        tensors = plan.tensors
        every = (*tensors.layers, *tensors.updates)
        self._study, self._family, self._plan = study, family, plan
        self._options = residency_options(study, family, tensors.layers, finish(study, every).room_bytes)
        none = np.zeros((len(plan.rows.number), len(plan.cols.number)), dtype=np.int64)
        outside = range(tensors.num_made, len(tensors.names))
        self._load = sum((tensors.pixel_bytes[t] * plan.area(t) for t in outside), none)
        self._store = sum((tensors.leave_bytes[i] * plan.store_area(i) for i in range(len(tensors.outputs))), none)
        self._loads, self._stores = plan.sum_pairs(self._load), plan.sum_pairs(self._store)
        self._live = plan.max_pairs(_live_bytes(study, family, plan))
        self._room = (
            plan.max_pairs(self._load) + plan.max_pairs(self._store) if family.double_buffer else 0 * self._live
        )
        self._valid = plan.mode >= 0
        self._end = ending(study, family, terms, every)

    def candidates(self, works: Works, mapping: Preference, share: Share) -> Candidates | None:
        """Every tiling with every choice of resident weights; None if nothing fits."""
        study, plan, options = self._study, self._plan, self._options
        visits = plan.visits * share.count
        feature_need = share.images * (self._live + np.where(visits > 1, self._room, 0))
        if not options or not (feature_need[self._valid] <= study.buffers.most_feature_bytes).any():
            return None
        work = share.work(lambda images: _work(works, plan, images))
        resident = np.array([option.resident_bytes for option in options])
        stream = np.array([option.stream_bytes for option in options])
        sums = np.array([option.sums_bytes for option in options])
        compute = {images: values[..., CYCLES] for images, values in work.items()}
        priced = Priced(
            kinds=tuple(Kind(_in_group(one.mask, plan.tensors.places), "fused", 1, 1, mapping) for one in options),
            feature_need=feature_need[..., None, None],
            weight_need=np.array([option.need_bytes for option in options]),
            cycles=sweep_cycles(
                self._family, plan, share, compute, self._load, self._store, resident, stream, sums=sums
            ),
            sums=share.sum_works(plan, work),
            loads=study.batch * self._loads,
            stores=study.batch * self._stores,
            weights=resident + stream * visits[..., None],
            spilled=sums * (visits - 1)[..., None],
            end=self._end,
        )
        rows = flatten(plan, share, self._valid, priced)
        return _capped(study, rows, options) if study.slowness_pays else rows


def _in_group(mask: int, places: tuple[int, ...]) -> int:
    """A set of layers that run tile by tile, as places in the group."""
    return sum(1 << place for i, place in enumerate(places) if mask >> i & 1)


def update_alone(study: Study, family: Family, works: Mapping[Preference, Works], plan: GroupPlan) -> Candidates:
    """The one way to run an update alone: a filter's parameters after the other's."""
    mapping, work = next(iter(works.items()))
    end = ending(study, family, work.terms, plan.tensors.updates)
    copies = 2 if family.double_buffer else 1
    room = copies * finish(study, plan.tensors.updates).room_bytes
    arrays = len(family.arrays)
    one, none = np.ones((1, 1), dtype=np.int64), np.zeros((1, 1), dtype=np.int64)
    priced = Priced(
        kinds=(Kind(0, "weight-stationary", 1, 1, mapping),),
        feature_need=np.zeros((1, 1, 1, arrays), dtype=np.int64),
        weight_need=np.full((1, arrays), room),
        cycles=np.zeros((1, 1, 1, arrays), dtype=np.int64),
        sums=np.zeros((1, 1, arrays, 6), dtype=np.int64),
        loads=none,
        stores=none,
        weights=none[..., None],
        end=end,
    )
    rows = flatten(plan, Share(study, study.batch), one > 0, priced)
    return replace(rows, images=np.full(1, study.batch), overlap=np.zeros(1, dtype=np.int64))


def _capped(study: Study, rows: Candidates, options: list[Residency]) -> Candidates:
    """Rows that end where another choice of resident weights streams less, all else equal.

    Where slowness pays such a row might be the better one, for the time it loses: it is not in the space. (Elsewhere
    it never is the better one.)
    """
    ends = np.full((len(options), rows.cycles.shape[1]), NO_CAP)
    for number, option in enumerate(options):
        better = [
            other.need_bytes
            for other in options
            if other.stream_bytes <= option.stream_bytes
            and other.sums_bytes <= option.sums_bytes
            and (other.stream_bytes, other.sums_bytes) != (option.stream_bytes, option.sums_bytes)
        ]
        if better:
            ends[number] = np.min(better, axis=0)
    if isinstance(study.buffers, SharedBuffer):
        return replace(rows, feature_cap=rows.feature_need + ends[rows.kind])
    return replace(rows, weight_cap=ends[rows.kind])


def _work(works: Works, plan: GroupPlan, images: int) -> Ints:
    """Work of all layers in a tile of some images: (row class, col class, array, quantity)."""
    layers = plan.tensors.signatures
    tables = [works.table(layer, whole_depth(layer, images)) for layer in layers]
    work = tables[0].lookup(plan.rows.new[:, 0], plan.cols.new[:, 0])
    for i, table in enumerate(tables[1:], start=1):
        work += table.lookup(plan.rows.new[:, i], plan.cols.new[:, i])
    return work


def _live_bytes(study: Study, family: Family, plan: GroupPlan) -> Ints:
    """Most bytes of one image in the feature buffer at once, (row class, col class); see `plain_sweep.live_bytes`."""
    tensors, precision = plan.tensors, study.precision
    act, psum = precision.activation_bytes, precision.partial_sum_bytes
    last_reader, array = tensors.last_reader, family.arrays[0]
    passing = [tensors.pixel_bytes[t] * plan.passing(t) for t in range(len(tensors.names))]
    alive = plan.throughout(tensors.pixel_bytes) + sum(passing[tensors.num_made :])
    peak: Ints = np.zeros_like(alive)
    for step, layer in enumerate(tensors.layers):
        alive = alive + passing[step]
        live = alive
        if array.accumulates_in_buffer(layer):
            live = live + layer.K * plan.area(step) * (psum - act)
        peak = np.maximum(peak, live)
        for t in range(len(passing)):
            if last_reader[t] == step:
                alive = alive - passing[t]
    return peak
