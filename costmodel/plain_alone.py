"""A layer alone in the plain reading: its DRAM-level loop orders, written out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from costmodel.beside_maps import (
    NOTHING,
    chunk_words,
    finish_sums,
    kept_bytes,
    update_tile,
    updated_params,
    word_bytes,
)
from costmodel.chunks import Chunks, Operands, cut_channels, cut_inputs
from costmodel.design import GroupDesign, Hardware
from costmodel.plain_regions import RegionPlan, length
from costmodel.plain_sweep import (
    LayerStep,
    Sweep,
    Visit,
    add_works,
    held_in_passing,
    held_throughout,
    new_area,
    num_macs,
    priced,
    shares,
)
from costmodel.template import Terms, Tile, TileWork, is_channelwise
from specs.network import Layer
from specs.study import Study


@dataclass(frozen=True)
class InputChunk:
    """Some input channels of one group; whether they are the first and the last to be summed."""

    channels: int
    first: bool
    last: bool


class Positions(NamedTuple):
    """Positions of a tile in one image: rows and columns made; loaded and held under the kernel and at the outputs."""

    rows: int
    cols: int
    under: int
    here: int
    under_held: int
    here_held: int


@dataclass(frozen=True)
class Alone:
    """A layer alone with its chunks of output and of input channels; a weight gradient perhaps with its update."""

    study: Study
    hardware: Hardware
    group: GroupDesign
    plan: RegionPlan
    terms: Terms
    chunks: Chunks
    inputs: tuple[InputChunk, ...]
    update: Layer | None

    @property
    def layer(self) -> Layer:
        return self.plan.layers[0]

    @cached_property
    def tiles(self) -> list[Positions]:
        """All tiles of an image, in order. Tensors that are read alike are as large: one stands for all."""
        plan, made = self.plan, self.plan.made[0]
        names = self.operands.under[0], (self.operands.here or self.operands.under)[0]
        spans = [plan.span_cols(name) for name in names]
        return [
            Positions(
                length(rows.new[made]),
                length(cols.new[made]),
                *(new_area(rows, cols, name) for name in names),
                *(
                    held_throughout(rows, cols, span, name) + held_in_passing(rows, cols, name)
                    for name, span in zip(names, spans, strict=True)
                ),
            )
            for rows in plan.rows
            for cols in plan.cols
        ]

    @cached_property
    def operands(self) -> Operands:
        kept = self.layer.name in self.plan.kept
        return Operands(self.study.network, self.layer, self.study.precision.activation_bytes, kept)

    @property
    def spills(self) -> bool:
        """Whether partial sums travel to DRAM."""
        return self.group.order.endswith("-spilling")

    @property
    def streams_input(self) -> bool:
        """Whether a tile's input comes in chunks while the array works."""
        order = self.group.order
        several = len(self.inputs) > 1
        if self.layer.reduces:
            return False
        return order in ("output-stationary", "input-stationary-spilling") or (order == "weight-stationary" and several)

    @property
    def copies(self) -> int:
        return 2 if self.hardware.double_buffer else 1

    @property
    def reads_once(self) -> bool:
        """Whether a visit reads its input once for all chunks of output channels."""
        return "input-stationary" in self.group.order

    def under_bytes(self, output_channels: int, chunk: InputChunk) -> int:
        """Bytes under one position that a chunk of output channels needs of a chunk of input channels."""
        layer, operands = self.layer, self.operands
        if operands.by_outputs:
            return operands.under_bytes(output_channels, whole=self.chunks.count == 1)
        if len(self.inputs) == 1 and (self.reads_once or self.chunks.count == 1):
            return operands.under_bytes(0, whole=True)
        one_group = self.chunks.count > 1 and not self.reads_once
        if len(self.inputs) == 1:
            return operands.under_bytes(self.chunks.input_channels, whole=False)
        return operands.under_bytes(chunk.channels * (1 if one_group else layer.G), whole=False)

    def here_bytes(self, output_channels: int) -> int:
        """Bytes at one output position that are read for a chunk of output channels."""
        return self.operands.here_bytes(output_channels, whole=self.reads_once or self.chunks.count == 1)

    def words(self, output_channels: int, chunk: InputChunk) -> int:
        """Weights, constants or sums of a chunk of output channels for one of input channels; biases with the first."""
        layer = self.layer
        if not layer.on_array:
            return output_channels * layer.filter_words
        kernel = (chunk.channels if not is_channelwise(layer) else 1) * layer.R * layer.S
        return output_channels * (kernel + (int(layer.bias) if chunk.first else 0))


