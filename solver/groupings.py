"""What the bounds ask about groupings: how cheap they can be at least, which are known, what surrounds a group.

Two answers exist: shortest paths, where every ideal is listed (`LatticeGroupings`), and prices of layers, where
there are too many (`solver.wide`). Costs of group classes come as (group class, point), NO_COST where nothing fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from costmodel.groups import GroupLattice
from costmodel.table import NO_COST
from costmodel.template import Ints
from solver.paths import backward, classes_on_paths, forward, path, step_arrays

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Found:
    """A grouping at one point, in an order in which it can run, and what no grouping there costs less than."""

    groups: tuple[int, ...]
    cost: int
    least: int


class Groupings(Protocol):
    @property
    def exact(self) -> bool:
        """Whether bounds are what the best groupings cost."""

    def bounds(self, best: Ints) -> tuple[Ints, Ints]:
        """Per point: what no grouping costs less than, and what some grouping costs (NO_COST if none is known)."""

    def reached(self, best: Ints) -> Ints:
        """Per point what some grouping costs; NO_COST if none is known."""

    def found(self, best: Ints) -> Found | None:
        """The best known grouping at one point (``best`` has one column); None if none is known."""

    def around(self, best: Ints) -> Ints:
        """For each group, what the rest of any grouping with it costs at least, at one point."""

    def visit(self, best: Ints, priced: Bools, upper: int) -> tuple[Ints, Bools]:
        """Look at points where some group classes are only known to cost at least so much.

        Returns per point what no grouping with any such class costs less than, and which classes to price next:
        some unpriced one unless all points' numbers reach ``upper``.
        """

    def ideals(self) -> list[int]:
        """Ideals worth listing beside those of an incomplete lattice."""


class LatticeGroupings:
    """Groupings are paths through all ideals: everything is exact."""

    exact = True

    def __init__(self, lattice: GroupLattice, group_class: Ints, allowed: Bools) -> None:
        self.steps = step_arrays(lattice, group_class, allowed)
        self._num_groups = len(allowed)

    def bounds(self, best: Ints) -> tuple[Ints, Ints]:
        least = self.reached(best)
        return least, least

    def reached(self, best: Ints) -> Ints:
        reached: Ints = forward(self.steps, best)[-1]
        return reached

    def found(self, best: Ints) -> Found | None:
        reach = forward(self.steps, best)
        cost = int(reach[-1, 0])
        if cost >= NO_COST:
            return None
        return Found(tuple(self.steps.group[path(self.steps, best, reach)].tolist()), cost, cost)

    def around(self, best: Ints) -> Ints:
        steps = self.steps
        reach, finish = forward(steps, best)[:, 0], backward(steps, best)[:, 0]
        around = np.full(self._num_groups, NO_COST, dtype=np.int64)
        np.minimum.at(around, steps.group, np.minimum(reach[steps.before] + finish[steps.after], NO_COST))
        return around

    def visit(self, best: Ints, priced: Bools, upper: int) -> tuple[Ints, Bools]:
        reach = forward(self.steps, best)
        still = reach[-1] < upper
        return reach[-1], classes_on_paths(self.steps, best[:, still], reach[:, still])

    def ideals(self) -> list[int]:
        return []
