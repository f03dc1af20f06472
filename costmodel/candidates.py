"""Every way to run one group on one family of arrays, priced in integers.

A *family* is one accelerator at one clock with one DRAM; its arrays differ in shape alone. Candidates are
rows; quantities that depend on the array have one column per array.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from costmodel.chunks import Chunks, cut_channels, possible_splits
from costmodel.design import GroupDesign, Order
from costmodel.legal import distinct_overlaps, orders_alone
from costmodel.regions import AxisPlan, GroupTensors
from costmodel.residency import residency_options
from costmodel.template import ArrayShape, Ints, is_channelwise
from costmodel.works import CYCLES, Works, signature
from specs.study import Dram, Overlap, SharedBuffer, Study


@dataclass(frozen=True)
class Family:
    """One accelerator template at one clock with one DRAM, in several array shapes."""

    template: str
    double_buffer: bool
    clock_hz: int
    dram: Dram
    arrays: tuple[ArrayShape, ...]

    def dram_cycles(self, num_bytes: Ints) -> Ints:
        return -(-num_bytes * self.clock_hz // self.dram.bytes_per_s)


@dataclass(frozen=True)
class Candidates:
    """Candidates of one group. Shapes (candidate,) or (candidate, array).

    ``designs`` describes each by (tile rows, tile columns, overlap, resident layers as a bit set of
    positions in the group, order, channel splits).
    """

    designs: list[tuple[int, int, Overlap, int, Order, int]]
    feature_need: Ints
    weight_need: Ints
    cycles: Ints
    array_fj: Ints
    feature_read: Ints
    feature_write: Ints
    weight_read: Ints
    weight_write: Ints
    dram_bytes: Ints

    def __len__(self) -> int:
        return len(self.designs)

    def pick(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Candidates:
        index = np.arange(len(self))[rows]
        columns = {f.name: getattr(self, f.name)[index] for f in fields(self) if f.name != "designs"}
        return Candidates(designs=[self.designs[i] for i in index], **columns)

    def group_design(self, row: int, layers: tuple[str, ...]) -> GroupDesign:
        tile_rows, tile_cols, overlap, resident, order, splits = self.designs[row]
        names = frozenset(name for i, name in enumerate(layers) if resident >> i & 1)
        return GroupDesign(layers, tile_rows, tile_cols, overlap, names, order, splits)


def join(parts: list[Candidates]) -> Candidates:
    columns = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts])
        for f in fields(Candidates)
        if f.name != "designs"
    }
    return Candidates(designs=[design for part in parts for design in part.designs], **columns)


@dataclass(frozen=True)
class GroupPlan:
    """A group's tensors and its regions along both axes."""

    tensors: GroupTensors
    rows: AxisPlan
    cols: AxisPlan

    def sum_pairs(self, values: Ints) -> Ints:
        """Sum (row class, col class, ...) values over all tiles of one image: (row option, col option, ...)."""
        tiles = self.rows.number[:, None] * self.cols.number
        weighted = values * tiles.reshape(tiles.shape + (1,) * (values.ndim - 2))
        return np.add.reduceat(np.add.reduceat(weighted, self.rows.starts, axis=0), self.cols.starts, axis=1)

    def max_pairs(self, values: Ints) -> Ints:
        return np.maximum.reduceat(np.maximum.reduceat(values, self.rows.starts, axis=0), self.cols.starts, axis=1)

    def at_first(self, values: Ints) -> Ints:
        return values[self.rows.starts][:, self.cols.starts]

    def at_last(self, values: Ints) -> Ints:
        return values[self.rows.ends][:, self.cols.ends]

    @property
    def tiles(self) -> Ints:
        """Tiles per image, (row option, col option)."""
        return self.rows.counts[:, None] * self.cols.counts


