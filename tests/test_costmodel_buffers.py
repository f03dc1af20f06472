"""Explicit buffers and DRAM: what they refuse."""

from __future__ import annotations

import re

import numpy as np
import pytest

from costmodel.buffers import Block, ExecutionError, Index, Pool, Region, get, indices, put
from costmodel.dram import Dram
from costmodel.reference import Data
from specs.network import Layer, Network, TensorShape
from specs.study import Precision

ONE = indices([0])
FOUR = indices(range(4))


def block(rows: Index, first: int = 0) -> Block:
    """One channel and one column; the word of row r is ``first + r``."""
    return Block(ONE, rows, ONE, (first + rows).reshape(1, 1, -1, 1))


def region(pool: Pool, rows: Index, word_bytes: int = 1) -> Region:
    return Region(pool, "x", 1, ONE, rows, ONE, word_bytes)


def test_reserved_bytes_are_counted_and_limited() -> None:
    pool = Pool("feature", 10)
    held = Region(pool, "x", 2, ONE, FOUR, ONE, 1)
    assert (pool.used_bytes, pool.peak_bytes) == (8, 8)
    with pytest.raises(ExecutionError, match="the feature buffer overflows: y makes it 11 of 10 bytes"):
        pool.reserve(3, "y")
    pool.release(3)
    held.free()
    assert (pool.used_bytes, pool.peak_bytes) == (0, 11)


def test_words_stay_while_lines_roll() -> None:
    held = region(Pool("feature", 100), FOUR)
    put(block(FOUR, 10), [held], "x")
    held.reshape(indices([2, 3, 4]), ONE)
    assert get(1, ONE, indices([2, 3]), ONE, [held], "x").values.ravel().tolist() == [12, 13]
    with pytest.raises(ExecutionError, match="not in the buffer: x, channel 0, row 4, column 0"):
        get(1, ONE, indices([3, 4]), ONE, [held], "x")


def test_a_word_that_was_given_up_is_gone_even_if_its_place_comes_back() -> None:
    held = region(Pool("feature", 100), FOUR)
    put(block(FOUR), [held], "x")
    held.reshape(indices([1, 2]), ONE)
    held.reshape(FOUR, ONE)
    with pytest.raises(ExecutionError, match="x, channel 0, row 0, column 0"):
        get(1, ONE, FOUR, ONE, [held], "x")


def test_a_word_needs_a_place() -> None:
    held = region(Pool("feature", 100), indices([0, 1]))
    with pytest.raises(ExecutionError, match="no room is reserved for x, channel 0, row 2, column 0"):
        put(block(indices([1, 2])), [held], "x")


def test_a_word_is_gathered_from_all_regions() -> None:
    pool = Pool("feature", 100)
    held = [region(pool, indices([0, 1])), region(pool, indices([2, 3]))]
    put(block(FOUR, 5), held, "x")
    assert get(1, ONE, FOUR, ONE, held, "x").values.ravel().tolist() == [5, 6, 7, 8]


def test_writing_again_must_write_the_same() -> None:
    held = region(Pool("feature", 100), FOUR)
    put(block(FOUR), [held], "x")
    put(block(FOUR), [held], "x")
    with pytest.raises(ExecutionError, match="x is written twice with different words"):
        put(block(FOUR, 1), [held], "x")


def test_a_word_must_fit_its_place() -> None:
    held = region(Pool("feature", 100), FOUR)
    with pytest.raises(ExecutionError, match="x has words of more than 1 bytes: sums are not finished"):
        put(block(FOUR, 125), [held], "x")
    put(block(FOUR, 125), [region(Pool("feature", 100), FOUR, word_bytes=2)], "x")


def dram() -> Dram:
    layer = Layer("a", "conv", (("x",),), 1, 1, 1, 4, 1, 4, 1)
    network = Network("n", (("x", TensorShape(1, 4, 1)),), (layer,), ("a",))
    data = Data({"x": np.zeros((1, 1, 4, 1), dtype=np.int64)}, {"a": np.zeros((1, 1), dtype=np.int8)})
    return Dram(network, Precision(16, 8, 32), data)


def test_dram_counts_bytes_at_their_width() -> None:
    memory = dram()
    memory.load("x", range(1), ONE, FOUR, ONE)
    memory.load_weights("a", ONE)
    memory.store("a", range(1), block(FOUR))
    memory.store_sums("a", range(1), block(FOUR))
    memory.load_sums("a", range(1), ONE, FOUR, ONE)
    assert (memory.read_bytes, memory.write_bytes) == (4 * 2 + 1 + 4 * 4, 4 * 2 + 4 * 4)


def test_dram_gives_back_what_was_stored_and_nothing_else() -> None:
    memory = dram()
    memory.store("a", range(1), block(indices([0, 1]), 7))
    assert memory.load("a", range(1), ONE, indices([1]), ONE).values.item() == 8
    with pytest.raises(ExecutionError, match="a is loaded from DRAM before it was stored"):
        memory.load("a", range(1), ONE, FOUR, ONE)
    with pytest.raises(ExecutionError, match="a is stored to DRAM twice"):
        memory.store("a", range(1), block(indices([1, 2]), 7))


def test_partial_sums_come_back_once() -> None:
    memory = dram()
    memory.store_sums("a", range(1), block(FOUR))
    memory.load_sums("a", range(1), ONE, FOUR, ONE)
    with pytest.raises(
        ExecutionError, match=re.escape("partial sums of a are loaded from DRAM before they were stored")
    ):
        memory.load_sums("a", range(1), ONE, ONE, ONE)
