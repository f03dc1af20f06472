"""Sweeps over all tiles of a group for all tilings at once; `plain_sweep` says the same in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from costmodel.beside_maps import Finish, finish, finish_sums, update_tile, updated_params
from costmodel.candidates import NO_CAP, Candidates, Family, Kind
from costmodel.group_plan import GroupPlan
from costmodel.template import Ints, Terms, TileWork
from specs.network import Layer
from specs.study import Study

Bools = NDArray[np.bool_]


class Share:
    """The batch in shares of some images, the last perhaps smaller: a tile holds one share."""

    def __init__(self, study: Study, images: int) -> None:
        self.images, self.batch = images, study.batch
        full, rest = divmod(study.batch, images)
        self.sizes = [(images, full)] + ([(rest, 1)] if rest else [])
        self.last = rest or images
        self.count = full + bool(rest)

    def work(self, of_images: Callable[[int], Ints]) -> dict[int, Ints]:
        """Works of the tiles of each size of share."""
        return {images: of_images(images) for images, _ in self.sizes}

    def sum_works(self, plan: GroupPlan, works: Mapping[int, Ints]) -> Ints:
        """Sum works over all tiles of all shares: (row option, col option, ...)."""
        sums = [number * plan.sum_pairs(works[images]) for images, number in self.sizes]
        return np.sum(sums, axis=0) if len(sums) > 1 else sums[0]


def sweep_cycles(
    family: Family,
    plan: GroupPlan,
    share: Share,
    compute: Mapping[int, Ints],
    load: Ints,
    store: Ints,
    stays: Ints,
    stream: Ints,
    streams_input: bool = False,
    sums: Ints | None = None,
) -> Ints:
    """Cycles of one sweep over all images; see `plain_sweep.sweep_cycles`.

    ``compute`` is (row class, col class, array) for each size of share, ``load`` and ``store`` (row class, col
    class) of one image, ``stays``, ``stream`` and ``sums`` (kind,); the result is (row option, col option, kind,
    array).
    """
    load, store = load[..., None, None], store[..., None, None]
    work = {images: cycles[:, :, None, :] for images, cycles in compute.items()}
    once = np.zeros_like(stays)[:, None] if sums is None else sums[:, None]  # of the first and of the last visit
    stays, only_stream = stays[:, None], stream[:, None]
    ends, stream = only_stream + once, only_stream + 2 * once
    dram = family.dram_cycles
    total = np.zeros(1, dtype=np.int64)
    if not family.double_buffer:
        for images, number in share.sizes:
            total = total + number * plan.sum_pairs(dram(stream + images * (load + store)) + work[images])
        first, last = share.images * plan.at_first(load + store), share.last * plan.at_last(load + store)
        many = total + dram(ends + stays + first) - dram(stream + first) + dram(ends + last) - dram(stream + last)
        only = total + dram(only_stream + stays + first) - dram(stream + first)
        return np.where((plan.visits * share.count == 1)[..., None, None], only, many)
    for images, number in share.sizes:
        body = np.maximum(work[images], dram(stream + images * (load + store)))
        total = total + number * plan.sum_pairs(body)
        if images == share.images:
            body_first = plan.at_first(body)
        if images == share.last:
            body_last = plan.at_last(body)
    load_first, load_last = share.images * plan.at_first(load), share.last * plan.at_last(load)
    store_first, store_last = share.images * plan.at_first(store), share.last * plan.at_last(store)
    alone_first = np.zeros_like(load_first) if streams_input else dram(load_first)
    inside_first = load_first if streams_input else 0
    compute_first, compute_last = plan.at_first(work[share.images]), plan.at_last(work[share.last])
    first = alone_first + np.maximum(compute_first, dram(ends + stays + inside_first + store_first))
    last = np.maximum(compute_last, dram(ends + load_last)) + dram(store_last)
    only = alone_first + np.maximum(compute_first, dram(only_stream + stays + inside_first)) + dram(store_first)
    many = total - body_first - body_last + first + last
    return np.where((plan.visits * share.count == 1)[..., None, None], only, many)


@dataclass(frozen=True)
class Ending:
    """What comes after the last tile: cycles and energy on each array, bytes at the weight buffer and the DRAM."""

    cycles: Ints
    array_fj: Ints
    weight_read: int
    weight_write: int
    dram_bytes: int
    room_bytes: int = 0

    def __add__(self, other: Ending) -> Ending:
        return Ending(
            self.cycles + other.cycles,
            self.array_fj + other.array_fj,
            self.weight_read + other.weight_read,
            self.weight_write + other.weight_write,
            self.dram_bytes + other.dram_bytes,
            max(self.room_bytes, other.room_bytes),
        )

    def times(self, number: int) -> Ending:
        """The same several times, one after another."""
        return Ending(
            number * self.cycles,
            number * self.array_fj,
            number * self.weight_read,
            number * self.weight_write,
            number * self.dram_bytes,
            self.room_bytes,
        )


ENDING = Ending(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), 0, 0, 0)


def ending(study: Study, family: Family, terms: Terms, layers: tuple[Layer, ...]) -> Ending:
    """What a group of these layers does after its last tile; see `plain_sweep.sweep_cycles`."""
    updates = [layer for layer in layers if layer.op == "update"]
    works = [
        [array.tile_work(layer, update_tile(study, layer.K, layer.params), terms) for layer in updates]
        for array in family.arrays
    ]
    return _ending(family, finish(study, layers), works)


def ending_of_sums(
    study: Study, family: Family, terms: Terms, layer: Layer, update: Layer | None, size: int, words: int, first: bool
) -> Ending:
    """What follows the last tile of some of a reduction's sums; see `costmodel.beside_maps.finish_sums`."""
    works: list[list[TileWork]] = [[] for _ in family.arrays]
    if update is not None:
        tile = update_tile(study, size, updated_params(update, size, words, first))
        works = [[array.tile_work(update, tile, terms)] for array in family.arrays]
    return _ending(family, finish_sums(study, layer, update, size, words, first), works)


