"""The order of a network's layers: who reads whom, and whether anything reads itself."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence


def topological_order(reads: Mapping[str, Sequence[str]]) -> list[str] | None:
    """Sort nodes so that each comes after all it reads, and otherwise as early as it was listed.

    Parameters
    ----------
    reads
        What each node reads, in the order listed; names that are not nodes are ready from the start.

    Returns
    -------
    list of str or None
        None if the graph has a cycle.
    """
    names = list(reads)
    position = {name: i for i, name in enumerate(names)}
    waits_for = {name: {source for source in sources if source in position} for name, sources in reads.items()}
    readers: dict[str, list[str]] = {name: [] for name in names}
    for name, sources in waits_for.items():
        for source in sources:
            readers[source].append(name)
    ready = [position[name] for name in names if not waits_for[name]]
    order = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for reader in readers[name]:
            waits_for[reader].remove(name)
            if not waits_for[reader]:
                heapq.heappush(ready, position[reader])
    return order if len(order) == len(names) else None


def find_cycle(reads: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a cycle of a graph that has one, in the direction of the data: each node is read by the next.

    The first node is the one listed first.
    """
    waiting = dict(reads)
    while removable := [name for name, sources in waiting.items() if not any(source in waiting for source in sources)]:
        for name in removable:
            del waiting[name]
    # Whoever is left reads someone who is left: walking backwards must meet itself.
    walk = [next(iter(waiting))]
    while (source := next(s for s in waiting[walk[-1]] if s in waiting)) not in walk:
        walk.append(source)
    cycle = walk[walk.index(source) :][::-1]
    first = min(range(len(cycle)), key=lambda i: list(reads).index(cycle[i]))
    return cycle[first:] + cycle[:first]
