"""Legal fusion groups and the lattice of ideals that they step through.

An *ideal* is a set of layers that holds, with every layer, all layers it depends on: what can have run at
some moment. A fusion group is legal if it is the difference of two ideals (that is: convex), connected
through edges or shared inputs, and not too large. Sets of layers are Python integers, bit i for layer i.
"""

from __future__ import annotations

from dataclasses import dataclass

from specs.network import Network


class TooWideError(ValueError):
    """The network runs in more orders than the lattice of ideals can hold."""


@dataclass(frozen=True)
class Step:
    """Run ``group`` when ``before`` has run; then ``after`` has. All three index their lists."""

    before: int
    after: int
    group: int


@dataclass(frozen=True)
class GroupLattice:
    """Every legal group (as a layer set), every ideal (smallest first), and every step between ideals."""

    groups: tuple[int, ...]
    ideals: tuple[int, ...]
    steps: tuple[Step, ...]


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


def group_lattice(network: Network, max_layers: int, max_steps: int = 2_000_000) -> GroupLattice:
    """Find every legal group of up to ``max_layers`` layers, every ideal, and every step.

    A sequence of groups can run one after another if and only if it is a path of steps from the empty
    ideal to the full one, so paths are exactly the groupings whose graph of groups has no cycle.

    Raises
    ------
    TooWideError
        If there are more than ``max_steps`` steps.
    """
    before, adjacent = predecessors(network), neighbours(network)
    ideals = [0]
    ideal_index = {0: 0}
    groups: list[int] = []
    group_index: dict[int, int | None] = {}
    steps: list[Step] = []
    position = 0
    while position < len(ideals):
        ideal = ideals[position]
        for added in _extensions(ideal, before, max_layers):
            if added not in group_index:
                group_index[added] = len(groups) if is_connected(added, adjacent) else None
                if group_index[added] is not None:
                    groups.append(added)
            group = group_index[added]
            if group is None:
                continue
            after = ideal | added
            if after not in ideal_index:
                ideal_index[after] = len(ideals)
                ideals.append(after)
            steps.append(Step(position, ideal_index[after], group))
            if len(steps) > max_steps:
                raise TooWideError(
                    f"network {network.name} has more than {max_steps} ways to place a group of up to"
                    f" {max_layers} layers; lower fusion.max_layers"
                )
        position += 1
    by_size = sorted(range(len(ideals)), key=lambda i: (ideals[i].bit_count(), ideals[i]))
    rank = {old: new for new, old in enumerate(by_size)}
    return GroupLattice(
        groups=tuple(groups),
        ideals=tuple(ideals[i] for i in by_size),
        steps=tuple(sorted((Step(rank[s.before], rank[s.after], s.group) for s in steps), key=lambda s: s.before)),
    )


def _extensions(ideal: int, before: tuple[int, ...], max_layers: int) -> list[int]:
    """Every non-empty set of up to ``max_layers`` layers whose addition to an ideal gives an ideal."""
    found = {0}
    frontier = [0]
    for _ in range(max_layers):
        grown = set()
        for added in frontier:
            done = ideal | added
            for i, needed in enumerate(before):
                if not done >> i & 1 and needed & ~done == 0:
                    grown.add(added | 1 << i)
        frontier = sorted(grown - found)
        found |= grown
    return sorted(found - {0})
