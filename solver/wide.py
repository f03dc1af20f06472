"""Groupings of networks that run in too many orders to list: bounds by prices of layers, designs by search.

docs/solver.md has the proofs (D11, D12). A grouping costs the sum of all prices plus its groups' reduced costs,
and no reduced cost is negative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from costmodel.groups import GroupLattice
from costmodel.products import Floats
from costmodel.table import NO_COST
from costmodel.template import Ints
from solver.cover import Cover
from solver.dive import dive
from solver.groupings import Bools, Found
from solver.master import Master
from solver.paths import forward, path, step_arrays

_CELLS = 4_000_000
"""Groups x points looked at at once."""
_PRICED_AT_ONCE = 32
"""Group classes worth pricing after a visit, beside those that the linear program runs."""


@dataclass(frozen=True)
class _Look:
    """One point, looked at: valid prices, reduced costs of the allowed groups, what was wished, a grouping."""

    cost: Ints
    wished: Floats
    bound: int
    reduced: Ints
    sums: Ints
    support: Ints
    groups: tuple[int, ...]
    reached: int


class WideGroupings:
    """Bounds by prices of layers. Groups are numbered among the allowed ones, but for what goes in and out."""

    def __init__(
        self,
        lattice: GroupLattice,
        group_class: Ints,
        allowed: Bools,
        needed: tuple[int, ...],
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._steps = step_arrays(lattice, group_class, allowed)
        self._listed = np.flatnonzero(allowed)
        self._class = group_class[self._listed]
        self._number = np.full(len(allowed), -1)
        self._number[self._listed] = np.arange(len(self._listed))
        self._needed = needed
        self._cover = Cover([lattice.groups[group] for group in self._listed.tolist()], len(needed))
        self._master = Master(self._cover, stop)
        self._last: tuple[Ints, _Look | None] | None = None
        self._ideals: set[int] = set()

    def bounds(self, best: Ints) -> tuple[Ints, Ints]:
        """Look at the most promising point; carry its prices over to the others."""
        reached = self.reached(best)
        least = np.full(best.shape[1], NO_COST, dtype=np.int64)
        columns = np.flatnonzero(self._possible(best))
        if not len(columns):
            return least, reached
        focus = int(columns[reached[columns].argmin()])
        look = self._look(best[:, [focus]])
        assert look is not None
        for part in np.array_split(columns, max(1, len(columns) * len(self._listed) // _CELLS)):
            cost = best[self._class][:, part]
            prices, _ = self._cover.valid(self._carried(look, cost), cost)
            least[part] = prices.sum(axis=0)
        least[focus] = max(int(least[focus]), look.bound)
        reached[focus] = min(int(reached[focus]), look.reached)
        return least, reached

    def reached(self, best: Ints) -> Ints:
        reached: Ints = forward(self._steps, best)[-1]
        return reached

    def found(self, best: Ints) -> Found | None:
        look = self._look(best)
        if look is None or look.reached >= NO_COST:
            return None
        return Found(look.groups, look.reached, look.bound)

    def around(self, best: Ints) -> Ints:
        around = np.full(len(self._number), NO_COST, dtype=np.int64)
        look = self._look(best)
        if look is not None:
            around[self._listed] = look.bound - look.sums
        return around

    def visit(self, best: Ints, priced: Bools, upper: int) -> tuple[Ints, Bools]:
        least = np.full(best.shape[1], NO_COST, dtype=np.int64)
        wanted = np.zeros(len(best), dtype=bool)
        unpriced = np.flatnonzero(~priced[self._class])
        for column in range(best.shape[1]):
            look = self._look(best[:, [column]])
            if look is None:
                continue
            with_unpriced = look.bound + look.reduced[unpriced]
            least[column] = with_unpriced.min(initial=NO_COST)
            worth = unpriced[np.argsort(with_unpriced, kind="stable")]
            worth = worth[look.bound + look.reduced[worth] < upper]
            if len(worth):
                wanted[self._class[worth[:_PRICED_AT_ONCE]]] = True
                wanted[self._class[look.support]] = True
        return least, wanted & ~priced

    def ideals(self) -> list[int]:
        return sorted(self._ideals)

    def _possible(self, best: Ints) -> Bools:
        """Points where every layer has some group that fits."""
        possible: Bools = np.ones(best.shape[1], dtype=bool)
        for groups in self._cover.of_layer:
            possible &= (best[np.unique(self._class[groups])] < NO_COST).any(axis=0)
        return possible

    def _look(self, best: Ints) -> _Look | None:
        """Prices and a grouping at one point; None if no grouping exists. The last answer is remembered."""
        if self._last is None or not np.array_equal(self._last[0], best):
            self._last = (best.copy(), self._looked(best))
        return self._last[1]

    def _looked(self, best: Ints) -> _Look | None:
        if not self._possible(best)[0]:
            return None
        cost = best[self._class]
        groups, reached = self._on_path(best)
        wish = self._master.solve(cost[:, 0], self._number[list(groups)])
        prices, reduced = self._cover.valid(np.floor(wish.prices).astype(np.int64)[:, None], cost)
        bound = int(prices.sum())
        dived = dive(self._cover.groups, reduced[:, 0], self._needed, min(reached, int(NO_COST)) - bound)
        if dived is not None:
            reached = int(cost[dived, 0].sum())
            groups = tuple(self._listed[dived].tolist())
            self._remember(dived)
        return _Look(
            cost=cost[:, 0],
            wished=wish.prices,
            bound=bound,
            reduced=reduced[:, 0],
            sums=cost[:, 0] - reduced[:, 0],
            support=wish.groups.astype(np.int64),
            groups=groups,
            reached=reached,
        )

    def _on_path(self, best: Ints) -> tuple[tuple[int, ...], int]:
        """The best grouping among paths of the listed ideals."""
        reach = forward(self._steps, best)
        if reach[-1, 0] >= NO_COST:
            return (), int(NO_COST)
        return tuple(self._steps.group[path(self._steps, best, reach)].tolist()), int(reach[-1, 0])

    def _remember(self, dived: list[int]) -> None:
        ideal = 0
        for number in dived:
            ideal |= self._cover.groups[number]
            self._ideals.add(ideal)

    def _carried(self, look: _Look, cost: Ints) -> Ints:
        """Wishes at other points: a layer's price grows like the cost of the group that runs it in the known design."""
        then = np.maximum(look.cost, 1).astype(np.float64)
        grown = np.ones((self._cover.num_layers, cost.shape[1]))
        for group in self._number[list(look.groups)].tolist():
            ratio = np.where(cost[group] < NO_COST, cost[group] / then[group], 1.0)
            grown[self._cover.layers(group)] = ratio
        return np.floor(look.wished[:, None] * grown).astype(np.int64)
