"""Every way to run one group on one family of arrays, priced in integers.

A *family* is one accelerator at one clock with one DRAM; its arrays differ in shape alone. Candidates are
rows; quantities that depend on the array have one column per array.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from costmodel.chunks import Chunks, cut_channels, possible_splits
from costmodel.design import GroupDesign, Order
from costmodel.legal import group_outputs, group_tile_counts, image_counts, keeps, orders_alone
from costmodel.regions import AxisPlan, GroupTensors, axis_plan, group_tensors
from costmodel.residency import residency_options
from costmodel.template import ArrayShape, Ints, is_channelwise
from costmodel.works import CYCLES, Works
from specs.network import Layer
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

    Attributes
    ----------
    tile_rows, tile_cols, images, overlap
        The tile grid, images in a tile, and the overlap mode as an index into the study's list.
    kind
        Which of ``kinds`` a candidate is: (resident layers as a bit set of positions in the group, order,
        channel splits).
    """

    kinds: tuple[tuple[int, Order, int], ...]
    kind: Ints
    tile_rows: Ints
    tile_cols: Ints
    images: Ints
    overlap: Ints
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
        return len(self.kind)

    def pick(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Candidates:
        columns = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "kinds"}
        return Candidates(kinds=self.kinds, **columns)

    def group_design(self, row: int, layers: tuple[str, ...], overlaps: tuple[Overlap, ...]) -> GroupDesign:
        resident, order, splits = self.kinds[self.kind[row]]
        return GroupDesign(
            layers=layers,
            tile_rows=int(self.tile_rows[row]),
            tile_cols=int(self.tile_cols[row]),
            overlap=overlaps[self.overlap[row]],
            resident=frozenset(name for i, name in enumerate(layers) if resident >> i & 1),
            order=order,
            channel_splits=splits,
            images=int(self.images[row]),
        )


def join(parts: list[Candidates]) -> Candidates:
    """Put candidates below each other; kinds are listed once, in order of first appearance."""
    index: dict[tuple[int, Order, int], int] = {}
    kinds = [np.array([index.setdefault(k, len(index)) for k in part.kinds], dtype=np.int64) for part in parts]
    columns = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts])
        for f in fields(Candidates)
        if f.name not in ("kinds", "kind")
    }
    kind = np.concatenate([renamed[part.kind] for part, renamed in zip(parts, kinds, strict=True)])
    return Candidates(kinds=tuple(index), kind=kind, **columns)


@dataclass(frozen=True)
class GroupPlan:
    """A group's tensors, its regions along both axes, and which pairs of options are candidates.

    ``mode`` holds, per (row option, col option), the overlap mode that keeps just what the options keep
    (an index into the study's list), or -1 where no allowed mode does.
    """

    tensors: GroupTensors
    rows: AxisPlan
    cols: AxisPlan
    mode: Ints

    def sum_pairs(self, values: Ints) -> Ints:
        """Sum (row class, col class, ...) values over all tiles of one image: (row option, col option, ...)."""
        weighted = values * self._number.reshape(self._number.shape + (1,) * (values.ndim - 2))
        return np.add.reduceat(np.add.reduceat(weighted, self.cols.starts, axis=1), self.rows.starts, axis=0)

    def max_pairs(self, values: Ints) -> Ints:
        return np.maximum.reduceat(np.maximum.reduceat(values, self.cols.starts, axis=1), self.rows.starts, axis=0)

    def at_first(self, values: Ints) -> Ints:
        return values[self.rows.starts[:, None], self.cols.starts]

    def at_last(self, values: Ints) -> Ints:
        return values[self.rows.ends[:, None], self.cols.ends]

    @cached_property
    def _number(self) -> Ints:
        return self.rows.number[:, None] * self.cols.number

    @cached_property
    def tiles(self) -> Ints:
        """Tiles per image, (row option, col option)."""
        return self.rows.counts[:, None] * self.cols.counts

    def area(self, tensor: int) -> Ints:
        """Elements of one channel that each tile loads or computes, (row class, col class)."""
        return self.rows.new[:, tensor, None] * self.cols.new[None, :, tensor]

    def halo_elements(self, tensor: int) -> Ints:
        """Elements of one channel for which room is reserved between tiles, (row option, col option)."""
        kept_rows = self.rows.kept[:, None, tensor] * self.cols.span[None, :, tensor]
        kept_cols = self.rows.largest[:, None, tensor] * self.cols.kept[None, :, tensor]
        return kept_rows + kept_cols

    def own_area(self, output: int) -> Ints:
        """Elements of one channel of an output that each tile is responsible for."""
        return self.rows.own[:, output, None] * self.cols.own[None, :, output]


