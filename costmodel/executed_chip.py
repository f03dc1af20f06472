"""The chip that a group runs on: its buffers and DRAM, the layer it computes, and what it did."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from costmodel.arithmetic import accumulate, combine, windows
from costmodel.buffers import Block, Index, Pool, indices
from costmodel.design import Hardware
from costmodel.dram import Dram
from costmodel.executed_weights import WeightBuffer, WeightChunk
from costmodel.reference import Ints
from specs.network import Layer
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


def sum_up(
    chip: Chip,
    blocks: list[Block],
    chunk: WeightChunk,
    piece_words: int,
    sums: Ints,
    rows: Index,
    cols: Index,
    waits: bool,
) -> Ints:
    """Add to a layer's partial sums what some input words give.

    Parameters
    ----------
    blocks
        The words of each operand that the outputs need, for the chunk's input channels of the groups that its output
        channels lie in.
    chunk
        Output channels, and input channels of each group. Their weights come from the weight buffer.
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
    if not layer.has_weights:
        return combine(layer, blocks, rows, cols)
    groups = max(1, len(chunk.outputs) * layer.G // layer.K)
    found = windows(layer, blocks[0], rows, cols, 0)
    flat = sums.reshape(*sums.shape[:2], -1).copy()
    pieces = chip.weights.filters(chunk, piece_words, not waits)
    chip.macs += accumulate(layer, flat, groups, found, pieces)
    return flat.reshape(sums.shape)


def layer_channels(layer: Layer) -> Index:
    """All output channels of a layer."""
    return indices(range(layer.K))


def no_sums(images: int, channels: int, rows: Index, cols: Index) -> Ints:
    return np.zeros((images, channels, len(rows), len(cols)), dtype=np.int64)
