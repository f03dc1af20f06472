"""Cuts of output channels: everything covered, groups never straddled, one count for each cut."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from costmodel.chunks import cut_channels, input_channels, possible_splits
from specs.network import Layer, Network, TensorShape


def _network(G: int, K: int, C: int, op: str = "conv", operands: tuple[tuple[str, ...], ...] = (("x",),)) -> Network:
    layer = Layer("l", op, operands, G, K, C, 4, 4, 4, 4)  # type: ignore[arg-type]
    return Network("n", (("x", TensorShape(C, 4, 4)), ("y", TensorShape(C, 4, 4))), (layer,), ("l",))


groups_and_channels = st.tuples(st.integers(1, 6), st.integers(1, 40), st.integers(2, 12))


@given(groups_and_channels, st.integers(1, 300))
def test_a_cut_covers_all_channels_and_straddles_no_group(sizes: tuple[int, int, int], splits: int) -> None:
    G, per_group, C = sizes
    network = _network(G, G * per_group, G * C)
    chunks = cut_channels(network, network.layers[0], splits)
    assume(chunks is not None)
    assert chunks is not None
    assert sum(size * number for size, number in chunks.sizes) == G * per_group
    assert chunks.count == splits
    assert chunks.largest == max(size for size, _ in chunks.sizes)
    if splits > 1:
        # Every group is cut alike: each kind of chunk comes a multiple of G times, and one round fills a group.
        assert all(number % G == 0 for _, number in chunks.sizes)
        assert sum(size * number // G for size, number in chunks.sizes) == per_group
        assert chunks.input_channels == C
        assert chunks.input_reloads == splits // G
    else:
        assert (chunks.input_channels, chunks.input_reloads) == (G * C, 1)


@given(groups_and_channels)
def test_every_chunk_size_has_exactly_one_count(sizes: tuple[int, int, int]) -> None:
    G, per_group, C = sizes
    network = _network(G, G * per_group, G * C)
    layer = network.layers[0]
    counts = possible_splits(network, layer, None)
    largest = [chunks.largest for n in counts if (chunks := cut_channels(network, layer, n)) is not None]
    assert len(largest) == len(counts)
    whole = [] if G == 1 else [G * per_group]  # one chunk of all groups
    sizes_of_a_group = {-(-per_group // n) for n in range(1, per_group + 1)}
    assert sorted(largest) == sorted([*whole, *sizes_of_a_group])


@pytest.mark.parametrize(("channels", "splits"), [(9, 4), (9, 10), (5, 4), (1, 2)])
def test_a_count_that_its_own_chunk_size_does_not_give_is_no_cut(channels: int, splits: int) -> None:
    network = _network(1, channels, 3)
    assert cut_channels(network, network.layers[0], splits) is None


def test_nine_channels_in_two_chunks() -> None:
    network = _network(1, 9, 3)
    chunks = cut_channels(network, network.layers[0], 2)
    assert chunks is not None
    assert (chunks.sizes, chunks.input_channels, chunks.input_reloads) == (((5, 1), (4, 1)), 3, 2)


def test_a_channelwise_layer_reads_for_a_chunk_only_its_channels() -> None:
    network = _network(8, 8, 8, "add", (("x",), ("y",)))
    chunks = cut_channels(network, network.layers[0], 3)
    assert chunks is not None
    assert (chunks.sizes, chunks.input_channels, chunks.input_reloads) == (((3, 2), (2, 1)), 6, 1)


def test_an_addition_of_a_tensor_to_itself_is_not_cut() -> None:
    network = _network(8, 8, 8, "add", (("x",), ("x",)))
    assert input_channels(network, network.layers[0]) == 8
    assert possible_splits(network, network.layers[0], None) == (1,)


def test_only_allowed_counts_are_possible_and_one_always_is() -> None:
    network = _network(1, 9, 3)
    assert possible_splits(network, network.layers[0], (2, 4, 9, 100)) == (1, 2, 9)