def group_plan(study: Study, layers: tuple[Layer, ...]) -> GroupPlan:
    names = tuple(layer.name for layer in layers)
    tensors = group_tensors(study.network, layers, group_outputs(study.network, names))
    row_counts, col_counts = group_tile_counts(study, names)
    keep_rows = any(mode != "recompute" for mode in study.fusion.overlap)
    keep_cols = "cache-all" in study.fusion.overlap
    rows = axis_plan(tensors, row_counts, keep_rows, 0)
    cols = axis_plan(tensors, col_counts, keep_cols, 1)
    several_rows, several_cols = (rows.counts > 1).tolist(), (cols.counts > 1).tolist()
    mode = [
        [_mode(study.fusion.overlap, r, c, kr, kc) for c, kc in zip(several_cols, cols.keeps.tolist(), strict=True)]
        for r, kr in zip(several_rows, rows.keeps.tolist(), strict=True)
    ]
    return GroupPlan(tensors, rows, cols, np.array(mode, dtype=np.int64))


@lru_cache(maxsize=256)
def _mode(
    overlaps: tuple[Overlap, ...], several_rows: bool, several_cols: bool, keeps_rows: bool, keeps_cols: bool
) -> int:
    """First allowed overlap mode that keeps exactly these halos on such a grid, or -1."""
    for index, mode in enumerate(overlaps):
        if keeps(mode, 1 + several_rows, 1 + several_cols) == (keeps_rows, keeps_cols):
            return index
    return -1


def announce(study: Study, works: Works, plan: GroupPlan) -> None:
    """Tell the work tables which tiles this group will ask for."""
    for i, layer in enumerate(plan.tensors.signatures):
        works.need(layer, (layer.K,), plan.rows.new[:, i], plan.cols.new[:, i])
    if len(plan.tensors.layers) == 1:
        layer = plan.tensors.layers[0]
        sizes = {size for chunks in _all_chunks(study, layer) for size, _ in chunks.sizes} - {layer.K}
        if sizes:
            works.need(plan.tensors.signatures[0], tuple(sorted(sizes)), plan.rows.new[:, 0], plan.cols.new[:, 0])


def candidates(study: Study, family: Family, works: Works, plan: GroupPlan) -> Candidates | None:
    """Price every candidate of a group that fits some listed buffer; None if nothing fits."""
    run = _fused if len(plan.tensors.layers) > 1 else _alone
    parts = [part for images in image_counts(study) for part in run(study, family, works, plan, Share(study, images))]
    if not parts:
        return None
    found = join(parts)
    fits: NDArray[np.bool_]
    if isinstance(study.buffers, SharedBuffer):
        fits = found.feature_need + found.weight_need <= max(study.buffers.shared_bytes)
    else:
        fits = found.feature_need <= max(study.buffers.feature_bytes)
        fits = fits & (found.weight_need <= max(study.buffers.weight_bytes))
    found = found.pick(np.asarray(fits.any(axis=1), dtype=np.bool_))
    return found if len(found) else None


class Share:
    """The batch in shares of some images, the last perhaps smaller: a tile holds one share."""

    def __init__(self, study: Study, images: int) -> None:
        self.images, self.batch = images, study.batch
        full, rest = divmod(study.batch, images)
        self.sizes = [(images, full)] + ([(rest, 1)] if rest else [])
        self.last = rest or images
        self.count = full + bool(rest)


