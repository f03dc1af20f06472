"""The plain reading: what a design costs, one group after another, one tile after another.

Nothing here is shared with the candidate table that feeds the solver, apart from the accelerators' own
tile formulas: regions, live tensors, traffic and time are written out a second time, to be checked by eye.
Lengths are rows and columns, sizes bytes, time array cycles, energy fJ.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

from costmodel.chunks import Chunks, cut_channels
from costmodel.design import Design, GroupDesign, Hardware
from costmodel.hardware import Prices, prices
from costmodel.legal import DesignError, check_design
from costmodel.template import ArrayShape, TileWork, is_channelwise
from specs.network import Layer, Network
from specs.study import Precision, Study, Technology

Interval = tuple[int, int]  # first, one past the last
EMPTY: Interval = (0, 0)


@dataclass(frozen=True)
class GroupCost:
    """What one group costs; energies by where they are spent."""

    macs: int
    compute_cycles: int
    cycles: int
    dram_read_bytes: int
    dram_write_bytes: int
    feature_read_bytes: int
    feature_write_bytes: int
    weight_read_bytes: int
    weight_write_bytes: int
    feature_peak_bytes: int
    weight_peak_bytes: int
    array_fj: int
    feature_fj: int
    weight_fj: int
    dram_fj: int
    leakage_fj: int

    @property
    def energy_fj(self) -> int:
        return self.array_fj + self.feature_fj + self.weight_fj + self.dram_fj + self.leakage_fj

    @property
    def dram_bytes(self) -> int:
        return self.dram_read_bytes + self.dram_write_bytes


@dataclass(frozen=True)
class Cost:
    """What a design costs: per group, and in total."""

    groups: tuple[GroupCost, ...]
    period_fs: int
    area_um2: int

    @property
    def energy_fj(self) -> int:
        return sum(group.energy_fj for group in self.groups)

    @property
    def cycles(self) -> int:
        return sum(group.cycles for group in self.groups)

    @property
    def latency_fs(self) -> int:
        return self.cycles * self.period_fs

    @property
    def dram_bytes(self) -> int:
        return sum(group.dram_bytes for group in self.groups)


def evaluate(study: Study, design: Design) -> Cost:
    """Cost a design.

    Raises
    ------
    DesignError
        If the groups do not cover the network once, cannot run in their order, use a tiling that does not
        exist, or need more than a buffer holds. Budgets are not looked at.
    """
    check_design(study, design)
    price = prices(study, design.hardware)
    costs = tuple(group_cost(study, design.hardware, price, group) for group in design.groups)
    return Cost(groups=costs, period_fs=design.hardware.period_fs, area_um2=price.area_um2)


@dataclass
class _Tile:
    """One visit: what is computed, loaded and stored in it."""

    macs: int
    work: TileWork
    load_bytes: int
    store_bytes: int
    stream_bytes: int
    live_bytes: int
    store_room_bytes: int


def group_cost(study: Study, hardware: Hardware, price: Prices, group: GroupDesign) -> GroupCost:
    """Cost one legal group; raises `DesignError` if it does not fit. Weight-stationary chunks run one after another, all else is one sweep."""
    network, layers = study.network, [study.network.layer(name) for name in group.layers]
    chunks = cut_channels(network, layers[0], group.channel_splits) if len(layers) == 1 else None
    plan = _RegionPlan(study, layers, group)
    if group.order == "weight-stationary":
        assert chunks is not None
        sweeps = [(number, _sweep(study, hardware, group, plan, chunks, size)) for size, number in chunks.sizes]
    else:
        sweeps = [(1, _sweep(study, hardware, group, plan, chunks, None))]
    parts = [(number, _sweep_cost(study, hardware, price, group, sweep)) for number, sweep in sweeps]
    feature_peak = max(cost.feature_peak_bytes for _, cost in parts)
    weight_peak = _weight_peak(study, hardware, layers, group, chunks)
    _check_fits(hardware, group, feature_peak, weight_peak)
    sums = {field.name: sum(n * getattr(cost, field.name) for n, cost in parts) for field in fields(GroupCost)}
    return GroupCost(**(sums | {"feature_peak_bytes": feature_peak, "weight_peak_bytes": weight_peak}))


def _check_fits(hardware: Hardware, group: GroupDesign, feature_peak: int, weight_peak: int) -> None:
    name = "+".join(group.layers)
    if hardware.shared:
        if feature_peak + weight_peak > hardware.feature_bytes:
            raise DesignError(
                f"group {name} needs {feature_peak + weight_peak} bytes of the shared buffer's {hardware.feature_bytes}"
            )
    elif feature_peak > hardware.feature_bytes:
        raise DesignError(f"group {name} needs {feature_peak} bytes of the feature buffer's {hardware.feature_bytes}")
    elif weight_peak > hardware.weight_bytes:
        raise DesignError(f"group {name} needs {weight_peak} bytes of the weight buffer's {hardware.weight_bytes}")


def _weight_bytes(study: Study, layer: Layer) -> int:
    return layer.weight_words * study.precision.weight_bytes


def _weight_peak(
    study: Study, hardware: Hardware, layers: list[Layer], group: GroupDesign, chunks: Chunks | None
) -> int:
    """Resident weights (of a weight-stationary layer: one chunk's), and room for one layer that streams."""
    if group.order == "weight-stationary":
        assert chunks is not None
        return chunks.largest * layers[0].filter_words * study.precision.weight_bytes
    resident = sum(_weight_bytes(study, layer) for layer in layers if layer.name in group.resident)
    copies = 2 if hardware.double_buffer else 1
    array = hardware.array
    chunk_words = []
    for layer in layers:
        if layer.has_weights and layer.name not in group.resident:
            input_channels = array.channel_chunk(layer) if group.order == "output-stationary" else layer.C // layer.G
            sizes = [size for size, _ in chunks.sizes] if chunks else [layer.K]
            chunk_words.append(max(array.weight_chunk_words(layer, size, input_channels) for size in sizes))
    return resident + copies * max(chunk_words, default=0) * study.precision.weight_bytes


class _RegionPlan:
    """Which rows and columns of every tensor each tile of a group needs, computes anew and keeps."""

    def __init__(self, study: Study, layers: list[Layer], group: GroupDesign) -> None:
        network = study.network
        self.network, self.layers, self.group = network, layers, group
        inside = {layer.name for layer in layers}
        self.made = [layer.name for layer in layers]
        self.read = [
            name for name in dict.fromkeys(n for layer in layers for n in layer.input_tensors) if name not in inside
        ]
        self.outputs = [
            layer.name
            for layer in layers
            if layer.name in network.outputs or any(c not in inside for c in network.consumers[layer.name])
        ]
        self.rows = [self._needs(i, group.tile_rows, axis=0) for i in range(group.tile_rows)]
        self.cols = [self._needs(i, group.tile_cols, axis=1) for i in range(group.tile_cols)]
        keep_rows = group.overlap != "recompute"
        keep_cols = group.overlap == "cache-all"
        self.new_rows = [self._new(self.rows, i, keep_rows) for i in range(group.tile_rows)]
        self.new_cols = [self._new(self.cols, i, keep_cols) for i in range(group.tile_cols)]

    def own(self, name: str, tile: int, tiles: int, axis: int) -> Interval:
        """The part of an output that tile number ``tile`` is responsible for."""
        shape = self.network.tensors[name]
        extent = shape.rows if axis == 0 else shape.cols
        size = -(-extent // tiles)
        first = min(extent, tile * size)
        return (first, min(extent, first + size))

    def _needs(self, tile: int, tiles: int, axis: int) -> dict[str, Interval]:
        """Backwards through the group: the interval of each tensor that one tile needs."""
        needs: dict[str, Interval] = {
            name: self.own(name, tile, tiles, axis) if name in self.outputs else EMPTY for name in self.made
        }
        needs |= dict.fromkeys(self.read, EMPTY)
        for layer in reversed(self.layers):
            wanted = _input_interval(layer, needs[layer.name], axis)
            for name in layer.input_tensors:
                needs[name] = _hull(needs[name], wanted)
        return needs

    def _new(self, needs: list[dict[str, Interval]], tile: int, keep: bool) -> dict[str, Interval]:
        """The part of each need that no earlier tile left behind."""
        if not keep or tile == 0:
            return needs[tile]
        new = {}
        for name, (first, last) in needs[tile].items():
            reached = max(earlier[name][1] for earlier in needs[:tile])
            new[name] = (max(first, reached), last) if max(first, reached) < last else EMPTY
        return new

    def kept_bytes(self, study: Study, channels: dict[str, int]) -> int:
        """Room for halos that stay between tiles, reserved for the whole group."""
        act = study.precision.activation_bytes
        total = 0
        for name in [*self.made, *self.read]:
            if self.group.overlap != "recompute":
                width = max(n[name][1] for n in self.cols) - min(
                    (n[name][0] for n in self.cols if _length(n[name])), default=0
                )
                total += channels[name] * self._kept(self.rows, name) * max(0, width) * act
            if self.group.overlap == "cache-all":
                height = max(_length(n[name]) for n in self.new_rows)
                total += channels[name] * height * self._kept(self.cols, name) * act
        return total

    @staticmethod
    def _kept(needs: list[dict[str, Interval]], name: str) -> int:
        """Most rows (or columns) of a tensor that a tile leaves for the next."""
        kept = 0
        for i in range(len(needs) - 1):
            reached = max(n[name][1] for n in needs[: i + 1])
            if _length(needs[i + 1][name]):
                kept = max(kept, reached - needs[i + 1][name][0])
        return kept


def _length(interval: Interval) -> int:
    return interval[1] - interval[0]


def _hull(a: Interval, b: Interval) -> Interval:
    if not _length(a):
        return b
    if not _length(b):
        return a
    return (min(a[0], b[0]), max(a[1], b[1]))


def _input_interval(layer: Layer, out: Interval, axis: int) -> Interval:
    """Input rows (columns) under an interval of output rows (columns), clipped at the map's border."""
    if not _length(out):
        return EMPTY
    kernel, extent = ((layer.R, layer.H), (layer.S, layer.W))[axis]
    stride, dilation, pad = layer.stride[axis], layer.dilation[axis], layer.pad[axis]
    first = max(0, out[0] * stride - pad)
    last = min(extent, (out[1] - 1) * stride - pad + dilation * (kernel - 1) + 1)
    return (first, last) if first < last else EMPTY


@dataclass
class _Sweep:
    """All tiles of one image, in order, and what surrounds them."""

    tiles: list[_Tile]
    resident_bytes: int
    reserved_bytes: int
    streams_input: bool
    chunks_per_tile: int


def _sweep(
    study: Study,
    hardware: Hardware,
    group: GroupDesign,
    plan: _RegionPlan,
    chunks: Chunks | None,
    chunk_size: int | None,
) -> _Sweep:
    """Visit every tile of an image; with ``chunk_size``, for that many output channels of a layer alone."""
    channels = {name: study.network.tensors[name].channels for name in [*plan.made, *plan.read]}
    if chunk_size is not None:
        # A chunk makes some channels and, where the layer's channels are separate, reads only those.
        assert chunks is not None
        channels[plan.made[0]] = chunk_size
        whole = sum(channels[name] for name in plan.read)
        needed = chunks.input_channels
        if is_channelwise(plan.layers[0]) and chunks.count > 1:
            needed = chunk_size * len(plan.layers[0].operands)
        # One tensor stands for the input: only its channel count matters.
        channels |= dict.fromkeys(plan.read, 0) | {plan.read[0]: needed if chunks.count > 1 else whole}
    elif chunks is not None:
        whole = sum(channels[name] for name in plan.read)
        channels |= dict.fromkeys(plan.read, 0) | {plan.read[0]: whole}
    tiles = [
        _tile(study, hardware, group, plan, chunks, chunk_size, channels, row, col)
        for row in range(group.tile_rows)
        for col in range(group.tile_cols)
    ]
    weights = {layer.name: _weight_bytes(study, layer) for layer in plan.layers}
    if chunk_size is not None:
        weights = {plan.made[0]: chunk_size * plan.layers[0].filter_words * study.precision.weight_bytes}
        resident = sum(weights.values())
    else:
        resident = sum(weights[name] for name in group.resident)
    return _Sweep(
        tiles=tiles,
        resident_bytes=resident,
        reserved_bytes=plan.kept_bytes(study, channels),
        streams_input=group.order == "output-stationary",
        chunks_per_tile=1 if chunks is None or chunk_size is not None else chunks.count,
    )


def _tile(
    study: Study,
    hardware: Hardware,
    group: GroupDesign,
    plan: _RegionPlan,
    chunks: Chunks | None,
    chunk_size: int | None,
    channels: dict[str, int],
    row: int,
    col: int,
) -> _Tile:
    """Everything about one tile visit."""
    act, psum = study.precision.activation_bytes, study.precision.partial_sum_bytes
    new = {
        name: _length(plan.new_rows[row][name]) * _length(plan.new_cols[col][name]) for name in channels
    }  # elements of one channel
    macs, works = 0, []
    for layer in plan.layers:
        pieces = ((channels[layer.name], 1),) if chunks is None or chunk_size is not None else chunks.sizes
        rows, cols = _length(plan.new_rows[row][layer.name]), _length(plan.new_cols[col][layer.name])
        for size, number in pieces:
            work = _work(study.technology, study.precision, hardware.array, layer, size, rows, cols)
            works += [work] * number
            if layer.has_weights:
                macs += number * size * (layer.C // layer.G) * layer.R * layer.S * rows * cols
    work = _add_works(works)
    load = sum(channels[name] * new[name] for name in plan.read) * act
    store = sum(
        channels[name]
        * _length(plan.own(name, row, group.tile_rows, 0))
        * _length(plan.own(name, col, group.tile_cols, 1))
        for name in plan.outputs
    )
    stream = 0
    if chunk_size is None:
        stream = sum(_weight_bytes(study, layer) for layer in plan.layers if layer.name not in group.resident)
    if group.order == "output-stationary":
        assert chunks is not None
        layer = plan.layers[0]
        load *= chunks.input_reloads
        if hardware.array.spills_between_chunks():
            rounds = -(-(layer.C // layer.G) // hardware.array.channel_chunk(layer))
            spilled = layer.K * new[layer.name] * (rounds - 1) * psum
            work = TileWork(
                work.cycles,
                work.array_fj,
                work.feature_read_bytes + spilled,
                work.feature_write_bytes + spilled,
                work.weight_read_bytes,
            )
    return _Tile(
        macs=macs,
        work=work,
        load_bytes=load,
        store_bytes=store * act,
        stream_bytes=stream,
        live_bytes=_live_bytes(study, hardware, group, plan, chunks, channels, new),
        store_room_bytes=store * act if chunk_size is not None or chunks is None else _chunk_share(store, chunks) * act,
    )


def _chunk_share(channels_times_area: int, chunks: Chunks) -> int:
    """Of what all chunks store in a tile, the part of the largest chunk."""
    return channels_times_area * chunks.largest // sum(size * number for size, number in chunks.sizes)


def _live_bytes(
    study: Study,
    hardware: Hardware,
    group: GroupDesign,
    plan: _RegionPlan,
    chunks: Chunks | None,
    channels: dict[str, int],
    new: dict[str, int],
) -> int:
    """Most bytes of this tile's own regions that are in the feature buffer at once.

    Inputs arrive at the start and stay until their last reader; a layer's output appears when the layer
    runs and stays until its last reader, or to the end of the tile if it leaves the group.
    """
    act, psum = study.precision.activation_bytes, study.precision.partial_sum_bytes
    if chunks is not None:
        layer, made = plan.layers[0], plan.made[0]
        out_channels = channels[made] if group.order == "weight-stationary" else chunks.largest
        in_sums = hardware.array.accumulates_in_buffer(layer) or group.order == "output-stationary"
        out_bytes = out_channels * new[made] * (psum if in_sums else act)
        in_channels = channels[plan.read[0]]
        if group.order == "output-stationary":
            in_channels = hardware.array.channel_chunk(layer) * (2 if hardware.double_buffer else 1)
        return in_channels * new[plan.read[0]] * act + out_bytes
    last_reader: dict[str, int] = {}
    for step, layer in enumerate(plan.layers):
        for name in layer.input_tensors:
            last_reader[name] = step
    for name in plan.outputs:
        last_reader[name] = len(plan.layers)
    peak = 0
    for step, layer in enumerate(plan.layers):
        width = psum if hardware.array.accumulates_in_buffer(layer) else act
        live = channels[layer.name] * new[layer.name] * width
        live += sum(channels[n] * new[n] * act for n in plan.read if last_reader[n] >= step)
        live += sum(channels[n] * new[n] * act for n in plan.made[:step] if last_reader[n] >= step)
        peak = max(peak, live)
    return peak


@lru_cache(maxsize=65536)
def _work(
    technology: Technology, precision: Precision, array: ArrayShape, layer: Layer, channels: int, rows: int, cols: int
) -> TileWork:
    """The array's price of one tile; most tiles of a design are equal."""
    return array.tile_work(layer, channels, rows, cols, technology, precision)


def _add_works(works: list[TileWork]) -> TileWork:
    return TileWork(*(sum(getattr(work, field.name) for work in works) for field in fields(TileWork)))


def _all_visits(study: Study, group: GroupDesign, sweep: _Sweep) -> list[_Tile]:
    """Every tile of every share of the batch, in order; the last share may have fewer images."""
    visits: list[_Tile] = []
    left = study.batch
    while left:
        images = min(left, group.images)
        visits += [_of_images(tile, images) for tile in sweep.tiles]
        left -= images
    return visits


def _of_images(tile: _Tile, images: int) -> _Tile:
    """A tile of several images: everything but the weights that stream is there once per image."""
    work = TileWork(*(images * getattr(tile.work, field.name) for field in fields(TileWork)))
    return _Tile(
        macs=images * tile.macs,
        work=work,
        load_bytes=images * tile.load_bytes,
        store_bytes=images * tile.store_bytes,
        stream_bytes=tile.stream_bytes,
        live_bytes=images * tile.live_bytes,
        store_room_bytes=images * tile.store_room_bytes,
    )


def _sweep_cost(study: Study, hardware: Hardware, price: Prices, group: GroupDesign, sweep: _Sweep) -> GroupCost:
    """Add up one sweep over all images; weights that stay are loaded with the first tile."""
    tiles = _all_visits(study, group, sweep)
    work = _add_works([tile.work for tile in tiles])
    loads = sum(tile.load_bytes for tile in tiles)
    stores = sum(tile.store_bytes for tile in tiles)
    weights = sweep.resident_bytes + sum(tile.stream_bytes for tile in tiles)
    feature_read, feature_write = work.feature_read_bytes + stores, work.feature_write_bytes + loads
    cycles = _sweep_cycles(hardware, sweep, tiles)
    room = 0
    if hardware.double_buffer and len(tiles) * sweep.chunks_per_tile > 1:
        room = max(tile.store_room_bytes for tile in tiles)
        if not sweep.streams_input and len(tiles) > 1:
            room += max(tile.load_bytes for tile in tiles)
    return GroupCost(
        macs=sum(tile.macs for tile in tiles),
        compute_cycles=work.cycles,
        cycles=cycles,
        dram_read_bytes=loads + weights,
        dram_write_bytes=stores,
        feature_read_bytes=feature_read,
        feature_write_bytes=feature_write,
        weight_read_bytes=work.weight_read_bytes,
        weight_write_bytes=weights,
        feature_peak_bytes=max(tile.live_bytes for tile in tiles) + group.images * sweep.reserved_bytes + room,
        weight_peak_bytes=0,
        array_fj=work.array_fj,
        feature_fj=feature_read * price.feature_read_fj + feature_write * price.feature_write_fj,
        weight_fj=work.weight_read_bytes * price.weight_read_fj + weights * price.weight_write_fj,
        dram_fj=(loads + weights + stores) * price.dram_fj,
        leakage_fj=cycles * price.leakage_fj_per_cycle,
    )


def _sweep_cycles(hardware: Hardware, sweep: _Sweep, tiles: list[_Tile]) -> int:
    """Time of one sweep.

    With double buffers the DRAM works while the array does: a tile takes the longer of the two. Only the
    first load and the last store stand alone (an input that streams through in chunks has no first load).
    Without double buffers a tile takes the sum.
    """
    last = len(tiles) - 1
    total = 0
    for i, tile in enumerate(tiles):
        weights = tile.stream_bytes + (sweep.resident_bytes if i == 0 else 0)
        load, store = tile.load_bytes, tile.store_bytes
        if not hardware.double_buffer:
            total += hardware.dram_cycles(weights + load + store) + tile.work.cycles
            continue
        if i == 0 and not sweep.streams_input:
            total += hardware.dram_cycles(load)
            load = 0
        if i == last:
            total += hardware.dram_cycles(store)
            store = 0
        total += max(tile.work.cycles, hardware.dram_cycles(weights + load + store))
    return total
