"""Tile work priced once per (layer, channels, rows, columns) for all arrays of a family, and looked up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from costmodel.template import ArrayShape, Ints
from specs.network import Layer
from specs.study import Precision, Technology

CYCLES, ARRAY_FJ, FEATURE_READ, FEATURE_WRITE, WEIGHT_READ = range(5)


def signature(layer: Layer) -> Layer:
    """The layer without its names: equal signatures cost the same."""
    return replace(layer, name="", operands=tuple(() for _ in layer.operands), batch_norm=False)


@dataclass
class WorkTable:
    """Works of one layer and one number of channels: ``values[row, col, array, quantity]``."""

    row_at: Ints
    col_at: Ints
    values: Ints

    def lookup(self, rows: Ints, cols: Ints) -> Ints:
        """Works of all pairs (row class, column class), shaped (row, col, array, quantity)."""
        return self.values[self.row_at[rows][:, None], self.col_at[cols][None, :]]


class Works:
    """All work tables of a family of arrays.

    Sizes are announced first with `need`; `price` then fills every table in one vectorised call per
    (layer, array). Or `price_whole` fills a layer's table for every size of tile there is.
    """

    def __init__(self, arrays: tuple[ArrayShape, ...], technology: Technology, precision: Precision) -> None:
        self._arrays, self._technology, self._precision = arrays, technology, precision
        self._needs: dict[tuple[Layer, tuple[int, ...]], tuple[set[int], set[int]]] = {}
        self._tables: dict[tuple[Layer, int], WorkTable] = {}
        self._whole: dict[Layer, WorkTable] = {}

    def need(self, layer: Layer, channels: tuple[int, ...], rows: Ints, cols: Ints) -> None:
        """Announce tiles of a layer (by signature) that will be looked up with each of ``channels``."""
        if channels == (layer.K,) and layer in self._whole:
            return
        row_set, col_set = self._needs.setdefault((layer, channels), (set(), set()))
        row_set.update(np.unique(rows).tolist())
        col_set.update(np.unique(cols).tolist())

    def price(self) -> None:
        """Price what was announced since the last call; it replaces what earlier calls priced."""
        for (layer, channels), (row_set, col_set) in self._needs.items():
            self._price(layer, channels, sorted(row_set), sorted(col_set))
        self._needs.clear()

    def price_whole(self, layer: Layer) -> WorkTable:
        """Works of the whole layer (by signature) for every tile from 0 x 0 to P x Q."""
        if layer not in self._whole:
            self._price(layer, (layer.K,), range(layer.P + 1), range(layer.Q + 1))
            self._whole[layer] = self._tables[layer, layer.K]
        return self._whole[layer]

    def _price(self, layer: Layer, channels: tuple[int, ...], rows: Iterable[int], cols: Iterable[int]) -> None:
        heights, widths = np.array(list(rows)), np.array(list(cols))
        kk, hh, ww = np.broadcast_arrays(np.array(channels)[:, None, None], heights[:, None], widths)
        columns = [
            np.stack(array.tile_works(layer, kk, hh, ww, self._technology, self._precision), axis=-1)
            for array in self._arrays
        ]
        values = np.stack(columns, axis=3)  # (channels, row, col, array, quantity)
        row_at, col_at = _positions(heights), _positions(widths)
        for i, k in enumerate(channels):
            self._tables[layer, k] = WorkTable(row_at, col_at, np.ascontiguousarray(values[i]))

    def table(self, layer: Layer, channels: int) -> WorkTable:
        return self._tables[layer, channels]


def _positions(values: Ints) -> Ints:
    """Where each value stands in a sorted array."""
    at = np.full(int(values[-1]) + 1, -1, dtype=np.int64)
    at[values] = np.arange(len(values))
    return at
