"""Prices of layers under which no group costs less than its layers: lower bounds without a lattice.

If integers u_l satisfy ``sum of u_l over the layers of g <= cost(g)`` for every group g that may be used, then
every grouping costs at least the sum of all u_l, since it runs every layer once. docs/solver.md has the proofs.
Everything here is exact in 64 bits, and done for many hardware points at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from costmodel.layer_sets import layer_indices
from costmodel.products import Floats
from costmodel.table import NO_COST
from costmodel.template import Ints

Indices = NDArray[np.intp]

_SWEEPS = 2
_ROOM = 2**57


class Cover:
    """Which layers each group runs. Costs are (group, point), prices (layer, point)."""

    def __init__(self, groups: Sequence[int], num_layers: int) -> None:
        members = [layer_indices(group) for group in groups]
        self.groups = tuple(groups)
        self.num_layers = num_layers
        self.sizes: Ints = np.array([len(layers) for layers in members], dtype=np.int64)
        self._flat = np.array([layer for layers in members for layer in layers], dtype=np.intp)
        self._starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.intp)
        owner = np.repeat(np.arange(len(groups), dtype=np.intp), self.sizes)
        order = np.argsort(self._flat, kind="stable")
        ends = np.searchsorted(self._flat[order], np.arange(num_layers + 1))
        self.of_layer: list[Indices] = [owner[order[a:b]] for a, b in pairwise(ends.tolist())]

    @property
    def most(self) -> int:
        """Prices stay between plus and minus this, so that their sums stay inside 64 bits."""
        return int(NO_COST) // max(1, self.num_layers)

    def layers(self, group: int) -> Indices:
        start = self._starts[group]
        return self._flat[start : start + self.sizes[group]]

    def sums(self, prices: Ints) -> Ints:
        """What the layers of each group are priced together."""
        total: Ints = np.add.reduceat(prices[self._flat], self._starts, axis=0)
        return total

    def sums_of_floats(self, prices: Floats) -> Floats:
        """The same in floating point, to choose by."""
        total: Floats = np.add.reduceat(prices[self._flat], self._starts, axis=0)
        return total

    def shares(self, cost: Ints) -> Ints:
        """Valid prices: the least share of a layer in any of its groups, if a group's layers shared its cost alike."""
        share = np.minimum(cost // self.sizes[:, None], self.most)
        return np.stack([share[groups].min(axis=0) for groups in self.of_layer])

    def valid(self, wished: Ints, cost: Ints) -> tuple[Ints, Ints]:
        """Lower and raise wished prices until they are valid and none could be raised; and the groups' reduced costs.

        Where the wish was so odd that sums could leave 64 bits, `shares` take its place.
        """
        prices = np.clip(wished, -self.most, self.most)
        excess = self.sums(prices) - cost
        if (excess > 0).any():
            each = -(-np.maximum(excess, 0) // self.sizes[:, None])
            prices = prices - np.stack([each[groups].max(axis=0) for groups in self.of_layer])
            odd = (prices < -self.most).any(axis=0)
            if odd.any():
                prices[:, odd] = self.shares(cost[:, odd])
        reduced = cost - self.sums(prices)
        for _ in range(_SWEEPS):
            for layer, groups in enumerate(self.of_layer):
                least = np.minimum(reduced[groups].min(axis=0), self.most - prices[layer])
                if least.any():
                    prices[layer] += least
                    reduced[groups] -= least
        return prices, reduced


@dataclass(frozen=True)
class Units:
    """Fine units for prices at some points: integers of them lose little to rounding.

    All costs at a point are multiples of ``step``; a step is cut into ``parts`` units.
    """

    step: Ints
    parts: Ints

    def fine(self, cost: Ints) -> Ints:
        """Costs (group, point) in units; NO_COST stays."""
        return np.where(cost < NO_COST, cost // self.step * self.parts, NO_COST)

    def coarse(self, total: Ints) -> Ints:
        """Least possible costs (..., point) that are no smaller than so many units."""
        steps = -(-total // self.parts)
        most = NO_COST // self.step
        return np.where(steps < most, steps * self.step, NO_COST)


def units_of(best: Ints, num_layers: int) -> Units:
    """Units for costs (group class, point) so fine that sums over layers stay inside 64 bits."""
    finite = np.where(best < NO_COST, best, 0)
    step = np.maximum(np.gcd.reduce(finite, axis=0), 1)
    dearest = np.maximum(np.abs(finite).max(axis=0) // step, 1)
    return Units(step, np.maximum(_ROOM // (dearest * num_layers), 1))
