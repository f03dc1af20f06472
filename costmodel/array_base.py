"""What is the same for every template: which layers are on the array, on its adders, or several convolutions.

A template derives its array from `ArrayBase` and prices one loop nest: a convolution (also ``dgrad`` without
zeros put in) or, with the operands' roles exchanged, a weight gradient (``wgrad``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from costmodel.least_rates import least_of_tiles
from costmodel.template import Floats, Terms, Tile, Tiles, TileSizes, TileWork, TileWorks
from costmodel.transposed import (
    has_zeros,
    least_rates_by_phases,
    phases,
    with_zeros,
    work_by_phases,
    works_by_phases,
)
from costmodel.vector_work import (
    Adders,
    packed_bytes_read,
    packed_bytes_written,
    vector_least_rates,
    vector_work,
    vector_works,
)
from specs.network import Layer

FEATURE_READ, FEATURE_WRITE = (TileWorks._fields.index(f"feature_{way}_bytes") for way in ("read", "write"))


class ArrayBase(ABC):
    """Answers `costmodel.template.ArrayShape` for all layers, from what a template answers for one loop nest."""

    @property
    @abstractmethod
    def adders(self) -> Adders:
        """What computes layers that are not on the array."""

    @abstractmethod
    def nest_work(self, layer: Layer, tile: Tile, terms: Terms) -> TileWork:
        """`tile_work` of a convolution or weight gradient, without masks."""

    @abstractmethod
    def nest_works(self, layer: Layer, tiles: Tiles, terms: Sequence[Terms]) -> list[TileWorks]:
        """The same for many tiles, for each of some terms that differ in ``prefer`` alone."""

    @abstractmethod
    def nest_mapping(self, layer: Layer, tile: Tile, terms: Terms) -> dict[str, int | str]:
        """Name the mapping that `nest_work` priced."""

    @abstractmethod
    def nest_chunk_words(self, layer: Layer, channels: int, input_channels: int) -> int:
        """`weight_chunk_words` of a convolution; of a weight gradient, sums."""

    @abstractmethod
    def nest_accumulates(self, layer: Layer) -> bool:
        """`accumulates_in_buffer` of a convolution."""

    @abstractmethod
    def adders_mapping(self) -> dict[str, int | str]:
        """What a report says of a layer on the adders."""

    def accumulates_in_buffer(self, layer: Layer) -> bool:
        if not layer.on_array or layer.reduces:
            return False
        return any(self.nest_accumulates(nest) for nest in nests(layer))

    def weight_chunk_words(self, layer: Layer, channels: int, input_channels: int) -> int:
        """Of constants and sums of channels those of all ``channels``."""
        if not layer.on_array:
            return channels * layer.filter_words
        return max(self.nest_chunk_words(nest, channels, input_channels) for nest in nests(layer))

    def tile_work(self, layer: Layer, tile: Tile, terms: Terms) -> TileWork:
        if not layer.on_array:
            return vector_work(layer, tile, terms, self.adders)
        if not has_zeros(layer):
            work = self.nest_work(layer, tile, terms)
        elif terms.skip_zeros:
            act = terms.precision.activation_bytes
            work = work_by_phases(lambda nest, part: self.nest_work(nest, part, terms), layer, tile, act)
        else:
            work = self.nest_work(with_zeros(layer), tile, terms)
        positions = tile.images * tile.rows * tile.cols
        return replace(
            work,
            feature_read_bytes=work.feature_read_bytes + positions * packed_bytes_read(layer, tile.channels),
            feature_write_bytes=work.feature_write_bytes + positions * packed_bytes_written(layer, tile.channels),
        )

    def tile_works(self, layer: Layer, tiles: Tiles, terms: Terms) -> TileWorks:
        return self.tile_works_of_each(layer, tiles, [terms])[0]

    def tile_works_of_each(self, layer: Layer, tiles: Tiles, terms: Sequence[Terms]) -> list[TileWorks]:
        if not layer.on_array:
            return [vector_works(layer, tiles, terms[0], self.adders)] * len(terms)
        if not has_zeros(layer):
            found = self.nest_works(layer, tiles, terms)
        elif terms[0].skip_zeros:
            act = terms[0].precision.activation_bytes
            found = works_by_phases(lambda nest, part: self.nest_works(nest, part, terms), layer, tiles, act)
        else:
            found = self.nest_works(with_zeros(layer), tiles, terms)
        positions = tiles.images * tiles.rows * tiles.cols
        read = positions * packed_bytes_read(layer, tiles.channels)
        written = positions * packed_bytes_written(layer, tiles.channels)
        return [
            works._replace(
                feature_read_bytes=works.feature_read_bytes + read,
                feature_write_bytes=works.feature_write_bytes + written,
            )
            for works in found
        ]

    def least_rates(self, layer: Layer, sizes: TileSizes, prices: Floats, terms: Sequence[Terms]) -> Floats:
        if not layer.on_array:
            return vector_least_rates(layer, sizes, prices, terms[0], self.adders)
        if not has_zeros(layer):
            found = self.nest_least_rates(layer, sizes, prices, terms)
        elif terms[0].skip_zeros:
            output = sizes.channels * terms[0].precision.activation_bytes * prices[FEATURE_WRITE]
            found = least_rates_by_phases(lambda nest: self.nest_least_rates(nest, sizes, prices, terms), layer, output)
        else:
            found = self.nest_least_rates(with_zeros(layer), sizes, prices, terms)
        read, written = (packed(layer, sizes.channels) for packed in (packed_bytes_read, packed_bytes_written))
        least: Floats = found + read * prices[FEATURE_READ] + written * prices[FEATURE_WRITE]
        return least

    def nest_least_rates(self, layer: Layer, sizes: TileSizes, prices: Floats, terms: Sequence[Terms]) -> Floats:
        """`least_rates` of a convolution or weight gradient, without masks."""
        parts = [
            least_of_tiles(self.nest_works(layer, tiles, terms), tiles, prices)
            for tiles in self.nest_least_tiles(layer, sizes)
        ]
        least: Floats = np.min(parts, axis=0)
        return least

    def nest_least_tiles(self, layer: Layer, sizes: TileSizes) -> Iterator[Tiles]:
        """Tiles, some at a time, of which one has for any tile no more work per output position in any quantity."""
        for images in sizes.images:
            yield sizes._replace(images=(images,)).every(layer)

    def mapping(self, layer: Layer, tile: Tile, terms: Terms) -> dict[str, int | str]:
        """Where zeros are skipped, that of the phase with most taps."""
        if not layer.on_array:
            return self.adders_mapping()
        if not has_zeros(layer):
            return self.nest_mapping(layer, tile, terms)
        if not terms.skip_zeros:
            return self.nest_mapping(with_zeros(layer), tile, terms)
        part = tile._replace(rows=-(-tile.rows // layer.upsample[0]), cols=-(-tile.cols // layer.upsample[1]))
        return self.nest_mapping(phases(layer)[0][0], part, terms)


def nests(layer: Layer) -> tuple[Layer, ...]:
    """Every loop nest that a layer on the array may run as, whether zeros are skipped or not."""
    if not has_zeros(layer):
        return (layer,)
    return (with_zeros(layer), *(phase for phase, _ in phases(layer)))
