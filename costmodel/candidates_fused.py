"""Candidates of a group of several layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from costmodel.candidates import NO_CAP, Candidates, Family, Kind
from costmodel.group_plan import GroupPlan
from costmodel.residency import Residency, residency_options
from costmodel.sweeps import Priced, Share, flatten, sweep_cycles
from costmodel.template import Ints, Preference
from costmodel.works import CYCLES, Works, whole_depth
from specs.study import SharedBuffer, Study


def fused(
    study: Study, family: Family, works: Works, mapping: Preference, plan: GroupPlan, share: Share
) -> Candidates | None:
    """Every tiling with every choice of resident weights; None if no weight buffer fits any choice."""
    tensors = plan.tensors
    options = residency_options(study, family, tensors.layers)
    if not options:
        return None
    act = study.precision.activation_bytes
    load = sum(tensors.channels[t] * plan.area(t) for t in range(tensors.num_made, len(tensors.names))) * act
    store = sum(tensors.channels[t] * plan.store_area(i) for i, t in enumerate(tensors.outputs)) * act
    feature_need = plan.max_pairs(_live_bytes(study, family, plan))
    if family.double_buffer:
        several = plan.visits * share.count > 1
        feature_need = feature_need + np.where(several, plan.max_pairs(load) + plan.max_pairs(store), 0)
    feature_need = share.images * feature_need
    work = share.work(lambda images: _work(works, plan, images))
    resident = np.array([option.resident_bytes for option in options])
    stream = np.array([option.stream_bytes for option in options])
    compute = {images: values[..., CYCLES] for images, values in work.items()}
    priced = Priced(
        kinds=tuple(Kind(option.mask, "fused", 1, 1, mapping) for option in options),
        feature_need=feature_need[..., None, None],
        weight_need=np.array([option.need_bytes for option in options]),
        cycles=sweep_cycles(family, plan, share, compute, load, store, resident, stream),
        sums=share.sum_works(plan, work),
        loads=study.batch * plan.sum_pairs(load),
        stores=study.batch * plan.sum_pairs(store),
        weights=resident + stream * (plan.visits * share.count)[..., None],
    )
    rows = flatten(plan, share, plan.mode >= 0, priced)
    return _capped(study, rows, options) if study.slowness_pays else rows


def _capped(study: Study, rows: Candidates, options: list[Residency]) -> Candidates:
    """Rows that end where another choice of resident weights streams less, all else equal.

    Where slowness pays such a row might be the better one, for the time it loses: it is not in the space. (Elsewhere
    it never is the better one.)
    """
    ends = np.full((len(options), rows.cycles.shape[1]), NO_CAP)
    for number, option in enumerate(options):
        better = [other.need_bytes for other in options if other.stream_bytes < option.stream_bytes]
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
    passing = [tensors.channels[t] * plan.passing(t) for t in range(len(tensors.names))]
    alive = plan.throughout(tensors.channels) + sum(passing[tensors.num_made :])
    peak: Ints = np.zeros_like(alive)
    for step, layer in enumerate(tensors.layers):
        alive = alive + passing[step]
        live = alive * act
        if array.accumulates_in_buffer(layer):
            live = live + tensors.channels[step] * plan.area(step) * (psum - act)
        peak = np.maximum(peak, live)
        for t in range(len(passing)):
            if last_reader[t] == step:
                alive = alive - passing[t]
    return peak
