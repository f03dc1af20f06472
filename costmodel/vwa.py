"""VWA-like: a vectorwise array of ``blocks`` x ``rows`` x ``taps`` MACs, after Chang & Chang (TCAS-I 2020).

Per cycle a block multiplies a column of V input pixels by one kernel column of T weights and adds along
the diagonals; results stay in registers until all input channels and kernel columns are summed, so no
partial sum visits a buffer. Blocks work on different output channels ("K") or on different input channels
whose results are added ("C"); the faster of the two runs each layer. Only the abstract of that paper was
available: block structure and numbers are published, the access counts are our reconstruction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from costmodel.technology import add_fj, mac_fj, mac_um2
from costmodel.template import Ints, Pins, Terms, Tile, Tiles, TileWork, TileWorks, loop_bounds, vector_ops_per_output
from specs.network import Layer
from specs.study import Precision, Technology


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


@dataclass(frozen=True)
class VwaShape:
    """B blocks of V x T multipliers."""

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
        """MACs alone: the accumulators are registers of the MAC units."""
        return round(self.pes * mac_um2(technology, max(precision.activation, precision.weight)))

    def accumulates_in_buffer(self, layer: Layer) -> bool:
        return False

    def weight_chunk_words(self, layer: Layer, channels: int, input_channels: int) -> int:
        """The filters that the array works on at once: one, or one per block (at 1x1 per block and tap)."""
        pointwise = layer.R == 1 and layer.S == 1
        at_once = {"C": 1, "G": self.blocks, "K": self.blocks * (self.taps if pointwise else 1)}
        filters = min(channels, at_once[self._best_map(layer, channels, input_channels)[0]])
        return filters * (input_channels * layer.R * layer.S + int(layer.bias))

    def mapping(self, layer: Layer, tile: Tile, terms: Terms) -> dict[str, int | str]:
        if not layer.has_weights:
            return {"vector_lanes": self.blocks * self.rows}
        return {"blocks_on": self._best_map(layer, tile.channels, tile.input_channels)[0]}

    def _best_map(self, layer: Layer, channels: int, input_channels: int) -> tuple[str, int, int]:
        """The faster mapping: its name, cycles per (row strip x output column), input words read per output.

        Ties go to the fewer words read, then to blocks on K. One formula per line, B x V x T as in the
        module's text, R x S the kernel.
        """
        groups, K, C = loop_bounds(layer, channels, input_channels)
        B, T, R, S = self.blocks, self.taps, layer.R, layer.S
        if C == 1 and K == 1:
            return "G", _ceil(groups, B) * S * _ceil(R, T), groups * S * _ceil(R, T)
        if R == 1 and S == 1:
            on_k = ("K", groups * _ceil(K, B * T) * C, groups * _ceil(K, B * T) * C)
            on_c = ("C", groups * _ceil(C, B * T) * K, groups * C * K)
        else:
            on_k = ("K", groups * _ceil(K, B) * C * S * _ceil(R, T), groups * _ceil(K, B) * C * S * _ceil(R, T))
            on_c = ("C", groups * _ceil(C, B) * K * S * _ceil(R, T), groups * C * K * S * _ceil(R, T))
        return on_k if on_k[1:] <= on_c[1:] else on_c

    def tile_work(self, layer: Layer, tile: Tile, terms: Terms) -> TileWork:
        works = self.tile_works(layer, Tiles(*(np.array(x) for x in tile)), terms)
        c, a, fr, fw, wr = (int(x) for x in works)
        return TileWork(c, a, 0, 0, fr, fw, wr)

    def tile_works(self, layer: Layer, tiles: Tiles, terms: Terms) -> TileWorks:
        technology, precision = terms.technology, terms.precision
        images, channels, inputs, rows, cols = tiles
        area, strips = rows * cols, -(-rows // self.rows)
        outputs = images * channels * area
        act = precision.activation_bytes
        if not layer.has_weights:
            ops, words = vector_ops_per_output(layer)
            return TileWorks(
                images * -(-channels * area * ops // (self.blocks * self.rows)),
                outputs * (ops * add_fj(technology, precision.activation)),
                outputs * (words * act),
                outputs * act,
                np.zeros_like(outputs),
            )
        pairs = np.stack([channels, inputs], axis=-1).reshape(-1, 2)
        distinct, where = np.unique(pairs, axis=0, return_inverse=True)
        maps = [self._best_map(layer, int(k), int(c)) for k, c in distinct]
        where = where.reshape(-1)
        cycles = np.array([m[1] for m in maps], dtype=np.int64)[where].reshape(channels.shape)
        words_read = np.array([m[2] for m in maps], dtype=np.int64)[where].reshape(channels.shape)
        kernel = (inputs if layer.G != layer.C or layer.C == 1 else inputs) * layer.R * layer.S
        weight_words = channels * (kernel * strips * cols + np.where(area > 0, int(layer.bias), 0))
        return TileWorks(
            images * cycles * strips * cols,
            outputs * (kernel * mac_fj(technology, max(precision.activation, precision.weight))),
            images * words_read * area * act,
            outputs * act,
            images * weight_words * precision.weight_bytes,
        )


def array_shape(numbers: Mapping[str, int], pins: Pins) -> VwaShape:
    """Make one array of the numbers that specs/templates/vwa.yaml names."""
    return VwaShape(**numbers, pins=pins)