def _sweep_cycles(
    family: Family,
    plan: GroupPlan,
    share: Share,
    compute: Ints,
    load: Ints,
    store: Ints,
    resident: Ints,
    stream: Ints,
    streams_input: bool = False,
) -> Ints:
    """Cycles of one sweep over all images; see `plain_sweep.sweep_cycles`.

    ``compute`` is (row class, col class, array), ``load`` and ``store`` (row class, col class),
    ``resident`` and ``stream`` (kind,); the result is (row option, col option, kind, array).
    """
    load, store, compute = load[..., None, None], store[..., None, None], compute[:, :, None, :]
    resident, stream = resident[:, None], stream[:, None]
    dram = family.dram_cycles
    total = np.zeros(1, dtype=np.int64)
    if not family.double_buffer:
        for images, number in share.sizes:
            total = total + number * plan.sum_pairs(dram(stream + images * (load + store)) + images * compute)
        first = share.images * plan.at_first(load + store)
        return total + dram(stream + resident + first) - dram(stream + first)
    for images, number in share.sizes:
        body = np.maximum(images * compute, dram(stream + images * (load + store)))
        total = total + number * plan.sum_pairs(body)
        if images == share.images:
            body_first = plan.at_first(body)
        if images == share.last:
            body_last = plan.at_last(body)
    load_first, load_last = share.images * plan.at_first(load), share.last * plan.at_last(load)
    store_first, store_last = share.images * plan.at_first(store), share.last * plan.at_last(store)
    alone_first = np.zeros_like(load_first) if streams_input else dram(load_first)
    inside_first = load_first if streams_input else 0
    compute_first, compute_last = share.images * plan.at_first(compute), share.last * plan.at_last(compute)
    first = alone_first + np.maximum(compute_first, dram(stream + resident + inside_first + store_first))
    last = np.maximum(compute_last, dram(stream + load_last)) + dram(store_last)
    only = alone_first + np.maximum(compute_first, dram(stream + resident + inside_first)) + dram(store_first)
    many = total - body_first - body_last + first + last
    return np.where((plan.tiles * share.count == 1)[..., None, None], only, many)


def _fused(study: Study, family: Family, works: Works, plan: GroupPlan, share: Share) -> Iterator[Candidates]:
    """Candidates of a group of several layers: one kind per choice of resident weights."""
    tensors = plan.tensors
    options = residency_options(study, family, tensors.layers)
    if not options:
        return
    act = study.precision.activation_bytes
    areas = [tensors.channels[t] * plan.area(t) for t in range(len(tensors.names))]
    load = sum(areas[tensors.num_made :]) * act
    store = sum(tensors.channels[t] * plan.own_area(i) for i, t in enumerate(tensors.outputs)) * act
    kept = sum(tensors.channels[t] * plan.halo_elements(t) for t in range(len(tensors.names))) * act
    feature_need = plan.max_pairs(_live_peak(study, family, plan, areas)) + kept
    if family.double_buffer:
        many = plan.tiles * share.count > 1
        feature_need = feature_need + np.where(many, plan.max_pairs(load) + plan.max_pairs(store), 0)
    feature_need = share.images * feature_need
    tables = [works.table(layer, layer.K) for layer in tensors.signatures]
    work = tables[0].lookup(plan.rows.new[:, 0], plan.cols.new[:, 0])
    for i, table in enumerate(tables[1:], start=1):
        work += table.lookup(plan.rows.new[:, i], plan.cols.new[:, i])
    resident = np.array([option.resident_bytes for option in options])
    stream = np.array([option.stream_bytes for option in options])
    yield _flatten(
        plan,
        share,
        tuple((option.mask, "fused", 1) for option in options),
        valid=plan.mode >= 0,
        feature_need=feature_need[..., None, None],
        weight_need=np.array([option.need_bytes for option in options]),
        cycles=_sweep_cycles(family, plan, share, work[..., CYCLES], load, store, resident, stream),
        sums=study.batch * plan.sum_pairs(work),
        loads=study.batch * plan.sum_pairs(load),
        stores=study.batch * plan.sum_pairs(store),
        weights=resident + stream * (plan.tiles * share.count)[..., None],
    )


def _live_peak(study: Study, family: Family, plan: GroupPlan, areas: list[Ints]) -> Ints:
    """Most bytes of a tile's own regions alive at once, (row class, col class); see `plain_sweep.live_bytes`."""
    tensors, precision = plan.tensors, study.precision
    last_reader = tensors.last_reader
    arriving = sum(areas[tensors.num_made :])
    array = family.arrays[0]
    alive = arriving  # what earlier steps left, and inputs
    peak = np.zeros_like(alive)
    for step, layer in enumerate(tensors.layers):
        own = areas[step]
        width = precision.partial_sum_bytes if array.accumulates_in_buffer(layer) else precision.activation_bytes
        peak = np.maximum(peak, alive * precision.activation_bytes + own * width)
        alive = alive + own - sum(areas[t] for t in range(len(areas)) if last_reader[t] == step)
    return peak


