"""A design: one accelerator with its numbers, and how the network runs on it. Plain values, no cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from costmodel.template import ArrayShape, Preference
from specs.study import Dram, Overlap

Order = Literal[
    "fused",
    "weight-stationary",
    "input-stationary",
    "output-stationary",
    "weight-stationary-spilling",
    "weight-input-stationary-spilling",
    "input-stationary-spilling",
]
ORDERS_ALONE: tuple[Order, ...] = (
    "weight-stationary",
    "input-stationary",
    "output-stationary",
    "weight-stationary-spilling",
    "weight-input-stationary-spilling",
    "input-stationary-spilling",
)
"""DRAM-level loop orders of a layer alone; in the spilling ones partial sums travel to DRAM and back."""

Start = Literal["at-once", "stepwise"]
STARTS: tuple[Start, ...] = ("at-once", "stepwise")


def period_fs(clock_hz: int) -> int:
    """Clock period in femtoseconds, rounded up (by less than 1e-6 of it below 1 GHz)."""
    return -(-(10**15) // clock_hz)


@dataclass(frozen=True)
class Hardware:
    """One point of the hardware space.

    With ``shared`` buffers, ``feature_bytes`` is the one scratchpad and ``weight_bytes`` is 0.
    """

    template: str
    array: ArrayShape
    clock_hz: int
    double_buffer: bool
    dram: Dram
    feature_bytes: int
    weight_bytes: int
    shared: bool = False
    skip_zeros: bool = False

    @property
    def period_fs(self) -> int:
        return period_fs(self.clock_hz)

    @property
    def sram_bytes(self) -> int:
        return self.feature_bytes + self.weight_bytes

    def dram_cycles(self, num_bytes: int) -> int:
        """Array cycles that DRAM needs to move ``num_bytes``, rounded up."""
        return -(-num_bytes * self.clock_hz // self.dram.bytes_per_s)


@dataclass(frozen=True)
class GroupDesign:
    """How one fusion group runs.

    Parameters
    ----------
    layers
        Names in topological order.
    tile_rows, tile_cols
        Tiles per image: every output of the group is cut into that many row and column parts.
    overlap
        What happens to the halos between tiles.
    resident
        Layers whose weights are loaded once and stay; the others' stream through for every tile.
    images
        Images of the batch that a tile holds at once; the last tiles may hold fewer.
    order, channel_splits, input_splits
        Of a layer alone: which operand stays on chip at DRAM level, in how many chunks the output channels are
        made, and in how many the input channels are summed. Groups of several layers are ``fused`` with one chunk.
    start
        Where halos are kept: whether the first tile is made at once, or in steps as small as the others.
    mapping
        By what the array's mapping of each tile is chosen.
    """

    layers: tuple[str, ...]
    tile_rows: int = 1
    tile_cols: int = 1
    overlap: Overlap = "recompute"
    resident: frozenset[str] = frozenset()
    order: Order = "fused"
    channel_splits: int = 1
    images: int = 1
    input_splits: int = 1
    start: Start = "at-once"
    mapping: Preference = "fastest"


@dataclass(frozen=True)
class Design:
    """Hardware and the fusion groups, in an order in which they can run."""

    hardware: Hardware
    groups: tuple[GroupDesign, ...]
