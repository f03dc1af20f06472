"""Good groupings where the lattice is too large: a search over ideals that keeps the most promising of each size."""

from __future__ import annotations

from collections import defaultdict
from heapq import nsmallest

import numpy as np
from numpy.typing import NDArray

from costmodel.layer_sets import layer_indices, union

_WIDTH = 16
_PER_LAYER = 24


def dive(groups: tuple[int, ...], reduced: NDArray[np.int64], needed: tuple[int, ...], limit: int) -> list[int] | None:
    """Find a grouping whose reduced costs add up to less than ``limit``, or None; groups in an order in which they run.

    With valid prices the sum of reduced costs is what a grouping costs above the bound, so ideals reached at the
    least sum are the most promising.
    """
    by_lowest: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
    worth = np.flatnonzero(reduced < limit)
    for number in worth[np.argsort(reduced[worth], kind="stable")].tolist():
        layers = groups[number]
        listed = by_lowest[(layers & -layers).bit_length() - 1]
        if len(listed) < _PER_LAYER or layers & (layers - 1) == 0:
            wanted = union(needed[i] for i in layer_indices(layers)) & ~layers
            listed.append((layers, wanted, int(reduced[number]), number))
    everything = (1 << len(needed)) - 1
    reached: list[dict[int, tuple[int, int, int]]] = [{} for _ in range(len(needed) + 1)]
    reached[0][0] = (0, 0, -1)  # ideal: (sum, ideal before, group)
    for size, here in enumerate(reached):
        best = nsmallest(_WIDTH, here.items(), key=lambda item: (item[1][0], item[0]))
        here.clear()
        here.update(best)
        for ideal, (total, _, _) in best:
            for lowest, sources in enumerate(needed):
                if ideal >> lowest & 1 or sources & ~ideal:
                    continue
                for layers, wanted, more, number in by_lowest.get(lowest, ()):
                    if layers & ideal or wanted & ~ideal or total + more >= limit:
                        continue
                    there = reached[size + layers.bit_count()]
                    found = there.get(ideal | layers)
                    if found is None or total + more < found[0]:
                        there[ideal | layers] = (total + more, ideal, number)
    if everything not in reached[-1]:
        return None
    taken, ideal = [], everything
    while ideal:
        _, before, number = reached[ideal.bit_count()][ideal]
        taken.append(number)
        ideal = before
    return taken[::-1]
