"""Tile visits for the plain reading: what each visit computes, loads, stores and holds, one after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from costmodel.beside_maps import NOTHING, Finish, finish, kept_bytes, update_tile
from costmodel.design import GroupDesign, Hardware
from costmodel.plain_regions import RegionPlan, Step, length
from costmodel.template import ArrayShape, Terms, Tile, TileWork
from specs.network import Layer
from specs.study import Study

WORK_FIELDS = tuple(TileWork.__dataclass_fields__)


@dataclass(frozen=True)
class LayerStep:
    """One layer at work in a visit (of a layer alone: one chunk of it), and what the feature buffer holds meanwhile."""

    layer: str
    work: TileWork
    held_bytes: int


@dataclass(frozen=True)
class Visit:
    """One tile of some images: what is computed, loaded, stored and held in it, step after step.

    ``ahead_bytes`` are held by chunks of the input while chunks of the next visit's may already arrive.
    """

    macs: int
    steps: tuple[LayerStep, ...]
    load_bytes: int
    store_bytes: int
    stream_bytes: int
    ahead_bytes: int
    load_room_bytes: int
    store_room_bytes: int

    @cached_property
    def work(self) -> TileWork:
        return add_works([step.work for step in self.steps])

    @cached_property
    def live_bytes(self) -> int:
        return max(step.held_bytes for step in self.steps)


@dataclass(frozen=True)
class Sweep:
    """Visits of all tiles of all images, in order, while some weights stay.

    ``stays_bytes`` are loaded with the first visit, ``sums_bytes`` of partial sums stored after every visit but the
    last and loaded before every visit but the first; ``finish`` follows the last visit. With ``streams_input`` the
    input comes in chunks while the array works, so that nothing is loaded ahead of the first visit. Results leave a
    visit in ``steps_per_visit`` parts.
    """

    visits: list[Visit]
    stays_bytes: int
    streams_input: bool = False
    steps_per_visit: int = 1
    sums_bytes: int = 0
    finish: Finish = NOTHING
    finish_cycles: int = 0
    finish_fj: int = 0

    @property
    def different(self) -> list[tuple[int, Visit]]:
        """Visits that are told apart, and how often each happens."""
        times = Counter(map(id, self.visits))
        return [(times[key], visit) for key, visit in {id(visit): visit for visit in self.visits}.items()]


def shares(study: Study, group: GroupDesign) -> list[int]:
    """Images in each share of the batch; the last may have fewer."""
    full, rest = divmod(study.batch, group.images)
    return [group.images] * full + [rest] * bool(rest)


def fused_sweep(study: Study, hardware: Hardware, group: GroupDesign, plan: RegionPlan, terms: Terms) -> Sweep:
    """Visit every tile of every share of the batch with all layers of a group."""
    weights = [layer for layer in plan.layers if not layer.reduces]
    resident = sum(kept_bytes(study, layer) for layer in weights if layer.name in group.resident)
    streamed = sum(kept_bytes(study, layer) for layer in weights if layer.name not in group.resident)
    sums = [layer for layer in plan.layers if layer.reduces and layer.name not in group.resident]
    spans = {name: plan.span_cols(name) for name in [*plan.made, *plan.read]}
    tiles = shares(study, group) if plan.layers else []
    of_share = {
        images: [
            _fused_visit(study, hardware, plan, terms, images, rows, cols, spans, streamed)
            for rows in plan.rows
            for cols in plan.cols
        ]
        for images in set(tiles)
    }
    visits = [visit for images in tiles for visit in of_share[images]]
    end = finish(study, [study.network.layer(name) for name in group.layers])
    work = update_work(study, hardware, group, terms)
    return Sweep(
        visits,
        resident,
        sums_bytes=sum(kept_bytes(study, layer) for layer in sums),
        finish=end,
        finish_cycles=work.cycles,
        finish_fj=work.mac_fj,
    )


def update_work(study: Study, hardware: Hardware, group: GroupDesign, terms: Terms) -> TileWork:
    """Arithmetic of a group's updates: each parameter once."""
    updates = [layer for layer in map(study.network.layer, group.layers) if layer.op == "update"]
    tiles = [update_tile(study, layer.K, layer.params) for layer in updates]
    works = [hardware.array.tile_work(layer, tile, terms) for layer, tile in zip(updates, tiles, strict=True)]
    return add_works(works)


