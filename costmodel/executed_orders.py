"""The DRAM-level loop orders of a layer alone, one line each, and how its channels are cut."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from costmodel.buffers import Index, indices
from costmodel.design import GroupDesign, Order
from specs.network import Layer, Network


class At(NamedTuple):
    """Where the loops are: chunk of output channels, chunk of input channels, tile visit."""

    k: int
    c: int
    t: int


@dataclass(frozen=True)
class Loops:
    """An order: its loops from the outside in, and which of them change what is on chip.

    Attributes
    ----------
    loops
        Letters of `At`.
    inputs
        The input on chip is another when one of these changes.
    weights
        Likewise the weights that stay; None if weights stream.
    sums
        Likewise the partial sums.
    streams
        Whether chunks of input channels pass through, several at a time with double buffers.
    """

    loops: str
    inputs: str
    weights: str | None
    sums: str
    streams: bool = False

    def parts(self, counts: At) -> int:
        """In how many parts results leave in one visit while the weights that stay are the same."""
        inner = self.sums.replace("t", "")
        fixed = self.weights or ""
        return math.prod(getattr(counts, letter) for letter in inner if letter not in fixed)


def loops_of(group: GroupDesign) -> Loops:
    cut = group.input_splits > 1
    orders: dict[Order, Loops] = {
        "weight-stationary": Loops("ktc", "ktc", "k", "kt", streams=cut),
        "input-stationary": Loops("tkc", "t", "" if group.resident else None, "tk"),
        "output-stationary": Loops("tkc", "tkc", None, "tk", streams=True),
        "weight-stationary-spilling": Loops("kct", "kct", "kc", "kct"),
        "weight-input-stationary-spilling": Loops("ctk", "ct", "c", "ctk"),
        "input-stationary-spilling": Loops("tck", "tc", None, "tck", streams=True),
    }
    return orders[group.order]


def walk(loops: str, counts: At) -> Iterator[At]:
    """Every place of three nested loops, in order."""
    for place in np.ndindex(*(getattr(counts, letter) for letter in loops)):
        yield At(**{letter: int(i) for letter, i in zip(loops, place, strict=True)})


def key(at: At, letters: str) -> tuple[int, ...]:
    return tuple(getattr(at, letter) for letter in letters)


@dataclass(frozen=True)
class Cuts:
    """Output channels of each chunk k; input channels, inside a group, of each chunk c."""

    layer: Layer
    outputs: list[Index]
    inputs: list[range]

    @property
    def separate(self) -> bool:
        """Whether an output channel needs that one input channel alone."""
        return not self.layer.has_weights or self.layer.G == self.layer.K == self.layer.C

    def groups(self, k: int) -> range:
        """Groups of the convolution that a chunk of output channels lies in."""
        share = self.layer.K // self.layer.G
        return range(int(self.outputs[k][0]) // share, int(self.outputs[k][-1]) // share + 1)

    def operand_channels(self, groups: range, c: int) -> Index:
        """Channels of each operand that some groups need for a chunk of input channels."""
        share = self.layer.C // self.layer.G
        return indices([g * share + i for g in groups for i in self.inputs[c]])

    def needed(self, k: int, c: int) -> Index:
        """Channels of each operand that a chunk of output channels needs."""
        return self.operand_channels(self.groups(k), c)

    def held(self, k: int, c: int, order: Loops) -> Index:
        """Channels of each operand that are on chip: of every chunk of output channels that they stay for."""
        if "k" in order.inputs:
            return self.needed(k, c)
        return self.operand_channels(range(self.layer.G), c)


def cuts_of(layer: Layer, group: GroupDesign) -> Cuts:
    """Cut a layer's channels: outputs inside each group, or anywhere if there is one group or each channel is one.

    Raises
    ------
    ValueError
        If the numbers of chunks are not what their sizes give.
    """
    whole = layer.G == 1 or group.channel_splits == 1 or not layer.has_weights or layer.G == layer.K == layer.C
    sections = 1 if whole else layer.G
    outputs = [
        indices(range(s * (layer.K // sections) + part[0], s * (layer.K // sections) + part[-1] + 1))
        for s in range(sections)
        for part in _parts(layer.K // sections, group.channel_splits // sections)
    ]
    return Cuts(layer, outputs, _parts(layer.C // layer.G, group.input_splits))


def _parts(channels: int, number: int) -> list[range]:
    size = -(-channels // max(1, number))
    parts = [range(first, min(channels, first + size)) for first in range(0, channels, size)]
    if len(parts) != number:
        raise ValueError(f"{channels} channels cannot be cut into {number} chunks")
    return parts


def tensor_channels(network: Network, operand: tuple[str, ...], channels: Index) -> list[tuple[str, Index]]:
    """Which channels of which tensor some channels of an operand are."""
    found = []
    first = 0
    for name in operand:
        last = first + network.tensors[name].channels
        found.append((name, channels[(channels >= first) & (channels < last)] - first))
        first = last
    return found