def announce(study: Study, works: Works, plan: GroupPlan) -> None:
    """Tell the work tables which tiles this group will ask for."""
    for i, layer in enumerate(plan.tensors.layers):
        rows = np.concatenate([plan.rows.fresh[:, i], plan.rows.new[:, i]])
        cols = np.concatenate([plan.cols.fresh[:, i], plan.cols.new[:, i]])
        works.need(signature(layer), (layer.K,), rows, cols)
    if len(plan.tensors.layers) == 1:
        layer = plan.tensors.layers[0]
        sizes = {size for chunks in _all_chunks(study, plan) for size, _ in chunks.sizes} - {layer.K}
        if sizes:
            works.need(signature(layer), tuple(sorted(sizes)), rows, cols)


def candidates(study: Study, family: Family, works: Works, plan: GroupPlan) -> Candidates | None:
    """Price every candidate of a group that fits some listed buffer; None if nothing fits."""
    parts = [
        part
        for mode in study.fusion.overlap
        for part in (_alone if len(plan.tensors.layers) == 1 else _fused)(study, family, works, plan, mode)
    ]
    parts = [part for part in (_fitting(study, part) for part in parts) if len(part)]
    return join(parts) if parts else None


def _fitting(study: Study, part: Candidates) -> Candidates:
    """Drop candidates that fit no listed buffer size on any array."""
    if isinstance(study.buffers, SharedBuffer):
        fits = part.feature_need + part.weight_need <= max(study.buffers.shared_bytes)
    else:
        fits = part.feature_need <= max(study.buffers.feature_bytes)
        fits = fits & (part.weight_need <= max(study.buffers.weight_bytes))
    return part.pick(fits.any(axis=1))


@dataclass(frozen=True)
class _Regions:
    """Lengths of one overlap mode: (row class, tensor), (col class, tensor), and the room kept halos take."""

    rows: Ints
    cols: Ints
    valid: NDArray[np.bool_]
    halo_rows: Ints
    halo_cols: Ints

    def area(self, tensor: int) -> Ints:
        return self.rows[:, tensor, None] * self.cols[None, :, tensor]

    def halo_elements(self, tensor: int) -> Ints:
        """Kept elements of one channel, (row option, col option)."""
        return self.halo_rows[:, :, tensor] + self.halo_cols[:, :, tensor]


def _regions(study: Study, plan: GroupPlan, mode: Overlap) -> _Regions:
    keep_rows, keep_cols = mode != "recompute", mode == "cache-all"
    rows, cols = plan.rows, plan.cols
    options = [[mode in distinct_overlaps(study, int(r), int(c)) for c in cols.counts] for r in rows.counts]
    halo_rows = rows.kept[:, None, :] * cols.span[None, :, :] * int(keep_rows)
    halo_cols = rows.tallest_new[:, None, :] * cols.kept[None, :, :] * int(keep_cols)
    return _Regions(
        rows=rows.new if keep_rows else rows.fresh,
        cols=cols.new if keep_cols else cols.fresh,
        valid=np.array(options),
        halo_rows=halo_rows,
        halo_cols=halo_cols,
    )


def _stores(plan: GroupPlan) -> Ints:
    """Elements of its outputs that each tile is responsible for, (row class, col class)."""
    total = np.zeros((len(plan.rows.number), len(plan.cols.number)), dtype=np.int64)
    for i, output in enumerate(plan.tensors.outputs):
        total += plan.tensors.channels[output] * plan.rows.own[:, i, None] * plan.cols.own[None, :, i]
    return total