def _ending(family: Family, end: Finish, works: list[list[TileWork]]) -> Ending:
    compute = np.array([sum(work.cycles for work in some) for some in works], dtype=np.int64)
    dram = family.dram_cycles(np.array([end.moved.total], dtype=np.int64))
    return Ending(
        cycles=np.maximum(dram, compute) if family.double_buffer else dram + compute,
        array_fj=np.array([sum(work.mac_fj for work in some) for some in works], dtype=np.int64),
        weight_read=end.weight_read_bytes,
        weight_write=end.weight_write_bytes,
        dram_bytes=end.moved.total,
        room_bytes=end.room_bytes,
    )


@dataclass(frozen=True)
class Priced:
    """What is known of every (row option, col option) of some kinds.

    ``feature_need`` and ``cycles`` are (row option, col option, kind, array), ``weights`` (row option, col option,
    kind), ``weight_need`` (kind, array), ``sums`` (row option, col option, array, quantity), ``loads``, ``stores``
    (row option, col option). ``spilled`` are the bytes of partial sums that are stored and loaded again, each way:
    (row option, col option, kind). ``end`` follows the last tile.
    """

    kinds: tuple[Kind, ...]
    feature_need: Ints
    weight_need: Ints
    cycles: Ints
    sums: Ints
    loads: Ints
    stores: Ints
    weights: Ints
    spilled: Ints | None = None
    end: Ending = ENDING


def flatten(plan: GroupPlan, share: Share, valid: Bools, priced: Priced) -> Candidates:
    """One candidate per valid (row option, col option) and kind; buffers also see what DRAM brings and takes."""
    rows, cols = np.nonzero(valid)
    many = len(priced.kinds)
    # Candidates in order of tiling, then kind.
    rows, cols, kind = np.repeat(rows, many), np.repeat(cols, many), np.tile(np.arange(many), len(rows))
    arrays = priced.cycles.shape[-1]
    loads, stores, weights = priced.loads[rows, cols], priced.stores[rows, cols], priced.weights[rows, cols, kind]
    work, end = priced.sums[rows, cols], priced.end
    spilled = np.zeros_like(weights) if priced.spilled is None else priced.spilled[rows, cols, kind]
    return Candidates(
        kinds=priced.kinds,
        kind=kind,
        tile_rows=plan.rows.counts[rows],
        tile_cols=plan.cols.counts[cols],
        images=np.full(len(rows), share.images, dtype=np.int64),
        overlap=plan.mode[rows, cols],
        stepwise=plan.stepwise[rows, cols],
        feature_need=np.broadcast_to(priced.feature_need, (*valid.shape, many, arrays))[rows, cols, kind],
        weight_need=priced.weight_need[kind],
        feature_cap=np.full((len(rows), arrays), NO_CAP),
        weight_cap=np.full((len(rows), arrays), NO_CAP),
        cycles=priced.cycles[rows, cols, kind] + end.cycles,
        array_fj=work[..., 1] + end.array_fj,
        feature_read=work[..., 2] + stores[:, None],
        feature_write=work[..., 3] + loads[:, None],
        weight_read=work[..., 4] + (spilled + end.weight_read)[:, None],
        weight_write=work[..., 5] + (weights + spilled + end.weight_write)[:, None],
        dram_bytes=loads + stores + weights + 2 * spilled + end.dram_bytes,
    )
