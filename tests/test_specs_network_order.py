"""The order of layers that a network file gives, and cycles that it has none for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.graph import find_cycle, topological_order
from test_specs_network_reader import SAME, _in_an_empty_folder, network

__all__ = ["_in_an_empty_folder"]

BRANCHES = [
    f"name: a, {SAME}, inputs: input",
    f"name: b, {SAME}, inputs: a",
    f"name: c, {SAME}, inputs: a",
    "name: bc, op: concat, inputs: [b, c]",
    f"name: d, {SAME}, inputs: bc",
    "name: e, op: add, inputs: [d, a]",
    "name: f, op: fc, inputs: e, K: 2",
]


def test_layers_keep_the_order_of_the_file_where_they_can() -> None:
    assert [layer.name for layer in network(*BRANCHES).layers] == ["a", "b", "c", "d", "e", "f"]
    late = [BRANCHES[1], BRANCHES[0], *BRANCHES[2:]]
    assert [layer.name for layer in network(*late).layers] == ["a", "b", "c", "d", "e", "f"]
    swapped = [BRANCHES[0], BRANCHES[2], BRANCHES[1], *BRANCHES[3:]]
    assert [layer.name for layer in network(*swapped).layers] == ["a", "c", "b", "d", "e", "f"]


@pytest.mark.parametrize("seed", range(20))
def test_the_order_in_the_file_does_not_matter(seed: int) -> None:
    expected = network(*BRANCHES)
    shuffled = random.Random(seed).sample(BRANCHES, len(BRANCHES))
    found = network(*shuffled)
    assert set(found.layers) == set(expected.layers)
    assert found.outputs == expected.outputs
    for layer in found.layers:
        for source in layer.input_tensors:
            assert source == "input" or found.index[source] < found.index[layer.name]


@settings(max_examples=200)
@given(st.lists(st.sets(st.integers(0, 9), max_size=3), min_size=1, max_size=10))
def test_a_graph_is_sorted_or_has_a_real_cycle(edges: list[set[int]]) -> None:
    reads = {str(i): [str(j) for j in sorted(sources) if j < len(edges)] for i, sources in enumerate(edges)}
    order = topological_order(reads)
    if order is not None:
        assert sorted(order) == sorted(reads)
        assert all(order.index(source) < order.index(name) for name in reads for source in reads[name])
    else:
        cycle = find_cycle(reads)
        assert len(set(cycle)) == len(cycle)
        for source, reader in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            assert source in reads[reader]
