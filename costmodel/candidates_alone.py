"""Candidates of a layer alone whose tiles have all their input channels; see `plain_alone` for the loop orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from costmodel.beside_maps import chunk_words, kept_bytes, word_bytes
from costmodel.candidates import Candidates, Family, Kind
from costmodel.chunks import Chunks, Operands, cut_channels, possible_splits
from costmodel.group_plan import GroupPlan
from costmodel.legal import orders_alone
from costmodel.sweeps import ENDING, Priced, Share, ending, ending_of_sums, flatten, sweep_cycles
from costmodel.template import Ints, Preference, Terms
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
        yield _weight_stationary(study, family, works.terms, mapping, plan, share, chunks, work)
        if "input-stationary" in orders_alone(layer) and not (layer.reduces and chunks.count > 1):
            yield _input_stationary(study, family, works.terms, mapping, plan, share, chunks, work)


def _works_of(works: Works, plan: GroupPlan, share: Share, layer: Layer, size: int) -> dict[int, Ints]:
    """Works of one chunk of output channels in a tile, for each size of share."""

    def of_images(images: int) -> Ints:
        table = works.table(plan.tensors.signatures[0], Depth(images, size, layer.C // layer.G))
        return table.lookup(plan.rows.new[:, 0], plan.cols.new[:, 0])

    return share.work(of_images)


@dataclass(frozen=True)
class Maps:
    """What a layer alone reads and makes of a tile, in bytes of one image: (row class, col class)."""

    plan: GroupPlan
    operands: Operands

    @property
    def under(self) -> int:
        """A tensor under the kernel; others are as large."""
        return self.plan.tensors.names.index(self.operands.under[0])

    @property
    def here(self) -> int:
        """Likewise at the outputs' own positions."""
        return self.plan.tensors.names.index((self.operands.here or self.operands.under)[0])

    def load(self, under_bytes: int, here_bytes: int) -> Ints:
        """What a tile loads, with so many bytes of one position."""
        return under_bytes * self.plan.area(self.under) + here_bytes * self.plan.area(self.here)

    def held(self, under_bytes: int, here_bytes: int) -> Ints:
        return under_bytes * self.held_area(self.under) + here_bytes * self.held_area(self.here)

    def held_area(self, tensor: int) -> Ints:
        """Positions of a tensor that are held in a tile."""
        one = np.zeros_like(self.plan.tensors.pixel_bytes)
        one[tensor] = 1
        return self.plan.throughout(one) + self.plan.passing(tensor)


def update_of(plan: GroupPlan) -> Layer | None:
    """The update that runs with a weight gradient."""
    return plan.tensors.updates[0] if plan.tensors.updates else None


def maps_of(study: Study, plan: GroupPlan) -> Maps:
    return Maps(plan, Operands(study.network, plan.tensors.layers[0], study.precision.activation_bytes))


def _weight_stationary(
    study: Study,
    family: Family,
    terms: Terms,
    mapping: Preference,
    plan: GroupPlan,
    share: Share,
    chunks: Chunks,
    work: dict[int, dict[int, Ints]],
) -> Candidates:
    """Each chunk of output channels keeps its weights or sums and sweeps all tiles; the input is read per chunk."""
    layer, precision, maps = plan.tensors.layers[0], study.precision, maps_of(study, plan)
    act, operands, whole = precision.activation_bytes, maps.operands, chunks.count == 1
    out_area, store_area = plan.area(0), plan.store_area(0)
    cycles, sums = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    loads, stores = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    filter_bytes, end, update = layer.filter_words * word_bytes(study, layer), ENDING, update_of(plan)

    def load_of(size: int) -> tuple[int, int]:
        under = operands.under_bytes(size if operands.by_outputs else chunks.input_channels, whole)
        return under, operands.here_bytes(size, whole)

    for size, number in chunks.sizes:
        load, store = maps.load(*load_of(size)), operands.leaving_bytes(size) * store_area
        stays = np.array([0 if layer.reduces else size * filter_bytes])
        compute = {images: values[..., CYCLES] for images, values in work[size].items()}
        sweep = sweep_cycles(family, plan, share, compute, load, store, stays, np.zeros_like(stays))
        cycles = cycles + number * sweep
        if layer.reduces:
            words = size * layer.filter_words
            end += ending_of_sums(study, family, terms, layer, update, size, words, first=True).times(number)
        sums = sums + number * share.sum_works(plan, work[size])
        loads = loads + number * study.batch * plan.sum_pairs(load)
        stores = stores + number * study.batch * plan.sum_pairs(store)
    width = precision.partial_sum_bytes if family.arrays[0].accumulates_in_buffer(layer) else act
    largest = load_of(chunks.largest)
    feature_need = plan.max_pairs(maps.held(*largest) + operands.made_bytes(chunks.largest, width) * out_area)
    if family.double_buffer:
        room = plan.max_pairs(maps.load(*largest))
        room = room + plan.max_pairs(store_area) * operands.leaving_bytes(chunks.largest)
        feature_need = feature_need + np.where(plan.visits * share.count > 1, room, 0)
    copies = 2 if family.double_buffer else 1
    kind = Kind(int(layer.has_weights), "weight-stationary", chunks.count, 1, mapping)
    weights = 0 if layer.reduces else kept_bytes(study, layer)
    priced = Priced(
        kinds=(kind,),
        feature_need=share.images * feature_need[..., None, None],
        weight_need=np.full((1, len(family.arrays)), chunks.largest * filter_bytes + copies * end.room_bytes),
        cycles=cycles,
        sums=sums,
        loads=loads,
        stores=stores,
        weights=np.full((*plan.visits.shape, 1), weights),
        end=end,
    )
    return flatten(plan, share, plan.mode >= 0, priced)


