"""Candidates of a layer alone whose tiles have all their input channels; see `plain_alone` for the loop orders."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from costmodel.candidates import Candidates, Family, Kind
from costmodel.chunks import Chunks, cut_channels, input_channels, possible_splits
from costmodel.group_plan import GroupPlan
from costmodel.legal import orders_alone
from costmodel.sweeps import Priced, Share, flatten, sweep_cycles
from costmodel.template import Ints, Preference, is_channelwise
from costmodel.works import CYCLES, Depth, Works
from specs.network import Layer, Network
from specs.study import Study


@lru_cache(maxsize=4096)
def _cut(network: Network, layer: Layer, allowed: tuple[int, ...] | None) -> tuple[Chunks, ...]:
    cuts = [cut_channels(network, layer, n) for n in possible_splits(network, layer, allowed)]
    return tuple(chunks for chunks in cuts if chunks is not None)


def all_chunks(study: Study, layer: Layer) -> tuple[Chunks, ...]:
    """Every cut of the layer's output channels that the study allows."""
    return _cut(study.network, layer, study.tiling.channel_splits)


def alone(
    study: Study, family: Family, works: Works, mapping: Preference, plan: GroupPlan, share: Share
) -> Iterator[Candidates]:
    """Weight- and input-stationary orders with every cut of the output channels."""
    layer = plan.tensors.layers[0]
    for chunks in all_chunks(study, layer):
        work = {size: _works_of(works, plan, share, layer, size) for size, _ in chunks.sizes}
        yield _weight_stationary(study, family, mapping, plan, share, chunks, work)
        if "input-stationary" in orders_alone(layer):
            yield _input_stationary(study, family, mapping, plan, share, chunks, work)


def _works_of(works: Works, plan: GroupPlan, share: Share, layer: Layer, size: int) -> dict[int, Ints]:
    """Works of one chunk of output channels in a tile, for each size of share."""

    def of_images(images: int) -> Ints:
        table = works.table(plan.tensors.signatures[0], Depth(images, size, layer.C // layer.G))
        return table.lookup(plan.rows.new[:, 0], plan.cols.new[:, 0])

    return share.work(of_images)


def input_area(plan: GroupPlan) -> Ints:
    """Elements of one channel of the input that are held in a tile; one tensor stands for all that are read."""
    one = np.zeros_like(plan.tensors.channels)
    one[1] = 1
    return plan.throughout(one) + plan.passing(1)


def _weight_stationary(
    study: Study,
    family: Family,
    mapping: Preference,
    plan: GroupPlan,
    share: Share,
    chunks: Chunks,
    work: dict[int, dict[int, Ints]],
) -> Candidates:
    """Each chunk of output channels keeps its weights and sweeps all tiles; the input is read per chunk."""
    layer, precision = plan.tensors.layers[0], study.precision
    act = precision.activation_bytes
    out_area, in_area, store_area = plan.area(0), plan.area(1), plan.store_area(0)
    cycles, sums = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    loads, stores = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    for size, number in chunks.sizes:
        needs = size * len(layer.operands) if is_channelwise(layer) and chunks.count > 1 else chunks.input_channels
        load, store = needs * in_area * act, size * store_area * act
        stays = np.array([size * layer.filter_words * precision.weight_bytes])
        compute = {images: values[..., CYCLES] for images, values in work[size].items()}
        sweep = sweep_cycles(family, plan, share, compute, load, store, stays, np.zeros_like(stays))
        cycles = cycles + number * sweep
        sums = sums + number * share.sum_works(plan, work[size])
        loads = loads + number * study.batch * plan.sum_pairs(load)
        stores = stores + number * study.batch * plan.sum_pairs(store)
    width = precision.partial_sum_bytes if family.arrays[0].accumulates_in_buffer(layer) else act
    feature_need = plan.max_pairs(chunks.input_channels * input_area(plan) * act + chunks.largest * out_area * width)
    if family.double_buffer:
        room = chunks.input_channels * plan.max_pairs(in_area) + chunks.largest * plan.max_pairs(store_area)
        feature_need = feature_need + np.where(plan.visits * share.count > 1, room * act, 0)
    need = chunks.largest * layer.filter_words * precision.weight_bytes
    kind = Kind(int(layer.has_weights), "weight-stationary", chunks.count, 1, mapping)
    priced = Priced(
        kinds=(kind,),
        feature_need=share.images * feature_need[..., None, None],
        weight_need=np.full((1, len(family.arrays)), need),
        cycles=cycles,
        sums=sums,
        loads=loads,
        stores=stores,
        weights=np.full((*plan.visits.shape, 1), layer.weight_words * precision.weight_bytes),
    )
    return flatten(plan, share, plan.mode >= 0, priced)


def _input_stationary(
    study: Study,
    family: Family,
    mapping: Preference,
    plan: GroupPlan,
    share: Share,
    chunks: Chunks,
    work: dict[int, dict[int, Ints]],
) -> Candidates:
    """Each tile keeps its input and makes all output channels, while weights stream through or all stay."""
    layer, precision, arrays = plan.tensors.layers[0], study.precision, family.arrays
    act = precision.activation_bytes
    out_area, in_area, store_area = plan.area(0), plan.area(1), plan.store_area(0)
    channels = input_channels(study.network, layer)
    load, store = channels * in_area * act, layer.K * store_area * act
    weights = layer.weight_words * precision.weight_bytes
    tile = {
        images: np.sum([number * work[size][images] for size, number in chunks.sizes], axis=0)
        for images, _ in share.sizes
    }
    stays, stream = np.array([0, weights]), np.array([weights, 0])
    compute = {images: values[..., CYCLES] for images, values in tile.items()}
    width = precision.partial_sum_bytes if arrays[0].accumulates_in_buffer(layer) else act
    feature_need = plan.max_pairs(channels * input_area(plan) * act + chunks.largest * out_area * width)
    visits = plan.visits * share.count
    if family.double_buffer:
        store_room = plan.max_pairs(store_area) * (chunks.largest * act)
        feature_need = feature_need + np.where(visits * chunks.count > 1, store_room, 0)
        feature_need = feature_need + np.where(visits > 1, plan.max_pairs(load), 0)
    copies = 2 if family.double_buffer else 1
    sizes = [size for size, _ in chunks.sizes]
    at_once = [max(array.weight_chunk_words(layer, k, layer.C // layer.G) for k in sizes) for array in arrays]
    streaming = copies * precision.weight_bytes * np.array(at_once, dtype=np.int64)
    priced = Priced(
        kinds=tuple(Kind(mask, "input-stationary", chunks.count, 1, mapping) for mask in (0, 1)),
        feature_need=share.images * feature_need[..., None, None],
        weight_need=np.stack([streaming, np.full_like(streaming, weights)]),
        cycles=sweep_cycles(family, plan, share, compute, load, store, stays, stream),
        sums=share.sum_works(plan, tile),
        loads=study.batch * plan.sum_pairs(load),
        stores=study.batch * plan.sum_pairs(store),
        weights=stays + stream * visits[..., None],
    )
    return flatten(plan, share, plan.mode >= 0, priced)
