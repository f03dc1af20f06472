"""A layer alone in the plain reading: its DRAM-level loop orders, written out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from costmodel.chunks import Chunks, cut_channels, cut_inputs, input_channels
from costmodel.design import GroupDesign, Hardware
from costmodel.plain_regions import RegionPlan, Step, length
from costmodel.plain_sweep import (
    LayerStep,
    Sweep,
    Visit,
    held_in_passing,
    held_throughout,
    new_area,
    num_macs,
    priced,
    shares,
    weight_bytes,
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


@dataclass(frozen=True)
class Alone:
    """A layer alone with its chunks of output and of input channels."""

    study: Study
    hardware: Hardware
    group: GroupDesign
    plan: RegionPlan
    terms: Terms
    chunks: Chunks
    inputs: tuple[InputChunk, ...]

    @property
    def layer(self) -> Layer:
        return self.plan.layers[0]

    @property
    def spills(self) -> bool:
        """Whether partial sums travel to DRAM."""
        return self.group.order.endswith("-spilling")

    @property
    def streams_input(self) -> bool:
        """Whether a tile's input comes in chunks while the array works."""
        order = self.group.order
        several = len(self.inputs) > 1
        return order in ("output-stationary", "input-stationary-spilling") or (order == "weight-stationary" and several)

    @property
    def copies(self) -> int:
        return 2 if self.hardware.double_buffer else 1

    @property
    def reads_once(self) -> bool:
        """Whether a visit reads its input once for all chunks of output channels."""
        return "input-stationary" in self.group.order

    def input_channels(self, output_channels: int, chunk: InputChunk) -> int:
        """Channels, over all operands, that a chunk of output channels needs of a chunk of input channels."""
        layer = self.layer
        if self.reads_once:
            several = len(self.inputs) > 1
            return chunk.channels * layer.G if several else input_channels(self.study.network, layer)
        if is_channelwise(layer) and self.chunks.count > 1:
            return output_channels * len(layer.operands)
        if len(self.inputs) == 1:
            return self.chunks.input_channels
        return chunk.channels * (layer.G if self.chunks.count == 1 else 1)

    def weight_words(self, output_channels: int, chunk: InputChunk) -> int:
        """Weights of a chunk of output channels for a chunk of input channels; biases come with the first."""
        layer = self.layer
        if not layer.has_weights:
            return 0
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
    return Alone(study, hardware, group, plan, terms, chunks, inputs)


def sweeps(alone: Alone) -> Iterator[tuple[int, Sweep]]:
    """Every different sweep of a layer alone, and how often it runs."""
    for number, sequence in rounds(alone):
        for sweep in sequence:
            yield number, sweep


