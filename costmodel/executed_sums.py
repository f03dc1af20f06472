"""Sums of reductions in the weight buffer of an executed design, and what becomes of them when they are complete."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from costmodel.buffers import ExecutionError, indices
from costmodel.executed_weights import WeightBuffer, WeightChunk
from costmodel.reference_words import Ints, finish_reduction, fold, updated, wrap
from specs.network import Layer


@dataclass
class SumBuffer:
    """Sums that stay, or that pass through piece by piece in every visit.

    Attributes
    ----------
    staying
        By layer: words of the chunk that is being summed, filter by filter.
    complete
        Those that left a piece at a time in the last visit.
    """

    weights: WeightBuffer
    staying: dict[str, Ints] = field(default_factory=dict)
    complete: dict[str, Ints] = field(default_factory=dict)
    room_bytes: int = 0

    def keep(self, chunk: WeightChunk) -> None:
        """Make room for sums that stay; they start from nothing."""
        self._reserve(chunk.num_words * self.weights.word_bytes(chunk.layer), f"the sums of {chunk.layer.name}")
        self.staying[chunk.layer.name] = np.zeros(chunk.num_words, dtype=np.int64)

    def add(self, chunk: WeightChunk, given: Ints, piece_words: int, first: bool, last: bool) -> None:
        """Add what a visit gives, shape (channels, words of a filter).

        Sums that do not stay are loaded unless the visit is the first, and stored unless it is the last.
        """
        layer, flat, bits = chunk.layer, given.reshape(-1), self.weights.dram.precision.partial_sum
        if layer.name in self.staying:
            self.staying[layer.name] = wrap(self.staying[layer.name] + flat, bits)
            return
        self.weights.check_window(layer, piece_words)
        done = self.complete.setdefault(layer.name, np.zeros(chunk.num_words, dtype=np.int64))
        for start in range(0, chunk.num_words, piece_words):
            places, here = chunk.places(start, start + piece_words), slice(start, start + piece_words)
            piece = flat[here]
            if not first:
                piece = piece + self.weights.dram.load_flat_sums(layer, places)
            piece = wrap(piece, bits)
            if last:
                done[here] = piece
            else:
                self.weights.dram.store_flat_sums(layer, places, piece)

    def reserve_updates(self, updates: list[Layer], fused: set[str]) -> None:
        """Set room aside for one filter of the update that reads most, twice with double buffers."""
        read = [self._filter_bytes(update, fused) for update in updates]
        self._reserve(self.weights.copies * max(read, default=0), "parameters that change")

    def _filter_bytes(self, update: Layer, fused: set[str]) -> int:
        """Bytes that an update reads for one filter."""
        dram = self.weights.dram
        states = dram.data.states[update.name]
        num_bytes = int(states.size // update.K) * dram.precision.state_bytes
        for name in update.waits_for:
            if name not in fused:
                num_bytes += dram.network.layer(name).filter_words * dram.result_bytes(name)
        return num_bytes

    def finish(self, chunk: WeightChunk) -> Ints:
        """Take the complete sums of a chunk, as words that a reduction leaves."""
        name = chunk.layer.name
        if name not in self.staying and name not in self.complete:
            raise ExecutionError(f"{name} has no complete sums")
        sums = self.staying[name] if name in self.staying else self.complete[name]
        return finish_reduction(chunk.layer, sums, self.weights.dram.precision)

    def store(self, chunk: WeightChunk, words: Ints) -> None:
        """Let words that a reduction made leave."""
        self.weights.dram.store_results(chunk.layer, chunk.places(0, chunk.num_words), words)

    def update(self, update: Layer, finished: dict[str, Ints]) -> None:
        """Change parameters filter by filter, with sums that are on chip (``finished``) or in DRAM."""
        dram = self.weights.dram
        precision = dram.precision
        for k in range(update.K):
            gradients = []
            for name in update.waits_for:
                words = dram.network.layer(name).filter_words
                places = indices(range(k * words, (k + 1) * words))
                gradients.append(finished[name][places] if name in finished else dram.load_results(name, places))
            filters = indices([k])
            states = updated(dram.load_states(update.name, filters), np.concatenate(gradients), precision.state)
            if precision.state != precision.weight:
                states = np.append(states, fold(states[:1], precision.weight), axis=0)
            dram.store_states(update, filters, states)

    def close(self) -> None:
        """Give all room up."""
        self.weights.pool.release(self.room_bytes)
        self.room_bytes = 0
        self.staying.clear()
        self.complete.clear()

    def _reserve(self, num_bytes: int, what: str) -> None:
        self.weights.pool.reserve(num_bytes, what)
        self.room_bytes += num_bytes