def layer_alone(study: Study, hardware: Hardware, group: GroupDesign, plan: RegionPlan, terms: Terms) -> Alone:
    layer = plan.layers[0]
    chunks = cut_channels(study.network, layer, group.channel_splits)
    sizes = cut_inputs(study.network, layer, group.input_splits)
    assert chunks is not None, "check_design refuses other cuts"
    assert sizes is not None, "check_design refuses other cuts"
    every = [size for size, number in sizes for _ in range(number)]
    inputs = tuple(InputChunk(size, i == 0, i == len(every) - 1) for i, size in enumerate(every))
    update = next((one for one in map(study.network.layer, group.layers) if one.op == "update"), None)
    return Alone(study, hardware, group, plan, terms, chunks, inputs, update)


def sweeps(alone: Alone) -> Iterator[tuple[int, Sweep]]:
    """Every different sweep of a layer alone, and how often it runs."""
    for number, sequence in rounds(alone):
        times = Counter(map(id, sequence))
        for sweep in {id(sweep): sweep for sweep in sequence}.values():
            yield number * times[id(sweep)], sweep


def rounds(alone: Alone) -> Iterator[tuple[int, list[Sweep]]]:
    """Sweeps of a layer alone that run one after another, and how often each such sequence does.

    ========================================  =============  =======================
    order                                     loops          what stays in a sweep
    ========================================  =============  =======================
    weight-stationary                         k, t, c        the weights of k
    (of a weight gradient)                    k, c, t        the sums of (k, c)
    input-stationary                          t, k           nothing, or all weights
    output-stationary                         t, k, c        nothing
    weight-stationary-spilling                k, c, t        the weights of (k, c)
    weight-input-stationary-spilling          c, t, k        the weights of c
    input-stationary-spilling                 t, c, k        nothing
    ========================================  =============  =======================

    k: chunks of output channels, c: chunks of input channels, t: tile visits.
    """
    order, inputs = alone.group.order, alone.inputs
    every = alone.chunks.sizes

    def one_by_one(outputs: tuple[tuple[int, int], ...]) -> list[Sweep]:
        """A sweep for each chunk of the input; those in between are alike."""
        of_chunk = {chunk: _sweep(alone, outputs, (chunk,), stays=True) for chunk in dict.fromkeys(inputs)}
        return [of_chunk[chunk] for chunk in inputs]

    if order == "weight-stationary-spilling" or (order == "weight-stationary" and alone.layer.reduces):
        for size, number in every:
            yield number, one_by_one(((size, 1),))
    elif order == "weight-stationary":
        for size, number in every:
            yield number, [_sweep(alone, ((size, 1),), inputs, stays=True)]
    elif order == "weight-input-stationary-spilling":
        yield 1, one_by_one(every)
    else:
        yield 1, [_sweep(alone, every, inputs, stays=bool(alone.group.resident))]


def _sweep(alone: Alone, outputs: tuple[tuple[int, int], ...], inputs: tuple[InputChunk, ...], *, stays: bool) -> Sweep:
    """All visits with some chunks of output channels (size, how many) and of input channels inside each."""
    study, layer = alone.study, alone.layer
    words = sum(number * alone.words(size, chunk) for size, number in outputs for chunk in inputs)
    num_bytes = words * word_bytes(study, layer)
    summed = num_bytes if layer.reduces else 0
    weights = num_bytes - summed
    streamed = 0 if stays else weights
    images_of = shares(study, alone.group)
    of_tile = {
        (images, at): _visit(alone, outputs, inputs, images, at, streamed)
        for images in set(images_of)
        for at in set(alone.tiles)
    }
    visits = [of_tile[images, at] for images in images_of for at in alone.tiles]
    steps = sum(number for _, number in outputs)
    if alone.group.order == "input-stationary-spilling":
        steps *= len(inputs)
    end, work = NOTHING, add_works([])
    if layer.reduces:
        filters, first = sum(number * size for size, number in outputs), inputs[0].first
        end = finish_sums(study, layer, alone.update, filters, words, first)
        if alone.update is not None:
            tile = update_tile(study, filters, updated_params(alone.update, filters, words, first))
            work = alone.hardware.array.tile_work(alone.update, tile, alone.terms)
    return Sweep(
        visits,
        weights if stays else 0,
        alone.streams_input,
        steps,
        sums_bytes=0 if stays else summed,
        finish=end,
        finish_cycles=work.cycles,
        finish_fj=work.mac_fj,
    )