def _input_stationary(
    study: Study,
    family: Family,
    terms: Terms,
    mapping: Preference,
    plan: GroupPlan,
    share: Share,
    chunks: Chunks,
    work: dict[int, dict[int, Ints]],
) -> Candidates:
    """Each tile keeps its input and makes all output channels, while weights or sums stream through or all stay."""
    layer, precision, arrays, maps = plan.tensors.layers[0], study.precision, family.arrays, maps_of(study, plan)
    act, operands = precision.activation_bytes, maps.operands
    out_area, store_area = plan.area(0), plan.store_area(0)
    whole = operands.under_bytes(0, whole=True), operands.here_bytes(0, whole=True)
    load = maps.load(*whole)
    store = sum(number * operands.leaving_bytes(size) for size, number in chunks.sizes) * store_area
    words = kept_bytes(study, layer)
    tile = {
        images: np.sum([number * work[size][images] for size, number in chunks.sizes], axis=0)
        for images, _ in share.sizes
    }
    masks = (0,) if layer.reduces else (0, 1)  # sums that stay are weight-stationary
    stays, stream = np.array([0, words])[: len(masks)], np.array([words, 0])[: len(masks)]
    summed = stream if layer.reduces else np.zeros_like(stream)
    stream = stream - summed
    compute = {images: values[..., CYCLES] for images, values in tile.items()}
    width = precision.partial_sum_bytes if arrays[0].accumulates_in_buffer(layer) else act
    feature_need = plan.max_pairs(maps.held(*whole) + operands.made_bytes(chunks.largest, width) * out_area)
    visits = plan.visits * share.count
    if family.double_buffer:
        store_room = plan.max_pairs(store_area) * operands.leaving_bytes(chunks.largest)
        feature_need = feature_need + np.where(visits * chunks.count > 1, store_room, 0)
        feature_need = feature_need + np.where(visits > 1, plan.max_pairs(load), 0)
    copies = 2 if family.double_buffer else 1
    sizes = [size for size, _ in chunks.sizes]
    at_once = [max(chunk_words(array, layer, k, layer.C // layer.G) for k in sizes) for array in arrays]
    end = ending(study, family, terms, (layer, *plan.tensors.updates))
    streaming = copies * (word_bytes(study, layer) * np.array(at_once, dtype=np.int64) + end.room_bytes)
    cycles = sweep_cycles(family, plan, share, compute, load, store, stays, stream, sums=summed)
    priced = Priced(
        kinds=tuple(Kind(mask, "input-stationary", chunks.count, 1, mapping) for mask in masks),
        feature_need=share.images * feature_need[..., None, None],
        weight_need=np.stack([streaming, np.full_like(streaming, words)][: len(masks)]),
        cycles=cycles,
        sums=share.sum_works(plan, tile),
        loads=study.batch * plan.sum_pairs(load),
        stores=study.batch * plan.sum_pairs(store),
        weights=stays + stream * visits[..., None],
        spilled=summed * (visits - 1)[..., None],
        end=end,
    )
    return flatten(plan, share, plan.mode >= 0, priced)
