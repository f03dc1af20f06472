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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from costmodel.technology import add_fj, mac_fj, mac_um2
from costmodel.template import (
    Ints,
    Pins,
    Terms,
    Tile,
    Tiles,
    TileWork,
    TileWorks,
    is_channelwise,
    loop_bounds,
    vector_ops_per_output,
)
from specs.network import Layer
from specs.study import Precision, Technology

DATAFLOWS = ("weight-stationary", "output-stationary", "input-stationary")
"""In order of preference where cycles and energy are equal."""


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


class ArrayPrices(NamedTuple):
    """Energies inside the array, in fJ: a MAC, and one access to / one move of a word of each kind."""

    mac_fj: int
    pixel_spad_fj: int
    weight_spad_fj: int
    sum_spad_fj: int
    pixel_hop_fj: int
    weight_hop_fj: int
    sum_hop_fj: int


@dataclass(frozen=True)
class SystolicShape:
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

    def accumulates_in_buffer(self, layer: Layer) -> bool:
        """Whether a dataflow that the layer may run with brings sums back for another fold of W."""
        window = (layer.C // layer.G) * layer.R * layer.S
        return layer.has_weights and window > self.rows and self._dataflows(layer) != ("output-stationary",)

    def weight_chunk_words(self, layer: Layer, channels: int, input_channels: int) -> int:
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

    def mapping(self, layer: Layer, tile: Tile, terms: Terms) -> dict[str, int | str]:
        if not layer.has_weights:
            return {"vector_lanes": self.cols}
        return {"dataflow": self._best(layer, tile, terms)[0]}

    def tile_work(self, layer: Layer, tile: Tile, terms: Terms) -> TileWork:
        if not layer.has_weights:
            return self._vector_work(layer, tile, terms)
        return self._best(layer, tile, terms)[1]

    def _best(self, layer: Layer, tile: Tile, terms: Terms) -> tuple[str, TileWork]:
        works = [(dataflow, self._work(layer, tile, dataflow, terms)) for dataflow in self._dataflows(layer)]

        def rank(entry: tuple[str, TileWork]) -> tuple[int, int]:
            work = entry[1]
            energy = (
                work.array_fj
                + (work.feature_read_bytes + work.feature_write_bytes) * terms.feature_fj_per_byte
                + work.weight_read_bytes * terms.weight_fj_per_byte
                + work.cycles * terms.leakage_fj_per_cycle
            )
            return (work.cycles, energy) if terms.prefer == "fastest" else (energy, work.cycles)

        return min(works, key=rank)

    def _work(self, layer: Layer, tile: Tile, dataflow: str, terms: Terms) -> TileWork:
        precision, prices = terms.precision, self._prices(terms)
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

    def _prices(self, terms: Terms) -> ArrayPrices:
        technology, precision = terms.technology, terms.precision
        spad, hop = 1000 * technology.spad_pj_per_bit, 1000 * technology.hop_pj_per_bit
        return ArrayPrices(
            mac_fj(technology, max(precision.activation, precision.weight), precision.floating),
            *(round(spad * bits) for bits in (precision.activation, precision.weight, precision.partial_sum)),
            *(round(hop * bits) for bits in (precision.activation, precision.weight, precision.partial_sum)),
        )

    def _vector_work(self, layer: Layer, tile: Tile, terms: Terms) -> TileWork:
        """Pools and additions: one operation per cycle in each of ``cols`` lanes below the array [R]."""
        ops, words = vector_ops_per_output(layer)
        outputs = tile.images * tile.channels * tile.rows * tile.cols
        act = terms.precision.activation_bytes
        return TileWork(
            cycles=_ceil(outputs * ops, self.cols),
            mac_fj=outputs * ops * add_fj(terms.technology, terms.precision.activation, terms.precision.floating),
            spad_fj=0,
            network_fj=0,
            feature_read_bytes=outputs * words * act,
            feature_write_bytes=outputs * act,
            weight_read_bytes=0,
        )

    def tile_works(self, layer: Layer, tiles: Tiles, terms: Terms) -> TileWorks:
        act = terms.precision.activation_bytes
        M = tiles.images * tiles.rows * tiles.cols
        if not layer.has_weights:
            ops, words = vector_ops_per_output(layer)
            outputs = tiles.channels * M
            ops_fj = outputs * (ops * add_fj(terms.technology, terms.precision.activation, terms.precision.floating))
            return TileWorks(
                -(-outputs * ops // self.cols),
                ops_fj,
                outputs * (words * act),
                outputs * act,
                np.zeros_like(outputs),
                np.zeros_like(outputs),
            )
        if is_channelwise(layer):
            groups, N, C = tiles.channels, np.ones_like(M), np.ones_like(M)
        else:
            whole = tiles.channels == layer.K
            groups, C = np.where(whole, layer.G, 1), tiles.input_channels
            N = np.where(whole, layer.K // layer.G, tiles.channels)
        W, live = C * (layer.R * layer.S), M > 0
        works = [self._works(dataflow, groups, M, N, W, layer, terms) for dataflow in self._dataflows(layer)]
        cycles, array_fj, reads, writes, weights = (np.stack(column) for column in zip(*works, strict=True))
        energy = array_fj + (reads + writes) * terms.feature_fj_per_byte
        energy += weights * terms.weight_fj_per_byte + cycles * terms.leakage_fj_per_cycle
        first, then = (cycles, energy) if terms.prefer == "fastest" else (energy, cycles)
        # The first dataflow among those that tie: argmin takes the first, as min() does.
        tied = first == first.min(axis=0)
        best = np.where(tied, then, np.iinfo(np.int64).max).argmin(axis=0)[None]
        columns = (cycles, array_fj, reads, writes, weights, np.zeros_like(cycles))
        return TileWorks(*(np.where(live, np.take_along_axis(column, best, axis=0)[0], 0) for column in columns))

    def _works(
        self, dataflow: str, groups: Ints, M: Ints, N: Ints, W: Ints, layer: Layer, terms: Terms
    ) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """`_work` for many tiles: the same lines, arrays for numbers."""
        precision, prices = terms.precision, self._prices(terms)
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
        return (
            groups * folds * (2 * rows + cols + T - 2),
            macs * (prices.mac_fj + in_place + moves) + groups * placed * (rows + 1) // 2 * placed_hop_fj,
            groups * pixel_words * precision.activation_bytes + partial_bytes,
            partial_bytes + groups * M * N * precision.activation_bytes,
            groups * N * (W + int(layer.bias)) * weight_reads * precision.weight_bytes,
        )


def array_shape(numbers: Mapping[str, int], pins: Pins) -> SystolicShape:
    """Make one array of the numbers that specs/templates/systolic.yaml names."""
    return SystolicShape(**numbers, pins=pins)
