"""On-chip buffers that hold real words: what was not written cannot be read, and what has no room cannot be written."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from costmodel.reference_words import Ints

Index = NDArray[np.intp]


class ExecutionError(Exception):
    """A schedule that cannot run as it is priced."""


def indices(numbers: range | Index | list[int]) -> Index:
    return np.asarray(numbers, dtype=np.intp)


@dataclass
class Pool:
    """The bytes of one buffer: what is reserved now, and the most that ever was.

    Parameters
    ----------
    name
        For messages.
    capacity_bytes
        What may be reserved at once.
    """

    name: str
    capacity_bytes: int
    used_bytes: int = 0
    peak_bytes: int = 0

    def reserve(self, num_bytes: int, what: str) -> None:
        """Set bytes aside.

        Raises
        ------
        ExecutionError
            If the buffer overflows.
        """
        self.used_bytes += num_bytes
        self.peak_bytes = max(self.peak_bytes, self.used_bytes)
        if self.used_bytes > self.capacity_bytes:
            raise ExecutionError(
                f"the {self.name} buffer overflows: {what} makes it {self.used_bytes} of {self.capacity_bytes} bytes"
            )

    def release(self, num_bytes: int) -> None:
        assert 0 <= num_bytes <= self.used_bytes
        self.used_bytes -= num_bytes


@dataclass
class Region:
    """Room for some words of a feature map: every combination of the listed channels, rows and columns.

    A word is there once it is written, until the region is reshaped without it or freed. Words are of so many bytes,
    or, of a mask, of so many ``bits``, and then those of one position are packed into whole bytes.
    """

    pool: Pool
    what: str
    images: int
    channels: Index
    rows: Index
    cols: Index
    word_bytes: int
    bits: int = 0
    values: Ints = field(init=False)
    valid: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.pool.reserve(self.num_bytes, self.what)
        shape = (len(self.channels), len(self.rows), len(self.cols))
        self.values = np.zeros((self.images, *shape), dtype=np.int64)
        self.valid = np.zeros(shape, dtype=np.bool_)

    @property
    def num_bytes(self) -> int:
        channels = len(self.channels)
        position = -(-channels * self.bits // 8) if self.bits else channels * self.word_bytes
        return self.images * position * len(self.rows) * len(self.cols)

    def reshape(self, rows: Index, cols: Index) -> None:
        """Hold other rows and columns: words of both shapes stay, in the same room; the rest is gone."""
        if np.array_equal(rows, self.rows) and np.array_equal(cols, self.cols):
            return
        old_rows, old_cols, values, valid = self.rows, self.cols, self.values, self.valid
        self.pool.release(self.num_bytes)
        self.rows, self.cols = rows, cols
        self.__post_init__()
        to_rows, from_rows = _common(rows, old_rows)
        to_cols, from_cols = _common(cols, old_cols)
        self.values[:, :, to_rows[:, None], to_cols] = values[:, :, from_rows[:, None], from_cols]
        self.valid[:, to_rows[:, None], to_cols] = valid[:, from_rows[:, None], from_cols]

    def write(self, block: Block) -> None:
        """Write those words of a block for which this region has a place.

        Raises
        ------
        ExecutionError
            If a word is too wide, or there already with another value: two ways of making it disagree.
        """
        to_channels, from_channels = _common(self.channels, block.channels)
        to_rows, from_rows = _common(self.rows, block.rows)
        to_cols, from_cols = _common(self.cols, block.cols)
        if not (len(to_channels) and len(to_rows) and len(to_cols)):
            return
        to, source = _grid(to_channels, to_rows, to_cols), _grid(from_channels, from_rows, from_cols)
        words = block.values[:, source[0], source[1], source[2]]
        if not _fit(words, self.word_bytes, self.bits):
            raise ExecutionError(
                f"{self.what} has words of more than {self.bits} bits"
                if self.bits
                else f"{self.what} has words of more than {self.word_bytes} bytes: sums are not finished"
            )
        if (self.valid[to] & (self.values[:, to[0], to[1], to[2]] != words)).any():
            raise ExecutionError(f"{self.what} is written twice with different words")
        self.values[:, to[0], to[1], to[2]] = words
        self.valid[to] = True
        block.placed[source] = True

    def read_into(self, block: Block) -> None:
        """Copy those words of a block that are here."""
        from_channels, to_channels = _common(self.channels, block.channels)
        from_rows, to_rows = _common(self.rows, block.rows)
        from_cols, to_cols = _common(self.cols, block.cols)
        if not (len(to_channels) and len(to_rows) and len(to_cols)):
            return
        to, source = _grid(to_channels, to_rows, to_cols), _grid(from_channels, from_rows, from_cols)
        here = self.valid[source]
        before = block.values[:, to[0], to[1], to[2]]
        block.values[:, to[0], to[1], to[2]] = np.where(here, self.values[:, source[0], source[1], source[2]], before)
        block.placed[to] |= here

    def clear(self) -> None:
        """Forget all words; the room stays."""
        self.valid[:] = False

    def free(self) -> None:
        self.pool.release(self.num_bytes)
        self.rows = self.cols = indices([])
        self.values, self.valid = self.values[:, :, :0, :0], self.valid[:, :0, :0]


@dataclass
class Block:
    """Words on their way: between DRAM and a buffer, or between a buffer and the array.

    ``placed`` says which words found a place (on the way in) or were found (on the way out).
    """

    channels: Index
    rows: Index
    cols: Index
    values: Ints
    placed: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        assert self.values.shape[1:] == (len(self.channels), len(self.rows), len(self.cols))
        self.placed = np.zeros(self.values.shape[1:], dtype=np.bool_)

    @staticmethod
    def empty(images: int, channels: Index, rows: Index, cols: Index) -> Block:
        return Block(channels, rows, cols, np.zeros((images, len(channels), len(rows), len(cols)), dtype=np.int64))


def put(block: Block, regions: list[Region], what: str) -> None:
    """Write a block to the regions that have a place for its words.

    Raises
    ------
    ExecutionError
        If a word has no place.
    """
    for region in regions:
        region.write(block)
    if not block.placed.all():
        raise ExecutionError(f"no room is reserved for {_first_missing(block, what)}")


def get(images: int, channels: Index, rows: Index, cols: Index, regions: list[Region], what: str) -> Block:
    """Read words from regions.

    Raises
    ------
    ExecutionError
        If a word is in none of them.
    """
    block = Block.empty(images, channels, rows, cols)
    for region in regions:
        region.read_into(block)
    if not block.placed.all():
        raise ExecutionError(f"read of what is not in the buffer: {_first_missing(block, what)}")
    return block


def _first_missing(block: Block, what: str) -> str:
    channel, row, col = (int(i[0]) for i in np.nonzero(~block.placed))
    return f"{what}, channel {block.channels[channel]}, row {block.rows[row]}, column {block.cols[col]}"


def _common(a: Index, b: Index) -> tuple[Index, Index]:
    """Positions in ``a`` and in ``b`` of the numbers that are in both; both ascend."""
    if len(a) == len(b) and len(a) and a[0] == b[0] and a[-1] == b[-1] and (a == b).all():
        every = np.arange(len(a))
        return every, every
    if not (len(a) and len(b)):
        return indices([]), indices([])
    place = np.searchsorted(b, a)
    place[place == len(b)] = 0
    found = np.flatnonzero(b[place] == a)
    return found, place[found]


def _fit(words: Ints, word_bytes: int, bits: int) -> bool:
    """Whether signed words fit a number of bytes, or those of a mask a number of bits."""
    low, high = (0, 1 << bits) if bits else (-1 << (8 * word_bytes - 1), 1 << (8 * word_bytes - 1))
    return not words.size or bool(words.max() < high and words.min() >= low)


def _grid(channels: Index, rows: Index, cols: Index) -> tuple[Index, Index, Index]:
    """Index every combination of some channels, rows and columns."""
    return channels[:, None, None], rows[:, None], cols