def _sweep_cycles(
    study: Study,
    family: Family,
    plan: GroupPlan,
    compute: Ints,
    load: Ints,
    store: Ints,
    resident: int,
    stream: int,
    streams_input: bool = False,
) -> Ints:
    """Cycles of one sweep over all images, (row option, col option, array); see `evaluate._sweep_cycles`."""
    dram = family.dram_cycles
    load, store = load[..., None], store[..., None]
    images = study.batch
    if not family.double_buffer:
        total = images * plan.sum_pairs(dram(stream + load + store) + compute)
        first = plan.at_first(load + store)
        return total + dram(stream + resident + first) - dram(stream + first)
    body = np.maximum(compute, dram(stream + load + store))
    total = images * plan.sum_pairs(body)
    load_first, load_last = plan.at_first(load), plan.at_last(load)
    store_first, store_last = plan.at_first(store), plan.at_last(store)
    alone_first = np.zeros_like(load_first) if streams_input else dram(load_first)
    inside_first = load_first if streams_input else 0
    compute_first, compute_last = plan.at_first(compute), plan.at_last(compute)
    first = alone_first + np.maximum(compute_first, dram(stream + resident + inside_first + store_first))
    last = np.maximum(compute_last, dram(stream + load_last)) + dram(store_last)
    only = alone_first + np.maximum(compute_first, dram(stream + resident + inside_first)) + dram(store_first)
    many = total - plan.at_first(body) - plan.at_last(body) + first + last
    return np.where((plan.tiles * images == 1)[..., None], only, many)


def _fused(
    study: Study, family: Family, works: Works, plan: GroupPlan, mode: Overlap
) -> Iterator[Candidates]:
    """Candidates of a group of several layers in one overlap mode, one part per choice of resident weights."""
    tensors, regions = plan.tensors, _regions(study, plan, mode)
    act = study.precision.activation_bytes
    read = range(tensors.num_made, len(tensors.names))
    load = sum(tensors.channels[t] * regions.area(t) for t in read) * act
    store = _stores(plan) * act
    live = _live_peak(study, family, plan, regions)
    kept = sum(tensors.channels[t] * regions.halo_elements(t) for t in range(len(tensors.names))) * act
    feature_need = plan.max_pairs(live) + kept
    if family.double_buffer:
        many = plan.tiles * study.batch > 1
        feature_need = feature_need + np.where(many, plan.max_pairs(load) + plan.max_pairs(store), 0)
    work = sum(
        works.table(signature(layer), layer.K).lookup(regions.rows[:, i], regions.cols[:, i])
        for i, layer in enumerate(tensors.layers)
    )
    sums = study.batch * plan.sum_pairs(work)
    loads, stores = study.batch * plan.sum_pairs(load), study.batch * plan.sum_pairs(store)
    visits = plan.tiles * study.batch
    for option in residency_options(study, family, tensors.layers):
        cycles = _sweep_cycles(
            study, family, plan, work[..., CYCLES], load, store, option.resident_bytes, option.stream_bytes
        )
        weights = option.resident_bytes + option.stream_bytes * visits
        yield _flatten(
            study,
            plan,
            regions.valid,
            (mode, option.mask, "fused", 1),
            feature_need[..., None],
            option.need_bytes,
            cycles,
            sums,
            loads,
            stores,
            weights,
        )


def _live_peak(study: Study, family: Family, plan: GroupPlan, regions: _Regions) -> Ints:
    """Most bytes of a tile's own regions alive at once, (row class, col class); see `evaluate._live_bytes`."""
    tensors = plan.tensors
    act, psum = study.precision.activation_bytes, study.precision.partial_sum_bytes
    position = {name: i for i, name in enumerate(tensors.names)}
    last_reader = np.zeros(len(tensors.names), dtype=np.int64)
    for step, layer in enumerate(tensors.layers):
        for name in layer.input_tensors:
            last_reader[position[name]] = step
    last_reader[list(tensors.outputs)] = len(tensors.layers)
    elements = [tensors.channels[t] * regions.area(t) for t in range(len(tensors.names))]
    peak = np.zeros_like(elements[0])
    array = family.arrays[0]
    for step, layer in enumerate(tensors.layers):
        width = psum if array.accumulates_in_buffer(layer) else act
        alive = [t for t in range(len(tensors.names)) if last_reader[t] >= step]
        live = sum((elements[t] for t in alive if t < step or t >= tensors.num_made), np.zeros_like(peak)) * act
        peak = np.maximum(peak, live + elements[step] * width)
    return peak


def _all_chunks(study: Study, plan: GroupPlan) -> list[Chunks]:
    layer = plan.tensors.layers[0]
    network = study.network
    cuts = [cut_channels(network, layer, n) for n in possible_splits(network, layer, study.tiling.channel_splits)]
    return [chunks for chunks in cuts if chunks is not None]


