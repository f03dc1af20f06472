"""Cuts that tighten the linear program: of three layers, at most one group of a grouping runs two or more.

Groups of one grouping share no layer, and two groups with two of three layers each would share one. A cut's dual
value raises the cost of the groups that count for it, and is paid once from the bound (docs/solver.md, D13).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from costmodel.products import Floats
from costmodel.template import Ints
from solver.cover import Cover

Indices = NDArray[np.intp]

_MOST_CUTS = 400
_PER_ROUND = 20
_MOST_LAYERS = 64
"""Layers in split groups among which triples are looked for."""
_VIOLATION = 0.02


class Cuts:
    """The cuts so far: they hold for every grouping, whatever it costs."""

    def __init__(self, cover: Cover) -> None:
        self._cover = cover
        self._known: set[tuple[int, ...]] = set()
        self.counted: list[Indices] = []
        """For each cut, the groups that count for it."""

    def __len__(self) -> int:
        return len(self.counted)

    def penalties(self, values: Ints) -> Ints:
        """What each group pays for the cuts it counts for: (group,) from (cut,)."""
        paid = np.zeros(len(self._cover.groups), dtype=values.dtype)
        for groups, value in zip(self.counted, values, strict=True):
            if value:
                paid[groups] += value
        return paid

    def penalties_of_floats(self, values: Floats) -> Floats:
        """The same in floating point, to choose by."""
        paid = np.zeros(len(self._cover.groups))
        for groups, value in zip(self.counted, values, strict=True):
            if value:
                paid[groups] += value
        return paid

    def add_violated(self, groups: Indices, shares: Floats) -> bool:
        """Add the cuts that groups run in such shares violate most; whether there were any."""
        split = shares < 1 - 1e-6
        groups, shares = groups[split], shares[split]
        if not len(groups) or len(self) >= _MOST_CUTS:
            return False
        layers = np.unique(np.concatenate([self._cover.layers(group) for group in groups.tolist()]))[:_MOST_LAYERS]
        runs = np.stack([np.isin(layers, self._cover.layers(group)) for group in groups.tolist()], axis=1)
        weighted = runs * shares
        pairs = weighted @ runs.T
        triples = np.einsum("ag,bg,cg->abc", weighted, runs.astype(np.float64), runs.astype(np.float64), optimize=True)
        total = pairs[:, :, None] + pairs[:, None, :] + pairs[None] - 2 * triples
        a, b, c = np.nonzero(total > 1 + _VIOLATION)
        ordered = (a < b) & (b < c)
        a, b, c = a[ordered], b[ordered], c[ordered]
        found = False
        for i in np.argsort(-total[a, b, c], kind="stable").tolist():
            triple = tuple(int(layers[j]) for j in (a[i], b[i], c[i]))
            if triple not in self._known:
                self._add(triple)
                found = True
                if len(self._known) % _PER_ROUND == 0:
                    break
        return found

    def _add(self, triple: tuple[int, ...]) -> None:
        self._known.add(triple)
        has = np.zeros(len(self._cover.groups), dtype=np.int64)
        for layer in triple:
            has[self._cover.of_layer[layer]] += 1
        self.counted.append(np.flatnonzero(has >= 2))
