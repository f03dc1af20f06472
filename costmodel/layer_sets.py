"""Sets of layers as Python integers, bit i for layer i: who needs whom, what hangs together, what is convex."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from specs.network import BESIDE, Network


def layer_indices(layers: int) -> tuple[int, ...]:
    """The indices in a layer set, ascending (which is a topological order)."""
    indices = []
    while layers:
        lowest = layers & -layers
        indices.append(lowest.bit_length() - 1)
        layers ^= lowest
    return tuple(indices)


def predecessors(network: Network) -> tuple[int, ...]:
    """For each layer, the set of layers whose outputs, masks or sums it reads."""
    sets = []
    for layer in network.layers:
        made = {network.maker[name] for name in layer.input_tensors} | set(layer.waits_for)
        sets.append(union(1 << network.index[name] for name in made if name in network.index))
    return tuple(sets)


def readers_of(needed: Sequence[int]) -> list[int]:
    """For each layer, the layers that need it."""
    readers = [0] * len(needed)
    for reader, sources in enumerate(needed):
        for source in layer_indices(sources):
            readers[source] |= 1 << reader
    return readers


def in_turn(network: Network) -> tuple[int, ...]:
    """For each layer, the layers that run before it: what it reads, and all of the part of the network before its own.

    Parts are layers that hang together by tensors and sums. What they cost does not depend on their order, so they may
    run one part after another, in the order of their first layers (docs/solver.md).
    """
    needed = list(predecessors(network))
    adjacent = tuple(union(near) for near in zip(neighbours(network), needed, readers_of(needed), strict=True))
    before, left = 0, (1 << len(needed)) - 1
    while left:
        part = connected(left & -left, adjacent)
        for i in layer_indices(part):
            needed[i] = needed[i] or before
        before, left = part, left & ~part
    return tuple(needed)


def neighbours(network: Network) -> tuple[int, ...]:
    """For each layer, the layers it shares a tensor with: its producers, its readers, its fellow readers.

    Who reads a mask or a view is a reader of the map's maker, but a fellow only of who reads the same mask or view.
    What runs in no tile touches its partner alone.
    """
    sets = [0] * len(network.layers)
    for tensor, names in network.consumers.items():
        readers = union(1 << network.index[name] for name in names)
        for i in layer_indices(readers):
            sets[i] |= readers & ~(1 << i)
        if (maker := network.maker[tensor]) in network.index:
            _join(sets, network.index[maker], readers)
    for i, layer in enumerate(network.layers):
        if layer.op in BESIDE:
            _join(sets, network.index[layer.waits_for[0]], 1 << i)
    return tuple(sets)


def apart(network: Network) -> tuple[int, ...]:
    """For each layer, the layers that never share a group with it.

    Sums are complete, and words can be read in another shape, only when all tiles have run: so a reduction and who
    waits for it are apart, but for a gradient and its own update; and a map and who reads it reshaped. A map that is
    made again is made in no group of the forward pass.
    """
    sets = [0] * len(network.layers)
    for i, layer in enumerate(network.layers):
        for name in layer.waits_for[layer.op in BESIDE :]:
            _join(sets, network.index[name], 1 << i)
        if layer.copy_of and layer.op not in BESIDE:
            _join(sets, i, union(1 << j for j, other in enumerate(network.layers) if other.phase == "forward"))
        if layer.op == "use":
            partner = network.index[layer.waits_for[0]]
            _join(sets, i, (1 << len(sets)) - 1 & ~(1 << i | 1 << partner))
    views = dict(network.views)
    for name, readers in network.consumers.items():
        view, reshaped = views.get(name), False
        while view is not None:
            reshaped |= view.reshaped
            view = views.get(view.parent)
        if reshaped and (maker := network.maker[name]) in network.index:
            _join(sets, network.index[maker], union(1 << network.index[reader] for reader in readers))
    return tuple(sets)


def counted(network: Network) -> int:
    """The layers that count towards the size of a group: all but those that only decide what is kept."""
    return union(1 << i for i, layer in enumerate(network.layers) if layer.op not in ("keep", "use"))


def _join(sets: list[int], one: int, others: int) -> None:
    """Put a layer into the sets of some others, and them into its own."""
    sets[one] |= others
    for i in layer_indices(others):
        sets[i] |= 1 << one


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
