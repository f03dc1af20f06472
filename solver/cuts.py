"""Cuts that tighten the linear program: weights of layers, divided by a small prime and rounded down.

Let layers weigh w_l = 0 .. p - 1. A grouping's groups share out the layers, so the sum over its groups of
floor(w(g) / p) is at most floor(w(all layers) / p). A cut's dual value raises the cost of the groups that count
for it, and is paid from the bound (docs/solver.md, D13).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from costmodel.products import Floats
from costmodel.template import Ints
from solver.cover import Cover

Indices = NDArray[np.intp]

_MOST_CUTS = 120
_PER_ROUND = 20
_VIOLATION = 0.02
_PRIMES = (2, 3)
_ORDERS = 6
"""Orders of layers in which weights are looked for: each gives others."""
_IGNORED = (0.0, 0.5, 0.9)
"""Shares in all of groups that may be left with a remainder."""


class Cuts:
    """The cuts so far: they hold for every grouping, whatever it costs."""

    def __init__(self, cover: Cover) -> None:
        self._cover = cover
        self._known: list[bytes] = []
        self.counts: list[Ints] = []
        """For each cut, how often each group counts."""
        self.limits: list[int] = []
        """For each cut, how often the groups of a grouping may count."""
        everything: Indices = np.arange(cover.num_layers, dtype=np.intp)
        for size in range(2, int(cover.sizes.max(initial=1)) + 1):
            if cover.num_layers % size:  # whole groups of this size do not share out all layers
                self._add(size, everything, np.ones(cover.num_layers, dtype=np.int64), b"")

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

        If all groups that run have weights that p divides, but the weight of all layers leaves a remainder, the sum of
        floor(w(g) / p) is too large; and it still is if some groups of small shares leave remainders.
        """
        if len(self) >= _MOST_CUTS or (shares > 1 - 1e-6).all():
            return False
        layers = np.arange(self._cover.num_layers, dtype=np.intp)
        order = np.argsort(-shares, kind="stable")
        runs = np.stack([np.isin(layers, self._cover.layers(group)) for group in groups[order].tolist()])
        running_out = np.cumsum(shares[order][::-1])[::-1]
        found: dict[bytes, tuple[int, Ints]] = {}
        for turn, ignored, prime in product(range(_ORDERS), _IGNORED, _PRIMES):
            for weights in _remainders(runs[running_out > ignored].astype(np.int64), prime, turn):
                name = bytes([prime]) + weights.tobytes()
                left = (runs @ weights % prime) @ shares[order]
                if left < weights.sum() % prime - _VIOLATION and name not in self._known:
                    found[name] = (prime, weights)
            if len(found) >= 2 * _PER_ROUND:
                break
        # Heavy ones first: they leave least room for another solution like this one.
        fresh = sorted(
            ((prime, -int(weights.sum()), name, weights) for name, (prime, weights) in found.items()),
            key=lambda cut: cut[:3],
        )[:_PER_ROUND]
        for prime, _, name, weights in fresh:
            self._add(prime, layers, weights, name)
        return bool(fresh)

    def keep(self, kept: Indices) -> None:
        """Forget all other cuts."""
        self._known = [self._known[i] for i in kept]
        self.counts = [self.counts[i] for i in kept]
        self.limits = [self.limits[i] for i in kept]

    def _add(self, prime: int, layers: Indices, weights: Ints, name: bytes) -> None:
        self._known.append(name)
        weight = np.zeros(len(self._cover.groups), dtype=np.int64)
        for layer, more in zip(layers.tolist(), weights.tolist(), strict=True):
            weight[self._cover.of_layer[layer]] += more
        self.counts.append(weight // prime)
        self.limits.append(int(weights.sum()) // prime)


def _remainders(divided: Ints, prime: int, turn: int) -> list[Ints]:
    """Weights of layers that ``prime`` divides in every row's sum, but not in all: solutions of linear equations.

    Elimination prefers pivots in an order of layers that depends on the turn; each layer that is no pivot gives
    one solution.
    """
    num_layers = divided.shape[1]
    start = turn * num_layers // _ORDERS
    order = [*range(start, num_layers), *range(start)]
    if turn % 2:
        order.reverse()
    rows, done = divided % prime, 0
    pivots: list[int] = []
    for layer in order:
        holding = done + np.flatnonzero(rows[done:, layer])
        if not len(holding):
            continue
        rows[[done, holding[0]]] = rows[[holding[0], done]]
        rows[done] = rows[done] * pow(int(rows[done, layer]), -1, prime) % prime
        others = np.arange(len(rows)) != done
        rows[others] = (rows[others] - rows[others, layer][:, None] * rows[done]) % prime
        pivots.append(layer)
        done += 1
        if done == len(rows):
            break
    found = []
    for free in sorted(set(range(num_layers)) - set(pivots)):
        weights = np.zeros(num_layers, dtype=np.int64)
        weights[free] = 1
        weights[pivots] = -rows[: len(pivots), free] % prime
        remainder = int(weights.sum()) % prime
        if remainder:  # of all multiples, the one whose remainder is largest
            found.append(weights * (-pow(remainder, -1, prime)) % prime)
    return found
