"""The lattice of a network with a tail: only some orders of each grouping, so that few ideals are listed.

Gradients of weights and updates wait until anyone wants them: their ideals are all their subsets. But what a group
costs does not depend on when it runs, so a group may run as soon as nothing is lost by it. docs/solver.md ("Forced
moves") has the proof that every grouping still has a path.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.layer_sets import ancestors, in_turn, layer_indices, predecessors, readers_of, union
from costmodel.steps import Indices, Steps, Words, set_words
from specs.network import BESIDE, Network


def tail(network: Network) -> int:
    """Gradients of weights and updates that nothing else needs: they may run as late as one likes."""
    readers = readers_of(predecessors(network))
    found = 0
    for i in range(len(readers) - 1, -1, -1):
        if network.layers[i].op in ("wgrad", *BESIDE) and not readers[i] & ~found:
            found |= 1 << i
    return found


def forced_lattice(
    network: Network, groups: Sequence[int], most_ideals: int, most_steps: int
) -> tuple[tuple[int, ...], Steps] | None:
    """Ideals and steps such that every grouping that can run is a path; None if there are too many."""
    moves = _Moves(network, groups)
    needed, readers = moves.needed, readers_of(moves.needed)
    freed = [-1] * len(groups)  # who reads what a group makes
    ready_at = {0: union(1 << i for i, sources in enumerate(needed) if not sources)}
    by_size: dict[int, list[int]] = defaultdict(list, {0: [0]})
    taken: dict[int, Indices] = {}
    count = 0
    for size in range(len(needed) + 1):
        for ideal in by_size.pop(size, ()):
            ready = ready_at.pop(ideal)
            taken[ideal] = moves.at(ideal, ready)
            count += len(taken[ideal])
            if count > most_steps or len(taken) + len(ready_at) > most_ideals:
                return None
            for number in taken[ideal].tolist():
                after = ideal | groups[number]
                if after in ready_at:
                    continue
                if freed[number] < 0:
                    freed[number] = union(readers[i] for i in layer_indices(groups[number]))
                ready_at[after] = ready & ~groups[number] | union(
                    1 << i for i in layer_indices(freed[number] & ~after) if not needed[i] & ~after
                )
                by_size[after.bit_count()].append(after)
    return _columns(groups, taken)


def _columns(groups: Sequence[int], taken: dict[int, Indices]) -> tuple[tuple[int, ...], Steps]:
    """Ideals, smallest first, and the columns of their steps."""
    ideals = sorted(taken, key=lambda ideal: (ideal.bit_count(), ideal))
    places = {ideal: place for place, ideal in enumerate(ideals)}
    group = np.concatenate([taken[ideal] for ideal in ideals])
    before = np.repeat(np.arange(len(ideals)), [len(taken[ideal]) for ideal in ideals])
    reached = (places[ideal | groups[number]] for ideal in ideals for number in taken[ideal].tolist())
    after = np.fromiter(reached, dtype=np.intp, count=len(group))
    order = np.lexsort((group, after, before))
    return tuple(ideals), (before[order], after[order], group[order])


@dataclass(frozen=True)
class _Around:
    """The groups that contain a layer: their numbers, their sets in those ``words`` that any of them speaks of.

    ``window`` holds all that decides which of the groups can run.
    """

    numbers: Indices
    window: int
    words: list[int]
    members: Words
    wanted: Words


@dataclass(frozen=True)
class _Found:
    """For a layer at an ideal: groups with it that can run, and for what the others wait.

    One set of layers for each: what it lacks, and all that this depends on. Sets that hold another one are left out.
    """

    groups: Indices
    waits: tuple[int, ...]


class _Moves:
    """Which groups to run at an ideal. What holds for a layer depends on few others, so answers are kept."""

    def __init__(self, network: Network, groups: Sequence[int]) -> None:
        self.needed = needed = in_turn(network)
        self._groups, self._late = groups, tail(network)
        self._above = ancestors(predecessors(network))
        self._wanted = [union(needed[i] for i in layer_indices(group)) & ~group for group in groups]
        self._with: list[list[int]] = [[] for _ in needed]
        for number, layers in enumerate(groups):
            for i in layer_indices(layers):
                self._with[i].append(number)
        self._around: dict[int, _Around] = {}
        self._known: list[dict[int, _Found]] = [{} for _ in needed]

    def at(self, ideal: int, ready: int) -> Indices:
        """The groups to run at an ideal, given the layers that could run next.

        Those of the fewest layers of which one must begin; but the tail comes last, or as soon as it waits for nothing.
        """
        layers = layer_indices(ready)
        chosen = next((1 << layer for layer in layers if not self._look(layer, ideal).waits), 0)
        if not chosen and ready:
            starts = layer_indices(ready & ~self._late or ready)
            chosen = min((self._closed(layer, ideal, ready) for layer in starts), key=int.bit_count)
        found = [self._look(layer, ideal).groups for layer in layer_indices(chosen)]
        return np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.intp)

    def _closed(self, start: int, ideal: int, ready: int) -> int:
        """A layer and others, such that of what any of their groups waits for, some can begin with one of them."""
        chosen, left = 1 << start, [start]
        while left:
            for wait in self._look(left.pop(), ideal).waits:
                if not wait & chosen:
                    one = wait & ready & -(wait & ready)
                    chosen |= one
                    left.append(one.bit_length() - 1)
        return chosen

    def _look(self, layer: int, ideal: int) -> _Found:
        around = self._around.get(layer)
        if around is None:
            around = self._around[layer] = self._look_around(layer)
        seen = ideal & around.window
        found = self._known[layer].get(seen)
        if found is None:
            found = self._known[layer][seen] = self._find(around, seen)
        return found

    def _look_around(self, layer: int) -> _Around:
        numbers = self._with[layer]
        members, wanted = [self._groups[g] for g in numbers], [self._wanted[g] for g in numbers]
        window = union(members) | union(wanted)
        size = -(-window.bit_length() // 64)
        words = [word for word in range(size) if window >> 64 * word & (1 << 64) - 1]
        return _Around(
            numbers=np.array(numbers, dtype=np.intp),
            window=window,
            words=words,
            members=set_words(members, size)[:, words],
            wanted=set_words(wanted, size)[:, words],
        )

    def _find(self, around: _Around, seen: int) -> _Found:
        """Tell what can run, and what the others wait for, when some layers of the window have run."""
        here = np.array([seen >> 64 * word & (1 << 64) - 1 for word in around.words], dtype=np.uint64)
        left = ~(around.members & here).any(axis=1)
        runs = left & ~(around.wanted & ~here).any(axis=1)
        missing = {self._wanted[number] & ~seen for number in around.numbers[left & ~runs].tolist()}
        waits = {layers | union(self._above[i] for i in layer_indices(layers)) for layers in missing}
        least = list[int]()
        for one in sorted(waits, key=int.bit_count):
            if all(other & ~one for other in least):
                least.append(one)
        return _Found(around.numbers[runs], tuple(least))
