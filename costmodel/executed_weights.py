"""The weight buffer of an executed design: weights that stay, and pieces of weights that stream through."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from costmodel.arithmetic import Filters
from costmodel.buffers import ExecutionError, Index, Pool
from costmodel.dram import Dram
from costmodel.reference import Words
from specs.network import Layer


@dataclass(frozen=True)
class WeightChunk:
    """Weights of some output channels for some input channels of their group; biases come with the first of these."""

    layer: Layer
    outputs: Index
    inputs: range

    @cached_property
    def words(self) -> Index:
        """Words of each filter, counted inside the filter."""
        area = self.layer.R * self.layer.S
        kernel = np.arange(self.inputs.start * area, self.inputs.stop * area)
        biased = self.layer.bias and self.inputs.start == 0
        return np.append(kernel, self.layer.filter_words - 1) if biased else kernel

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
    piece_words: int = 0
    staying: dict[str, Staying] = field(default_factory=dict)

    @property
    def word_bytes(self) -> int:
        return self.dram.precision.weight_bytes

    def open_window(self, piece_words: int) -> None:
        """Set room aside for pieces of up to ``piece_words`` words of the layers that stream."""
        self.piece_words = piece_words
        self.pool.reserve(self.copies * piece_words * self.word_bytes, "room for streaming weights")

    def keep(self, chunk: WeightChunk) -> None:
        """Load weights that stay until `drop`."""
        layer, places = chunk.layer, chunk.places(0, chunk.num_words)
        self.pool.reserve(len(places) * self.word_bytes, f"the weights of {layer.name}")
        values, valid = np.zeros(layer.weight_words, dtype=np.int8), np.zeros(layer.weight_words, dtype=np.bool_)
        values[places] = self.dram.load_weights(layer.name, places)
        valid[places] = True
        self.staying[layer.name] = Staying(len(places) * self.word_bytes, values, valid)

    def drop(self, layer: Layer) -> None:
        self.pool.release(self.staying.pop(layer.name).num_bytes)

    def close(self) -> None:
        """Leave the buffer empty."""
        for held in self.staying.values():
            self.pool.release(held.num_bytes)
        self.staying.clear()
        self.pool.release(self.copies * self.piece_words * self.word_bytes)
        self.piece_words = 0

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
            held, places = self.staying[chunk.layer.name], chunk.places(0, chunk.num_words)
            if not held.valid[places].all():
                raise ExecutionError(f"weights of {chunk.layer.name} are used that are not in the buffer")
            yield _filters(chunk, 0, held.values[places])
            return
        if piece_words > self.piece_words:
            raise ExecutionError(f"no room is reserved for the streaming weights of {chunk.layer.name}")
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

    def pass_by(self, chunk: WeightChunk, piece_words: int) -> None:
        """Load weights that stream in a visit that has no use for them."""
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