def _visit(
    alone: Alone,
    outputs: tuple[tuple[int, int], ...],
    inputs: tuple[InputChunk, ...],
    images: int,
    at: Positions,
    stream_bytes: int,
) -> Visit:
    """One tile of some images, chunk by chunk."""
    precision, array, operands = alone.study.precision, alone.hardware.array, alone.operands
    act, psum = precision.activation_bytes, precision.partial_sum_bytes
    in_area, here_area, out_area = images * at.under, images * at.here, images * at.rows * at.cols
    macs, works = 0, []
    load = sums_in = sums_out = store = 0
    for size, number in outputs:
        for chunk in inputs:
            tile = Tile(images, size, chunk.channels, at.rows, at.cols)
            macs += number * num_macs(alone.layer, tile, alone.hardware.skip_zeros)
            work = priced(array, alone.layer, tile, alone.terms)
            if not alone.layer.reduces:
                work = _with_sums(work, chunk, size * out_area, act, psum)
            works += [work] * number
            load += number * (alone.under_bytes(size, chunk) * in_area + alone.here_bytes(size) * here_area)
            sums_in += 0 if chunk.first else number * size * out_area * psum
            sums_out += 0 if chunk.last else number * size * out_area * psum
            store += number * operands.leaving_bytes(size) * out_area if chunk.last else 0
    if alone.reads_once:
        load = sum(alone.under_bytes(0, chunk) for chunk in inputs) * in_area + alone.here_bytes(0) * here_area
    if not alone.spills:
        sums_in = sums_out = 0
    largest = outputs[0][0]
    in_chunks = len(alone.inputs) > 1 and not alone.layer.reduces
    held = max(alone.under_bytes(largest, chunk) for chunk in inputs) * (alone.copies if alone.streams_input else 1)
    input_bytes = images * (held * at.under_held + alone.here_bytes(largest) * at.here_held)
    in_sums = in_chunks or array.accumulates_in_buffer(alone.layer)
    output_bytes = operands.made_bytes(largest, psum if in_sums else act) * out_area
    sums_room = largest * out_area * psum if alone.spills else 0
    leaving = max(operands.leaving_bytes(largest), largest * psum if alone.spills else 0) * out_area
    # Room for the largest chunk is reserved, whichever is made.
    held_bytes = output_bytes if in_chunks else input_bytes + output_bytes
    return Visit(
        macs=macs,
        steps=tuple(LayerStep(alone.layer.name, work, held_bytes) for work in works),
        load_bytes=load + sums_in,
        store_bytes=store + sums_out,
        stream_bytes=stream_bytes,
        ahead_bytes=input_bytes if in_chunks else 0,
        load_room_bytes=0 if alone.streams_input else load,
        store_room_bytes=leaving + sums_room,
    )


def _with_sums(work: TileWork, chunk: InputChunk, outputs: int, act: int, psum: int) -> TileWork:
    """Partial sums between chunks of input channels: read by all but the first, written by all but the last."""
    return replace(
        work,
        feature_read_bytes=work.feature_read_bytes + (0 if chunk.first else outputs * psum),
        feature_write_bytes=work.feature_write_bytes + (0 if chunk.last else outputs * (psum - act)),
    )


def weight_peak(alone: Alone) -> int:
    """Words that stay in a sweep, or room for those that the array works on while they stream."""
    largest, first = alone.chunks.largest, alone.inputs[0]
    order, room = alone.group.order, 0
    if alone.update is not None:
        room = (
            alone.copies
            * finish_sums(alone.study, alone.layer, alone.update, largest, alone.words(largest, first)).room_bytes
        )
    if order in ("weight-stationary", "weight-stationary-spilling"):
        whole = order == "weight-stationary" and not alone.layer.reduces
        words = sum(alone.words(largest, chunk) for chunk in (alone.inputs if whole else (first,)))
    elif order == "weight-input-stationary-spilling":
        words = alone.words(alone.layer.K, first)
    elif alone.group.resident:
        return kept_bytes(alone.study, alone.layer)
    elif alone.layer.reduces:
        at_once = chunk_words(alone.hardware.array, alone.layer, largest, first.channels)
        return alone.copies * at_once * word_bytes(alone.study, alone.layer) + room
    else:
        sizes = {(size, chunk.channels) for size, _ in alone.chunks.sizes for chunk in alone.inputs}
        array = alone.hardware.array
        words = alone.copies * max(chunk_words(array, alone.layer, k, c) for k, c in sizes)
    return words * word_bytes(alone.study, alone.layer) + room