@lru_cache(maxsize=4096)
def _cut(network, layer, allowed):  # type: ignore[no-untyped-def]
    cuts = [cut_channels(network, layer, n) for n in possible_splits(network, layer, allowed)]
    return [chunks for chunks in cuts if chunks is not None]


def _all_chunks(study: Study, layer: Layer) -> list[Chunks]:
    """Every cut of the layer's output channels that the study allows."""
    return _cut(study.network, layer, study.tiling.channel_splits)  # type: ignore[no-any-return]


def _alone(study: Study, family: Family, works: Works, plan: GroupPlan, share: Share) -> Iterator[Candidates]:
    """Candidates of a layer alone: every DRAM-level order and every cut of the output channels."""
    layer = plan.tensors.layers[0]
    for chunks in _all_chunks(study, layer):
        yield _weight_stationary(study, family, works, plan, share, chunks)
        if "input-stationary" in orders_alone(layer):
            yield _tile_by_tile(study, family, works, plan, share, chunks, "input-stationary")
        if "output-stationary" in orders_alone(layer):
            yield _tile_by_tile(study, family, works, plan, share, chunks, "output-stationary")


def _alone_work(works: Works, plan: GroupPlan, size: int) -> Ints:
    return works.table(plan.tensors.signatures[0], size).lookup(plan.rows.new[:, 0], plan.cols.new[:, 0])


def _weight_stationary(
    study: Study, family: Family, works: Works, plan: GroupPlan, share: Share, chunks: Chunks
) -> Candidates:
    """Each chunk of output channels keeps its weights and sweeps all tiles; the input is read per chunk."""
    layer, precision = plan.tensors.layers[0], study.precision
    act = precision.activation_bytes
    made_area, read_area, own_area = plan.area(0), plan.area(1), plan.own_area(0)
    cycles, sums = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    loads, stores = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    for size, number in chunks.sizes:
        needs = size * len(layer.operands) if is_channelwise(layer) and chunks.count > 1 else chunks.input_channels
        load, store = needs * read_area * act, size * own_area * act
        work = _alone_work(works, plan, size)
        resident = np.array([size * layer.filter_words * precision.weight_bytes])
        sweep = _sweep_cycles(family, plan, share, work[..., CYCLES], load, store, resident, np.zeros_like(resident))
        cycles = cycles + number * sweep
        sums = sums + number * study.batch * plan.sum_pairs(work)
        loads = loads + number * study.batch * plan.sum_pairs(load)
        stores = stores + number * study.batch * plan.sum_pairs(store)
    width = precision.partial_sum_bytes if family.arrays[0].accumulates_in_buffer(layer) else act
    live = chunks.input_channels * read_area * act + chunks.largest * made_area * width
    feature_need = plan.max_pairs(live) + chunks.input_channels * plan.halo_elements(1) * act
    if family.double_buffer:
        room = chunks.input_channels * plan.max_pairs(read_area) + chunks.largest * plan.max_pairs(own_area)
        feature_need = feature_need + np.where(plan.tiles * share.count > 1, room * act, 0)
    need = chunks.largest * layer.filter_words * precision.weight_bytes
    return _flatten(
        plan,
        share,
        ((int(layer.has_weights), "weight-stationary", chunks.count),),
        valid=plan.mode >= 0,
        feature_need=share.images * feature_need[..., None, None],
        weight_need=np.full((1, len(family.arrays)), need),
        cycles=cycles,
        sums=sums,
        loads=loads,
        stores=stores,
        weights=np.full((*plan.tiles.shape, 1), layer.weight_words * precision.weight_bytes),
    )


