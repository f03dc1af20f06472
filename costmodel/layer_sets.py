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
    reached = frontier = layers & -layers
    while frontier:
        grown = 0
        for i in layer_indices(frontier):
            grown |= adjacent[i]
        frontier = grown & layers & ~reached
        reached |= frontier
    return reached == layers


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
