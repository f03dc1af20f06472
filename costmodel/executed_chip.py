"""The chip that a group runs on: its buffers and DRAM, the layer it computes, and what it did."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from costmodel.arithmetic import accumulate, windows
from costmodel.arithmetic_vector import combine, places_of_maxima
from costmodel.buffers import Block, Index, Pool, indices
from costmodel.design import Hardware
from costmodel.dram import Dram
from costmodel.executed_weights import WeightBuffer, WeightChunk
from costmodel.reference_words import Ints, finish, signs
from specs.network import MASK, Layer
from specs.study import Study


@dataclass(frozen=True)
class Event:
    """One tile visit of a group (of one chunk of channels, where they are cut).

    Bytes are those that moved between DRAM and the chip while the visit ran.
    """

    first_image: int
    row: int
    col: int
    chunk: tuple[int, int]
    read_bytes: int
    write_bytes: int
    macs: int


@dataclass
class Chip:
    """Buffers, DRAM, and counts of one group."""

    study: Study
    hardware: Hardware
    dram: Dram
    features: Pool
    weights: WeightBuffer
    macs: int = 0
    events: list[Event] = field(default_factory=list)

    @property
    def copies(self) -> int:
        """Pieces of a stream that are on chip at once."""
        return 2 if self.hardware.double_buffer else 1

    @property
    def act_bytes(self) -> int:
        return self.study.precision.activation_bytes

    @property
    def psum_bytes(self) -> int:
        return self.study.precision.partial_sum_bytes

    def note(self, images: range, row: int, col: int, chunk: tuple[int, int], before: tuple[int, int, int]) -> None:
        """Add an event: what happened since the counts were ``before``."""
        read, write, macs = (b - a for a, b in zip(before, self.counts, strict=True))
        self.events.append(Event(images.start, row, col, chunk, read, write, macs))

    @property
    def counts(self) -> tuple[int, int, int]:
        return self.dram.read_bytes, self.dram.write_bytes, self.macs


def accumulates(chip: Chip, layer: Layer) -> bool:
    """Whether a layer's unfinished sums wait in the feature buffer."""
    return layer.on_array and not layer.reduces and chip.hardware.array.accumulates_in_buffer(layer)


def piece_words(chip: Chip, layer: Layer, outputs: int, inputs: int) -> int:
    """Words beside maps that must be on chip at once while they stream; of constants those of one channel."""
    return chip.hardware.array.weight_chunk_words(layer, outputs, inputs) if layer.on_array else layer.filter_words


def places(chip: Chip, layer: Layer, rows: int, cols: int) -> int:
    """Outputs of one image that the array sums for: phases of an upsampled map are all as large as the largest."""
    if not chip.hardware.skip_zeros:
        return rows * cols
    return -(-rows // layer.upsample[0]) * -(-cols // layer.upsample[1])


def sum_up(
    chip: Chip,
    blocks: list[Block],
    chunk: WeightChunk,
    words: int,
    sums: Ints,
    rows: Index,
    cols: Index,
    waits: bool,
) -> Ints:
    """Make sums of a layer, or add to partial sums what some input words give.

    Parameters
    ----------
    blocks
        The words of each operand that the outputs need, for the chunk's input channels of the groups that its output
        channels lie in; without the mask of the result.
    chunk
        Output channels, and input channels of each group. Their weights come from the weight buffer.
    words
        Weights that the array works with at once while they stream.
    sums
        Partial sums so far, shape (images, output channels, rows, columns).
    waits
        Whether there is room for unfinished sums in the feature buffer.

    Returns
    -------
    Ints
        The sums afterwards.
    """
    layer = chunk.layer
    if not layer.on_array:
        constants = chip.weights.constants(chunk, words) if layer.has_weights else None
        return combine(layer, blocks, rows, cols, constants)
    groups = max(1, len(chunk.outputs) * layer.G // layer.K)
    found = windows(layer, blocks[0], rows, cols, 0)
    flat = sums.reshape(*sums.shape[:2], -1).copy()
    pieces = chip.weights.filters(chunk, words, not waits)
    chip.macs += accumulate(flat, groups, found, pieces, places(chip, layer, len(rows), len(cols)))
    return flat.reshape(sums.shape)


def finished(
    chip: Chip, layer: Layer, sums: Ints, blocks: list[Block], mask: Ints | None, rows: Index, cols: Index
) -> dict[str, Ints]:
    """Turn complete sums into what leaves the array: the words of a map, and beside them its mask."""
    words = finish(layer, sums, chip.study.precision)
    if mask is not None:
        words = words * mask
    if not layer.mask_bits:
        return {layer.name: words}
    is_max = layer.op == "maxpool"
    mask_words = places_of_maxima(layer, blocks[0], rows, cols) if is_max else signs(words)
    return {layer.name: words, layer.name + MASK: mask_words}


def made_tensors(layer: Layer) -> tuple[str, ...]:
    """The map that a layer makes, and its mask."""
    if layer.reduces or layer.op == "update":
        return ()
    return (layer.name, layer.name + MASK) if layer.mask_bits else (layer.name,)


def layer_channels(layer: Layer) -> Index:
    """All output channels of a layer."""
    return indices(range(layer.K))


def no_sums(images: int, channels: int, rows: Index, cols: Index) -> Ints:
    return np.zeros((images, channels, len(rows), len(cols)), dtype=np.int64)
