"""Executing a layer alone: its six loop orders, with cuts of output and input channels."""

from __future__ import annotations

import numpy as np

from costmodel.buffers import Block, ExecutionError, Index, Region, get, indices, put
from costmodel.design import GroupDesign
from costmodel.executed_chip import Chip, accumulates, finished, no_sums, piece_words, sum_up
from costmodel.executed_inputs import InputAlone
from costmodel.executed_orders import At, cuts_of, key, loops_of, walk
from costmodel.executed_steps import axis_steps, operands_of
from costmodel.executed_tiles import Stage, all_visits
from costmodel.executed_weights import WeightChunk
from costmodel.reference_words import is_masked, wrap
from specs.network import MASK


class LayerAlone:
    """One layer on a chip, with its loops."""

    def __init__(self, chip: Chip, group: GroupDesign) -> None:
        network = chip.study.network
        self.chip, self.group, self.network = chip, group, network
        self.layer = network.layer(group.layers[0])
        self.rows = axis_steps(network, [self.layer], group, 0)
        self.cols = axis_steps(network, [self.layer], group, 1)
        self.visits = all_visits(chip.study.batch, group.images, self.rows.count, self.cols.count)
        self.cuts, self.order = cuts_of(self.layer, group), loops_of(group)
        self.counts = At(len(self.cuts.outputs), len(self.cuts.inputs), len(self.visits))
        self.spills = group.order.endswith("-spilling")
        self.in_sums = self.counts.c > 1 or accumulates(chip, self.layer)
        self.sums: Region | None = None
        self.mask: Region | None = None

    def run(self) -> None:
        """Run all loops."""
        places = list(walk(self.order.loops, self.counts))
        self._open()
        self.input.plan(places)
        previous: At | None = None
        for at in places:
            before = self.chip.counts
            self._weights(at, previous)
            if previous is None or key(at, self.order.inputs) != key(previous, self.order.inputs):
                self.input.go_on()
            if previous is None or key(at, self.order.sums) != key(previous, self.order.sums):
                self._open_sums(at)
            self._compute(at)
            if self.spills or at.c == self.counts.c - 1:
                self._close_sums(at)
            visit = self.visits[at.t]
            self.chip.note(visit.images, visit.row, visit.col, (at.k, at.c), before)
            previous = at
        self._close()

    def _open(self) -> None:
        """Reserve what is there for the whole group: windows and slots of streams, room for what waits."""
        chip = self.chip
        streams = self.layer.has_weights and self.order.weights is None
        chip.weights.open_window([(self.layer, self._piece_words())] if streams else [])
        visits = range(len(self.visits))
        most_made = self.group.images * max(self._made_area(n) for n in visits)
        outputs = most_made * max(len(made) for made in self.cuts.outputs)
        several = chip.hardware.double_buffer and len(self.visits) * self.order.parts(self.counts) > 1
        width = chip.psum_bytes if self.spills else chip.act_bytes
        self.input = InputAlone(chip, self.group, (self.cuts, self.order), (self.rows, self.cols), self.visits)
        sums = outputs * width if several and self.spills else None
        mask = -(-max(len(made) for made in self.cuts.outputs) * self.layer.mask_bits // 8)
        stored = outputs * chip.act_bytes + most_made * mask
        stored = max(stored, outputs * width) if self.spills else stored
        self.sums_stage = Stage(chip.features, "partial sums for the next tile", sums)
        self.store_stage = Stage(chip.features, "stored for the last tile", stored if several else None)

    def _close(self) -> None:
        self.input.close()
        for stage in (self.sums_stage, self.store_stage):
            stage.close()
        self.chip.weights.close()

    # Weights

    def _piece_words(self) -> int:
        """Most weights that the array works on at once while they stream."""
        return max(
            piece_words(self.chip, self.layer, len(outputs), len(inputs))
            for outputs in self.cuts.outputs
            for inputs in self.cuts.inputs
        )

    def _chunk(self, at: At) -> WeightChunk:
        return WeightChunk(self.layer, self.cuts.outputs[at.k], self.cuts.inputs[at.c])

    def _weights(self, at: At, previous: At | None) -> None:
        """Load the weights that stay, where they change."""
        letters = self.order.weights
        if not self.layer.has_weights or letters is None:
            return
        if previous is not None:
            if key(at, letters) == key(previous, letters):
                return
            self.chip.weights.drop(self.layer)
        every = indices(range(self.layer.K))
        outputs = self.cuts.outputs[at.k] if "k" in letters else every
        inputs = self.cuts.inputs[at.c] if "c" in letters else range(self.layer.C // self.layer.G)
        self.chip.weights.keep(WeightChunk(self.layer, outputs, inputs))

    def _made_area(self, visit: int) -> int:
        rows, cols = self._made(visit)
        return len(rows) * len(cols)

    def _made(self, visit: int) -> tuple[Index, Index]:
        place = self.visits[visit]
        name = self.layer.name
        return self.rows.tensors[name].new[place.row], self.cols.tensors[name].new[place.col]

    # Sums

    def _open_sums(self, at: At) -> None:
        """Make room for outputs; partial sums that were spilled come back."""
        visit, chip = self.visits[at.t], self.chip
        rows, cols = self._made(at.t)
        channels = self.cuts.outputs[at.k]
        width = chip.psum_bytes if self.in_sums else chip.act_bytes
        self.sums = Region(chip.features, self.layer.name, len(visit.images), channels, rows, cols, width)
        if self.layer.mask_bits:
            bits, name = self.layer.mask_bits, self.layer.name + MASK
            self.mask = Region(chip.features, name, len(visit.images), channels, rows, cols, 0, bits)
        if self.spills and at.c:
            back = chip.dram.load_sums(self.layer.name, visit.images, channels, rows, cols)
            self.sums_stage.fill({self.layer.name: back}, chip.psum_bytes * back.values.size)
            put(self.sums_stage.empty()[self.layer.name], [self.sums], self.layer.name)

    def _compute(self, at: At) -> None:
        """Add what this chunk of input channels gives to a chunk of outputs."""
        layer, chunk = self.layer, self._chunk(at)
        rows, cols = self._made(at.t)
        words = self._piece_words() if layer.has_weights and self.order.weights is None else 0
        if not (len(rows) and len(cols)):
            if words:
                self.chip.weights.pass_by(chunk, words)
            return
        assert self.sums is not None
        images = self.sums.images
        sums = no_sums(images, len(chunk.outputs), rows, cols)
        if at.c:
            sums = self._read_sums(at)
        blocks = [self.input.read(operand, own, at, rows, cols) for operand, own in operands_of(layer)]
        mask = blocks.pop().values if is_masked(layer) else None
        sums = sum_up(self.chip, blocks, chunk, words, sums, rows, cols, self.in_sums)
        self.sums.clear()
        if at.c < self.counts.c - 1:
            sums = wrap(sums, self.chip.study.precision.partial_sum)
            put(Block(chunk.outputs, rows, cols, sums), [self.sums], layer.name)
            return
        made = finished(self.chip, layer, sums, blocks, mask, rows, cols)
        put(Block(chunk.outputs, rows, cols, made[layer.name]), [self.sums], layer.name)
        if self.mask is not None:
            put(Block(chunk.outputs, rows, cols, made[self.mask.what]), [self.mask], self.mask.what)

    def _read_sums(self, at: At) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        assert self.sums is not None
        region = self.sums
        return get(region.images, region.channels, region.rows, region.cols, [region], self.layer.name).values

    def _close_sums(self, at: At) -> None:
        """Store finished outputs, or partial sums that must travel."""
        assert self.sums is not None
        chip, visit, name = self.chip, self.visits[at.t], self.layer.name
        region, done = self.sums, at.c == self.counts.c - 1
        block = get(region.images, region.channels, region.rows, region.cols, [region], name)
        leaving = {name: block}
        if done and self.mask is not None:
            mask = self.mask
            leaving[mask.what] = get(mask.images, mask.channels, mask.rows, mask.cols, [mask], mask.what)
        unfinished = block.values.size * chip.psum_bytes
        size = sum(chip.dram.num_bytes(tensor, words) for tensor, words in leaving.items()) if done else unfinished
        self.store_stage.fill(leaving, size)
        if done:
            stored = (self.rows.tensors[name].stored[visit.row], self.cols.tensors[name].stored[visit.col])
            if not (np.array_equal(stored[0], block.rows) and np.array_equal(stored[1], block.cols)):
                raise ExecutionError(f"{name} alone makes what it does not store")
            for tensor, words in leaving.items():
                chip.dram.store(tensor, visit.images, words)
        else:
            chip.dram.store_sums(name, visit.images, block)
        self.store_stage.empty()
        region.free()
        if self.mask is not None:
            self.mask.free()
        self.sums = self.mask = None
