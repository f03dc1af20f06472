"""What a convolution alone holds and loads of its operands, in any loop order."""

from __future__ import annotations

import numpy as np

from costmodel.buffers import Block, Index, Pool, indices
from costmodel.design import GroupDesign
from costmodel.dram import pixel_bytes
from costmodel.execute_fused import beside
from costmodel.executed_chip import Chip
from costmodel.executed_orders import At, Cuts, Loops, key, tensor_channels
from costmodel.executed_steps import AxisSteps, operands_of, touched
from costmodel.executed_tiles import Held, Stage, Visit
from specs.network import Layer


class InputAlone:
    """The input of a layer alone: one tile of it, or chunks of channels that pass through.

    Where the input channels are cut, room for the largest visit's chunk is there all the time, so that a chunk can
    arrive while the outputs of the visit before are still there.
    """

    def __init__(
        self,
        chip: Chip,
        group: GroupDesign,
        cut: tuple[Cuts, Loops],
        steps: tuple[AxisSteps, AxisSteps],
        visits: list[Visit],
    ) -> None:
        self.chip, self.network, self.visits = chip, chip.study.network, visits
        self.cuts, self.order = cut
        self.layer: Layer = self.cuts.layer
        self.rows, self.cols = steps
        self.outside = tuple(dict.fromkeys(name for operand in self.layer.operands for name in operand))
        self.held: list[dict[str, Held]] = []
        self.slots: list[Pool] = []
        self.fetched: list[At] = []
        channels, places = group.images * self._most_channels(), range(len(visits))
        if len(self.cuts.inputs) > 1:
            slot = channels * max(self._held_area(n) for n in places) * chip.act_bytes
            copies = chip.copies if self.order.streams else 1
            self.slots = [Pool(f"{self.layer.name} input slot", slot) for _ in range(copies)]
            chip.features.reserve(copies * slot, "chunks of input channels")
        moves = chip.hardware.double_buffer and len(visits) > 1 and not self.order.streams
        inputs = group.images * max(self._new_bytes(at, n) for at in self._all_chunks() for n in places)
        self.load_stage = Stage(chip.features, "loaded for the next tile", inputs if moves else None)

    def plan(self, places: list[At]) -> None:
        """Note where another input comes, in order."""
        letters = self.order.inputs
        self.fetched = [at for i, at in enumerate(places) if not i or key(at, letters) != key(places[i - 1], letters)]

    def go_on(self) -> None:
        """Go on to the next input; with double buffers the one after it is on its way already."""
        if self.order.streams:
            if self.held:
                self._free(self.held.pop(0))
            while self.fetched and len(self.held) < self.chip.copies:
                at = self.fetched.pop(0)
                slot = self.slots[0]
                self.slots = [*self.slots[1:], slot]
                held = self._hold(at, slot)
                self._settle(held, at, self._load(at))
                self.held.append(held)
            return
        at = self.fetched.pop(0)
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
        if waits and self.fetched:
            self._wait(self._load(self.fetched[0]))

    def read(self, operand: tuple[str, ...], own: bool, at: At, rows: Index, cols: Index) -> Block:
        """Read what outputs touch of one operand, for a chunk of output and one of input channels."""
        made = enumerate((rows, cols))
        under = [indices(touched(self.layer, range(some[0], some[-1] + 1), axis, own)) for axis, some in made]
        channels = self.cuts.outputs[at.k] if own else self.cuts.needed(at.k, at.c)
        needed = tensor_channels(self.network, operand, channels)
        held = self.held[0]
        return beside([held[name].read(some, under[0], under[1]) for name, some in needed if len(some)])

    def close(self) -> None:
        for held in self.held:
            self._free(held)
        self.chip.features.release(sum(slot.capacity_bytes for slot in self.slots))
        self.load_stage.close()

    def _all_chunks(self) -> list[At]:
        return [At(k, c, 0) for k, c in np.ndindex(len(self.cuts.outputs), len(self.cuts.inputs))]

    def _most_channels(self) -> int:
        """Channels of all tensors of the largest input that is loaded at once."""
        found = [self._held_channels(at) for at in self._all_chunks()]
        return max(sum(len(channels) for channels in some.values()) for some in found)

    def _channels(self, operand: tuple[str, ...], own: bool, at: At) -> list[tuple[str, Index]]:
        """Channels of an operand that are on chip together; a mask's go with the outputs."""
        channels = self.cuts.held(at.k, at.c, self.order)
        if own:
            channels = self.cuts.outputs[at.k] if "k" in self.order.inputs else indices(range(self.layer.K))
        return tensor_channels(self.network, operand, channels)

    def _held_channels(self, at: At) -> dict[str, Index]:
        """Channels of each tensor that are on chip together."""
        held: dict[str, Index] = dict.fromkeys(self.outside, indices([]))
        for operand, own in operands_of(self.layer):
            for name, channels in self._channels(operand, own, at):
                held[name] = np.union1d(held[name], channels)
        return held

    def _new_bytes(self, at: At, visit: int) -> int:
        """Bytes of one image that are loaded for a visit."""
        place = self.visits[visit]
        return sum(
            pixel_bytes(self.network, self.chip.study.precision, name, len(channels))
            * len(self.rows.tensors[name].new[place.row])
            * len(self.cols.tensors[name].new[place.col])
            for name, channels in self._held_channels(at).items()
        )

    def _held_area(self, visit: int) -> int:
        """Words of one channel of the input that are held in a visit."""
        name, place = self.outside[0], self.visits[visit]
        rows, cols = self.rows.tensors[name], self.cols.tensors[name]
        lines = len(rows.lasting[place.row]) * len(cols.span)
        beside = len(cols.lasting[place.col]) + len(cols.passing[place.col])
        return lines + len(rows.passing[place.row]) * beside

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

    def _wait(self, blocks: dict[str, Block]) -> None:
        self.load_stage.fill(blocks, sum(self.chip.dram.num_bytes(name, block) for name, block in blocks.items()))

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
                self.network.tensors[name].bits,
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
