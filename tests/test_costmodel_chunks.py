"""Cuts of output and input channels: everything covered, groups never straddled, one count for each cut."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from costmodel.chunks import cut_channels, cut_inputs, input_channels, possible_input_splits, possible_splits
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


@given(groups_and_channels, st.integers(1, 300))
def test_a_cut_of_the_input_covers_the_channels_of_one_group(sizes: tuple[int, int, int], splits: int) -> None:
    G, per_group, C = sizes
    network = _network(G, G * per_group, G * C)
    inputs = cut_inputs(network, network.layers[0], splits)
    assume(inputs is not None)
    assert inputs is not None
    assert sum(size * number for size, number in inputs) == C
    assert sum(number for _, number in inputs) == splits
    # Equal chunks but the last, which is smaller.
    size = -(-C // splits)
    last = C - (splits - 1) * size
    assert inputs == (((size, splits),) if last == size else ((size, splits - 1), (last, 1)))


@given(groups_and_channels)
def test_every_size_of_input_chunks_has_exactly_one_count(sizes: tuple[int, int, int]) -> None:
    G, per_group, C = sizes
    network = _network(G, G * per_group, G * C)
    layer = network.layers[0]
    counts = possible_input_splits(network, layer, None)
    largest = [inputs[0][0] for n in counts if (inputs := cut_inputs(network, layer, n)) is not None]
    assert len(largest) == len(counts)
    assert sorted(largest) == sorted({-(-C // n) for n in range(1, C + 1)})


def test_nine_input_channels_by_hand() -> None:
    # 9 in 2: 5 + 4; in 3: 3 + 3 + 3; in 4 would be chunks of 3, which are 3; in 5: four of 2 and one of 1.
    network = _network(1, 2, 9)
    cuts = {n: cut_inputs(network, network.layers[0], n) for n in (1, 2, 3, 4, 5, 6, 9, 10)}
    assert cuts == {
        1: ((9, 1),),
        2: ((5, 1), (4, 1)),
        3: ((3, 3),),
        4: None,
        5: ((2, 4), (1, 1)),
        6: None,
        9: ((1, 9),),
        10: None,
    }
    assert possible_input_splits(network, network.layers[0], (2, 4, 9, 100)) == (1, 2, 9)


@pytest.mark.parametrize(
    ("op", "G", "operands", "most"),
    [
        ("conv", 1, (("x",),), 8),
        ("conv", 2, (("x",),), 4),  # of 8 channels a group has 4
        ("conv", 1, (("x", "y"),), 16),
        ("conv", 1, (("x", "x"),), 1),  # a channel of x is two of the layer's
        ("dwconv", 8, (("x",),), 1),
        ("conv", 8, (("x",),), 1),  # a depthwise convolution by another name
        ("maxpool", 8, (("x",),), 1),
        ("add", 8, (("x",), ("y",)), 1),
    ],
)
def test_only_layers_that_sum_over_channels_read_once_are_cut(
    op: str, G: int, operands: tuple[tuple[str, ...], ...], most: int
) -> None:
    C = 8 * len(operands[0])
    layer = Layer("l", op, operands, G, C, C, 4, 4, 4, 4)  # type: ignore[arg-type]
    network = Network("n", (("x", TensorShape(8, 4, 4)), ("y", TensorShape(8, 4, 4))), (layer,), ("l",))
    assert max(possible_input_splits(network, layer, None)) == most
