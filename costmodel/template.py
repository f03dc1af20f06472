"""What every accelerator template answers; one file per template implements it.

A template prices *the work of one layer over one tile* and nothing else: it knows its array, not DRAM,
not buffers' capacities, not fusion. Each answers twice, in plain integers (`tile_work`, read by
`evaluate`) and for whole arrays of tiles (`tile_works`, read by the candidate table).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from specs.network import Layer
from specs.study import AcceleratorSpec, Precision, Technology

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Pins = tuple[tuple[str, tuple[tuple[str, int | str], ...]], ...]
"""Mappings that a study prescribes: pairs (layer name, pairs (letter of the template, value))."""


Preference = Literal["fastest", "frugal"]
PREFERENCES: tuple[Preference, ...] = ("fastest", "frugal")


@dataclass(frozen=True)
class Terms:
    """What work is priced with, and by what one mapping is preferred to another.

    Attributes
    ----------
    prefer
        ``fastest``: fewest cycles, then least energy. ``frugal``: least energy, then fewest cycles. Energy here is
        that of the array plus the buffers' at the two prices below plus leakage.
    feature_fj_per_byte, weight_fj_per_byte, leakage_fj_per_cycle
        Prices at one buffer size for all (`costmodel.hardware.RANKED_AT_BYTES`): they rank mappings, enter no cost.
    skip_zeros
        Whether the zeros of an upsampled input take no time and no energy.
    """

    technology: Technology
    precision: Precision
    prefer: Preference = "fastest"
    feature_fj_per_byte: int = 0
    weight_fj_per_byte: int = 0
    leakage_fj_per_cycle: int = 0
    skip_zeros: bool = False


class MappingError(ValueError):
    """A mapping that a study prescribes does not fit the array."""


class Tile(NamedTuple):
    """The part of a layer that the array makes in one go.

    ``channels`` output channels, ``input_channels`` of each group summed (a part of C/G while the input streams
    through in chunks), ``rows`` x ``cols`` outputs of each of ``images`` images.
    """

    images: int
    channels: int
    input_channels: int
    rows: int
    cols: int


class Tiles(NamedTuple):
    """The same for many tiles; the arrays have one common shape."""

    images: Ints
    channels: Ints
    input_channels: Ints
    rows: Ints
    cols: Ints


class TileSizes(NamedTuple):
    """Tiles of a layer: some number of images each, all of some channels, any rows up to P and columns up to Q."""

    images: tuple[int, ...]
    channels: int
    input_channels: int

    def tiles(self, images: Sequence[int] | Ints, rows: Sequence[int] | Ints, cols: Sequence[int] | Ints) -> Tiles:
        """All combinations."""
        n, h, w = (np.ravel(one) for one in np.meshgrid(images, rows, cols, indexing="ij"))
        return Tiles(n, np.full_like(n, self.channels), np.full_like(n, self.input_channels), h, w)

    def every(self, layer: Layer) -> Tiles:
        """Every tile that there is."""
        return self.tiles(self.images, np.arange(1, layer.P + 1), np.arange(1, layer.Q + 1))


@dataclass(frozen=True)
class TileWork:
    """Work of one layer over one tile: array cycles, energy inside the array (fJ), bytes at the buffers.

    Only reductions write to the weight buffer: their sums, each time they come back from the array.
    """

    cycles: int
    mac_fj: int
    spad_fj: int
    network_fj: int
    feature_read_bytes: int
    feature_write_bytes: int
    weight_read_bytes: int
    weight_write_bytes: int = 0

    @property
    def array_fj(self) -> int:
        return self.mac_fj + self.spad_fj + self.network_fj


class TileWorks(NamedTuple):
    """The same for an array of tiles; every field has the shape of the tiles asked for."""

    cycles: Ints
    array_fj: Ints
    feature_read_bytes: Ints
    feature_write_bytes: Ints
    weight_read_bytes: Ints
    weight_write_bytes: Ints


class ArrayShape(Hashable, Protocol):
    """One array: hashable, printable, with its number of processing elements."""

    @property
    def pes(self) -> int: ...

    @property
    def numbers(self) -> dict[str, int]:
        """What a report prints beside the template's name."""
        ...

    @property
    def pins(self) -> Pins:
        """Mappings that the study prescribes, by layer name; other layers are mapped freely."""
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

    def tile_work(self, layer: Layer, tile: Tile, terms: Terms) -> TileWork:
        """Price one tile of a layer.

        Weights and inputs come from the buffers, outputs go there. A tile that sums a part of the input channels
        is priced as if it were the whole: what partial sums cost between such parts is added by the caller.
        """
        ...

    def tile_works(self, layer: Layer, tiles: Tiles, terms: Terms) -> TileWorks:
        """Price many tiles at once."""
        ...

    def least_rates(self, layer: Layer, sizes: TileSizes, prices: Floats, terms: Sequence[Terms]) -> Floats:
        """Return what no tile undercuts per output position, at each of several prices: (price,).

        Parameters
        ----------
        prices : (quantity, price)
            Of the quantities of `TileWorks`; not negative.
        terms
            Any of them may have chosen the tile's mapping; they differ in ``prefer`` alone.
        """
        ...

    def mapping(self, layer: Layer, tile: Tile, terms: Terms) -> dict[str, int | str]:
        """Name the mapping that `tile_work` priced, for the report."""
        ...