def _alone(
    study: Study, family: Family, works: Works, plan: GroupPlan, mode: Overlap
) -> Iterator[Candidates]:
    """Candidates of a layer alone: every DRAM-level order and every cut of the output channels."""
    regions = _regions(study, plan, mode)
    layer = plan.tensors.layers[0]
    for chunks in _all_chunks(study, plan):
        yield _weight_stationary(study, family, works, plan, regions, mode, chunks)
        if "input-stationary" in orders_alone(layer):
            yield _tile_by_tile(study, family, works, plan, regions, mode, chunks, "input-stationary")
        if "output-stationary" in orders_alone(layer):
            yield _tile_by_tile(study, family, works, plan, regions, mode, chunks, "output-stationary")


def _alone_work(
    works: Works, plan: GroupPlan, regions: _Regions, size: int
) -> Ints:
    layer = plan.tensors.layers[0]
    return works.table(signature(layer), size).lookup(regions.rows[:, 0], regions.cols[:, 0])


def _weight_stationary(
    study: Study,
    family: Family,
    works: Works,
    plan: GroupPlan,
    regions: _Regions,
    mode: Overlap,
    chunks: Chunks,
) -> Candidates:
    """Each chunk of output channels keeps its weights and sweeps all tiles; the input is read per chunk."""
    layer, precision = plan.tensors.layers[0], study.precision
    act = precision.activation_bytes
    made_area, read_area = regions.area(0), regions.area(1)
    store_area = plan.rows.own[:, 0, None] * plan.cols.own[None, :, 0]
    cycles: Ints | int = 0
    sums: Ints | int = 0
    loads: Ints | int = 0
    stores: Ints | int = 0
    for size, number in chunks.sizes:
        needs = size * len(layer.operands) if is_channelwise(layer) and chunks.count > 1 else chunks.input_channels
        load, store = needs * read_area * act, size * store_area * act
        work = _alone_work(works, plan, regions, size)
        weights = size * layer.filter_words * precision.weight_bytes
        cycles = cycles + number * _sweep_cycles(study, family, plan, work[..., CYCLES], load, store, weights, 0)
        sums = sums + number * study.batch * plan.sum_pairs(work)
        loads = loads + number * study.batch * plan.sum_pairs(load)
        stores = stores + number * study.batch * plan.sum_pairs(store)
    width = precision.partial_sum_bytes if family.arrays[0].accumulates_in_buffer(layer) else act
    live = chunks.input_channels * read_area * act + chunks.largest * made_area * width
    feature_need = plan.max_pairs(live) + chunks.input_channels * regions.halo_elements(1) * act
    if family.double_buffer:
        room = chunks.input_channels * plan.max_pairs(read_area) + chunks.largest * plan.max_pairs(store_area)
        feature_need = feature_need + np.where(plan.tiles * study.batch > 1, room * act, 0)
    need = np.full(len(family.arrays), chunks.largest * layer.filter_words * precision.weight_bytes)
    return _flatten(
        study,
        plan,
        regions.valid,
        (mode, int(layer.has_weights), "weight-stationary", chunks.count),
        feature_need[..., None],
        need,
        cycles,
        sums,
        loads,
        stores,
        np.full_like(plan.tiles, layer.weight_words * precision.weight_bytes),
    )


