"""Tile work priced once per (layer, tile size) for all arrays of a family, and looked up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from costmodel.template import ArrayShape, Ints, Terms, Tiles, tile_works
from specs.network import Layer

CYCLES, ARRAY_FJ, FEATURE_READ, FEATURE_WRITE, WEIGHT_READ, WEIGHT_WRITE = range(6)


def signature(layer: Layer, pinned: frozenset[str] = frozenset()) -> Layer:
    """The layer without its names: equal signatures cost the same. A layer with a pinned mapping keeps its own.

    Only an update costs more where batch-norm is: it changes scales and shifts, too.
    """
    name = layer.name if layer.name in pinned else ""
    nameless = tuple(() for _ in layer.operands)
    normed = layer.batch_norm and layer.op == "update"
    layer = replace(layer, name=name, operands=nameless, batch_norm=normed, relu=False)
    return replace(layer, waits_for=(), phase="forward", copy_of="")


class Depth(NamedTuple):
    """A tile's size but for its rows and columns; see `costmodel.template.Tile`."""

    images: int
    channels: int
    input_channels: int


def whole_depth(layer: Layer, images: int) -> Depth:
    """All channels of a layer."""
    return Depth(images, layer.K, layer.C // layer.G)


_Sizes = tuple[Layer, tuple[Depth, ...], bytes, bytes]
Bools = NDArray[np.bool_]


@dataclass
class WorkTable:
    """Works of one layer and one depth: ``values[row, col, array, quantity]``."""

    row_at: Ints
    col_at: Ints
    values: Ints

    def covers(self, row_is: Bools, col_is: Bools) -> bool:
        """Whether rows and columns, marked by number, are all there."""
        return bool((self.row_at[row_is] >= 0).all() and (self.col_at[col_is] >= 0).all())

    def lookup(self, rows: Ints, cols: Ints) -> Ints:
        """Works of all pairs (row class, column class), shaped (row, col, array, quantity)."""
        return self.values[self.row_at[rows][:, None], self.col_at[cols][None, :]]


class Works:
    """All work tables of a family of arrays, for one preference among mappings.

    Sizes are announced first with `need`; `price` then fills every table in one vectorised call per
    (layer, array).
    """

    def __init__(self, arrays: tuple[ArrayShape, ...], terms: Terms) -> None:
        self._arrays, self._terms = arrays, terms
        self._needs: dict[tuple[Layer, tuple[Depth, ...]], tuple[Bools, Bools]] = {}
        self._tables: dict[tuple[Layer, Depth], WorkTable] = {}
        self._equal: dict[tuple[Layer, Depth], tuple[WorkTable, WorkTable, bool]] = {}
        self._others: list[Works] = []
        self._ready: dict[_Sizes, Ints] = {}

    @property
    def terms(self) -> Terms:
        """What works are priced with."""
        return self._terms

    def price_together(self, others: list[Works]) -> None:
        """Price for other preferences, too, when this one prices: arrays often search for several at once."""
        self._others = others

    def need(self, layer: Layer, depths: tuple[Depth, ...], rows: Ints, cols: Ints) -> None:
        """Announce tiles of a layer (by signature) that will be looked up at each of some depths."""
        if not depths:
            return
        if (layer, depths) not in self._needs:
            self._needs[layer, depths] = np.zeros(layer.P + 1, dtype=bool), np.zeros(layer.Q + 1, dtype=bool)
        row_is, col_is = self._needs[layer, depths]
        row_is[rows], col_is[cols] = True, True

    def price(self, tick: Callable[[], None] = lambda: None) -> None:
        """Price what was announced since the last call and is not priced yet."""
        for (layer, depths), (row_is, col_is) in self._needs.items():
            tick()
            known = [self._tables.get((layer, depth)) for depth in depths]
            missing = [table is None or not table.covers(row_is, col_is) for table in known]
            if not any(missing):
                continue
            for table in known:
                if table is not None:
                    row_is |= table.row_at >= 0
                    col_is |= table.col_at >= 0
            some = tuple(depth for depth, is_missing in zip(depths, missing, strict=True) if is_missing)
            self._price(layer, some, np.flatnonzero(row_is), np.flatnonzero(col_is))
        self._needs.clear()

    def _price(self, layer: Layer, depths: tuple[Depth, ...], heights: Ints, widths: Ints) -> None:
        values = self._values(layer, depths, heights, widths)  # (depth, row, col, array, quantity)
        row_at, col_at = _positions(heights, layer.P), _positions(widths, layer.Q)
        for i, depth in enumerate(depths):
            self._tables[layer, depth] = WorkTable(row_at, col_at, np.ascontiguousarray(values[i]))

    def _values(self, layer: Layer, depths: tuple[Depth, ...], heights: Ints, widths: Ints) -> Ints:
        """Works of all sizes; those for the other preferences wait until they are asked for."""
        sizes = layer, depths, heights.tobytes(), widths.tobytes()
        if sizes in self._ready:
            return self._ready.pop(sizes)
        deep = np.array(depths, dtype=np.int64)[:, :, None, None]
        tiles = Tiles(*np.broadcast_arrays(deep[:, 0], deep[:, 1], deep[:, 2], heights[:, None], widths))
        terms = [self._terms, *(other._terms for other in self._others)]
        found = tile_works(self._arrays, layer, tiles, terms)
        mine, *theirs = (np.stack([np.stack(works[i], axis=-1) for works in found], axis=3) for i in range(len(terms)))
        for other, values in zip(self._others, theirs, strict=True):
            other._ready[sizes] = values
        return mine

    def forget_cuts(self) -> None:
        """Let go of tables of tiles that have a part of the channels: there are many, and few layers ask for them."""
        self._tables = {
            (layer, at): one for (layer, at), one in self._tables.items() if at == whole_depth(layer, at.images)
        }
        self._equal.clear()

    def keep(self, arrays: Bools) -> None:
        """Go on with some of the arrays."""
        self._arrays = tuple(array for array, kept in zip(self._arrays, arrays.tolist(), strict=True) if kept)
        for key, table in self._tables.items():
            self._tables[key] = replace(table, values=np.ascontiguousarray(table.values[:, :, arrays]))
        self._equal.clear()

    def table(self, layer: Layer, depth: Depth) -> WorkTable:
        """Works that were announced and priced."""
        return self._tables[layer, depth]

    def same_as(self, other: Works, layer: Layer, depth: Depth) -> bool:
        """Whether another preference leads to the same works, for all tiles that were announced."""
        mine, theirs = self._tables[layer, depth], other._tables[layer, depth]
        known = self._equal.get((layer, depth))
        if known is None or known[0] is not mine or known[1] is not theirs:
            known = self._equal[layer, depth] = mine, theirs, np.array_equal(mine.values, theirs.values)
        return known[2]


class NoWorks(Works):
    """Works where they decide nothing: all of them are taken for 0."""

    def need(self, layer: Layer, depths: tuple[Depth, ...], rows: Ints, cols: Ints) -> None:
        return

    def table(self, layer: Layer, depth: Depth) -> WorkTable:
        nowhere = np.zeros(max(layer.P, layer.Q) + 1, dtype=np.int64)
        return WorkTable(nowhere, nowhere, np.zeros((1, 1, len(self._arrays), 6), dtype=np.int64))

    def same_as(self, other: Works, layer: Layer, depth: Depth) -> bool:
        return True


def _positions(values: Ints, most: int) -> Ints:
    """Where each number up to ``most`` stands in a sorted array, -1 if nowhere."""
    at = np.full(most + 1, -1, dtype=np.int64)
    at[values] = np.arange(len(values))
    return at
