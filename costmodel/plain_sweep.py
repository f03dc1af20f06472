"""Tile visits for the plain reading: what each tile computes, loads, stores and holds, one after another."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

from costmodel.chunks import Chunks
from costmodel.design import GroupDesign, Hardware
from costmodel.plain_regions import RegionPlan, length
from costmodel.template import ArrayShape, TileWork, is_channelwise
from specs.network import Layer
from specs.study import Precision, Study, Technology


def weight_bytes(study: Study, layer: Layer) -> int:
    """Bytes of a layer's weights and biases."""
    return layer.weight_words * study.precision.weight_bytes


@dataclass
class Tile:
    """One visit: what is computed, loaded and stored in it."""

    macs: int
    work: TileWork
    load_bytes: int
    store_bytes: int
    stream_bytes: int
    live_bytes: int
    store_room_bytes: int


@dataclass
class Sweep:
    """All tiles of one image, in order, and what surrounds them."""

    tiles: list[Tile]
    resident_bytes: int
    reserved_bytes: int
    streams_input: bool
    chunks_per_tile: int


def one_image(
    study: Study,
    hardware: Hardware,
    group: GroupDesign,
    plan: RegionPlan,
    chunks: Chunks | None,
    chunk_size: int | None,
) -> Sweep:
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
    weights = {layer.name: weight_bytes(study, layer) for layer in plan.layers}
    if chunk_size is not None:
        weights = {plan.made[0]: chunk_size * plan.layers[0].filter_words * study.precision.weight_bytes}
        resident = sum(weights.values())
    else:
        resident = sum(weights[name] for name in group.resident)
    return Sweep(
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
    plan: RegionPlan,
    chunks: Chunks | None,
    chunk_size: int | None,
    channels: dict[str, int],
    row: int,
    col: int,
) -> Tile:
    """Everything about one tile visit."""
    act, psum = study.precision.activation_bytes, study.precision.partial_sum_bytes
    new = {
        name: length(plan.new_rows[row][name]) * length(plan.new_cols[col][name]) for name in channels
    }  # elements of one channel
    macs, works = 0, []
    for layer in plan.layers:
        pieces = ((channels[layer.name], 1),) if chunks is None or chunk_size is not None else chunks.sizes
        rows, cols = length(plan.new_rows[row][layer.name]), length(plan.new_cols[col][layer.name])
        for size, number in pieces:
            work = _work(study.technology, study.precision, hardware.array, layer, size, rows, cols)
            works += [work] * number
            if layer.has_weights:
                macs += number * size * (layer.C // layer.G) * layer.R * layer.S * rows * cols
    work = add_works(works)
    load = sum(channels[name] * new[name] for name in plan.read) * act
    store = sum(
        channels[name]
        * length(plan.own(name, row, group.tile_rows, 0))
        * length(plan.own(name, col, group.tile_cols, 1))
        for name in plan.outputs
    )
    stream = 0
    if chunk_size is None:
        stream = sum(weight_bytes(study, layer) for layer in plan.layers if layer.name not in group.resident)
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
    return Tile(
        macs=macs,
        work=work,
        load_bytes=load,
        store_bytes=store * act,
        stream_bytes=stream,
        live_bytes=live_bytes(study, hardware, group, plan, chunks, channels, new),
        store_room_bytes=store * act if chunk_size is not None or chunks is None else _chunk_share(store, chunks) * act,
    )


def _chunk_share(channels_times_area: int, chunks: Chunks) -> int:
    """Of what all chunks store in a tile, the part of the largest chunk."""
    return channels_times_area * chunks.largest // sum(size * number for size, number in chunks.sizes)


def live_bytes(
    study: Study,
    hardware: Hardware,
    group: GroupDesign,
    plan: RegionPlan,
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


def add_works(works: list[TileWork]) -> TileWork:
    return TileWork(*(sum(getattr(work, field.name) for work in works) for field in fields(TileWork)))


def all_visits(study: Study, group: GroupDesign, sweep: Sweep) -> list[Tile]:
    """Every tile of every share of the batch, in order; the last share may have fewer images."""
    visits: list[Tile] = []
    left = study.batch
    while left:
        images = min(left, group.images)
        visits += [_of_images(tile, images) for tile in sweep.tiles]
        left -= images
    return visits


def _of_images(tile: Tile, images: int) -> Tile:
    """A tile of several images: everything but the weights that stream is there once per image."""
    work = TileWork(*(images * getattr(tile.work, field.name) for field in fields(TileWork)))
    return Tile(
        macs=images * tile.macs,
        work=work,
        load_bytes=images * tile.load_bytes,
        store_bytes=images * tile.store_bytes,
        stream_bytes=tile.stream_bytes,
        live_bytes=images * tile.live_bytes,
        store_room_bytes=images * tile.store_room_bytes,
    )


def sweep_cycles(hardware: Hardware, sweep: Sweep, tiles: list[Tile]) -> int:
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
