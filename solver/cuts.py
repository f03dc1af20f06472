"""Cuts that tighten the linear program: of an odd number of layers, groups run whole pairs at most so many times.

For a set S of layers, a grouping's groups share out the |S| layers, so the sum over its groups of |g ∩ S| / 2,
each rounded down, is at most |S| / 2 rounded down. A cut's dual value raises the cost of the groups that count for
it, and is paid from the bound (docs/solver.md, D13).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from costmodel.layer_sets import layer_indices
from costmodel.products import Floats
from costmodel.template import Ints
from solver.cover import Cover

Indices = NDArray[np.intp]

_MOST_CUTS = 400
_PER_ROUND = 20
_ORDERS = 6
"""Orders of layers in which sets are looked for: each gives others."""
_IGNORED = (0.0, 0.5, 0.9)
"""Shares in all of groups that may cut a set into odd parts."""


class Cuts:
    """The cuts so far: they hold for every grouping, whatever it costs."""

    def __init__(self, cover: Cover) -> None:
        self._cover = cover
        self._known: set[int] = set()
        self.counts: list[Ints] = []
        """For each cut, how often each group counts."""
        self.limits: list[int] = []
        """For each cut, how often the groups of a grouping may count."""

    def __len__(self) -> int:
        return len(self.counts)

    def penalties(self, values: Ints) -> Ints:
        """What each group pays for the cuts it counts for: (group,) from (cut,)."""
        paid: Ints = np.zeros(len(self._cover.groups), dtype=np.int64)
        for counts, value in zip(self.counts, values.tolist(), strict=True):
            if value:
                paid += counts * value
        return paid

    def penalties_of_floats(self, values: Floats) -> Floats:
        """The same in floating point, to choose by."""
        paid: Floats = np.zeros(len(self._cover.groups))
        for counts, value in zip(self.counts, values.tolist(), strict=True):
            if value:
                paid += counts * value
        return paid

    def paid(self, values: Ints) -> int:
        """What is paid from the bound."""
        return sum(value * limit for value, limit in zip(values.tolist(), self.limits, strict=True))

    def add_violated(self, groups: Indices, shares: Floats) -> bool:
        """Add cuts that groups run in such shares violate; whether there were any.

        If the groups that hold an odd part of an odd set S are run in a share of less than one in all, then
        the sum of |g ∩ S| / 2 rounded down is more than (|S| - 1) / 2.
        """
        if len(self) >= _MOST_CUTS or (shares > 1 - 1e-6).all():
            return False
        order = np.argsort(-shares, kind="stable")
        running_out = np.cumsum(shares[order][::-1])[::-1]
        found: set[int] = set()
        for ignored in _IGNORED:
            even = [self._cover.groups[group] for group in groups[order[running_out > ignored]].tolist()]
            for turn in range(_ORDERS):
                found |= _odd_sets(even, self._cover.num_layers, turn)
        fresh = sorted(found - self._known, key=lambda layers: (layers.bit_count(), layers))[:_PER_ROUND]
        for layers in fresh:
            self._add(layers)
        return bool(fresh)

    def _add(self, layers: int) -> None:
        self._known.add(layers)
        has = np.zeros(len(self._cover.groups), dtype=np.int64)
        for layer in layer_indices(layers):
            has[self._cover.of_layer[layer]] += 1
        self.counts.append(has // 2)
        self.limits.append(layers.bit_count() // 2)


def _odd_sets(even: list[int], num_layers: int, turn: int) -> set[int]:
    """Sets of an odd number of layers (at least three) that share an even number with every given set.

    They solve linear equations over two elements. Elimination prefers pivots in an order of layers that depends
    on the turn; each layer that is no pivot gives one solution.
    """
    start = turn * num_layers // _ORDERS
    order = [*range(start, num_layers), *range(start)]
    if turn % 2:
        order.reverse()
    rows = list(even)
    pivots: list[tuple[int, int]] = []  # layer, row reduced to hold no other pivot
    for layer in order:
        holding = next((i for i, row in enumerate(rows) if row >> layer & 1), None)
        if holding is None:
            continue
        row = rows.pop(holding)
        rows = [other ^ row if other >> layer & 1 else other for other in rows]
        pivots = [(pivot, other ^ row if other >> layer & 1 else other) for pivot, other in pivots]
        pivots.append((layer, row))
    taken = sum(1 << pivot for pivot, _ in pivots)
    found = set()
    for free in range(num_layers):
        if not taken >> free & 1:
            solution = 1 << free | sum(1 << pivot for pivot, row in pivots if row >> free & 1)
            if solution.bit_count() % 2 and solution.bit_count() >= 3:
                found.add(solution)
    return found
