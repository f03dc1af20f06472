"""Executing a layer alone: its six loop orders, with cuts of output and input channels."""

from __future__ import annotations

import numpy as np

from costmodel.buffers import Block, ExecutionError, Index, Pool, Region, get, indices, put
from costmodel.design import GroupDesign
from costmodel.execute_fused import beside
from costmodel.executed_chip import Chip, accumulates, finished, no_sums, piece_words, sum_up
from costmodel.executed_masks import MasksBeside
from costmodel.executed_orders import At, cuts_of, key, loops_of, tensor_channels, walk
from costmodel.executed_steps import axis_steps, operands_of, tensors_of, touched
from costmodel.executed_tiles import Held, Stage, all_visits
from costmodel.executed_weights import WeightChunk
from costmodel.reference_words import wrap
from specs.network import MASK


class LayerAlone:
    """One layer on a chip, with its loops."""

    def __init__(self, chip: Chip, group: GroupDesign) -> None:
        network = chip.study.network
        self.chip, self.group, self.network = chip, group, network
        self.layer = network.layer(group.layers[0])
        self.tensors = tensors_of(network, [self.layer])
        self.rows = axis_steps(network, [self.layer], group, 0)
        self.cols = axis_steps(network, [self.layer], group, 1)
        self.visits = all_visits(chip.study.batch, group.images, self.rows.count, self.cols.count)
        self.cuts, self.order = cuts_of(self.layer, group), loops_of(group)
        self.counts = At(len(self.cuts.outputs), len(self.cuts.inputs), len(self.visits))
        self.spills = group.order.endswith("-spilling")
        self.in_sums = self.counts.c > 1 or accumulates(chip, self.layer)
        self.under_kernel = [operand for operand, own in operands_of(self.layer) if not own]
        self.outside = tuple(dict.fromkeys(name for operand in self.under_kernel for name in operand))
        self.masks = MasksBeside(chip, self.layer)
        self.held: list[dict[str, Held]] = []
        self.slots: list[Pool] = []
        self.sums: Region | None = None

    def run(self) -> None:
        """Run all loops."""
        places = list(walk(self.order.loops, self.counts))
        self._open()
        fetched = self._fetch_order(places)
        previous: At | None = None
        for at in places:
            before = self.chip.counts
            self._weights(at, previous)
            if previous is None or key(at, self.order.inputs) != key(previous, self.order.inputs):
                self._inputs(fetched)
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
        """Reserve what is there for the whole group: windows and slots of streams, room for what waits.

        Where the input channels are cut, room for the largest visit's chunk is there all the time, so that a chunk
        can arrive while the outputs of the visit before are still there.
        """
        chip, act = self.chip, self.chip.act_bytes
        streams = self.layer.has_weights and self.order.weights is None
        chip.weights.open_window([(self.layer, self._piece_words())] if streams else [])
        visits = range(len(self.visits))
        channels = self.group.images * self._most_channels()
        most_made = self.group.images * max(self._made_area(n) for n in visits)
        outputs = most_made * max(len(made) for made in self.cuts.outputs)
        made_mask = most_made * max(self.masks.made_bytes(made) for made in self.cuts.outputs)
        read_mask = most_made * max(self.masks.read_bytes(made) for made in self.cuts.outputs)
        if self.counts.c > 1:
            slot = channels * max(self._held_area(n) for n in visits) * act
            copies = chip.copies if self.order.streams else 1
            self.slots = [Pool(f"{self.layer.name} input slot", slot) for _ in range(copies)]
            chip.features.reserve(copies * slot, "chunks of input channels")
        several = chip.hardware.double_buffer and len(self.visits) * self.order.parts(self.counts) > 1
        moves = several and len(self.visits) > 1 and not self.order.streams
        inputs = channels * max(self._new_area(n) for n in visits) * act
        width = chip.psum_bytes if self.spills else act
        self.load_stage = Stage(chip.features, "loaded for the next tile", inputs if moves else None)
        sums = outputs * width if several and self.spills else None
        stored = outputs * width + made_mask
        self.sums_stage = Stage(chip.features, "partial sums for the next tile", sums)
        self.mask_stage = Stage(chip.features, "masks for the next tile", read_mask if several else None)
        self.store_stage = Stage(chip.features, "stored for the last tile", stored if several else None)

    def _close(self) -> None:
        for held in self.held:
            self._free(held)
        self.chip.features.release(sum(slot.capacity_bytes for slot in self.slots))
        for stage in (self.load_stage, self.sums_stage, self.mask_stage, self.store_stage):
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

    # Inputs

    def _most_channels(self) -> int:
        """Channels of all tensors of the largest input that is loaded at once."""
        found = [self._held_channels(At(k, c, 0)) for k in range(self.counts.k) for c in range(self.counts.c)]
        return max(sum(len(channels) for channels in some.values()) for some in found)

    def _held_channels(self, at: At) -> dict[str, Index]:
        """Channels of each tensor that are on chip together."""
        held: dict[str, Index] = dict.fromkeys(self.outside, indices([]))
        for operand in self.under_kernel:
            for name, channels in tensor_channels(self.network, operand, self.cuts.held(at.k, at.c, self.order)):
                held[name] = np.union1d(held[name], channels)
        return held

    def _new_area(self, visit: int) -> int:
        name, place = self.outside[0], self.visits[visit]
        return len(self.rows.tensors[name].new[place.row]) * len(self.cols.tensors[name].new[place.col])

    def _held_area(self, visit: int) -> int:
        """Words of one channel of the input that are held in a visit."""
        name, place = self.outside[0], self.visits[visit]
        rows, cols = self.rows.tensors[name], self.cols.tensors[name]
        lines = len(rows.lasting[place.row]) * len(cols.span)
        beside = len(cols.lasting[place.col]) + len(cols.passing[place.col])
        return lines + len(rows.passing[place.row]) * beside

    def _made_area(self, visit: int) -> int:
        rows, cols = self._made(visit)
        return len(rows) * len(cols)

    def _made(self, visit: int) -> tuple[Index, Index]:
        place = self.visits[visit]
        name = self.layer.name
        return self.rows.tensors[name].new[place.row], self.cols.tensors[name].new[place.col]

    def _fetch_order(self, places: list[At]) -> list[At]:
        """Where another input comes, in order."""
        letters = self.order.inputs
        return [at for i, at in enumerate(places) if not i or key(at, letters) != key(places[i - 1], letters)]

    def _load(self, at: At) -> dict[str, Block]:
        visit = self.visits[at.t]
        return {
            name: self.chip.dram.load(
                name,
                visit.images,
                channels,
                self.rows.tensors[name].new[visit.row],
                self.cols.tensors[name].new[visit.col],
            )
            for name, channels in self._held_channels(at).items()
        }

    def _inputs(self, fetched: list[At]) -> None:
        """Go on to the next input; with double buffers the one after it is on its way already."""
        if self.order.streams:
            if self.held:
                self._free(self.held.pop(0))
            while fetched and len(self.held) < self.chip.copies:
                at = fetched.pop(0)
                slot = self.slots[0]
                self.slots = [*self.slots[1:], slot]
                held = self._hold(at, slot)
                self._settle(held, at, self._load(at))
                self.held.append(held)
            return
        at = fetched.pop(0)
        first = not self.held
        if first or self._starts_anew(at):
            for held in self.held:
                self._free(held)
            self.held = [self._hold(at, self.slots[0] if self.slots else self.chip.features)]
        waits = self.load_stage.num_bytes is not None
        if waits and first:
            self._wait(self._load(at))
        blocks = self.load_stage.empty() if waits else self._load(at)
        self._settle(self.held[0], at, blocks)
        if waits and fetched:
            self._wait(self._load(fetched[0]))

    def _wait(self, blocks: dict[str, Block]) -> None:
        self.load_stage.fill(blocks, self.chip.act_bytes * sum(block.values.size for block in blocks.values()))

    def _starts_anew(self, at: At) -> bool:
        """Whether a sweep over the tiles of a share begins, or other channels come: nothing is kept across."""
        visit = self.visits[at.t]
        return visit.row == visit.col == 0

    def _hold(self, at: At, pool: Pool) -> dict[str, Held]:
        return {
            name: Held(
                pool,
                name,
                len(self.visits[at.t].images),
                channels,
                self.rows.tensors[name],
                self.cols.tensors[name],
                self.chip.act_bytes,
            )
            for name, channels in self._held_channels(at).items()
        }

    def _settle(self, held: dict[str, Held], at: At, blocks: dict[str, Block]) -> None:
        visit = self.visits[at.t]
        for one in held.values():
            one.leave_behind(visit.row, visit.col)
        for one in held.values():
            one.reach_out()
        for name, block in blocks.items():
            held[name].arrive()
            held[name].write(block)

    @staticmethod
    def _free(held: dict[str, Held]) -> None:
        for one in held.values():
            one.close()

    # Sums

    def _open_sums(self, at: At) -> None:
        """Make room for outputs; partial sums that were spilled come back."""
        visit, chip = self.visits[at.t], self.chip
        rows, cols = self._made(at.t)
        channels = self.cuts.outputs[at.k]
        width = chip.psum_bytes if self.in_sums else chip.act_bytes
        self.sums = Region(chip.features, self.layer.name, len(visit.images), channels, rows, cols, width)
        self.masks.open(visit.images, channels, rows, cols)
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
        blocks = [self._operand(operand, at, rows, cols) for operand in self.under_kernel]
        sums = sum_up(self.chip, blocks, chunk, words, sums, rows, cols, self.in_sums)
        self.sums.clear()
        if at.c < self.counts.c - 1:
            sums = wrap(sums, self.chip.study.precision.partial_sum)
            put(Block(chunk.outputs, rows, cols, sums), [self.sums], layer.name)
            return
        mask = self.masks.load(chunk.outputs, self.mask_stage)
        made = finished(self.chip, layer, sums, blocks, mask, rows, cols)
        put(Block(chunk.outputs, rows, cols, made[layer.name]), [self.sums], layer.name)
        if layer.mask_bits:
            self.masks.write(made[layer.name + MASK])

    def _read_sums(self, at: At) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        assert self.sums is not None
        region = self.sums
        return get(region.images, region.channels, region.rows, region.cols, [region], self.layer.name).values

    def _operand(self, operand: tuple[str, ...], at: At, rows: Index, cols: Index) -> Block:
        """Read what outputs touch of one operand, for a chunk of output and one of input channels."""
        under = [
            indices(touched(self.layer, range(made[0], made[-1] + 1), axis)) for axis, made in enumerate((rows, cols))
        ]
        needed = tensor_channels(self.network, operand, self.cuts.needed(at.k, at.c))
        held = self.held[0]
        return beside([held[name].read(channels, under[0], under[1]) for name, channels in needed if len(channels)])

    def _close_sums(self, at: At) -> None:
        """Store finished outputs, or partial sums that must travel."""
        assert self.sums is not None
        chip, visit, name = self.chip, self.visits[at.t], self.layer.name
        region, done = self.sums, at.c == self.counts.c - 1
        block = get(region.images, region.channels, region.rows, region.cols, [region], name)
        made = self.masks.made() if done else {}
        width = chip.act_bytes if done else chip.psum_bytes
        positions = len(visit.images) * len(block.rows) * len(block.cols)
        mask_bytes = positions * self.masks.made_bytes(region.channels) if done else 0
        self.store_stage.fill({name: block} | made, block.values.size * width + mask_bytes)
        if done:
            stored = (self.rows.tensors[name].stored[visit.row], self.cols.tensors[name].stored[visit.col])
            if not (np.array_equal(stored[0], block.rows) and np.array_equal(stored[1], block.cols)):
                raise ExecutionError(f"{name} alone makes what it does not store")
            for tensor, words in ({name: block} | made).items():
                chip.dram.store(tensor, visit.images, words)
        else:
            chip.dram.store_sums(name, visit.images, block)
        self.store_stage.empty()
        region.free()
        self.masks.close()
        self.sums = None
