"""VWA-like: a vectorwise array of ``blocks`` x ``rows`` x ``taps`` MACs, after Chang & Chang (TCAS-I 2020).

Per cycle a block multiplies a column of V input pixels by one kernel column of T weights and adds along
the diagonals; results stay in accumulators until all input channels and kernel columns are summed, so no
partial sum visits a buffer. Blocks work on different output channels ("K"), all on the same pixels, or on
different input channels ("C"), their sums added from block to block. At 1x1 the taps carry channels, too.
Only the abstract of that paper was available: block structure and numbers are published [S], the cycles and
access counts are our reconstruction [R]; tests/validation/vwa.py compares them with what is published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from costmodel.array_base import ArrayBase
from costmodel.preference import best_of, rank
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
from costmodel.vwa_gradient import gradient_amounts
from costmodel.vwa_prices import array_prices
from specs.network import Layer
from specs.study import Precision, Technology


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


class BlockMap(NamedTuple):
    """One use of the blocks, per strip of V rows and output column (turns) or per output pixel (the rest).

    Attributes
    ----------
    on
        Channels that the blocks share out: ``K``, ``C``, or ``G`` where each channel is a group.
    turns
        Cycles.
    words
        Input words read from the feature buffer.
    accumulations
        Accumulators read, added to and written.
    pixel_hops, sum_hops
        Input words and partial sums that move from one block to the next.
    filters
        Filters that the array works on at once.
    """

    on: str
    turns: int
    words: int
    accumulations: int
    pixel_hops: int
    sum_hops: int
    filters: int


@dataclass(frozen=True)
class VwaShape(ArrayBase):
    """B blocks of V x T multipliers, an accumulator beside each."""

    blocks: int
    rows: int
    taps: int
    pins: Pins = ()

    @property
    def pes(self) -> int:
        return self.blocks * self.rows * self.taps

    @property
    def numbers(self) -> dict[str, int]:
        return {"blocks": self.blocks, "rows": self.rows, "taps": self.taps}

    def area_um2(self, technology: Technology, precision: Precision) -> int:
        """MACs and accumulators; a 1x1 kernel on output channels uses one accumulator per multiplier."""
        mac = mac_um2(technology, max(precision.activation, precision.weight), precision.floating)
        return round(self.pes * (mac + precision.partial_sum * technology.spad_um2_per_bit))

    @property
    def adders(self) -> Adders:
        """One operation per cycle in each of B x V lanes."""
        return Adders(self.blocks * self.rows)

    def adders_mapping(self) -> dict[str, int | str]:
        return {"vector_lanes": self.blocks * self.rows}

    def nest_accumulates(self, layer: Layer) -> bool:
        return False

    def nest_chunk_words(self, layer: Layer, channels: int, input_channels: int) -> int:
        """The filters that the array works on at once, of the widest mapping that `tile_work` may take."""
        filters = max(m.filters for m in self._maps(layer, channels, input_channels))
        return filters * (loop_bounds(layer, channels, input_channels).C * layer.R * layer.S + int(layer.bias))

    def _maps(self, layer: Layer, channels: int, input_channels: int) -> list[BlockMap]:
        """The mappings to choose from: the pinned one, or the fastest and what needs no more filters at once.

        (So the weight buffer's need is known before the choice, which depends on prices.) With B x V x T as in
        the module's text and R x S the kernel, a kernel takes S * ceil(R/T) passes.
        """
        groups, K, C = loop_bounds(layer, channels, input_channels)
        pointwise = layer.R == 1 and layer.S == 1
        lanes = self.blocks * (self.taps if pointwise else 1)
        passes = layer.S * _ceil(layer.R, self.taps)
        if is_channelwise(layer):
            work = groups * passes
            return [BlockMap("G", _ceil(groups, self.blocks) * passes, work, work, 0, 0, min(groups, self.blocks))]
        taps = self.taps if pointwise else 1
        k_turns, c_turns = groups * _ceil(K, lanes) * C * passes, groups * _ceil(C, lanes) * K * passes
        products = groups * K * C * passes
        k_hops, c_hops = min(self.blocks, _ceil(K, taps)) - 1, min(self.blocks, _ceil(C, taps)) - 1
        on_k = BlockMap("K", k_turns, k_turns, products, k_turns * k_hops, 0, min(K, lanes))
        on_c = BlockMap("C", c_turns, products, c_turns, 0, c_turns * c_hops, min(K, 1))
        pinned = dict(dict(self.pins).get(layer.name, ())).get("blocks_on")
        if pinned is not None:
            return [on_k if pinned == "K" else on_c]
        return [on_c] if c_turns < k_turns else [on_k, on_c]

    def _row_strips(self, layer: Layer, rows: int | Ints) -> int | Ints:
        """Strips of V input rows that ``rows`` output rows take [R].

        A strided kernel of several rows uses every input row, by phases. A strided 1x1 kernel does not, and its
        elementwise input brings V consecutive rows per tap: the rows between fill multipliers in vain.
        """
        span = layer.stride[0] if layer.R == layer.S == 1 else 1
        return -(-rows * span // self.rows)

    def nest_mapping(self, layer: Layer, tile: Tile, terms: Terms) -> dict[str, int | str]:
        return {"blocks_on": self._best(layer, tile, terms)[0].on}

    def nest_work(self, layer: Layer, tile: Tile, terms: Terms) -> TileWork:
        return self._best(layer, tile, terms)[1]

    def _best(self, layer: Layer, tile: Tile, terms: Terms) -> tuple[BlockMap, TileWork]:
        """The preferred mapping and its work; full ties go to blocks on K."""
        price = self._gradient_work if layer.reduces else self._work
        works = [(m, price(layer, tile, m, terms)) for m in self._maps(layer, tile.channels, tile.input_channels)]
        return min(works, key=lambda entry: rank(entry[1], terms))

    def _work(self, layer: Layer, tile: Tile, m: BlockMap, terms: Terms) -> TileWork:
        precision, prices = terms.precision, array_prices(terms)
        C = loop_bounds(layer, tile.channels, tile.input_channels).C
        pixels = tile.images * tile.rows * tile.cols
        strip_cols = tile.images * int(self._row_strips(layer, tile.rows)) * tile.cols
        outputs = tile.channels * pixels
        return TileWork(
            cycles=m.turns * strip_cols,
            mac_fj=outputs * C * layer.R * layer.S * prices.mac_fj,
            spad_fj=m.accumulations * pixels * prices.accumulation_fj,
            network_fj=pixels * (m.pixel_hops * prices.pixel_hop_fj + m.sum_hops * prices.sum_hop_fj),
            feature_read_bytes=m.words * pixels * precision.activation_bytes,
            feature_write_bytes=outputs * precision.activation_bytes,
            weight_read_bytes=tile.channels
            * (C * layer.R * layer.S + int(layer.bias))
            * strip_cols
            * precision.weight_bytes,
        )

    def _gradient_work(self, layer: Layer, tile: Tile, m: BlockMap, terms: Terms) -> TileWork:
        C = loop_bounds(layer, tile.channels, tile.input_channels).C
        cycles, macs_fj, spad_fj, network_fj, read_bytes, sum_bytes = gradient_amounts(
            turns=m.turns,
            words=m.words + m.accumulations,
            hops=m.pixel_hops + m.sum_hops,
            channels=tile.channels,
            kernel_words=C * layer.R * layer.S,
            bias=int(layer.bias),
            strips=tile.images * int(self._row_strips(layer, tile.rows)),
            cols=tile.cols,
            pixels=tile.images * tile.rows * tile.cols,
            prices=array_prices(terms),
            precision=terms.precision,
        )
        return TileWork(cycles, macs_fj, spad_fj, network_fj, read_bytes, 0, sum_bytes, sum_bytes)

    def nest_works(self, layer: Layer, tiles: Tiles, terms: Sequence[Terms]) -> list[TileWorks]:
        # Few pairs of channel counts are distinct: each has its mappings once.
        pairs, where = np.unique(tiles.channels * (layer.C + 1) + tiles.input_channels, return_inverse=True)
        maps = [self._maps(layer, *divmod(int(pair), layer.C + 1)) for pair in pairs]
        # numbers[number, mapping, pair]; a pair with one mapping has it twice.
        numbers = np.array([[ms[0][1:], ms[-1][1:]] for ms in maps], dtype=np.int64).reshape(len(maps), 2, 6).T
        of_tiles = numbers[..., where.ravel()].reshape(6, 2, *tiles.channels.shape)
        price = self._gradient_works if layer.reduces else self._works
        works = [price(layer, tiles, of_tiles[:, number], terms[0]) for number in range(2)]
        return [best_of(works, one) for one in terms]

    def nest_least_tiles(self, layer: Layer, sizes: TileSizes) -> Iterator[Tiles]:
        """Work goes with images and columns; only sums of a gradient, which go with images, are fewer in wide tiles."""
        yield sizes.tiles([1], np.arange(1, layer.P + 1), [layer.Q])

    def _works(self, layer: Layer, tiles: Tiles, numbers: Ints, terms: Terms) -> TileWorks:
        """`_work` for many tiles, ``numbers`` being those of each tile's `BlockMap`."""
        turns, words_read, sums, pixel_hops, sum_hops, _ = numbers
        precision, prices = terms.precision, array_prices(terms)
        C = np.ones_like(tiles.channels) if is_channelwise(layer) else tiles.input_channels
        pixels = tiles.images * tiles.rows * tiles.cols
        outputs, kernel_words = tiles.channels * pixels, C * (layer.R * layer.S)
        strip_cols = tiles.images * self._row_strips(layer, tiles.rows) * tiles.cols
        return TileWorks(
            turns * strip_cols,
            outputs * kernel_words * prices.mac_fj
            + pixels
            * (sums * prices.accumulation_fj + pixel_hops * prices.pixel_hop_fj + sum_hops * prices.sum_hop_fj),
            words_read * pixels * precision.activation_bytes,
            outputs * precision.activation_bytes,
            tiles.channels * (kernel_words + int(layer.bias)) * strip_cols * precision.weight_bytes,
            np.zeros_like(outputs),
        )

    def _gradient_works(self, layer: Layer, tiles: Tiles, numbers: Ints, terms: Terms) -> TileWorks:
        turns, words, products, pixel_hops, sum_hops, _ = numbers
        C = np.ones_like(tiles.channels) if is_channelwise(layer) else tiles.input_channels
        cycles, macs_fj, spad_fj, network_fj, read_bytes, sum_bytes = gradient_amounts(
            turns=turns,
            words=words + products,
            hops=pixel_hops + sum_hops,
            channels=tiles.channels,
            kernel_words=C * (layer.R * layer.S),
            bias=int(layer.bias),
            strips=tiles.images * self._row_strips(layer, tiles.rows),
            cols=tiles.cols,
            pixels=tiles.images * tiles.rows * tiles.cols,
            prices=array_prices(terms),
            precision=terms.precision,
        )
        energy = macs_fj + spad_fj + network_fj
        return TileWorks(cycles, energy, read_bytes, np.zeros_like(cycles), sum_bytes, sum_bytes)


def array_shape(numbers: Mapping[str, int], pins: Pins) -> VwaShape:
    """Make one array of the numbers that specs/templates/vwa.yaml names."""
    return VwaShape(**numbers, pins=pins)
