"""What every accelerator template answers; one file per template implements it.

A template prices *the work of one layer over one tile* and nothing else: it knows its array, not DRAM,
not buffers' capacities, not fusion. Each answers twice, in plain integers (`tile_work`, read by
`evaluate`) and for whole arrays of tiles (`tile_works`, read by the candidate table).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from specs.network import Layer
from specs.study import AcceleratorSpec, Precision, Technology

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class TileWork:
    """Work of one layer over one tile: array cycles, energy inside the array (fJ), bytes at the buffers."""

    cycles: int
    array_fj: int
    feature_read_bytes: int
    feature_write_bytes: int
    weight_read_bytes: int


class TileWorks(NamedTuple):
    """The same for an array of tiles; every field has the shape of the tiles asked for."""

    cycles: Ints
    array_fj: Ints
    feature_read_bytes: Ints
    feature_write_bytes: Ints
    weight_read_bytes: Ints


class ArrayShape(Hashable, Protocol):
    """One array: hashable, printable, with its number of processing elements."""

    @property
    def pes(self) -> int: ...

    @property
    def numbers(self) -> dict[str, int]:
        """What a report prints beside the template's name."""
        ...

    def area_um2(self, technology: Technology, precision: Precision) -> int: ...

    def accumulates_in_buffer(self, layer: Layer) -> bool:
        """Whether the layer's output tile lives in the feature buffer as partial sums while it grows."""
        ...

    def weight_chunk_words(self, layer: Layer, channels: int, input_channels: int) -> int:
        """Weight words that must be on chip at once while weights stream through.

        ``channels`` output channels are being made, ``input_channels`` (of one group) at a time.
        """
        ...

    def channel_chunk(self, layer: Layer) -> int:
        """Input channels of one group that the array works on at once."""
        ...

    def spills_between_chunks(self) -> bool:
        """Whether streaming inputs in channel chunks adds partial-sum traffic at the feature buffer."""
        ...

    def tile_work(
        self, layer: Layer, channels: int, rows: int, cols: int, technology: Technology, precision: Precision
    ) -> TileWork:
        """Price ``channels`` output channels x ``rows`` x ``cols`` outputs of a layer."""
        ...

    def tile_works(
        self, layer: Layer, channels: Ints, rows: Ints, cols: Ints, technology: Technology, precision: Precision
    ) -> TileWorks:
        """Price many tiles at once; the three arrays have one common shape."""
        ...

    def mapping(self, layer: Layer, channels: int, rows: int, cols: int, precision: Precision) -> dict[str, int | str]:
        """Name the mapping that `tile_work` priced, for the report."""
        ...


def array_shapes(spec: AcceleratorSpec) -> Iterable[ArrayShape]:
    """Every array that an accelerator's listed numbers describe, in the order of the lists."""
    from costmodel.eyeriss import eyeriss_shapes
    from costmodel.vwa import vwa_shapes

    return vwa_shapes(spec) if spec.template == "vwa" else eyeriss_shapes(spec)


class LoopBounds(NamedTuple):
    """A layer restricted to some output channels, as ``groups`` independent convolutions."""

    groups: int
    K: int  # output channels of one group
    C: int  # input channels of one group


def is_channelwise(layer: Layer) -> bool:
    """Whether output channel k needs input channel k alone (depthwise convolutions, pools, additions)."""
    return not layer.has_weights or layer.G == layer.K == layer.C


def loop_bounds(layer: Layer, channels: int) -> LoopBounds:
    """Split ``channels`` output channels of a layer into groups.

    Fewer channels than the layer has must lie in one group (`costmodel.chunks` cuts them so), except
    in channelwise layers, where each channel is a group.
    """
    if is_channelwise(layer):
        return LoopBounds(channels, 1, 1)
    if channels == layer.K:
        return LoopBounds(layer.G, layer.K // layer.G, layer.C // layer.G)
    return LoopBounds(1, channels, layer.C // layer.G)


def vector_ops_per_output(layer: Layer) -> tuple[int, int]:
    """Operations and words read for one output of a layer without weights.

    A pool reads its window and compares or adds every element of it; an addition reads each operand.
    """
    if layer.op == "add":
        return len(layer.operands) - 1, len(layer.operands)
    return layer.R * layer.S, layer.R * layer.S