def _fused_visit(
    study: Study,
    hardware: Hardware,
    plan: RegionPlan,
    terms: Terms,
    images: int,
    rows: Step,
    cols: Step,
    spans: dict[str, int],
    streamed: int,
) -> Visit:
    act = study.precision.activation_bytes
    pixel_bytes, leaving = plan.pixel_bytes(act), plan.leave_bytes(act)
    macs, works = 0, []
    for layer in plan.layers:
        tile = Tile(images, layer.K, layer.C // layer.G, length(rows.new[layer.name]), length(cols.new[layer.name]))
        works.append(priced(hardware.array, layer, tile, terms))
        macs += num_macs(layer, tile, hardware.skip_zeros)
    load = images * sum(pixel_bytes[n] * new_area(rows, cols, n) for n in plan.read)
    store = images * sum(leaving[n] * rows.store[n] * cols.store[n] for n in plan.outputs)
    held = live_bytes(study, hardware, plan, pixel_bytes, rows, cols, spans)
    return Visit(
        macs=macs,
        steps=tuple(
            LayerStep(layer.name, work, images * live)
            for layer, work, live in zip(plan.layers, works, held, strict=True)
        ),
        load_bytes=load,
        store_bytes=store,
        stream_bytes=streamed,
        ahead_bytes=0,
        load_room_bytes=load,
        store_room_bytes=store,
    )


def new_area(rows: Step, cols: Step, name: str) -> int:
    """Elements of one channel that a tile makes or loads."""
    return length(rows.new[name]) * length(cols.new[name])


def held_throughout(rows: Step, cols: Step, span: int, name: str) -> int:
    """Elements of one channel that are there for the whole tile: lines over the full width, and kept columns."""
    return rows.line[name] * span + rows.passing[name] * cols.line[name]


def held_in_passing(rows: Step, cols: Step, name: str) -> int:
    """Elements of one channel that only this tile uses: there from their making to their last reader."""
    return rows.passing[name] * cols.passing[name]


def live_bytes(
    study: Study,
    hardware: Hardware,
    plan: RegionPlan,
    pixel_bytes: dict[str, int],
    rows: Step,
    cols: Step,
    spans: dict[str, int],
) -> list[int]:
    """Bytes of one image in the feature buffer while each layer makes its part of a tile; the largest is the need.

    Inputs arrive at the start and stay until their last reader; a layer's output appears when the layer
    runs, as partial sums on arrays that accumulate in the buffer, and stays until its last reader, or to the
    end of the tile if it leaves the group.
    """
    act, psum = study.precision.activation_bytes, study.precision.partial_sum_bytes
    last_reader: dict[str, int] = {}
    for step, layer in enumerate(plan.layers):
        for name, _ in plan.sources[layer.name]:
            last_reader[name] = step
    for name in plan.outputs:
        last_reader[name] = len(plan.layers)
    throughout = sum(pixel_bytes[n] * held_throughout(rows, cols, spans[n], n) for n in pixel_bytes)
    passing = {n: pixel_bytes[n] * held_in_passing(rows, cols, n) for n in pixel_bytes}
    held = []
    for step, layer in enumerate(plan.layers):
        live = sum(passing[n] for n in [*plan.read, *plan.made[: step + 1]] if last_reader[n] >= step)
        if hardware.array.accumulates_in_buffer(layer):
            live += layer.K * new_area(rows, cols, layer.name) * (psum - act)
        held.append(throughout + live)
    return held


def num_macs(layer: Layer, tile: Tile, skip_zeros: bool) -> int:
    """Multiply-accumulates of a tile; where zeros are skipped, its rows and columns are cut into phases."""
    if not layer.on_array:
        return 0
    rows, cols = tile.rows, tile.cols
    if skip_zeros:
        rows, cols = -(-rows // layer.upsample[0]), -(-cols // layer.upsample[1])
    return tile.images * tile.channels * tile.input_channels * layer.R * layer.S * rows * cols


_priced: dict[tuple[int, int, int, Tile], tuple[ArrayShape, Layer, Terms, TileWork]] = {}
_MOST_PRICED = 65536


def priced(array: ArrayShape, layer: Layer, tile: Tile, terms: Terms) -> TileWork:
    """The array's price of one tile; most tiles of a design are equal."""
    # By identity, which is quick to look up; what is remembered stays alive, so no other thing gets its identity.
    key = id(array), id(layer), id(terms), tile
    known = _priced.get(key)
    if known is None:
        if len(_priced) >= _MOST_PRICED:
            _priced.clear()
        known = _priced[key] = array, layer, terms, array.tile_work(layer, tile, terms)
    return known[3]


def peak(numbers: Iterable[int]) -> int:
    """The largest, or 0 where there are no tiles."""
    return max(numbers, default=0)


def add_works(works: list[TileWork]) -> TileWork:
    return add_so_often([(1, work) for work in works])


def add_so_often(works: list[tuple[int, TileWork]]) -> TileWork:
    """Sum of works, each so many times."""
    return TileWork(*(sum(number * getattr(work, name) for number, work in works) for name in WORK_FIELDS))


def double_buffer_bytes(hardware: Hardware, sweep: Sweep) -> int:
    """Room for what arrives for the next visit, and for what still leaves of the last one or of its last step."""
    visits = sweep.visits
    if not hardware.double_buffer or len(visits) * sweep.steps_per_visit <= 1:
        return 0
    loads = max(visit.load_room_bytes for visit in visits) if len(visits) > 1 else 0
    return loads + max(visit.store_room_bytes for visit in visits)


def sweep_cycles(hardware: Hardware, sweep: Sweep) -> int:
    """Time of one sweep.

    With double buffers the DRAM works while the array does: a visit takes the longer of the two. Only the
    first load and the last store stand alone (an input that streams through in chunks has no first load).
    Without double buffers a visit takes the sum. Updates and results of reductions come after the last visit.
    """
    last = len(sweep.visits) - 1
    finish_dram = hardware.dram_cycles(sweep.finish.moved.total)
    total = max(finish_dram, sweep.finish_cycles) if hardware.double_buffer else finish_dram + sweep.finish_cycles
    for i, visit in enumerate(sweep.visits):
        weights = visit.stream_bytes + (sweep.stays_bytes if i == 0 else 0)
        weights += sweep.sums_bytes * ((i > 0) + (i < last))
        load, store = visit.load_bytes, visit.store_bytes
        if not hardware.double_buffer:
            total += hardware.dram_cycles(weights + load + store) + visit.work.cycles
            continue
        if i == 0 and not sweep.streams_input:
            total += hardware.dram_cycles(load)
            load = 0
        if i == last:
            total += hardware.dram_cycles(store)
            store = 0
        total += max(visit.work.cycles, hardware.dram_cycles(weights + load + store))
    return total
