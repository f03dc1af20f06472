"""Sums of reductions in the weight buffer of an executed design, and what becomes of them when they are complete."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from costmodel.buffers import ExecutionError, Index, indices
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

    def update_bytes(self, update: Layer, fused: WeightChunk | None) -> int:
        """Bytes of the largest parameter that an update reads, with all that comes with it but sums on chip."""
        dram = self.weights.dram
        states = int(dram.data.states[update.name].shape[0]) * dram.precision.state_bytes
        of_norm = dram.precision.partial_sum_bytes if update.batch_norm else 0
        return states + max(of_norm, 0 if fused else dram.result_bytes(update.waits_for[0]))

    def _changed(self, update: Layer, fused: WeightChunk | None) -> tuple[Index, Index]:
        """Words of each filter that an update changes: those of the convolution, and scale and shift after them."""
        kernel = self.weights.dram.network.layer(update.waits_for[0]).filter_words
        words = indices(range(kernel)) if fused is None else fused.words
        first = fused is None or fused.inputs.start == 0
        return words, indices(range(kernel, update.params // update.K if first else kernel))

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

    def update(self, update: Layer, fused: WeightChunk | None) -> None:
        """Change parameters filter by filter, with sums that are on chip (``fused``) or in DRAM."""
        dram, precision = self.weights.dram, self.weights.dram.precision
        words, norms = self._changed(update, fused)
        complete = None if fused is None else self.finish(fused).reshape(len(fused.outputs), -1)
        for i, k in enumerate(range(update.K) if fused is None else fused.outputs.tolist()):
            every = indices(range(k * len(words), (k + 1) * len(words)))
            gradients = dram.load_results(update.waits_for[0], every) if complete is None else complete[i]
            if len(norms):
                of_norm = dram.load_results(update.waits_for[1], indices([2 * k, 2 * k + 1]))
                gradients = np.append(gradients, of_norm)
            changed = np.append(words, norms)
            states = updated(dram.load_states(update.name, k, changed), gradients, precision.state)
            if precision.state != precision.weight:
                states = np.append(states, fold(states[:1], precision.weight), axis=0)
            dram.store_states(update, k, changed, states)

    def close(self) -> None:
        """Give all room up."""
        self.weights.pool.release(self.room_bytes)
        self.room_bytes = 0
        self.staying.clear()
        self.complete.clear()

    def _reserve(self, num_bytes: int, what: str) -> None:
        self.weights.pool.reserve(num_bytes, what)
        self.room_bytes += num_bytes
