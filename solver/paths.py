"""Shortest paths through the lattice of ideals, for many hardware points at once.

On one hardware point costs add up over groups, so the best grouping is a shortest path from the empty
ideal to the full one, each step priced with its group's best candidate. All sums are integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from costmodel.groups import GroupLattice
from costmodel.table import NO_COST
from costmodel.template import Ints


@dataclass(frozen=True)
class StepArrays:
    """Steps as arrays, ordered so that a step's `before` is final when the step is taken."""

    before: NDArray[np.intp]
    after: NDArray[np.intp]
    group: NDArray[np.intp]
    group_class: NDArray[np.intp]
    num_ideals: int
    #: (ideal reached, first step, one past the last step) with steps sorted by `after`
    arrivals: tuple[tuple[int, int, int], ...]


def step_arrays(lattice: GroupLattice, group_class: Ints, groups: NDArray[np.bool_]) -> StepArrays:
    """Arrays of the steps whose groups are allowed, sorted by the ideal they reach."""
    kept = groups[lattice.group]
    before, after, group = lattice.before[kept], lattice.after[kept], lattice.group[kept]
    order = np.lexsort((group, before, after))
    before, after, group = before[order], after[order], group[order]
    reached, first = np.unique(after, return_index=True)
    last = np.append(first[1:], len(after))
    return StepArrays(
        before=before,
        after=after,
        group=group,
        group_class=group_class[group].astype(np.intp),
        num_ideals=len(lattice.ideals),
        arrivals=tuple(zip(reached.tolist(), first.tolist(), last.tolist(), strict=True)),
    )


def forward(steps: StepArrays, best: Ints) -> Ints:
    """Least cost of reaching each ideal: (ideal, point) from ``best`` (group class, point)."""
    cost = np.full((steps.num_ideals, best.shape[1]), NO_COST, dtype=np.int64)
    cost[0] = 0
    for ideal, first, last in steps.arrivals:
        arriving = cost[steps.before[first:last]] + best[steps.group_class[first:last]]
        cost[ideal] = np.minimum(arriving.min(axis=0), NO_COST)
    return cost


def backward(steps: StepArrays, best: Ints) -> Ints:
    """Least cost of finishing from each ideal: (ideal, point)."""
    cost = np.full((steps.num_ideals, best.shape[1]), NO_COST, dtype=np.int64)
    cost[-1] = 0
    for ideal, first, last in reversed(steps.arrivals):
        leaving = np.minimum(cost[ideal] + best[steps.group_class[first:last]], NO_COST)
        np.minimum.at(cost, steps.before[first:last], leaving)
    return cost


def path(steps: StepArrays, best: Ints, cost: Ints) -> list[int]:
    """Steps of a shortest path at one point (``best`` and ``cost`` have one column), first step first."""
    by_ideal = {ideal: (first, last) for ideal, first, last in steps.arrivals}
    ideal, taken = steps.num_ideals - 1, []
    while ideal:
        first, last = by_ideal[ideal]
        arriving = cost[steps.before[first:last], 0] + best[steps.group_class[first:last], 0]
        step = first + int(arriving.argmin())
        assert arriving.min() == cost[ideal, 0] < NO_COST
        taken.append(step)
        ideal = int(steps.before[step])
    return taken[::-1]


def classes_on_paths(steps: StepArrays, best: Ints, cost: Ints) -> NDArray[np.bool_]:
    """Group classes on one shortest path of each point; ``cost`` is what `forward` made of ``best``."""
    used = np.zeros(len(best), dtype=bool)
    by_ideal = {ideal: (first, last) for ideal, first, last in steps.arrivals}
    for point in np.flatnonzero(cost[-1] < NO_COST).tolist():
        ideal = steps.num_ideals - 1
        while ideal:
            taken = slice(*by_ideal[ideal])
            arriving = cost[steps.before[taken], point] + best[steps.group_class[taken], point]
            step = taken.start + int(arriving.argmin())
            used[steps.group_class[step]] = True
            ideal = int(steps.before[step])
    return used
