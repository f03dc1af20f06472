"""Work of a layer alone: of its tiles, and summed over all tiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.alone_ways import Way
from costmodel.group_plan import GroupPlan
from costmodel.regions import AxisPlan
from costmodel.sweeps import Share
from costmodel.template import Ints
from costmodel.works import CYCLES, Depth, Works
from specs.study import Study

_AT_ONCE = 2**21
"""Numbers of tile works that are summed at once."""

Parts = tuple[tuple[int, int, int], ...]
"""Parts in which a tile is made: output channels, input channels, how many."""

Index = NDArray[np.intp]
Tiles = Callable[[Index, Index, Index], Ints]
"""Cycles of tiles by the number of their parts, row class and col class: (tile, array)."""


class LayerWork:
    """Work of a layer alone, for one preference among mappings."""

    def __init__(self, study: Study, works: Works, plan: GroupPlan, num_arrays: int) -> None:
        self._study, self._works, self._plan, self._arrays = study, works, plan, num_arrays
        self._heights, self._row_at, self._rows = _how_often(plan.rows)
        self._widths, self._col_at, self._cols = _how_often(plan.cols)
        self._sizes: dict[Depth, Ints] = {}
        self._cycles: dict[int, dict[Parts, Any]] = {}

    def _of_sizes(self, depth: Depth) -> Ints:
        """Works of every size of tile there is."""
        if depth not in self._sizes:
            self._sizes[depth] = self._works.table(self._plan.tensors.signatures[0], depth).lookup(
                self._heights, self._widths
            )
        return self._sizes[depth]

    def cycles(self, images: int, chunks: Sequence[Parts]) -> Tiles:
        """Cycles of tiles that are made in some parts, each way to cut them: how to look them up."""
        known = self._cycles.setdefault(images, {})
        for parts in chunks:
            if parts not in known:
                known[parts] = sum(n * self._of_sizes(Depth(images, k, c))[..., CYCLES] for k, c, n in parts)
        values = np.stack([known[parts] for parts in chunks])
        return lambda which, rows, cols: values[which, self._row_at[rows], self._col_at[cols]]

    def sums(self, asked: Sequence[tuple[Share, Way]]) -> Ints:
        """Work of all tiles for each of some shares and ways: (asked, row option, col option, array, quantity).

        What partial sums cost between chunks of the input is included.
        """
        precision = self._study.precision
        rows, cols = len(self._rows), len(self._cols)
        sums = np.empty((len(asked), rows, cols, self._arrays, 6), dtype=np.int64)
        step = max(1, _AT_ONCE // max(1, len(self._heights) * len(self._widths) * self._arrays * 6))
        for begin in range(0, len(asked), step):
            some = asked[begin : begin + step]
            tiles = np.stack([self._all_chunks(share, way) for share, way in some])
            sums[begin : begin + len(some)] = self._over_tiles(tiles)
        for one, (_, way) in zip(sums, asked, strict=True):
            if way.num_inputs > 1 and not way.layer.reduces:
                between = (way.num_inputs - 1) * way.layer.K * way.layer.P * way.layer.Q * self._study.batch
                psum = precision.partial_sum_bytes
                one += between * np.array([0, 0, psum, psum - precision.activation_bytes, 0, 0])
        return sums

    def _all_chunks(self, share: Share, way: Way) -> Ints:
        total: Ints = np.zeros(1, dtype=np.int64)
        for images, number in share.sizes:
            for k, n in way.chunks.sizes:
                for c, m in way.inputs:
                    total = total + number * n * m * self._of_sizes(Depth(images, k, c))
        return total

    def _over_tiles(self, tiles: Ints) -> Ints:
        """Sum (..., height, width, array, quantity) over the tiles of every pair of options."""
        most = int(tiles.max(initial=0)) * int(self._rows.sum(axis=1).max()) * int(self._cols.sum(axis=1).max())
        exact = np.float64 if most < 2**53 else np.int64  # integers have no fast product
        many, height, width = tiles.shape[:3]
        flat = tiles.reshape(many, height, width, -1).astype(exact)
        over_rows = np.matmul(self._rows.astype(exact), flat.transpose(0, 2, 1, 3))  # (many, width, row option, ...)
        over_both = np.matmul(self._cols.astype(exact), over_rows.transpose(0, 2, 1, 3))
        found: Ints = over_both.reshape(*over_both.shape[:3], *tiles.shape[3:]).astype(np.int64)
        return found


def _how_often(axis: AxisPlan) -> tuple[Ints, Ints, Ints]:
    """Different lengths of a layer's tiles along an axis, which of them each class has, and how often each option.

    The last is (option, length).
    """
    lengths, where = np.unique(axis.new[:, 0], return_inverse=True)
    often = np.zeros((len(axis.counts), len(lengths)), dtype=np.int64)
    np.add.at(often, (axis.option, where.ravel()), axis.number)
    return lengths, where.ravel(), often
