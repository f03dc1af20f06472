"""Ideals of a network: sets of layers that can have run at some moment; all of them, or some good ones."""

from __future__ import annotations

from collections.abc import Iterable

from costmodel.layer_sets import layer_indices, readers_of, union
from specs.network import Network

MOST_PER_SIZE = 24
"""Where not every ideal is listed: so many of each size beside those of the file's order."""


def every_ideal(needed: tuple[int, ...], most: int) -> tuple[int, ...] | None:
    """All ideals, smallest first; None if there are more than ``most``."""
    readers = readers_of(needed)
    ideals = [0]
    frontier = {0: _ready(0, range(len(needed)), needed)}  # what could run next, for each ideal
    while frontier:
        larger: dict[int, int] = {}
        for ideal, ready in frontier.items():
            for i in layer_indices(ready):
                one = ideal | 1 << i
                if one not in larger:
                    larger[one] = ready & ~(1 << i) | _ready(one, layer_indices(readers[i]), needed)
            if len(ideals) + len(larger) > most:
                return None
        frontier = larger if any(larger.values()) else {}
        ideals += sorted(larger)
    return tuple(ideals)


def some_ideals(network: Network, needed: tuple[int, ...], per_size: int | None = None) -> tuple[int, ...]:
    """Ideals of every size at whose borders few bytes pass, and all of one plain order; smallest first.

    What is alive between two groups travels through DRAM, so good groups end where little is alive.
    """
    per_size = MOST_PER_SIZE if per_size is None else per_size
    sizes = [0 if layer.reduces else layer.output.elements for layer in network.layers]
    readers = readers_of(needed)

    def alive(ideal: int) -> int:
        return sum(sizes[i] for i in layer_indices(ideal) if readers[i] & ~ideal)

    ideals = [0]
    frontier = [0]
    in_order = 0
    for _ in range(1, len(sizes) + 1):
        larger = {ideal | 1 << i for ideal in frontier for i in layer_indices(_ready(ideal, range(len(sizes)), needed))}
        frontier = sorted(larger, key=lambda ideal: (alive(ideal), ideal))[:per_size]
        ready = _ready(in_order, range(len(sizes)), needed)
        in_order |= ready & -ready  # the file's order, part after part
        if in_order not in frontier:
            frontier.append(in_order)
        ideals += sorted(frontier)
    return tuple(ideals)


def _ready(ideal: int, layers: Iterable[int], needed: tuple[int, ...]) -> int:
    """Those of some layers that have not run but could."""
    return union(1 << i for i in layers if not ideal >> i & 1 and needed[i] & ~ideal == 0)