def _tile_by_tile(
    study: Study,
    family: Family,
    works: Works,
    plan: GroupPlan,
    regions: _Regions,
    mode: Overlap,
    chunks: Chunks,
    order: Order,
) -> Candidates:
    """Each tile makes all output channels, chunk by chunk, while the weights stream through.

    Input-stationary keeps a tile's whole input; output-stationary streams it in chunks of input channels,
    once per chunk of output channels, and keeps the growing outputs.
    """
    layer, precision, arrays = plan.tensors.layers[0], study.precision, family.arrays
    act, psum = precision.activation_bytes, precision.partial_sum_bytes
    streams_input = order == "output-stationary"
    made_area, read_area = regions.area(0), regions.area(1)
    read_channels = int(plan.tensors.channels[1:].sum())
    store_area = plan.rows.own[:, 0, None] * plan.cols.own[None, :, 0]
    load = read_channels * read_area * act * (chunks.input_reloads if streams_input else 1)
    store = layer.K * store_area * act
    weights = layer.weight_words * precision.weight_bytes
    work = sum(number * _alone_work(works, plan, regions, size) for size, number in chunks.sizes)
    channel_chunk = np.array([array.channel_chunk(layer) for array in arrays], dtype=np.int64)
    if streams_input and arrays[0].spills_between_chunks():
        rounds = -(-(layer.C // layer.G) // channel_chunk)
        spilled = layer.K * made_area[..., None] * (rounds - 1) * psum
        work = work + spilled[..., None] * np.array([0, 0, 1, 1, 0])
    cycles = _sweep_cycles(study, family, plan, work[..., CYCLES], load, store, 0, weights, streams_input)
    in_sums = streams_input or arrays[0].accumulates_in_buffer(layer)
    outputs = plan.max_pairs(made_area) * (chunks.largest * (psum if in_sums else act))
    if streams_input:
        copies = 2 if family.double_buffer else 1
        inputs = plan.max_pairs(read_area)[..., None] * (copies * channel_chunk * act)
    else:
        inputs = (plan.max_pairs(read_area) * (read_channels * act))[..., None]
    feature_need = inputs + outputs[..., None]
    feature_need = feature_need + (read_channels * regions.halo_elements(1) * act)[..., None]
    if family.double_buffer:
        many = plan.tiles * study.batch
        room = np.where(many * chunks.count > 1, plan.max_pairs(store_area) * (chunks.largest * act), 0)
        if not streams_input:
            room = room + np.where(many > 1, plan.max_pairs(load), 0)
        feature_need = feature_need + room[..., None]
    copies = 2 if family.double_buffer else 1
    need = copies * precision.weight_bytes * np.array([array.weight_chunk_words(layer) for array in arrays])
    visits = plan.tiles * study.batch
    halo_free = mode == "recompute"
    valid = regions.valid
    if streams_input and not halo_free:
        valid = valid & (plan.rows.counts[:, None] == 1) & ((plan.cols.counts == 1) | (mode != "cache-all"))
    return _flatten(
        study,
        plan,
        valid,
        (mode, 0, order, chunks.count),
        feature_need,
        need,
        cycles,
        study.batch * plan.sum_pairs(work),
        study.batch * plan.sum_pairs(load),
        study.batch * plan.sum_pairs(store),
        weights * visits,
    )


def _flatten(
    study: Study,
    plan: GroupPlan,
    valid: NDArray[np.bool_],
    label: tuple[Overlap, int, Order, int],
    feature_need: Ints,
    weight_need: Ints,
    cycles: Ints,
    sums: Ints,
    loads: Ints,
    stores: Ints,
    weights: Ints,
) -> Candidates:
    """One candidate per valid (row option, col option); buffers also see what DRAM brings and takes."""
    rows, cols = np.nonzero(valid)
    mode, resident, order, splits = label
    arrays = cycles.shape[-1]
    pick = (rows, cols)
    need = np.broadcast_to(feature_need, (*valid.shape, arrays))[pick]
    loads, stores, weights = loads[pick], stores[pick], weights[pick]
    tile_rows, tile_cols = plan.rows.counts[rows].tolist(), plan.cols.counts[cols].tolist()
    work = sums[pick]
    return Candidates(
        designs=[(r, c, mode, resident, order, splits) for r, c in zip(tile_rows, tile_cols, strict=True)],
        feature_need=need,
        weight_need=np.broadcast_to(weight_need, need.shape),
        cycles=cycles[pick],
        array_fj=work[..., 1],
        feature_read=work[..., 2] + stores[:, None],
        feature_write=work[..., 3] + loads[:, None],
        weight_read=work[..., 4],
        weight_write=weights,
        dram_bytes=loads + stores + weights,
    )