def rounds(alone: Alone) -> Iterator[tuple[int, list[Sweep]]]:
    """Sweeps of a layer alone that run one after another, and how often each such sequence does.

    ========================================  =============  =======================
    order                                     loops          what stays in a sweep
    ========================================  =============  =======================
    weight-stationary                         k, t, c        the weights of k
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
    if order == "weight-stationary":
        for size, number in every:
            yield number, [_sweep(alone, ((size, 1),), inputs, stays=True)]
    elif order == "weight-stationary-spilling":
        for size, number in every:
            yield number, [_sweep(alone, ((size, 1),), (chunk,), stays=True) for chunk in inputs]
    elif order == "weight-input-stationary-spilling":
        yield 1, [_sweep(alone, every, (chunk,), stays=True) for chunk in inputs]
    else:
        yield 1, [_sweep(alone, every, inputs, stays=bool(alone.group.resident))]


def _sweep(alone: Alone, outputs: tuple[tuple[int, int], ...], inputs: tuple[InputChunk, ...], *, stays: bool) -> Sweep:
    """All visits with some chunks of output channels (size, how many) and of input channels inside each."""
    weights = sum(number * alone.weight_words(size, chunk) for size, number in outputs for chunk in inputs)
    weights *= alone.study.precision.weight_bytes
    visits = [
        _visit(alone, outputs, inputs, images, rows, cols, 0 if stays else weights)
        for images in shares(alone.study, alone.group)
        for rows in alone.plan.rows
        for cols in alone.plan.cols
    ]
    steps = sum(number for _, number in outputs)
    if alone.group.order == "input-stationary-spilling":
        steps *= len(inputs)
    return Sweep(visits, weights if stays else 0, alone.streams_input, steps)


def _visit(
    alone: Alone,
    outputs: tuple[tuple[int, int], ...],
    inputs: tuple[InputChunk, ...],
    images: int,
    rows: Step,
    cols: Step,
    stream_bytes: int,
) -> Visit:
    """One tile of some images, chunk by chunk."""
    plan, precision, array = alone.plan, alone.study.precision, alone.hardware.array
    act, psum = precision.activation_bytes, precision.partial_sum_bytes
    read, made = plan.read[0], plan.made[0]  # one tensor stands for all that are read: only channels matter
    in_area, out_area = images * new_area(rows, cols, read), images * new_area(rows, cols, made)
    macs, works = 0, []
    load = sums_in = sums_out = store = 0
    for size, number in outputs:
        for chunk in inputs:
            tile = Tile(images, size, chunk.channels, length(rows.new[made]), length(cols.new[made]))
            macs += number * num_macs(alone.layer, tile)
            work = _with_sums(priced(array, alone.layer, tile, alone.terms), chunk, size * out_area, act, psum)
            works += [work] * number
            load += number * alone.input_channels(size, chunk) * in_area * act
            sums_in += 0 if chunk.first else number * size * out_area * psum
            sums_out += 0 if chunk.last else number * size * out_area * psum
            store += number * size * out_area * act if chunk.last else 0
    if alone.reads_once:
        load = sum(alone.input_channels(0, chunk) for chunk in inputs) * in_area * act
    if not alone.spills:
        sums_in = sums_out = 0
    largest = outputs[0][0]
    held = max(alone.input_channels(largest, chunk) for chunk in inputs) * (alone.copies if alone.streams_input else 1)
    held_area = held_throughout(rows, cols, plan.span_cols(read), read) + held_in_passing(rows, cols, read)
    in_sums = len(alone.inputs) > 1 or array.accumulates_in_buffer(alone.layer)
    input_bytes = held * images * held_area * act
    output_bytes = largest * out_area * (psum if in_sums else act)
    sums_room = largest * out_area * psum if alone.spills else 0
    # Room for the largest chunk is reserved, whichever is made.
    held_bytes = output_bytes if len(alone.inputs) > 1 else input_bytes + output_bytes
    return Visit(
        macs=macs,
        steps=tuple(LayerStep(made, work, held_bytes) for work in works),
        load_bytes=load + sums_in,
        store_bytes=store + sums_out,
        stream_bytes=stream_bytes,
        ahead_bytes=input_bytes if len(alone.inputs) > 1 else 0,
        load_room_bytes=0 if alone.streams_input else load,
        store_room_bytes=largest * out_area * (psum if alone.spills else act) + sums_room,
    )


def _with_sums(work: TileWork, chunk: InputChunk, outputs: int, act: int, psum: int) -> TileWork:
    """Partial sums between chunks of input channels: read by all but the first, written by all but the last."""
    return replace(
        work,
        feature_read_bytes=work.feature_read_bytes + (0 if chunk.first else outputs * psum),
        feature_write_bytes=work.feature_write_bytes + (0 if chunk.last else outputs * (psum - act)),
    )


def weight_peak(alone: Alone) -> int:
    """Weights that stay in a sweep, or room for those that the array works on while they stream."""
    largest, first = alone.chunks.largest, alone.inputs[0]
    order = alone.group.order
    if order in ("weight-stationary", "weight-stationary-spilling"):
        inputs = alone.inputs if order == "weight-stationary" else (first,)
        words = sum(alone.weight_words(largest, chunk) for chunk in inputs)
    elif order == "weight-input-stationary-spilling":
        words = alone.weight_words(alone.layer.K, first)
    elif alone.group.resident:
        return weight_bytes(alone.study, alone.layer)
    else:
        sizes = {(size, chunk.channels) for size, _ in alone.chunks.sizes for chunk in alone.inputs}
        array = alone.hardware.array
        words = alone.copies * max(array.weight_chunk_words(alone.layer, k, c) for k, c in sizes)
    return words * alone.study.precision.weight_bytes
