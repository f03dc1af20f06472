"""Executing a group of several layers, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from costmodel.buffers import Block, indices
from costmodel.design import GroupDesign
from costmodel.executed_chip import Chip, layer_channels, no_sums, sum_up
from costmodel.executed_steps import AxisSteps, axis_steps, tensors_of, touched
from costmodel.executed_tiles import Held, Stage, Visit, all_visits
from costmodel.executed_weights import WeightChunk
from costmodel.reference import finish
from specs.network import Layer


class FusedGroup:
    """A group of layers on a chip, with its steps along both axes."""

    def __init__(self, chip: Chip, group: GroupDesign) -> None:
        network = chip.study.network
        self.chip, self.group, self.network = chip, group, network
        self.layers = [network.layer(name) for name in group.layers]
        self.tensors = tensors_of(network, self.layers)
        self.rows: AxisSteps = axis_steps(network, self.layers, group, 0)
        self.cols: AxisSteps = axis_steps(network, self.layers, group, 1)
        self.visits = all_visits(chip.study.batch, group.images, self.rows.count, self.cols.count)
        self.last_reader = {n: i for i, layer in enumerate(self.layers) for n in layer.input_tensors}
        self.streams = [layer for layer in self.layers if layer.has_weights and layer.name not in group.resident]
        self.held: dict[str, Held] = {}

    def run(self) -> None:
        """Run every tile of every share of the batch."""
        chip = self.chip
        chip.weights.open_window(max((self._piece_words(layer) for layer in self.streams), default=0))
        overlaps = chip.hardware.double_buffer and len(self.visits) > 1
        loads = Stage(chip.features, "loaded for the next tile", self._most_loaded() if overlaps else None)
        stores = Stage(chip.features, "stored for the last tile", self._most_stored() if overlaps else None)
        if overlaps:
            loads.fill(self._load(self.visits[0]), chip.act_bytes)
        for number, visit in enumerate(self.visits):
            before = chip.counts
            self._move_on(visit)
            arriving = loads.empty() if overlaps else self._load(visit)
            for name, block in arriving.items():
                self.held[name].arrive()
                self.held[name].write(block)
            if overlaps and number + 1 < len(self.visits):
                loads.fill(self._load(self.visits[number + 1]), chip.act_bytes)
            self._load_weights(number)
            for step, layer in enumerate(self.layers):
                self._make(layer)
                self._forget(step)
            leaving = dict(self._leaving())
            if overlaps:
                stores.fill(leaving, chip.act_bytes)
            for name, block in leaving.items():
                chip.dram.store(name, visit.images, block)
            stores.empty()
            chip.note(visit.images, visit.row, visit.col, (0, 0), before)
        for held in self.held.values():
            held.close()
        loads.close()
        stores.close()
        chip.weights.close()

    def _piece_words(self, layer: Layer) -> int:
        return self.chip.hardware.array.weight_chunk_words(layer, layer.K, layer.C // layer.G)

    def _most_loaded(self) -> int:
        return self.group.images * self.chip.act_bytes * max(
            sum(self._area(name, row, col, "new") for name in self.tensors.outside)
            for row in range(self.rows.count)
            for col in range(self.cols.count)
        )  # fmt: skip

    def _most_stored(self) -> int:
        return self.group.images * self.chip.act_bytes * max(
            sum(self._area(name, row, col, "stored") for name in self.tensors.outputs)
            for row in range(self.rows.count)
            for col in range(self.cols.count)
        )  # fmt: skip

    def _area(self, name: str, row: int, col: int, which: str) -> int:
        rows, cols = getattr(self.rows.tensors[name], which), getattr(self.cols.tensors[name], which)
        return self.network.tensors[name].channels * len(rows[row]) * len(cols[col])

    def _load(self, visit: Visit) -> dict[str, Block]:
        """Read from DRAM what a tile loads."""
        return {
            name: self.chip.dram.load(
                name,
                visit.images,
                indices(range(self.network.tensors[name].channels)),
                self.rows.tensors[name].new[visit.row],
                self.cols.tensors[name].new[visit.col],
            )
            for name in self.tensors.outside
        }

    def _move_on(self, visit: Visit) -> None:
        """Give up what this tile does not hold, then reserve what it holds; nothing is kept between shares."""
        if visit.row == visit.col == 0:
            for held in self.held.values():
                held.close()
            self.held = {
                name: Held(
                    self.chip.features,
                    name,
                    len(visit.images),
                    indices(range(self.network.tensors[name].channels)),
                    self.rows.tensors[name],
                    self.cols.tensors[name],
                    self.chip.act_bytes,
                )
                for name in self.tensors.every
            }
        for held in self.held.values():
            held.leave_behind(visit.row, visit.col)
        for held in self.held.values():
            held.reach_out()

    def _load_weights(self, number: int) -> None:
        """Load the weights that stay with the first tile."""
        if number == 0:
            for layer in self.layers:
                if layer.name in self.group.resident:
                    self.chip.weights.keep(_all_weights(layer))

    def _make(self, layer: Layer) -> None:
        """Compute a layer's new rows and columns from what the buffer holds of its inputs."""
        chip, made = self.chip, self.held[layer.name]
        made.arrive()
        rows, cols = made.new
        in_sums = chip.hardware.array.accumulates_in_buffer(layer)
        wider = made.images * layer.K * len(rows) * len(cols) * (chip.psum_bytes - chip.act_bytes) if in_sums else 0
        chip.features.reserve(wider, f"partial sums of {layer.name}")
        if len(rows) and len(cols):
            blocks = [self._operand(layer, operand, made) for operand in layer.operands]
            sums = no_sums(made.images, layer.K, rows, cols)
            words = self._piece_words(layer) if layer in self.streams else 0
            sums = sum_up(chip, blocks, _all_weights(layer), words, sums, rows, cols, in_sums)
            made.write(Block(layer_channels(layer), rows, cols, finish(layer, sums, chip.study.precision)))
        elif layer in self.streams:
            chip.weights.pass_by(_all_weights(layer), self._piece_words(layer))
        chip.features.release(wider)

    def _operand(self, layer: Layer, operand: tuple[str, ...], made: Held) -> Block:
        """Read what a layer's new outputs touch of one operand: its tensors side by side along the channels."""
        rows, cols = (indices(touched(layer, range(new[0], new[-1] + 1), axis)) for axis, new in enumerate(made.new))
        return beside([self.held[name].read(self.held[name].channels, rows, cols) for name in operand])

    def _forget(self, step: int) -> None:
        """Give up what no later layer of the tile reads and no output is."""
        for name, last in self.last_reader.items():
            if last == step and name not in self.tensors.outputs:
                self.held[name].leave()

    def _leaving(self) -> Iterator[tuple[str, Block]]:
        for name in self.tensors.outputs:
            held = self.held[name]
            yield name, held.read(held.channels, *held.stored)


def _all_weights(layer: Layer) -> WeightChunk:
    return WeightChunk(layer, layer_channels(layer), range(layer.C // layer.G))


def beside(blocks: list[Block]) -> Block:
    """Put blocks of the same rows and columns side by side along the channels."""
    if len(blocks) == 1:
        return blocks[0]
    values = np.concatenate([block.values for block in blocks], axis=1)
    return Block(indices(range(values.shape[1])), blocks[0].rows, blocks[0].cols, values)
