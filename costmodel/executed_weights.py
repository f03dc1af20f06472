"""The weight buffer of an executed design: weights and constants that stay, and pieces of them that stream through."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from costmodel.arithmetic import Filters
from costmodel.buffers import ExecutionError, Index, Pool, indices
from costmodel.dram import Dram
from costmodel.reference_words import Ints, Words
from specs.network import Layer


@dataclass(frozen=True)
class WeightChunk:
    """Weights of some output channels for some input channels of their group; biases come with the first of these.

    Likewise constants of channels, and sums of a reduction.
    """

    layer: Layer
    outputs: Index
    inputs: range

    @cached_property
    def words(self) -> Index:
        """Words of each filter, counted inside the filter."""
        if not self.layer.on_array:
            return np.arange(self.layer.filter_words)
        area = self.layer.R * self.layer.S
        kernel = np.arange(self.inputs.start * area, self.inputs.stop * area)
        biased = self.layer.bias and self.inputs.start == 0
        return np.append(kernel, self.layer.filter_words - 1) if biased else kernel

    @cached_property
    def operand_channels(self) -> Index:
        """Channels of an operand under the kernel that are needed."""
        share = self.layer.K // self.layer.G
        groups = range(int(self.outputs[0]) // share, int(self.outputs[-1]) // share + 1)
        size = self.layer.C // self.layer.G
        return indices([g * size + i for g in groups for i in self.inputs])

    @property
    def num_words(self) -> int:
        return len(self.outputs) * len(self.words)

    def places(self, start: int, stop: int) -> Index:
        """Places in the layer's list of words of the chunk's words from ``start`` to ``stop``, filter by filter."""
        number = np.arange(start, min(stop, self.num_words))
        outputs, words = self.outputs[number // len(self.words)], self.words[number % len(self.words)]
        return outputs * self.layer.filter_words + words


@dataclass
class Staying:
    """Words of a layer that were loaded and stay."""

    num_bytes: int
    values: Words
    valid: NDArray[np.bool_]


@dataclass
class WeightBuffer:
    """Room for weights, and what is in it.

    Parameters
    ----------
    pool
        The bytes that may be used.
    copies
        Pieces of streaming weights that are there at once: two with double buffers, one being loaded.
    """

    pool: Pool
    dram: Dram
    copies: int
    piece_bytes: int = 0
    beside_bytes: int = 0
    staying: dict[str, Staying] = field(default_factory=dict)

    def word_bytes(self, layer: Layer) -> int:
        """Bytes of a weight, or of a constant or a sum."""
        precision = self.dram.precision
        return precision.weight_bytes if layer.on_array and not layer.reduces else precision.partial_sum_bytes

    def open_window(self, pieces: Iterable[tuple[Layer, int]], beside_bytes: int = 0) -> None:
        """Set room aside for pieces of so many words of the layers that stream, and beside them for an update's."""
        self.piece_bytes = max((words * self.word_bytes(layer) for layer, words in pieces), default=0)
        self.beside_bytes = beside_bytes
        self.pool.reserve(self.copies * (self.piece_bytes + beside_bytes), "room for streaming weights")

    def check_window(self, layer: Layer, piece_words: int) -> None:
        """Refuse pieces that have no room."""
        if piece_words * self.word_bytes(layer) > self.piece_bytes:
            raise ExecutionError(f"no room is reserved for the streaming weights of {layer.name}")

    def keep(self, chunk: WeightChunk) -> None:
        """Load weights that stay until `drop`."""
        layer, places = chunk.layer, chunk.places(0, chunk.num_words)
        num_bytes = len(places) * self.word_bytes(layer)
        self.pool.reserve(num_bytes, f"the weights of {layer.name}")
        words = self.dram.load_weights(layer.name, places)
        values, valid = np.zeros(layer.weight_words, dtype=words.dtype), np.zeros(layer.weight_words, dtype=np.bool_)
        values[places], valid[places] = words, True
        self.staying[layer.name] = Staying(num_bytes, values, valid)

    def drop(self, layer: Layer) -> None:
        self.pool.release(self.staying.pop(layer.name).num_bytes)

    def close(self) -> None:
        """Leave the buffer empty."""
        for held in self.staying.values():
            self.pool.release(held.num_bytes)
        self.staying.clear()
        self.pool.release(self.copies * (self.piece_bytes + self.beside_bytes))
        self.piece_bytes = 0

    def filters(self, chunk: WeightChunk, piece_words: int, whole_filters: bool) -> Iterator[Filters]:
        """Hand a chunk of weights to the array: at once if it stays, else piece by piece from DRAM.

        Parameters
        ----------
        piece_words
            Words that the array works with at once while they stream.
        whole_filters
            Whether partial sums of one output have no place to wait for the filter's other words.
        """
        if chunk.layer.name in self.staying:
            yield _filters(chunk, 0, self._stayed(chunk))
            return
        self.check_window(chunk.layer, piece_words)
        if whole_filters:
            piece_words -= piece_words % len(chunk.words)
            if not piece_words:
                raise ExecutionError(f"{chunk.layer.name} works on parts of filters and has no room for partial sums")
        loaded: deque[Filters] = deque()
        for start in range(0, chunk.num_words, piece_words):
            words = self.dram.load_weights(chunk.layer.name, chunk.places(start, start + piece_words))
            loaded.append(_filters(chunk, start, words))
            if len(loaded) == self.copies:
                yield loaded.popleft()
        yield from loaded

    def constants(self, chunk: WeightChunk, piece_words: int) -> Ints:
        """Hand constants of some channels over, shape (words, channels): they stay, or come channel by channel."""
        if chunk.layer.name in self.staying:
            words = self._stayed(chunk)
        else:
            self.check_window(chunk.layer, piece_words)
            starts = range(0, chunk.num_words, piece_words)
            found = [self.dram.load_weights(chunk.layer.name, chunk.places(i, i + piece_words)) for i in starts]
            words = np.concatenate([piece.astype(np.int64) for piece in found])
        table: Ints = words.astype(np.int64).reshape(len(chunk.outputs), -1).T
        return table

    def _stayed(self, chunk: WeightChunk) -> Words:
        held, places = self.staying[chunk.layer.name], chunk.places(0, chunk.num_words)
        if not held.valid[places].all():
            raise ExecutionError(f"weights of {chunk.layer.name} are used that are not in the buffer")
        return held.values[places]

    def pass_by(self, chunk: WeightChunk, piece_words: int) -> None:
        """Load weights that stream in a visit that has no use for them."""
        if not chunk.layer.on_array:
            self.constants(chunk, piece_words)
            return
        for _ in self.filters(chunk, piece_words, False):
            pass


def _filters(chunk: WeightChunk, start: int, words: Words) -> Filters:
    """Sort words of a chunk, from the one at ``start`` on, into filters."""
    per_filter, kernel = len(chunk.words), len(chunk.inputs) * chunk.layer.R * chunk.layer.S
    first, last = start // per_filter, -(-(start + len(words)) // per_filter)
    flat = np.zeros((last - first) * per_filter, dtype=np.int64)
    here = np.zeros(flat.size, dtype=np.bool_)
    offset = start - first * per_filter
    flat[offset : offset + len(words)] = words
    here[offset : offset + len(words)] = True
    table, num_words = flat.reshape(-1, per_filter), int(here.reshape(-1, per_filter)[:, :kernel].sum())
    biases = table[:, kernel] if per_filter > kernel else np.zeros(len(table), dtype=np.int64)
    return Filters(first, table[:, :kernel].astype(np.float64), biases, num_words)
