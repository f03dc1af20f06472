"""Candidates of one group: every way to run it that a hardware point may choose, as columns of integers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from costmodel.design import GroupDesign, Order
from costmodel.template import ArrayShape, Ints, Preference
from specs.study import Dram, Overlap

NO_CAP = np.int64(2) ** 62


@dataclass(frozen=True)
class Family:
    """One accelerator template at one clock with one DRAM, in several array shapes."""

    template: str
    double_buffer: bool
    clock_hz: int
    dram: Dram
    arrays: tuple[ArrayShape, ...]
    skip_zeros: bool = False

    def dram_cycles(self, num_bytes: Ints) -> Ints:
        return -(-num_bytes * self.clock_hz // self.dram.bytes_per_s)


class Kind(NamedTuple):
    """What candidates of one kind share; ``resident`` is a bit set of positions in the group."""

    resident: int
    order: Order
    channel_splits: int
    input_splits: int
    mapping: Preference


_NEEDS = ("feature_need", "weight_need", "feature_cap", "weight_cap")
PER_ARRAY = (*_NEEDS, "cycles", "array_fj", "feature_read", "feature_write", "weight_read", "weight_write")
"""Columns of candidates with a number for every array."""


@dataclass(frozen=True)
class Candidates:
    """Candidates of one group. Shapes (candidate,) or (candidate, array).

    Attributes
    ----------
    kind
        Which of ``kinds`` a candidate is.
    tile_rows, tile_cols, images, overlap, stepwise
        The tile grid, images in a tile, the overlap mode as an index into the study's list, and whether the
        start is stepwise.
    feature_cap, weight_cap
        Buffer sizes from which on a candidate is none although it fits, NO_CAP for most: see `candidates_cut` and,
        where slowness pays, `candidates_fused`. A shared scratchpad counts as a feature buffer of its size beside a
        weight buffer of none.
    """

    kinds: tuple[Kind, ...]
    kind: Ints
    tile_rows: Ints
    tile_cols: Ints
    images: Ints
    overlap: Ints
    stepwise: Ints
    feature_need: Ints
    weight_need: Ints
    feature_cap: Ints
    weight_cap: Ints
    cycles: Ints
    array_fj: Ints
    feature_read: Ints
    feature_write: Ints
    weight_read: Ints
    weight_write: Ints
    dram_bytes: Ints

    def __len__(self) -> int:
        return len(self.kind)

    def pick(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Candidates:
        columns = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "kinds"}
        return Candidates(kinds=self.kinds, **columns)

    def on_arrays(self, arrays: NDArray[np.bool_]) -> Candidates:
        """The same candidates, of some of the arrays."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        return Candidates(**{name: c[:, arrays] if name in PER_ARRAY else c for name, c in columns.items()})

    def group_design(self, row: int, layers: tuple[str, ...], overlaps: tuple[Overlap, ...]) -> GroupDesign:
        kind = self.kinds[self.kind[row]]
        return GroupDesign(
            layers=layers,
            tile_rows=int(self.tile_rows[row]),
            tile_cols=int(self.tile_cols[row]),
            overlap=overlaps[self.overlap[row]],
            resident=frozenset(name for i, name in enumerate(layers) if kind.resident >> i & 1),
            order=kind.order,
            channel_splits=kind.channel_splits,
            images=int(self.images[row]),
            input_splits=kind.input_splits,
            start="stepwise" if self.stepwise[row] else "at-once",
            mapping=kind.mapping,
        )


def join(parts: list[Candidates]) -> Candidates:
    """Put candidates below each other; kinds are listed once, in order of first appearance."""
    index: dict[Kind, int] = {}
    kinds = [np.array([index.setdefault(k, len(index)) for k in part.kinds], dtype=np.int64) for part in parts]
    columns = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts])
        for f in fields(Candidates)
        if f.name not in ("kinds", "kind")
    }
    kind = np.concatenate([renamed[part.kind] for part, renamed in zip(parts, kinds, strict=True)])
    return Candidates(kinds=tuple(index), kind=kind, **columns)
