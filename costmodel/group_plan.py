"""A group's steps along both axes, and which pairs of options are candidates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from costmodel.legal import group_tile_counts, keeps
from costmodel.regions import AxisPlan, GroupTensors, axis_plan, group_tensors
from costmodel.template import Ints
from specs.network import Layer
from specs.study import Overlap, Study


@dataclass(frozen=True)
class GroupPlan:
    """A group's tensors, its steps along both axes, and which pairs of options are candidates.

    ``mode`` holds, per (row option, col option), the overlap mode that keeps just what the options keep
    (an index into the study's list), or -1 where no allowed mode does. ``layers`` are all of the group.
    """

    tensors: GroupTensors
    rows: AxisPlan
    cols: AxisPlan
    mode: Ints
    layers: tuple[Layer, ...]

    def sum_pairs(self, values: Ints) -> Ints:
        """Sum (row class, col class, ...) values over all tiles of one image: (row option, col option, ...)."""
        weighted = values * self._number.reshape(self._number.shape + (1,) * (values.ndim - 2))
        return np.add.reduceat(np.add.reduceat(weighted, self.cols.starts, axis=1), self.rows.starts, axis=0)

    def max_pairs(self, values: Ints) -> Ints:
        return np.maximum.reduceat(np.maximum.reduceat(values, self.cols.starts, axis=1), self.rows.starts, axis=0)

    def at_first(self, values: Ints) -> Ints:
        return values[self.rows.starts[:, None], self.cols.starts]

    def at_last(self, values: Ints) -> Ints:
        return values[self.rows.ends[:, None], self.cols.ends]

    @cached_property
    def _number(self) -> Ints:
        return self.rows.number[:, None] * self.cols.number

    @cached_property
    def visits(self) -> Ints:
        """Tiles per image, those of a stepwise start included: (row option, col option)."""
        return self.rows.steps[:, None] * self.cols.steps

    @cached_property
    def stepwise(self) -> Ints:
        """1 where the start is stepwise: (row option, col option)."""
        return (self.rows.stepwise[:, None] | self.cols.stepwise).astype(np.int64)

    @cached_property
    def spans(self) -> Ints:
        """Columns of each tensor from the first to the last that is needed: (col class, tensor)."""
        return self.cols.span[self.cols.option]

    def area(self, tensor: int) -> Ints:
        """Elements of one channel that each tile loads or makes: (row class, col class)."""
        return self.rows.new[:, tensor, None] * self.cols.new[None, :, tensor]

    def passing(self, tensor: int) -> Ints:
        """Elements of one channel that only the tile that makes them uses: (row class, col class)."""
        return self.rows.passing[:, tensor, None] * self.cols.passing[None, :, tensor]

    def throughout(self, pixel_bytes: Ints) -> Ints:
        """Bytes, with so many a position of each tensor, that are there for the whole tile: (row class, col class)."""
        lines = (self.rows.line * pixel_bytes) @ self.spans.T
        held: Ints = lines + (self.rows.passing * pixel_bytes) @ self.cols.line.T
        return held

    def store_area(self, output: int) -> Ints:
        """Elements of one channel of an output that each tile stores."""
        return self.rows.store[:, output, None] * self.cols.store[None, :, output]


def group_plan(study: Study, layers: tuple[Layer, ...], pinned: frozenset[str] = frozenset()) -> GroupPlan:
    names = tuple(layer.name for layer in layers)
    tensors = group_tensors(study.network, layers, study.precision.activation_bytes, pinned)
    row_counts, col_counts = group_tile_counts(study, names)
    keep_rows = any(mode != "recompute" for mode in study.fusion.overlap)
    keep_cols = "cache-all" in study.fusion.overlap
    rows = axis_plan(tensors, row_counts, keep_rows, 0)
    cols = axis_plan(tensors, col_counts, keep_cols, 1)
    row_flags = _flags(rows)
    col_flags = _flags(cols)
    mode = [[_mode(study.fusion.overlap, r, c) for c in col_flags] for r in row_flags]
    return GroupPlan(tensors, rows, cols, np.array(mode, dtype=np.int64), layers)


Flags = tuple[bool, bool, bool]
"""Of an option: more than one tile, halos kept, stepwise start."""


def _flags(plan: AxisPlan) -> list[Flags]:
    return list(zip((plan.counts > 1).tolist(), plan.keeps.tolist(), plan.stepwise.tolist(), strict=True))


@lru_cache(maxsize=256)
def _mode(overlaps: tuple[Overlap, ...], rows: Flags, cols: Flags) -> int:
    """First allowed overlap mode that keeps exactly these halos on such a grid, or -1.

    Where both axes keep halos, they start alike.
    """
    if rows[1] and cols[1] and rows[2] != cols[2]:
        return -1
    for index, mode in enumerate(overlaps):
        if keeps(mode, 1 + rows[0], 1 + cols[0]) == (rows[1], cols[1]):
            return index
    return -1
