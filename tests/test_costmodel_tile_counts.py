"""Which numbers of tiles an axis has."""

from __future__ import annotations

from costmodel.legal import tile_counts


def test_every_count_that_its_own_tile_size_gives_is_there() -> None:
    # Sizes of 10 rows in 1..10 parts: 10 5 4 3 2 2 2 2 2 1, which give 1 2 3 4 5 and 10 parts.
    assert tile_counts(10, None) == (1, 2, 3, 4, 5, 10)


def test_listed_counts_that_an_axis_does_not_have_are_left_out() -> None:
    # 4 parts of 6 rows would be 2 rows each: 3 parts.
    assert tile_counts(6, (2, 4, 8)) == (1, 2)


def test_one_tile_is_always_there() -> None:
    assert tile_counts(4, (8,)) == (1,)