def _tile_by_tile(
    study: Study, family: Family, works: Works, plan: GroupPlan, share: Share, chunks: Chunks, order: Order
) -> Candidates:
    """Each tile makes all output channels, chunk by chunk, while the weights stream through.

    Input-stationary keeps a tile's whole input; output-stationary streams it in chunks of input channels,
    once per chunk of output channels, and keeps the growing outputs.
    """
    layer, precision, arrays = plan.tensors.layers[0], study.precision, family.arrays
    act, psum = precision.activation_bytes, precision.partial_sum_bytes
    streams_input = order == "output-stationary"
    made_area, read_area, own_area = plan.area(0), plan.area(1), plan.own_area(0)
    read_channels = int(plan.tensors.channels[1:].sum())
    load = read_channels * read_area * act * (chunks.input_reloads if streams_input else 1)
    store = layer.K * own_area * act
    weights = layer.weight_words * precision.weight_bytes
    parts = [number * _alone_work(works, plan, size) for size, number in chunks.sizes]
    work: Ints = np.sum(parts, axis=0)
    channel_chunk = np.array([array.channel_chunk(layer) for array in arrays], dtype=np.int64)
    if streams_input and arrays[0].spills_between_chunks():
        rounds = -(-(layer.C // layer.G) // channel_chunk)
        spilled = layer.K * made_area[..., None] * (rounds - 1) * psum
        work = work + spilled[..., None] * np.array([0, 0, 1, 1, 0])
    zero, stream = np.zeros(1, dtype=np.int64), np.array([weights])
    cycles = _sweep_cycles(family, plan, share, work[..., CYCLES], load, store, zero, stream, streams_input)
    in_sums = streams_input or arrays[0].accumulates_in_buffer(layer)
    outputs = plan.max_pairs(made_area) * (chunks.largest * (psum if in_sums else act))
    copies = 2 if family.double_buffer else 1
    largest_input = plan.max_pairs(read_area)
    if streams_input:
        inputs = largest_input[..., None] * (copies * channel_chunk * act)
    else:
        inputs = (largest_input * (read_channels * act))[..., None]
    reserved = outputs + read_channels * plan.halo_elements(1) * act
    if family.double_buffer:
        visits = plan.tiles * share.count
        reserved = reserved + np.where(visits * chunks.count > 1, plan.max_pairs(own_area) * (chunks.largest * act), 0)
        if not streams_input:
            reserved = reserved + np.where(visits > 1, plan.max_pairs(load), 0)
    sizes = [size for size, _ in chunks.sizes]
    at_once = [array.channel_chunk(layer) if streams_input else layer.C // layer.G for array in arrays]
    chunk_words = np.array(
        [max(a.weight_chunk_words(layer, k, c) for k in sizes) for a, c in zip(arrays, at_once, strict=True)]
    )
    valid = plan.mode >= 0
    if streams_input:
        valid = valid & ~plan.rows.keeps[:, None] & ~plan.cols.keeps
    return _flatten(
        plan,
        share,
        ((0, order, chunks.count),),
        valid=valid,
        feature_need=share.images * (inputs + reserved[..., None])[:, :, None, :],
        weight_need=(copies * precision.weight_bytes * chunk_words)[None, :],
        cycles=cycles,
        sums=study.batch * plan.sum_pairs(work),
        loads=study.batch * plan.sum_pairs(load),
        stores=study.batch * plan.sum_pairs(store),
        weights=weights * (plan.tiles * share.count)[..., None],
    )


def _flatten(
    plan: GroupPlan,
    share: Share,
    kinds: tuple[tuple[int, Order, int], ...],
    *,
    valid: NDArray[np.bool_],
    feature_need: Ints,
    weight_need: Ints,
    cycles: Ints,
    sums: Ints,
    loads: Ints,
    stores: Ints,
    weights: Ints,
) -> Candidates:
    """One candidate per valid (row option, col option) and kind; buffers also see what DRAM brings and takes.

    ``feature_need``, ``cycles`` are (row option, col option, kind, array), ``weights`` (..., kind),
    ``weight_need`` (kind, array), ``sums`` (row option, col option, array, quantity), the rest (..., ...).
    """
    rows, cols = np.nonzero(valid)
    many = len(kinds)
    # Candidates in order of tiling, then kind.
    rows, cols, kind = np.repeat(rows, many), np.repeat(cols, many), np.tile(np.arange(many), len(rows))
    arrays = cycles.shape[-1]
    loads, stores, weights = loads[rows, cols], stores[rows, cols], weights[rows, cols, kind]
    work = sums[rows, cols]
    return Candidates(
        kinds=kinds,
        kind=kind,
        tile_rows=plan.rows.counts[rows],
        tile_cols=plan.cols.counts[cols],
        images=np.full(len(rows), share.images, dtype=np.int64),
        overlap=plan.mode[rows, cols],
        feature_need=np.broadcast_to(feature_need, (*valid.shape, many, arrays))[rows, cols, kind],
        weight_need=weight_need[kind],
        cycles=cycles[rows, cols, kind],
        array_fj=work[..., 1],
        feature_read=work[..., 2] + stores[:, None],
        feature_write=work[..., 3] + loads[:, None],
        weight_read=work[..., 4],
        weight_write=weights,
        dram_bytes=loads + stores + weights,
    )
