"""Legal groups, ideals and steps against brute force over all sets of layers of random graphs."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costmodel.ideals
from costmodel.groups import (
    GroupLattice,
    group_lattice,
    is_connected,
    is_convex,
    layer_indices,
    neighbours,
    predecessors,
)
from specs.network import Layer, Network, TensorShape

Graph = list[list[str]]  # for each layer l0, l1, ..., the tensors it reads


def network_of(graph: Graph) -> Network:
    layers = tuple(
        Layer(f"l{i}", "conv", (tuple(reads),), 1, 1, len(reads), 4, 4, 4, 4) for i, reads in enumerate(graph)
    )
    read = {name for reads in graph for name in reads}
    shape = TensorShape(1, 4, 4)
    return Network("graph", (("x", shape), ("y", shape)), layers, tuple(l.name for l in layers if l.name not in read))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to eight layers that each read one to three of the tensors before them."""
    graph: Graph = []
    for i in range(draw(st.integers(1, 8))):
        tensors = ["x", "y", *(f"l{j}" for j in range(i))]
        graph.append(draw(st.lists(st.sampled_from(tensors), min_size=1, max_size=3, unique=True)))
    return graph


def _reads(graph: Graph, reader: int, made: int) -> bool:
    return f"l{made}" in graph[reader]


def _paths_stay_inside(graph: Graph, group: set[int]) -> bool:
    """Whether every path that starts in the group and leaves it never comes back."""
    leaving = [i for i in range(len(graph)) if i not in group and any(_reads(graph, i, g) for g in group)]
    seen = set(leaving)
    while leaving:
        at = leaving.pop()
        for reader in range(len(graph)):
            if _reads(graph, reader, at):
                if reader in group:
                    return False
                if reader not in seen:
                    seen.add(reader)
                    leaving.append(reader)
    return True


def _hangs_together(graph: Graph, group: set[int]) -> bool:
    """Union-find over the layers of a group; a tensor joins its maker and all its readers."""
    parent = {i: i for i in group}

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for tensor in ["x", "y", *(f"l{i}" for i in range(len(graph)))]:
        touching = [i for i in group if tensor in graph[i] or tensor == f"l{i}"]
        for other in touching[1:]:
            parent[root(other)] = root(touching[0])
    return len({root(i) for i in group}) == 1


def _parts(graph: Graph) -> list[set[int]]:
    """Layers that hang together, the part with the first layer first."""
    parts: list[set[int]] = []
    for i in range(len(graph)):
        touching = [part for part in parts if any(_hangs_together(graph, {i, j}) for j in part)]
        parts = [part for part in parts if part not in touching] + [set.union({i}, *touching)]
    return sorted(parts, key=min)


def _in_turn(graph: Graph, done: set[int]) -> bool:
    """Whether no part has begun before the ones before it have run in full."""
    parts = _parts(graph)
    return all(parts[i] <= done for j in range(len(parts)) if parts[j] & done for i in range(j))


def _sets(count: int) -> list[set[int]]:
    return [{i for i in range(count) if chosen[i]} for chosen in product([False, True], repeat=count)]


def _bits(layers: set[int]) -> int:
    return sum(1 << i for i in layers)


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(1, 8))
def test_the_lattice_holds_exactly_the_legal_groups_ideals_and_steps(graph: Graph, max_layers: int) -> None:
    lattice = group_lattice(network_of(graph), max_layers)
    legal = {
        _bits(group)
        for group in _sets(len(graph))
        if 0 < len(group) <= max_layers and _hangs_together(graph, group) and _paths_stay_inside(graph, group)
    }
    assert sorted(lattice.groups) == sorted(legal)
    ideals = {
        _bits(done)
        for done in _sets(len(graph))
        if all(i in done for reader in done for i in range(len(graph)) if _reads(graph, reader, i))
        and _in_turn(graph, done)
    }
    assert sorted(lattice.ideals) == sorted(ideals)
    assert lattice.ideals[0] == 0
    assert lattice.ideals[-1] == (1 << len(graph)) - 1
    steps = {(before, before | group, group) for before in ideals for group in legal if not before & group}
    steps = {step for step in steps if step[1] in ideals}
    found = [(lattice.ideals[s.before], lattice.ideals[s.after], lattice.groups[s.group]) for s in lattice.steps]
    assert len(found) == len(set(found))
    assert set(found) == steps
    assert [s.before for s in lattice.steps] == sorted(s.before for s in lattice.steps)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_convex_and_connected_sets_are_told_from_others(graph: Graph) -> None:
    network = network_of(graph)
    before, adjacent = predecessors(network), neighbours(network)
    for group in _sets(len(graph)):
        if group:
            assert is_convex(_bits(group), before) == _paths_stay_inside(graph, group)
            assert is_connected(_bits(group), adjacent) == _hangs_together(graph, group)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_predecessors_are_made_before_and_neighbours_share_a_tensor(graph: Graph) -> None:
    network, layers = network_of(graph), range(len(graph))
    assert [set(layer_indices(p)) for p in predecessors(network)] == [
        {made for made in layers if _reads(graph, reader, made)} for reader in layers
    ]
    touched = [{f"l{i}", *reads} for i, reads in enumerate(graph)]
    assert [set(layer_indices(n)) for n in neighbours(network)] == [
        {j for j in layers if j != i and touched[i] & touched[j]} for i in layers
    ]


def test_readers_of_one_input_are_neighbours_and_readers_of_two_are_not() -> None:
    assert neighbours(network_of([["x"], ["x"], ["y"]])) == (0b010, 0b001, 0)


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(1, 8), st.integers(1, 3))
def test_a_lattice_in_part_has_all_groups_and_steps_that_exist(graph: Graph, max_layers: int, per_size: int) -> None:
    network, everything = network_of(graph), (1 << len(graph)) - 1
    whole = group_lattice(network, max_layers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costmodel.ideals, "MOST_PER_SIZE", per_size)
        part = group_lattice(network, max_layers, max_steps=0)
    assert whole.complete
    assert not part.complete
    assert part.groups == whole.groups
    order = [i for one in _parts(graph) for i in sorted(one)]
    in_order = {_bits(set(order[:size])) for size in range(len(graph) + 1)}
    assert in_order <= set(part.ideals) <= set(whole.ideals)
    listed = set(part.ideals)
    assert _steps(part) == {step for step in _steps(whole) if step[0] in listed and step[1] in listed}
    extended = part.with_ideals(network, whole.ideals)
    assert (extended.ideals, extended.steps) == (whole.ideals, whole.steps)
    assert part.with_ideals(network, [0, everything]) is part


def _steps(lattice: GroupLattice) -> set[tuple[int, int, int]]:
    return {(lattice.ideals[s.before], lattice.ideals[s.after], lattice.groups[s.group]) for s in lattice.steps}


def test_a_lattice_is_listed_up_to_a_number_of_steps() -> None:
    wide = network_of([["x"]] * 8)
    steps = len(group_lattice(wide, 2).steps)
    assert group_lattice(wide, 2, max_steps=steps).complete
    assert not group_lattice(wide, 2, max_steps=steps - 1).complete
