"""Eyeriss-like: a row-stationary array, after Chen et al. (ISCA 2016, JSSC 2017).

A PE convolves one filter row with one input row; a set of R' x e PEs makes e output rows; r sets, stacked
vertically, work on different input channels and t such stacks on different filters; a PE interleaves p filters and
q channels. Partial sums of several channel passes meet in the feature buffer (the chip's global buffer).
Filters loaded once serve all n images of a tile. Sets wider than the array are folded into strips of it, kernels
too tall for the array or too wide for a spad into several passes.

The best mapping is searched over all integers e, p, q, r, t (`costmodel.eyeriss_space`), unless the study
prescribes it. `costmodel.eyeriss_counts` says what a mapping costs.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from costmodel.array_base import ArrayBase, nests
from costmodel.eyeriss_counts import Counts, Fold, Mapping, Networks, ceil_div, count
from costmodel.eyeriss_least import least_rates
from costmodel.eyeriss_nest import Nest, Ranking, ranking
from costmodel.eyeriss_pins import Pinned, check_pins, pinned_letters
from costmodel.eyeriss_search import best_mapping, best_works
from costmodel.eyeriss_space import Limits
from costmodel.technology import mac_um2
from costmodel.template import Floats, Pins, Terms, Tile, Tiles, TileSizes, TileWork, TileWorks, is_channelwise
from costmodel.vector_work import Adders
from specs.network import Layer
from specs.study import Precision, Technology


@dataclass(frozen=True)
class EyerissShape(ArrayBase):
    """rows x cols PEs with their spads (words) and networks (bits per cycle)."""

    rows: int
    cols: int
    filter_spad_words: int = 224
    ifmap_spad_words: int = 12
    psum_spad_words: int = 24
    ifmap_bits_per_cycle: int = 16
    filter_bits_per_cycle: int = 64
    psum_bits_per_cycle: int = 64
    filter_chunk_words: int = 4096
    pins: Pins = ()

    @property
    def pes(self) -> int:
        return self.rows * self.cols

    @property
    def numbers(self) -> dict[str, int]:
        return {"rows": self.rows, "cols": self.cols}

    def area_um2(self, technology: Technology, precision: Precision) -> int:
        """MACs and spads of all PEs."""
        spad_bits = (
            self.filter_spad_words * precision.weight
            + self.ifmap_spad_words * precision.activation
            + self.psum_spad_words * precision.partial_sum
        )
        mac = mac_um2(technology, max(precision.activation, precision.weight), precision.floating)
        return round(self.pes * (mac + spad_bits * technology.spad_um2_per_bit))

    @property
    def adders(self) -> Adders:
        """Those of the PEs; operands come over the partial-sum network, constants and sums over the filters'."""
        return Adders(self.pes, self.psum_bits_per_cycle, self.filter_bits_per_cycle)

    def adders_mapping(self) -> dict[str, int | str]:
        return {"pes": self.pes}

    def nest_accumulates(self, layer: Layer) -> bool:
        return not is_channelwise(layer) or self.folded_kernel(layer).passes > 1

    def nest_chunk_words(self, layer: Layer, channels: int, input_channels: int) -> int:
        """The filters of one processing pass."""
        words = channels * (input_channels * layer.R * layer.S + int(layer.bias))
        return min(words, self.filter_chunk_words)

    def folded_kernel(self, layer: Layer) -> Fold:
        """Cut a kernel so that one filter of a pass fits the array, the spads and the weight buffer's chunk."""
        widest = min(self.ifmap_spad_words, self.filter_spad_words, self.filter_chunk_words)
        col_folds = ceil_div(layer.S, widest)
        tallest = min(self.rows, max(1, self.filter_chunk_words // ceil_div(layer.S, col_folds)))
        row_folds = ceil_div(layer.R, tallest)
        return Fold(ceil_div(layer.R, row_folds), ceil_div(layer.S, col_folds), row_folds * col_folds)

    def limits(self, layer: Layer) -> Limits:
        fold = self.folded_kernel(layer)
        return Limits(
            self.rows // fold.rows,
            self.cols,
            fold.rows,
            fold.cols,
            self.filter_spad_words,
            self.ifmap_spad_words,
            self.psum_spad_words,
            self.filter_chunk_words,
        )

    @property
    def networks(self) -> Networks:
        return Networks(self.ifmap_bits_per_cycle, self.filter_bits_per_cycle, self.psum_bits_per_cycle)

    def nest_work(self, layer: Layer, tile: Tile, terms: Terms) -> TileWork:
        if 0 in (tile.images, tile.channels, tile.rows, tile.cols):
            return TileWork(0, 0, 0, 0, 0, 0, 0)
        return _nest(self, layer).work_of(self.counts(layer, tile, terms), ranking(terms))

    def nest_works(self, layer: Layer, tiles: Tiles, terms: Sequence[Terms]) -> list[TileWorks]:
        return best_works(_nest(self, layer), tiles, ranking(terms[0]), [one.prefer for one in terms])

    def nest_least_rates(self, layer: Layer, sizes: TileSizes, prices: Floats, terms: Sequence[Terms]) -> Floats:
        nest = _nest(self, layer)
        if nest.pinned != Pinned():
            return super().nest_least_rates(layer, sizes, prices, terms)
        return least_rates(nest, sizes, prices, ranking(terms[0]))

    def search_key(self, layer: Layer) -> Hashable:
        """What of the array the mappings of a layer see; of a layer on the adders all."""
        return tuple(_unchecked(self, nest) for nest in nests(layer)) if layer.on_array else self

    def best_mapping(self, layer: Layer, tile: Tile, terms: Terms) -> Mapping:
        """Find the mapping of a tile that is not empty, of a layer on the array.

        Raises
        ------
        MappingError
            If the study prescribes one for this layer that does not fit the array.
        """
        return _best_mapping(self, layer, tile, ranking(terms))

    def counts(self, layer: Layer, tile: Tile, terms: Terms) -> Counts:
        """Count cycles and words of a tile that is not empty, of a layer on the array."""
        return count(layer, tile, self.folded_kernel(layer), self.best_mapping(layer, tile, terms))

    def active_pes(self, layer: Layer, tile: Tile, terms: Terms) -> int:
        """PEs that a full pass keeps busy: r*t sets of R' x e."""
        if not layer.on_array or 0 in tile:
            return self.pes if 0 not in tile else 0
        m = self.best_mapping(layer, tile, terms)
        return self.folded_kernel(layer).rows * m.e * m.r * m.t

    def nest_mapping(self, layer: Layer, tile: Tile, terms: Terms) -> dict[str, int | str]:
        if 0 in tile:
            return self.adders_mapping()
        m = self.best_mapping(layer, tile, terms)
        return {"m": m.m, "n": m.n, "e": m.e, "p": m.p, "q": m.q, "r": m.r, "t": m.t}


@lru_cache(maxsize=4096)
def _unchecked(shape: EyerissShape, layer: Layer) -> Nest:
    pinned = pinned_letters(shape.pins, layer.name)
    return Nest(layer, shape.folded_kernel(layer), shape.limits(layer), shape.networks, pinned)


@lru_cache(maxsize=4096)
def _nest(shape: EyerissShape, layer: Layer) -> Nest:
    nest = _unchecked(shape, layer)
    check_pins(nest.pinned, nest.limits, is_channelwise(layer), layer.name)
    return nest


@lru_cache(maxsize=1 << 16)
def _best_mapping(shape: EyerissShape, layer: Layer, tile: Tile, rank: Ranking) -> Mapping:
    return best_mapping(_nest(shape, layer), tile, rank)


def array_shape(numbers: dict[str, int], pins: Pins) -> EyerissShape:
    """Make one array of the numbers that specs/templates/eyeriss.yaml names."""
    return EyerissShape(**numbers, pins=pins)
