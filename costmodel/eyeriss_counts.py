"""What one row-stationary mapping of a tile counts: cycles, words at every level of the array, and their energy."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.technology import add_fj, mac_fj
from costmodel.template import Tile, TileWork, is_channelwise, loop_bounds
from specs.network import Layer
from specs.study import Precision, Technology


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


@dataclass(frozen=True)
class Fold:
    """The part of the kernel that one pass handles, and the passes that cover the whole kernel."""

    rows: int
    cols: int
    passes: int


@dataclass(frozen=True)
class Mapping:
    """One row-stationary mapping of a tile, in the letters of JSSC 2017.

    Attributes
    ----------
    m, n
        Output channels whose partial sums are in the feature buffer at once; images that share loaded filters.
    e, p, q, r, t
        Width of a PE set in output rows; filters and channels interleaved in a PE; sets on different channels and
        on different filters.
    A, B, D, H, L
        The numbers of `costmodel.eyeriss_space`.
    """

    m: int
    n: int
    e: int
    p: int
    q: int
    r: int
    t: int
    A: int
    B: int
    D: int
    H: int
    L: int


@dataclass(frozen=True)
class Networks:
    """Bits per cycle between buffers and array; partial sums have as many in each direction."""

    ifmap: int
    filter: int
    psum: int


@dataclass(frozen=True)
class Counts:
    """Of one layer over one tile, all images.

    Words are those that exist: a pass that is not full moves fewer, but takes the time of a full one.

    Attributes
    ----------
    macs, mac_cycles
        Multiply-accumulates, and how long the slowest PE computes.
    filter_words, ifmap_words
        Read from the weight buffer and from the feature buffer; a multicast counts once.
    fill_words
        Of these inputs, the first windows of each pass: until they are there, no PE of the pass computes.
    psum_read_words, psum_write_words
        Partial sums from and to the feature buffer; the last write is the output.
    filter_deliveries, ifmap_deliveries
        Words times the PEs that take them: inter-PE hops, and writes of the filter and ifmap spads.
    psum_hops
        Partial sums moved between neighbouring PEs, into the array and out of it.
    filter_spad_reads, ifmap_spad_reads, psum_spad_reads, psum_spad_writes
        One each per MAC.
    """

    macs: int
    mac_cycles: int
    filter_words: int
    ifmap_words: int
    fill_words: int
    psum_read_words: int
    psum_write_words: int
    filter_deliveries: int
    ifmap_deliveries: int
    psum_hops: int

    @property
    def filter_spad_reads(self) -> int:
        return self.macs

    @property
    def ifmap_spad_reads(self) -> int:
        return self.macs

    @property
    def psum_spad_reads(self) -> int:
        return self.macs

    @property
    def psum_spad_writes(self) -> int:
        return self.macs

    def cycles(self, networks: Networks, precision: Precision) -> int:
        """Filters first, then inputs; beside these, from the first windows on, MACs and sums on their way out."""
        filters = ceil_div(self.filter_words * precision.weight, networks.filter)
        psums = ceil_div(self.psum_write_words * precision.partial_sum, networks.psum)
        inputs, fill = (
            ceil_div(words * precision.activation, networks.ifmap) for words in (self.ifmap_words, self.fill_words)
        )
        return filters + max(inputs, fill + max(self.mac_cycles, psums))


def window(outputs: int, stride: int, dilation: int, taps: int, strips: int = 1) -> int:
    """Input rows (or columns) that ``outputs`` in ``strips`` parts need, overlaps counted in each part.

    Rows that a stride wider than the kernel skips are not read.
    """
    span = dilation * (taps - 1) + 1
    return (outputs - strips) * min(stride, span) + strips * span


def count(layer: Layer, tile: Tile, fold: Fold, mapping: Mapping) -> Counts:
    """Count a mapping of a layer with weights over a tile that is not empty."""
    groups, _, C = loop_bounds(layer, tile.channels, tile.input_channels)
    n, h, w = tile.images, tile.rows, tile.cols
    strips, loads = ceil_div(h, mapping.e), ceil_div(n, mapping.n)
    outputs, psum_visits = n * tile.channels * h * w, mapping.B * fold.passes
    window_rows = window(h, layer.stride[0], layer.dilation[0], fold.rows, strips)
    window_cols = window(w, layer.stride[1], layer.dilation[1], fold.cols)
    filter_words = tile.channels * C * layer.R * layer.S
    bias_words = tile.channels * int(layer.bias)
    first_cols = window(1, layer.stride[1], layer.dilation[1], fold.cols)
    pass_rows = groups * C * fold.passes * mapping.D * window_rows
    # All channels of a channelwise layer are in its one front; other groups follow each other.
    mac_groups = 1 if is_channelwise(layer) else groups
    return Counts(
        macs=outputs * C * layer.R * layer.S,
        mac_cycles=n * mac_groups * w * strips * fold.passes * fold.cols * mapping.A,
        filter_words=filter_words * strips * loads + bias_words,
        ifmap_words=n * pass_rows * window_cols,
        fill_words=loads * pass_rows * first_cols,
        psum_read_words=outputs * (psum_visits - 1),
        psum_write_words=outputs * psum_visits,
        filter_deliveries=filter_words * h * loads + bias_words,
        ifmap_deliveries=n * groups * C * fold.passes * window_cols * mapping.L * fold.rows * h,
        psum_hops=outputs * (mapping.H * fold.passes - 1),
    )


@dataclass(frozen=True)
class ArrayPrices:
    """Energies inside the array in fJ: per MAC, per access of a spad, per word moved from PE to PE, per addition."""

    mac: int
    filter_spad: int
    ifmap_spad: int
    psum_spad: int
    filter_hop: int
    ifmap_hop: int
    psum_hop: int
    add: int

    @property
    def mac_with_spads(self) -> int:
        """One MAC, the reads of its three operands and the write of its sum."""
        return self.mac + self.filter_spad + self.ifmap_spad + 2 * self.psum_spad


def array_prices(technology: Technology, precision: Precision) -> ArrayPrices:
    spad, hop = 1000 * technology.spad_pj_per_bit, 1000 * technology.hop_pj_per_bit
    return ArrayPrices(
        mac=mac_fj(technology, max(precision.activation, precision.weight), precision.floating),
        filter_spad=round(spad * precision.weight),
        ifmap_spad=round(spad * precision.activation),
        psum_spad=round(spad * precision.partial_sum),
        filter_hop=round(hop * precision.weight),
        ifmap_hop=round(hop * precision.activation),
        psum_hop=round(hop * precision.partial_sum),
        add=add_fj(technology, precision.activation, precision.floating),
    )


def work_of(counts: Counts, networks: Networks, prices: ArrayPrices, precision: Precision) -> TileWork:
    """Price counts. Partial sums have their own width, outputs that of activations."""
    c, final_words = counts, counts.psum_write_words - counts.psum_read_words
    return TileWork(
        cycles=c.cycles(networks, precision),
        mac_fj=c.macs * prices.mac,
        spad_fj=(c.filter_spad_reads + c.filter_deliveries) * prices.filter_spad
        + (c.ifmap_spad_reads + c.ifmap_deliveries) * prices.ifmap_spad
        + (c.psum_spad_reads + c.psum_spad_writes) * prices.psum_spad,
        network_fj=c.filter_deliveries * prices.filter_hop
        + c.ifmap_deliveries * prices.ifmap_hop
        + c.psum_hops * prices.psum_hop,
        feature_read_bytes=c.ifmap_words * precision.activation_bytes + c.psum_read_words * precision.partial_sum_bytes,
        feature_write_bytes=c.psum_read_words * precision.partial_sum_bytes + final_words * precision.activation_bytes,
        weight_read_bytes=c.filter_words * precision.weight_bytes,
    )
