"""What an executed group holds of each tensor from tile to tile, and the words that are on their way between tiles."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from costmodel.buffers import Block, ExecutionError, Index, Pool, Region, get, indices, put
from costmodel.executed_steps import TensorSteps

NOTHING = indices([])


@dataclass(frozen=True)
class Visit:
    """One tile of one share of the batch."""

    images: range
    row: int
    col: int


def all_visits(batch: int, share: int, num_rows: int, num_cols: int) -> list[Visit]:
    """Every tile of every share of the batch, in order: tiles row by row, shares one after another."""
    return [
        Visit(range(first, min(batch, first + share)), row, col)
        for first in range(0, batch, share)
        for row in range(num_rows)
        for col in range(num_cols)
    ]


class Held:
    """What the feature buffer holds of one tensor.

    Three regions: rows that last from one row of tiles to the next, over all columns (``lines``); columns that last
    from one tile to the next, of the other rows (``edge``); and what is there in this tile alone (``passing``).
    """

    def __init__(
        self,
        pool: Pool,
        name: str,
        images: int,
        channels: Index,
        rows: TensorSteps,
        cols: TensorSteps,
        word_bytes: int,
        bits: int = 0,
    ) -> None:
        self.pool, self.name, self.images, self.channels = pool, name, images, channels
        self.rows, self.cols, self.word_bytes, self.bits = rows, cols, word_bytes, bits
        self.lines = self._region(NOTHING, cols.span)
        self.edge = self._region(NOTHING, NOTHING)
        self.passing: Region | None = None
        self.row = self.col = 0

    def _region(self, rows: Index, cols: Index) -> Region:
        return Region(self.pool, self.name, self.images, self.channels, rows, cols, self.word_bytes, self.bits)

    @property
    def regions(self) -> list[Region]:
        return [self.lines, self.edge] + ([self.passing] if self.passing else [])

    def leave_behind(self, row: int, col: int) -> None:
        """Give up what the next tile does not hold."""
        self.row, self.col = row, col
        self.leave()
        self.lines.reshape(np.intersect1d(self.lines.rows, self.rows.lasting[row]), self.cols.span)
        if np.array_equal(self.edge.rows, self.rows.passing[row]) and col:
            self.edge.reshape(self.edge.rows, np.intersect1d(self.edge.cols, self.cols.lasting[col]))
        else:
            self.edge.reshape(NOTHING, NOTHING)

    def reach_out(self) -> None:
        """Reserve what is held throughout the tile."""
        self.lines.reshape(self.rows.lasting[self.row], self.cols.span)
        self.edge.reshape(self.rows.passing[self.row], self.cols.lasting[self.col])

    def arrive(self) -> None:
        """Reserve what is held in this tile alone."""
        assert self.passing is None
        self.passing = self._region(self.rows.passing[self.row], self.cols.passing[self.col])

    def leave(self) -> None:
        """Give up what was held in this tile alone."""
        if self.passing:
            self.passing.free()
            self.passing = None

    def close(self) -> None:
        for region in self.regions:
            region.free()

    @property
    def new(self) -> tuple[Index, Index]:
        """Rows and columns that this tile makes or loads."""
        return self.rows.new[self.row], self.cols.new[self.col]

    @property
    def stored(self) -> tuple[Index, Index]:
        """Rows and columns that leave for DRAM after this tile."""
        return self.rows.stored[self.row], self.cols.stored[self.col]

    def write(self, block: Block) -> None:
        put(block, self.regions, self.name)

    def read(self, channels: Index, rows: Index, cols: Index) -> Block:
        return get(self.images, channels, rows, cols, self.regions, self.name)


@dataclass
class Stage:
    """Room for words that wait between DRAM and their place: loads of the next tile, or stores of the last one.

    Without double buffers (``num_bytes`` None) nothing waits.
    """

    pool: Pool
    what: str
    num_bytes: int | None
    waiting: dict[str, Block] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.num_bytes is not None:
            self.pool.reserve(self.num_bytes, f"room for {self.what}")

    def fill(self, blocks: dict[str, Block], size: int) -> None:
        """Let blocks of so many bytes wait.

        Raises
        ------
        ExecutionError
            If they are more than there is room for.
        """
        assert not self.waiting
        if self.num_bytes is not None and size > self.num_bytes:
            raise ExecutionError(f"{size} bytes are {self.what}, with room for {self.num_bytes}")
        self.waiting = blocks

    def empty(self) -> dict[str, Block]:
        blocks, self.waiting = self.waiting, {}
        return blocks

    def close(self) -> None:
        assert not self.waiting
        if self.num_bytes is not None:
            self.pool.release(self.num_bytes)
