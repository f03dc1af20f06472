"""Legal groups of training steps, and lattices of some orders that hold every grouping, against plain enumeration."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costmodel.groups
from costmodel.forced import tail
from costmodel.groups import GroupLattice, group_lattice, in_turn, layer_indices
from costmodel.layer_sets import apart, neighbours, predecessors
from specs import load_network
from specs.library import LIBRARY
from specs.mix import joined
from specs.network import MASK, Network, TensorShape, View
from specs.training import training_step
from training_graphs import SHAPE, Group, groupings, layer, legal, needs, training_graphs


def _names(network: Network, layers: int) -> Group:
    return frozenset(network.layers[i].name for i in layer_indices(layers))


def _paths(network: Network, lattice: GroupLattice) -> set[frozenset[Group]]:
    """The groupings that paths through a lattice are."""
    reaching: list[set[frozenset[Group]]] = [set() for _ in lattice.ideals]
    reaching[0].add(frozenset())
    for step in lattice.steps:
        group = _names(network, lattice.groups[step.group])
        reaching[step.after] |= {grouping | {group} for grouping in reaching[step.before]}
    return reaching[-1]


@settings(max_examples=150, deadline=None)
@given(training_graphs(), st.integers(1, 9))
def test_legal_groups_are_those_that_the_rules_allow(network: Network, max_layers: int) -> None:
    found = [_names(network, group) for group in group_lattice(network, max_layers).groups]
    assert len(found) == len(set(found))
    assert set(found) == legal(network, max_layers)


@settings(max_examples=150, deadline=None)
@given(training_graphs(), st.integers(1, 5))
def test_every_grouping_that_can_run_is_a_path_and_no_other(network: Network, max_layers: int) -> None:
    lattice = group_lattice(network, max_layers)
    assert lattice.complete
    assert _paths(network, lattice) == groupings(network, max_layers)


def test_all_that_groups_wait_for_is_taken_into_account() -> None:
    """Each two of three layers have a reader: the groups of the first two may both wait for the third."""
    made = (layer("a", "dgrad", ("x",)), layer("b", "dgrad", ("y",)), layer("c", "dgrad", ("z",)))
    pairs = (layer("ab", "dgrad", ("a", "b")), layer("ac", "dgrad", ("a", "c")), layer("bc", "dgrad", ("b", "c")))
    late = (layer("w", "wgrad", ("ab",)), layer("up", "update", (), ("w",)))
    network = Network("pairs", (("x", SHAPE), ("y", SHAPE), ("z", SHAPE)), (*made, *pairs, *late), ())
    for max_layers in (2, 3, 4):
        assert _paths(network, group_lattice(network, max_layers)) == groupings(network, max_layers)


@settings(max_examples=150, deadline=None)
@given(training_graphs(), st.integers(1, 5))
def test_listed_ideals_are_ideals_between_the_empty_and_the_full_one(network: Network, max_layers: int) -> None:
    lattice, needed = group_lattice(network, max_layers), in_turn(network)
    assert all(not needed[i] & ~ideal for ideal in lattice.ideals for i in layer_indices(ideal))
    assert list(lattice.ideals) == sorted(set(lattice.ideals), key=lambda ideal: (ideal.bit_count(), ideal))
    numbers = set(range(len(lattice.ideals)))
    assert set(lattice.after.tolist()) == numbers - {0}
    assert set(lattice.before.tolist()) == numbers - {len(numbers) - 1}
    assert lattice.ideals[-1] == (1 << len(network.layers)) - 1
    steps = [(step.before, step.after, step.group) for step in lattice.steps]
    assert steps == sorted(set(steps))
    assert all(lattice.ideals[a] | lattice.groups[g] == lattice.ideals[b] for a, b, g in steps)
    assert not any(lattice.ideals[a] & lattice.groups[g] for a, _, g in steps)


@settings(max_examples=60, deadline=None)
@given(training_graphs(5), training_graphs(4), st.integers(1, 4))
def test_mixes_run_one_network_after_another(first: Network, second: Network, max_layers: int) -> None:
    mix = joined([("a", first), ("b", second)])
    if tail(first) and tail(second):
        counts = [len(group_lattice(network, max_layers).ideals) for network in (first, second)]
        assert len(group_lattice(mix, max_layers).ideals) == sum(counts) - 1
    assert _paths(mix, group_lattice(mix, max_layers)) == groupings(mix, max_layers)


@settings(max_examples=60, deadline=None)
@given(training_graphs())
def test_the_tail_is_what_only_its_own_layers_need(network: Network) -> None:
    late = _names(network, tail(network))
    for one in network.layers:
        needing = {name for name, needed in needs(network).items() if one.name in needed}
        assert (one.name in late) == (one.op in ("wgrad", "update") and needing <= late)


def test_where_there_are_too_many_a_part_is_listed() -> None:
    network = Network("wide", (("x", SHAPE),), tuple(layer(f"w{i}", "wgrad", ("x",)) for i in range(4)), ())
    whole = group_lattice(network, 2)
    assert whole.complete
    assert group_lattice(network, 2, max_steps=len(whole.group)).complete
    assert not group_lattice(network, 2, max_steps=len(whole.group) - 1).complete
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costmodel.groups, "MOST_IDEALS", len(whole.ideals))
        assert group_lattice(network, 2).complete
        patch.setattr(costmodel.groups, "MOST_IDEALS", len(whole.ideals) - 1)
        part = group_lattice(network, 2)
    assert not part.complete
    assert _paths(network, part) <= _paths(network, whole)


def test_who_needs_whom_who_touches_whom_and_who_stays_apart() -> None:
    layers = (
        layer("a", "conv", ("x",), bits=1),
        layer("sums", "moments", ("a",)),
        layer("n", "norm", ("a",), ("sums",)),
        layer("mask", "dgrad", ("n", "a" + MASK)),
        layer("part", "dgrad", ("v",)),
        layer("other", "dgrad", ("u",)),
        layer("shaped", "dgrad", ("r",)),
        layer("w", "wgrad", ("x", "shaped")),
        layer("up", "update", (), ("w", "sums")),
    )
    views = (("v", View("mask", 0, SHAPE)), ("u", View("mask", 1, SHAPE)), ("r", View("mask", 0, SHAPE, True)))
    network = Network("rules", (("x", TensorShape(1, 4, 4)),), layers, (), views=views)

    def told(sets: tuple[int, ...]) -> dict[str, set[str]]:
        return {one.name: set(_names(network, found)) for one, found in zip(layers, sets, strict=True)}

    assert told(predecessors(network)) == needs(network)
    assert told(neighbours(network)) == {
        "a": {"sums", "n", "mask", "w"},
        "sums": {"a", "n"},
        "n": {"a", "sums", "mask"},
        "mask": {"a", "n", "part", "other", "shaped"},
        "part": {"mask"},
        "other": {"mask"},
        "shaped": {"mask", "w"},
        "w": {"a", "shaped", "up"},
        "up": {"w"},
    }
    assert told(apart(network)) == {
        "a": set(),
        "sums": {"n", "up"},
        "n": {"sums"},
        "mask": {"shaped"},
        "part": set(),
        "other": set(),
        "shaped": {"mask"},
        "w": set(),
        "up": {"sums"},
    }


@pytest.mark.parametrize(("name", "most"), [("resnet50_v1_5", 3000), ("mobilenet_v2", 3000), ("vgg16", 10_000)])
def test_training_steps_of_known_networks_have_small_lattices(name: str, most: int) -> None:
    network = training_step(load_network(LIBRARY.file("networks", name)))
    lattice = group_lattice(network, 12)
    assert lattice.complete
    assert len(lattice.ideals) < most
