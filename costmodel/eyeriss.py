"""Eyeriss-like: a row-stationary array, after Chen et al. (ISCA 2016, JSSC 2017).

A PE convolves one filter row with one input row; a set of R' x e PEs makes e output rows; r sets, stacked
vertically, work on different input channels and t sets on different filters; a PE interleaves p filters and
q channels. Partial sums of several channel passes meet in the feature buffer (the chip's global buffer).

Per layer and tile the fastest mapping is taken over every useful set width e = ceil(rows/n) and every r that
is a power of two or fills the array; t is then as large as the array allows, q and p as large as the spads
allow and no larger than an even share needs. Ties go to the wider set, then to the smaller r.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from costmodel.eyeriss_search import best_mappings
from costmodel.technology import add_fj, mac_fj, mac_um2
from costmodel.template import Ints, Pins, Terms, Tile, Tiles, TileWork, TileWorks, is_channelwise, loop_bounds, vector_ops_per_output
from specs.network import Layer
from specs.study import Precision, Technology


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


@dataclass(frozen=True)
class Mapping:
    """One row-stationary mapping and what a processing pass of it moves.

    Attributes
    ----------
    e, p, q, r, t
        The paper's letters (see the module's text).
    passes
        Processing passes per strip of e output rows and group.
    psum_passes
        Passes whose partial sums of one output meet in the feature buffer.
    mac_cycles_per_col, psum_words_per_col
        Of one pass, per output column.
    ifmap_rows_words, kernel_cols
        Input words of one pass per input column, and the columns S' of the kernel handled in a pass.
    filter_words
        Filter words loaded before one pass.
    psum_hops
        Moves between neighbouring PEs per output and accumulation pass.
    """

    e: int
    p: int
    q: int
    r: int
    t: int
    passes: int
    psum_passes: int
    mac_cycles_per_col: int
    psum_words_per_col: int
    ifmap_rows_words: int
    kernel_cols: int
    filter_words: int
    psum_hops: int


@dataclass(frozen=True)
class EyerissShape:
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
        mac = mac_um2(technology, max(precision.activation, precision.weight))
        return round(self.pes * (mac + spad_bits * technology.spad_um2_per_bit))

    def accumulates_in_buffer(self, layer: Layer) -> bool:
        return not is_channelwise(layer)

    def weight_chunk_words(self, layer: Layer, channels: int, input_channels: int) -> int:
        """The filters of one processing pass."""
        words = channels * (input_channels * layer.R * layer.S + int(layer.bias))
        return min(words, self.filter_chunk_words)

    def folded_kernel(self, layer: Layer) -> tuple[int, int, int]:
        """Kernel rows and columns handled in one pass, and the passes it takes to cover the whole kernel."""
        # A pass needs room for one filter: in the spads, and for its words in the weight buffer's chunk.
        widest = min(self.ifmap_spad_words, self.filter_spad_words, self.filter_chunk_words)
        col_folds = _ceil(layer.S, widest)
        tallest = min(self.rows, max(1, self.filter_chunk_words // _ceil(layer.S, col_folds)))
        row_folds = _ceil(layer.R, tallest)
        return _ceil(layer.R, row_folds), _ceil(layer.S, col_folds), row_folds * col_folds

    def _sets(self, e: int, kernel_rows: int) -> int:
        """How many sets of kernel_rows x e PEs fit; a set wider than the array is folded into strips."""
        slots = self.rows // kernel_rows
        return slots * (self.cols // e) if e <= self.cols else slots // _ceil(e, self.cols)

    def mappings(self, layer: Layer, channels: int, e: int) -> Iterator[Mapping]:
        """Every mapping of set width ``e`` in the searched space, in order of preference at equal speed."""
        groups, K, C = loop_bounds(layer, channels)
        kernel_rows, kernel_cols, folds = self.folded_kernel(layer)
        sets = self._sets(e, kernel_rows)
        window_rows = (e - 1) * layer.stride[0] + layer.dilation[0] * (kernel_rows - 1) + 1
        depthwise = K == 1 and C == 1
        most_r = sets if depthwise else min(sets, self.rows // kernel_rows)
        channels_to_split = groups if depthwise else C
        q_spad = min(self.ifmap_spad_words, self.filter_spad_words) // kernel_cols
        q_most = max(1, min(q_spad, channels_to_split, self.filter_chunk_words // (kernel_rows * kernel_cols)))
        if depthwise:
            q_most = min(q_most, self.psum_spad_words)
        for r in sorted({2**i for i in range(most_r.bit_length())} | {most_r}):
            channel_passes = _ceil(channels_to_split, q_most * r)
            q = _ceil(channels_to_split, channel_passes * r)
            words_per_filter = q * r * kernel_rows * kernel_cols
            if words_per_filter > self.filter_chunk_words and r > 1:
                continue
            if depthwise:
                p = t = filter_passes = 1
                interleaved = q * r
            else:
                t = max(1, min(sets // r, K, self.filter_chunk_words // words_per_filter))
                p_most = max(
                    1,
                    min(
                        self.psum_spad_words,
                        self.filter_spad_words // (q * kernel_cols),
                        K,
                        self.filter_chunk_words // (t * words_per_filter),
                    ),
                )
                filter_passes = _ceil(K, p_most * t)
                p = _ceil(K, filter_passes * t)
                interleaved = p * t
            yield Mapping(
                e=e,
                p=p,
                q=q,
                r=r,
                t=t,
                passes=filter_passes * channel_passes * folds,
                psum_passes=folds if depthwise else channel_passes * folds,
                mac_cycles_per_col=p * q * kernel_cols,
                psum_words_per_col=interleaved * e,
                ifmap_rows_words=q * r * window_rows,
                kernel_cols=kernel_cols,
                filter_words=p * t * words_per_filter,
                psum_hops=kernel_rows * (1 if depthwise else r) - 1,
            )

    def pass_cycles(self, layer: Layer, mapping: Mapping, cols: int, precision: Precision) -> int:
        """Cycles of one pass: filters first, then the slowest of MACs, partial sums and inputs."""
        m = mapping
        window_cols = (cols - 1) * layer.stride[1] + layer.dilation[1] * (m.kernel_cols - 1) + 1
        compute = m.mac_cycles_per_col * cols
        psums = _ceil(m.psum_words_per_col * cols * precision.partial_sum, self.psum_bits_per_cycle)
        inputs = _ceil(m.ifmap_rows_words * window_cols * precision.activation, self.ifmap_bits_per_cycle)
        filters = _ceil(m.filter_words * precision.weight, self.filter_bits_per_cycle)
        return filters + max(compute, psums, inputs)

    def best_mapping(
        self, layer: Layer, channels: int, rows: int, cols: int, precision: Precision
    ) -> tuple[int, Mapping]:
        """Fewest cycles of one group over one tile, and the mapping that reaches them."""
        kernel_rows, _, _ = self.folded_kernel(layer)
        widest = self.cols * (self.rows // kernel_rows)
        best: tuple[int, Mapping] | None = None
        for e in sorted({_ceil(rows, n) for n in range(1, rows + 1)}, reverse=True):
            if e > widest:
                continue
            for mapping in self.mappings(layer, channels, e):
                cycles = _ceil(rows, e) * mapping.passes * self.pass_cycles(layer, mapping, cols, precision)
                if best is None or cycles < best[0]:
                    best = cycles, mapping
        assert best is not None, "e = 1 always fits: a set of one column"
        return best

    def _array_prices(self, technology: Technology, precision: Precision) -> ArrayPrices:
        """Energies inside the array, in fJ; a MAC reads filter, ifmap and psum spads and writes the psum spad."""
        spad_bits = precision.weight + precision.activation + 2 * precision.partial_sum
        return ArrayPrices(
            mac_fj=mac_fj(technology, max(precision.activation, precision.weight))
            + round(1000 * technology.spad_pj_per_bit * spad_bits),
            psum_hop_fj=round(1000 * technology.hop_pj_per_bit * precision.partial_sum),
            ifmap_hop_fj=round(1000 * technology.hop_pj_per_bit * precision.activation),
            filter_hop_fj=round(1000 * technology.hop_pj_per_bit * precision.weight),
        )

    def tile_works(self, layer: Layer, tiles: Tiles, terms: Terms) -> TileWorks:
        images, channels, inputs, rows, cols = np.broadcast_arrays(*tiles)
        result = [np.zeros(images.shape, dtype=np.int64) for _ in range(5)]
        for c in np.unique(inputs):
            some = inputs == c
            part = self._one(layer, int(c), channels[some], rows[some], cols[some], terms.technology, terms.precision)
            for into, values in zip(result, part):
                into[some] = values * images[some]
        return TileWorks(*result)

    def tile_work(self, layer: Layer, tile: Tile, terms: Terms) -> TileWork:
        works = self.tile_works(layer, Tiles(*(np.array([x]) for x in tile)), terms)
        c, a, fr, fw, wr = (int(x[0]) for x in works)
        return TileWork(c, a, 0, 0, fr, fw, wr)

    def mapping(self, layer: Layer, tile: Tile, terms: Terms) -> dict[str, int | str]:
        return {}

    def _one(self, layer, inputs, channels, rows, cols, technology, precision):
        outputs = channels * rows * cols
        act = precision.activation_bytes
        if not layer.has_weights:
            ops, words = vector_ops_per_output(layer)
            slowest = np.maximum(
                -(-outputs * ops // self.pes), -(-outputs * (words * precision.activation) // self.psum_bits_per_cycle)
            )
            ops_fj = outputs * (ops * add_fj(technology, precision.activation))
            return TileWorks(slowest, ops_fj, outputs * (words * act), outputs * act, np.zeros_like(outputs))
        # A tile with all output channels has all groups; a chunk of them lies in one.
        whole = (channels == layer.K) & (not is_channelwise(layer))
        groups = np.where(whole, layer.G, 1)
        best = best_mappings(self, layer, inputs, channels, rows, cols, precision)
        strips = -(-rows // np.maximum(best.e, 1))
        kernel = inputs * layer.R * layer.S
        macs = outputs * kernel
        window_cols = (cols - 1) * layer.stride[1] + layer.dilation[1] * (best.kernel_cols - 1) + 1
        ifmap_words = groups * strips * best.passes * best.ifmap_rows_words * window_cols
        weight_words = channels * (kernel * strips + int(layer.bias))
        psum_words = outputs * (best.psum_passes - 1)
        prices = self._array_prices(technology, precision)
        live = outputs > 0
        return TileWorks(
            np.where(live, groups * best.cycles, 0),
            np.where(
                live,
                macs * prices.mac_fj
                + outputs * best.psum_passes * best.psum_hops * prices.psum_hop_fj
                + ifmap_words * prices.ifmap_hop_fj
                + weight_words * prices.filter_hop_fj,
                0,
            ),
            np.where(live, ifmap_words * act + psum_words * precision.partial_sum_bytes, 0),
            np.where(live, psum_words * precision.partial_sum_bytes + outputs * act, 0),
            np.where(live, weight_words * precision.weight_bytes, 0),
        )


@dataclass(frozen=True)
class ArrayPrices:
    """Energy per MAC (with its spad accesses) and per word moved between PEs, in fJ."""

    mac_fj: int
    psum_hop_fj: int
    ifmap_hop_fj: int
    filter_hop_fj: int


def array_shape(numbers: dict[str, int], pins: Pins) -> EyerissShape:
    """Make one array of the numbers that specs/templates/eyeriss.yaml names."""
    return EyerissShape(**numbers, pins=pins)