@runtime_checkable
class SearchesTogether(Protocol):
    """An array that finds the best mappings for several preferences at less than the cost of as many searches."""

    def tile_works_of_each(self, layer: Layer, tiles: Tiles, terms: Sequence[Terms]) -> list[TileWorks]:
        """`ArrayShape.tile_works` for each of some terms that differ in ``prefer`` alone."""
        ...

    def search_key(self, layer: Layer) -> Hashable:
        """Arrays with equal keys have equal works of the layer."""
        ...


def tile_works(
    arrays: Sequence[ArrayShape], layer: Layer, tiles: Tiles, terms: Sequence[Terms]
) -> list[list[TileWorks]]:
    """Price many tiles at once on each array, for each of some terms that differ in ``prefer`` alone."""
    known: dict[Hashable, list[TileWorks]] = {}
    found = []
    for array in arrays:
        if isinstance(array, SearchesTogether):
            key = array.search_key(layer)
            if key not in known:
                known[key] = array.tile_works_of_each(layer, tiles, terms)
            found.append(known[key])
        else:
            found.append([array.tile_works(layer, tiles, one) for one in terms])
    return found


class TemplateError(ImportError):
    """A template that is described in specs/templates but that no module of the cost model prices."""


def array_shapes(spec: AcceleratorSpec) -> Iterator[ArrayShape]:
    """Every array that an accelerator's listed numbers describe, in the order of the lists.

    ``costmodel.<template>`` makes them with its function ``array_shape(numbers, pins)``.

    Raises
    ------
    TemplateError
        If there is no such module, or it has no such function.
    """
    name = f"costmodel.{spec.template}"
    try:
        make: Callable[[Mapping[str, int], Pins], ArrayShape] = import_module(name).array_shape
    except (ModuleNotFoundError, AttributeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name != name:
            raise
        message = f"template {spec.template} cannot be priced: there is no array_shape in costmodel/{spec.template}.py"
        raise TemplateError(message) from error
    for numbers in spec.combinations():
        yield make(numbers, spec.mapping)


class LoopBounds(NamedTuple):
    """A layer restricted to some output channels, as ``groups`` independent convolutions."""

    groups: int
    K: int  # output channels of one group
    C: int  # input channels of one group


def is_channelwise(layer: Layer) -> bool:
    """Whether output channel k needs input channel k alone (depthwise convolutions, all that is not on the array)."""
    return not layer.on_array or layer.G == layer.K == layer.C


def loop_bounds(layer: Layer, channels: int, input_channels: int) -> LoopBounds:
    """Split ``channels`` output channels of a layer into groups.

    Fewer channels than the layer has must lie in one group (`costmodel.chunks` cuts them so), except
    in channelwise layers, where each channel is a group. ``input_channels`` are those of one group.
    """
    if is_channelwise(layer):
        return LoopBounds(channels, 1, 1)
    if channels == layer.K:
        return LoopBounds(layer.G, layer.K // layer.G, input_channels)
    return LoopBounds(1, channels, input_channels)
