"""Systolic: ``rows`` x ``cols`` multipliers that pass operands to their neighbours, after SCALE-Sim.

A convolution is a matrix product (im2col): M output pixels (of all images of the tile) by N filters, each a dot
product of W = C*R*S words; groups run one after another. One operand stays in the array, the array's two sides
hold the dimensions Sr x Sc, the third streams past in T steps:

    dataflow            Sr  Sc  T   stays
    weight-stationary   W   N   M   a word of a filter per element
    input-stationary    W   M   N   a word of a pixel's window per element
    output-stationary   M   N   W   a partial sum per element

What does not fit is folded. A fold takes 2*rows + cols + T - 2 cycles: fill, stream, drain (Samajdar et al.,
ISPASS 2020, eq. 1-4), full or not. Buffer traffic per fold is what enters and leaves at the array's edges, as
SCALE-Sim counts it; sums over several folds of W come back from the feature buffer at partial-sum width [D].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.array_base import ArrayBase
from costmodel.preference import best_of, rank
from costmodel.systolic_gradient import gradient_amounts
from costmodel.systolic_prices import array_prices
from costmodel.technology import mac_um2
from costmodel.template import (
    Ints,
    Pins,
    Terms,
    Tile,
    Tiles,
    TileSizes,
    TileWork,
    TileWorks,
    is_channelwise,
    loop_bounds,
)
from costmodel.vector_work import Adders
from specs.network import Layer
from specs.study import Precision, Technology

DATAFLOWS = ("weight-stationary", "output-stationary", "input-stationary")
"""In order of preference where cycles and energy are equal."""


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


@dataclass(frozen=True)
class SystolicShape(ArrayBase):
    """rows x cols processing elements, each with a multiplier, and a register for every operand and the sum."""

    rows: int
    cols: int
    pins: Pins = ()

    @property
    def pes(self) -> int:
        return self.rows * self.cols

    @property
    def numbers(self) -> dict[str, int]:
        return {"rows": self.rows, "cols": self.cols}

    def area_um2(self, technology: Technology, precision: Precision) -> int:
        """MACs and three registers per element."""
        bits = precision.activation + precision.weight + precision.partial_sum
        mac = mac_um2(technology, max(precision.activation, precision.weight), precision.floating)
        return round(self.pes * (mac + bits * technology.spad_um2_per_bit))

    def _dataflows(self, layer: Layer) -> tuple[str, ...]:
        pinned = dict(dict(self.pins).get(layer.name, ())).get("dataflow")
        return DATAFLOWS if pinned is None else (str(pinned),)

    @property
    def adders(self) -> Adders:
        """One operation per cycle in each of ``cols`` lanes below the array [R]."""
        return Adders(self.cols)

    def adders_mapping(self) -> dict[str, int | str]:
        return {"vector_lanes": self.cols}

    def nest_accumulates(self, layer: Layer) -> bool:
        """Whether a dataflow that the layer may run with brings sums back for another fold of W."""
        window = (layer.C // layer.G) * layer.R * layer.S
        return window > self.rows and self._dataflows(layer) != ("output-stationary",)

    def nest_chunk_words(self, layer: Layer, channels: int, input_channels: int) -> int:
        """The most that a dataflow which the layer may run with reuses: it must stay until the tile's last pixel.

        Weight-stationary: the words of one fold. Input-stationary: ``rows`` words of every filter.
        Output-stationary: ``cols`` whole filters.
        """
        _, N, C = loop_bounds(layer, channels, input_channels)
        W, bias = C * layer.R * layer.S, int(layer.bias)
        words = {
            "weight-stationary": min(N, self.cols) * (min(W, self.rows) + bias),
            "input-stationary": N * (min(W, self.rows) + bias),
            "output-stationary": min(N, self.cols) * (W + bias),
        }
        return max(words[dataflow] for dataflow in self._dataflows(layer))

    def nest_mapping(self, layer: Layer, tile: Tile, terms: Terms) -> dict[str, int | str]:
        return {"dataflow": self._best(layer, tile, terms)[0]}

    def nest_work(self, layer: Layer, tile: Tile, terms: Terms) -> TileWork:
        return self._best(layer, tile, terms)[1]

    def _best(self, layer: Layer, tile: Tile, terms: Terms) -> tuple[str, TileWork]:
        price = self._gradient_work if layer.reduces else self._work
        works = [(dataflow, price(layer, tile, dataflow, terms)) for dataflow in self._dataflows(layer)]
        return min(works, key=lambda entry: rank(entry[1], terms))

    def _work(self, layer: Layer, tile: Tile, dataflow: str, terms: Terms) -> TileWork:
        precision, prices = terms.precision, array_prices(terms)
        groups, N, C = loop_bounds(layer, tile.channels, tile.input_channels)
        M, W = tile.images * tile.rows * tile.cols, C * layer.R * layer.S
        if M == 0:
            return TileWork(0, 0, 0, 0, 0, 0, 0)
        macs = groups * M * N * W
        window_folds = _ceil(W, self.rows)
        match dataflow:
            case "weight-stationary":
                folds, T = window_folds * _ceil(N, self.cols), M
                pixel_words, weight_words, bias_reads, sum_folds = M * W * _ceil(N, self.cols), N * W, 1, window_folds
                spad_fj = macs * prices.weight_spad_fj
                # A word moves past half the rows on its way in; pixels go right, sums go down.
                network_fj = groups * N * W * (self.rows + 1) // 2 * prices.weight_hop_fj
                network_fj += macs * (prices.pixel_hop_fj + prices.sum_hop_fj)
            case "input-stationary":
                folds, T = window_folds * _ceil(M, self.cols), N
                bias_reads = _ceil(M, self.cols)
                pixel_words, weight_words, sum_folds = M * W, N * W * bias_reads, window_folds
                spad_fj = macs * prices.pixel_spad_fj
                network_fj = groups * M * W * (self.rows + 1) // 2 * prices.pixel_hop_fj
                network_fj += macs * (prices.weight_hop_fj + prices.sum_hop_fj)
            case _:
                bias_reads = _ceil(M, self.rows)
                folds, T = bias_reads * _ceil(N, self.cols), W
                pixel_words, weight_words, sum_folds = M * W * _ceil(N, self.cols), N * W * bias_reads, 1
                spad_fj = macs * 2 * prices.sum_spad_fj
                network_fj = groups * M * N * (self.rows + 1) // 2 * prices.sum_hop_fj
                network_fj += macs * (prices.pixel_hop_fj + prices.weight_hop_fj)
        partial_bytes = groups * M * N * (sum_folds - 1) * precision.partial_sum_bytes
        bias_words = N * int(layer.bias) * bias_reads
        return TileWork(
            cycles=groups * folds * (2 * self.rows + self.cols + T - 2),
            mac_fj=macs * prices.mac_fj,
            spad_fj=spad_fj,
            network_fj=network_fj,
            feature_read_bytes=groups * pixel_words * precision.activation_bytes + partial_bytes,
            feature_write_bytes=partial_bytes + groups * M * N * precision.activation_bytes,
            weight_read_bytes=groups * (weight_words + bias_words) * precision.weight_bytes,
        )

    def _gradient_work(self, layer: Layer, tile: Tile, dataflow: str, terms: Terms) -> TileWork:
        groups, N, C = loop_bounds(layer, tile.channels, tile.input_channels)
        M = tile.images * tile.rows * tile.cols
        if M == 0:
            return TileWork(0, 0, 0, 0, 0, 0, 0)
        cycles, macs_fj, spad_fj, network_fj, read_bytes, sum_bytes = gradient_amounts(
            dataflow,
            self.rows,
            self.cols,
            groups,
            M,
            N,
            C * layer.R * layer.S,
            int(layer.bias),
            array_prices(terms),
            terms.precision,
        )
        return TileWork(cycles, macs_fj, spad_fj, network_fj, read_bytes, 0, sum_bytes, sum_bytes)

    def nest_works(self, layer: Layer, tiles: Tiles, terms: Sequence[Terms]) -> list[TileWorks]:
        M = tiles.images * tiles.rows * tiles.cols
        if is_channelwise(layer):
            groups, N, C = tiles.channels, np.ones_like(M), np.ones_like(M)
        else:
            whole = tiles.channels == layer.K
            groups, C = np.where(whole, layer.G, 1), tiles.input_channels
            N = np.where(whole, layer.K // layer.G, tiles.channels)
        price = self._gradient_works if layer.reduces else self._works
        W, live = C * (layer.R * layer.S), M > 0
        works = [price(dataflow, groups, M, N, W, layer, terms[0]) for dataflow in self._dataflows(layer)]
        best = [best_of(works, one) for one in terms]
        return [TileWorks(*(np.where(live, column, 0) for column in columns)) for columns in best]

    def nest_least_tiles(self, layer: Layer, sizes: TileSizes) -> Iterator[Tiles]:
        """Only the number of pixels matters."""
        pixels = np.unique(np.outer(np.arange(1, layer.P + 1), np.arange(1, layer.Q + 1)))
        yield sizes.tiles(np.unique(np.outer(sizes.images, pixels)), [1], [1])

    def _gradient_works(
        self, dataflow: str, groups: Ints, M: Ints, N: Ints, W: Ints, layer: Layer, terms: Terms
    ) -> TileWorks:
        cycles, macs_fj, spad_fj, network_fj, read_bytes, sum_bytes = gradient_amounts(
            dataflow, self.rows, self.cols, groups, M, N, W, int(layer.bias), array_prices(terms), terms.precision
        )
        energy = macs_fj + spad_fj + network_fj
        return TileWorks(cycles, energy, read_bytes, np.zeros_like(cycles), sum_bytes, sum_bytes)

    def _works(self, dataflow: str, groups: Ints, M: Ints, N: Ints, W: Ints, layer: Layer, terms: Terms) -> TileWorks:
        """`_work` for many tiles: the same lines, arrays for numbers."""
        precision, prices = terms.precision, array_prices(terms)
        macs, rows, cols = groups * M * N * W, self.rows, self.cols
        window_folds, filter_folds, one = -(-W // rows), -(-N // cols), np.ones_like(M)
        if dataflow == "weight-stationary":
            folds, T, weight_reads, sum_folds = window_folds * filter_folds, M, one, window_folds
            pixel_words, in_place = M * W * filter_folds, prices.weight_spad_fj
            placed, placed_hop_fj = N * W, prices.weight_hop_fj
            moves = prices.pixel_hop_fj + prices.sum_hop_fj
        elif dataflow == "input-stationary":
            weight_reads = -(-M // cols)
            folds, T, sum_folds = window_folds * weight_reads, N, window_folds
            pixel_words, in_place = M * W, prices.pixel_spad_fj
            placed, placed_hop_fj = M * W, prices.pixel_hop_fj
            moves = prices.weight_hop_fj + prices.sum_hop_fj
        else:
            weight_reads = -(-M // rows)
            folds, T, sum_folds = weight_reads * filter_folds, W, one
            pixel_words, in_place = M * W * filter_folds, 2 * prices.sum_spad_fj
            placed, placed_hop_fj = M * N, prices.sum_hop_fj
            moves = prices.pixel_hop_fj + prices.weight_hop_fj
        partial_bytes = groups * M * N * (sum_folds - 1) * precision.partial_sum_bytes
        return TileWorks(
            groups * folds * (2 * rows + cols + T - 2),
            macs * (prices.mac_fj + in_place + moves) + groups * placed * (rows + 1) // 2 * placed_hop_fj,
            groups * pixel_words * precision.activation_bytes + partial_bytes,
            partial_bytes + groups * M * N * precision.activation_bytes,
            groups * N * (W + int(layer.bias)) * weight_reads * precision.weight_bytes,
            np.zeros_like(macs),
        )


def array_shape(numbers: Mapping[str, int], pins: Pins) -> SystolicShape:
    """Make one array of the numbers that specs/templates/systolic.yaml names."""
    return SystolicShape(**numbers, pins=pins)
