"""Executing a group of several layers, tile by tile; or a part of one layer's channels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from costmodel.arithmetic_vector import contribution
from costmodel.buffers import Block, Index, indices
from costmodel.design import GroupDesign
from costmodel.dram import pixel_bytes
from costmodel.executed_chip import (
    Chip,
    accumulates,
    finished,
    layer_channels,
    made_tensors,
    no_sums,
    piece_words,
    sum_up,
)
from costmodel.executed_orders import tensor_channels
from costmodel.executed_steps import AxisSteps, axis_steps, operands_of, source, tensors_of, touched
from costmodel.executed_sums import SumBuffer
from costmodel.executed_tiles import Held, Stage, Visit, all_visits
from costmodel.executed_weights import WeightChunk
from costmodel.reference_words import is_masked
from specs.network import Layer


class FusedGroup:
    """A group of layers on a chip, with its steps along both axes.

    Parameters
    ----------
    part
        Of a layer alone: the channels of this sweep.
    at
        Which chunks of channels those are, for events.
    """

    def __init__(
        self, chip: Chip, group: GroupDesign, part: WeightChunk | None = None, at: tuple[int, int] = (0, 0)
    ) -> None:
        network = chip.study.network
        self.chip, self.group, self.network, self.at = chip, group, network, at
        every = [network.layer(name) for name in group.layers]
        self.layers = [layer for layer in every if layer.op != "update"]
        self.updates = [layer for layer in every if layer.op == "update"]
        self.chunks = {layer.name: part or _all_weights(layer) for layer in self.layers}
        self.tensors = tensors_of(network, self.layers)
        self.rows: AxisSteps = axis_steps(network, self.layers, group, 0)
        self.cols: AxisSteps = axis_steps(network, self.layers, group, 1)
        visits = all_visits(chip.study.batch, group.images, self.rows.count, self.cols.count)
        self.visits = visits if self.layers else []
        self.last_reader = {
            source(network, self.tensors.made, n): i for i, layer in enumerate(self.layers) for n in layer.input_tensors
        }
        self.streams = [layer for layer in self.layers if layer.has_weights and layer.name not in group.resident]
        self.sums = SumBuffer(chip.weights)
        self.held: dict[str, Held] = {}
        self.kept_with = {name: layer.name for layer in self.layers for name in made_tensors(layer)}
        self.kept_with |= {name: name for name in self.tensors.outside}
        self.channels = self._all_channels()

    def _all_channels(self) -> dict[str, Index]:
        """Channels of each tensor that are made or loaded."""
        found = {name: self.chunks[maker].outputs for name, maker in self.kept_with.items() if maker in self.chunks}
        for layer in self.layers:
            for operand, own in operands_of(layer):
                for name, channels in self._parts(layer, operand, own):
                    if name in self.tensors.outside:
                        found[name] = np.union1d(found.get(name, indices([])), channels)
        return found

    def _parts(self, layer: Layer, operand: tuple[str, ...], own: bool) -> list[tuple[str, Index]]:
        """Tensors and their channels that a layer reads of an operand."""
        chunk = self.chunks[layer.name]
        return tensor_channels(self.network, operand, chunk.outputs if own else chunk.operand_channels)

    def run(self) -> None:
        """Run every tile of every share of the batch, then what waits for complete sums."""
        chip = self.chip
        updated = max((self.sums.update_bytes(one, self._fused_with(one)) for one in self.updates), default=0)
        chip.weights.open_window(((layer, self._piece_words(layer)) for layer in self.streams), updated)
        overlaps = chip.hardware.double_buffer and len(self.visits) > 1
        loads = Stage(chip.features, "loaded for the next tile", self._most_loaded() if overlaps else None)
        stores = Stage(chip.features, "stored for the last tile", self._most_stored() if overlaps else None)
        if overlaps:
            self._wait(loads, self._load(self.visits[0]))
        for number, visit in enumerate(self.visits):
            before = chip.counts
            self._move_on(visit)
            arriving = loads.empty() if overlaps else self._load(visit)
            for name, block in arriving.items():
                self.held[name].arrive()
                self.held[name].write(block)
            if overlaps and number + 1 < len(self.visits):
                self._wait(loads, self._load(self.visits[number + 1]))
            self._load_weights(number)
            for step, layer in enumerate(self.layers):
                if layer.reduces:
                    self._reduce(layer, number)
                else:
                    self._make(layer)
                self._forget(step)
            leaving = dict(self._leaving())
            if overlaps:
                self._wait(stores, leaving)
            for name, block in leaving.items():
                chip.dram.store(name, visit.images, block)
            stores.empty()
            chip.note(visit.images, visit.row, visit.col, self.at, before)
        self._final()
        for held in self.held.values():
            held.close()
        loads.close()
        stores.close()
        self.sums.close()
        chip.weights.close()

    def _piece_words(self, layer: Layer) -> int:
        chunk = self.chunks[layer.name]
        return piece_words(self.chip, layer, len(chunk.outputs), len(chunk.inputs))

    def _pixel_bytes(self, name: str) -> int:
        return pixel_bytes(self.network, self.chip.study.precision, name, len(self.channels[name]))

    def _wait(self, stage: Stage, blocks: dict[str, Block]) -> None:
        sizes = {name: len(b.values) * len(b.rows) * len(b.cols) for name, b in blocks.items()}
        stage.fill(blocks, sum(self._pixel_bytes(name) * size for name, size in sizes.items()))

    def _most_loaded(self) -> int:
        return self._most(self.tensors.outside, "new")

    def _most_stored(self) -> int:
        return self._most(self.tensors.leaving, "stored")

    def _most(self, names: tuple[str, ...], which: str) -> int:
        return self.group.images * max(
            sum(self._pixel_bytes(name) * self._area(self.kept_with[name], row, col, which) for name in names)
            for row in range(self.rows.count)
            for col in range(self.cols.count)
        )

    def _area(self, name: str, row: int, col: int, which: str) -> int:
        rows, cols = getattr(self.rows.tensors[name], which), getattr(self.cols.tensors[name], which)
        return len(rows[row]) * len(cols[col])

    def _load(self, visit: Visit) -> dict[str, Block]:
        """Read from DRAM what a tile loads."""
        return {
            name: self.chip.dram.load(
                name,
                visit.images,
                self.channels[name],
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
                    self.channels[name],
                    self.rows.tensors[steps],
                    self.cols.tensors[steps],
                    self.chip.act_bytes,
                    self.network.tensors[name].bits,
                )
                for name, steps in self.kept_with.items()
            }
        for held in self.held.values():
            held.leave_behind(visit.row, visit.col)
        for held in self.held.values():
            held.reach_out()

    def _load_weights(self, number: int) -> None:
        """Load the weights that stay with the first tile, and make room for sums that stay."""
        for layer in self.layers if number == 0 else ():
            if layer.name in self.group.resident:
                keep = self.sums.keep if layer.reduces else self.chip.weights.keep
                keep(self.chunks[layer.name])

    def _make(self, layer: Layer) -> None:
        """Compute a layer's new rows and columns from what the buffer holds of its inputs."""
        chip, made, chunk = self.chip, self.held[layer.name], self.chunks[layer.name]
        for name in made_tensors(layer):
            self.held[name].arrive()
        rows, cols = made.new
        in_sums = accumulates(chip, layer)
        wider = made.images * layer.K * len(rows) * len(cols) * (chip.psum_bytes - chip.act_bytes) if in_sums else 0
        chip.features.reserve(wider, f"partial sums of {layer.name}")
        words = self._piece_words(layer) if layer in self.streams else 0
        if len(rows) and len(cols):
            blocks = self._operands(layer, rows, cols)
            mask = blocks.pop().values if is_masked(layer) else None
            sums = no_sums(made.images, len(chunk.outputs), rows, cols)
            sums = sum_up(chip, blocks, chunk, words, sums, rows, cols, in_sums)
            for name, values in finished(chip, layer, sums, blocks, mask, rows, cols).items():
                self.held[name].write(Block(chunk.outputs, rows, cols, values))
        elif layer in self.streams:
            chip.weights.pass_by(chunk, words)
        chip.features.release(wider)

    def _reduce(self, layer: Layer, number: int) -> None:
        """Add what a tile gives to the sums of a reduction."""
        chip, chunk, visit = self.chip, self.chunks[layer.name], self.visits[number]
        rows, cols = self.rows.tensors[layer.name].new[visit.row], self.cols.tensors[layer.name].new[visit.col]
        given = np.zeros((len(chunk.outputs), len(chunk.words)), dtype=np.int64)
        if len(rows) and len(cols):
            given = contribution(layer, self._operands(layer, rows, cols), rows, cols, chunk.inputs)
        words = self._piece_words(layer) if layer in self.streams else 0
        self.sums.add(chunk, given, words, number == 0, number == len(self.visits) - 1)
        if layer.on_array:
            kernel = len(chunk.outputs) * len(chunk.inputs) * layer.R * layer.S
            chip.macs += len(visit.images) * len(rows) * len(cols) * kernel

    def _final(self) -> None:
        """Let complete sums leave, or change parameters with them."""
        reductions = [self.chunks[layer.name] for layer in self.layers if layer.reduces]
        if not (reductions or self.updates):
            return
        before, used = self.chip.counts, {name for update in self.updates for name in update.waits_for}
        for chunk in reductions:
            if chunk.layer.name not in used:
                self.sums.store(chunk, self.sums.finish(chunk))
        for update in self.updates:
            self.sums.update(update, self._fused_with(update))
        self.chip.note(range(self.chip.study.batch), 0, 0, self.at, before)

    def _fused_with(self, update: Layer) -> WeightChunk | None:
        """The sums of an update's gradient, if the group makes them."""
        return self.chunks.get(update.waits_for[0])

    def _operands(self, layer: Layer, rows: Index, cols: Index) -> list[Block]:
        """Read what a layer's new outputs touch of each operand: its tensors side by side along the channels."""
        blocks = []
        for operand, own in operands_of(layer):
            places = [touched(layer, range(new[0], new[-1] + 1), axis, own) for axis, new in enumerate((rows, cols))]
            parts = [self._find(name, channels) for name, channels in self._parts(layer, operand, own)]
            blocks.append(
                beside([h.read(c, indices(places[0]), indices(places[1])) for h, c in parts if len(c)])
            )  # fmt: skip
        return blocks

    def _find(self, name: str, channels: Index) -> tuple[Held, Index]:
        """Where some channels of a tensor are held; of a view of a map that is made here, in that map."""
        views = dict(self.network.views)
        while name not in self.held:
            name, channels = views[name].parent, channels + views[name].first
        return self.held[name], channels

    def _forget(self, step: int) -> None:
        """Give up what no later layer of the tile reads and no output is."""
        for name, maker in self.kept_with.items():
            if self.last_reader.get(maker) == step and maker not in self.tensors.outputs:
                self.held[name].leave()

    def _leaving(self) -> Iterator[tuple[str, Block]]:
        for name in self.tensors.leaving:
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
