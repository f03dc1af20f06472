"""Sets of layers as Python integers, bit i for layer i: who needs whom, what hangs together, what is convex."""

from __future__ import annotations

from collections.abc import Iterable

from specs.network import Network


def layer_indices(layers: int) -> tuple[int, ...]:
    """The indices in a layer set, ascending (which is a topological order)."""
    indices = []
    while layers:
        lowest = layers & -layers
        indices.append(lowest.bit_length() - 1)
        layers ^= lowest
    return tuple(indices)


def predecessors(network: Network) -> tuple[int, ...]:
    """For each layer, the set of layers whose outputs it reads."""
    sets = []
    for layer in network.layers:
        made = [network.index[name] for name in layer.input_tensors if name in network.index]
        sets.append(sum(1 << i for i in made))
    return tuple(sets)


def in_turn(network: Network) -> tuple[int, ...]:
    """For each layer, the layers that run before it: what it reads, and all of the part of the network before its own.

    Parts are layers that hang together by tensors. What they cost does not depend on their order, so they may run one
    part after another, in the order of their first layers (docs/solver.md).
    """
    needed, adjacent = list(predecessors(network)), neighbours(network)
    before, left = 0, (1 << len(needed)) - 1
    while left:
        part = connected(left & -left, adjacent)
        for i in layer_indices(part):
            needed[i] = needed[i] or before
        before, left = part, left & ~part
    return tuple(needed)


def neighbours(network: Network) -> tuple[int, ...]:
    """For each layer, the layers it shares a tensor with: its producers, its readers, its fellow readers."""
    sets = [0] * len(network.layers)
    for tensor, readers in network.consumers.items():
        touching = [network.index[name] for name in readers]
        if tensor in network.index:
            touching.append(network.index[tensor])
        together = sum(1 << i for i in touching)
        for i in touching:
            sets[i] |= together & ~(1 << i)
    return tuple(sets)


def is_connected(layers: int, adjacent: tuple[int, ...]) -> bool:
    """Whether a non-empty layer set hangs together."""
    return connected(layers & -layers, adjacent, layers) == layers


def connected(start: int, adjacent: tuple[int, ...], within: int = -1) -> int:
    """All layers that hang together with those of ``start``, by layers of ``within``."""
    reached = frontier = start
    while frontier:
        frontier = union(adjacent[i] for i in layer_indices(frontier)) & within & ~reached
        reached |= frontier
    return reached


def is_convex(layers: int, before: tuple[int, ...]) -> bool:
    """Whether no path leaves the set and comes back."""
    outside_after = 0  # layers outside that depend on the set
    for i, needed in enumerate(before):
        depends = bool(needed & (layers | outside_after))
        if layers >> i & 1:
            if needed & outside_after:
                return False
        elif depends:
            outside_after |= 1 << i
    return True


def ancestors(before: tuple[int, ...]) -> tuple[int, ...]:
    """For each layer, all layers it depends on, over any number of edges."""
    sets: list[int] = []
    for needed in before:
        sets.append(needed | union(sets[i] for i in layer_indices(needed)))
    return tuple(sets)


def descendants(before: tuple[int, ...]) -> tuple[int, ...]:
    """For each layer, all layers that depend on it, over any number of edges."""
    sets = [0] * len(before)
    for i in range(len(before) - 1, -1, -1):
        for needed in layer_indices(before[i]):
            sets[needed] |= sets[i] | 1 << i
    return tuple(sets)


def union(sets: Iterable[int]) -> int:
    """All layers of some sets."""
    together = 0
    for layers in sets:
        together |= layers
    return together
