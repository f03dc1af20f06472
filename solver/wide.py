"""Groupings of networks that run in too many orders to list: bounds by prices of layers, designs by search.

docs/solver.md has the proofs (D11, D12). A grouping costs the sum of all prices plus its groups' reduced costs,
and no reduced cost is negative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from costmodel.groups import GroupLattice
from costmodel.products import Floats
from costmodel.table import NO_COST
from costmodel.template import Ints
from solver.cover import Cover, Units, units_of
from solver.dive import dive
from solver.groupings import Bools, Found
from solver.master import Master, Wish
from solver.paths import forward, path, step_arrays

_CELLS = 4_000_000
"""Groups x points looked at at once."""
FEW = 128
"""Group classes that are priced without looking closer."""
_PRICED_AT_ONCE = 32
"""Groups worth pricing after a visit, beside those that the linear program runs."""


@dataclass(frozen=True)
class _Look:
    """One point, looked at; all but ``bound`` in fine units.

    Attributes
    ----------
    total
        The sum of all prices, less what the cuts cost.
    sums, reduced : (group,)
        What each group's layers are priced together, less its penalties for cuts; by how much its cost is above.
    support
        Groups that the linear program would run.
    bound
        What no grouping costs less than.
    """

    units: Units
    cost: Ints
    wish: Wish
    total: int
    sums: Ints
    reduced: Ints
    support: NDArray[np.intp]
    bound: int


@dataclass(frozen=True)
class _Way:
    """A grouping of one point, in an order in which it can run, and its cost."""

    groups: tuple[int, ...]
    cost: int


class WideGroupings:
    """Bounds by prices of layers. Groups are numbered among the allowed ones, but for what goes in and out."""

    exact = False

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
        self._last: tuple[bool, Ints, _Look | None] | None = None
        self._ideals: set[int] = set()

    def bounds(self, best: Ints) -> tuple[Ints, Ints]:
        """Look at the most promising point; carry its prices over to the others."""
        reached: Ints = forward(self._steps, best)[-1]
        least = np.full(best.shape[1], NO_COST, dtype=np.int64)
        columns = np.flatnonzero(self._possible(best))
        if not len(columns):
            return least, reached
        focus = int(columns[reached[columns].argmin()])
        look = self._look(best[:, [focus]])
        assert look is not None
        way = self._way(best[:, [focus]], look)
        if way is not None:
            reached[focus] = way.cost
        for part in np.array_split(columns, max(1, len(columns) * len(self._listed) // _CELLS)):
            units = units_of(best[:, part], self._cover.num_layers)
            cost = units.fine(best[:, part])[self._class]
            least[part] = units.coarse(self._carried(look, way, cost))
        least[focus] = max(int(least[focus]), look.bound)
        return least, reached

    def reached(self, best: Ints) -> Ints:
        reached: Ints = forward(self._steps, best)[-1]
        if len(reached):
            focus = int(reached.argmin())
            look = self._look(best[:, [focus]])
            way = None if look is None else self._way(best[:, [focus]], look)
            if way is not None:
                reached[focus] = way.cost
        return reached

    def found(self, best: Ints) -> Found | None:
        look = self._look(best)
        way = None if look is None else self._way(best, look)
        return None if look is None or way is None else Found(way.groups, way.cost, look.bound)

    def around(self, best: Ints) -> Ints:
        around = np.full(len(self._number), NO_COST, dtype=np.int64)
        look = self._look(best)
        if look is not None:
            around[self._listed] = look.units.coarse(look.total - look.sums)
        return around

    def visit(self, best: Ints, priced: Bools, upper: int) -> tuple[Ints, Bools]:
        least = np.full(best.shape[1], NO_COST, dtype=np.int64)
        wanted = np.zeros(len(best), dtype=bool)
        unpriced = np.flatnonzero(~priced[self._class])
        for column in range(best.shape[1] if len(unpriced) else 0):
            look = self._look(best[:, [column]], cut=False)
            if look is not None and look.bound < upper and 0 < (~priced).sum() <= FEW:
                least[column] = look.bound  # pricing the rest takes less time than a better bound
                wanted[:] = True
                continue
            if look is not None and look.bound < upper and priced[self._class[look.support]].all():
                look = self._look(best[:, [column]])
            if look is None:
                continue
            with_unpriced = look.units.coarse(look.total + look.reduced[unpriced])
            least[column] = with_unpriced.min(initial=NO_COST)
            if least[column] >= upper:
                continue
            order = np.argsort(with_unpriced, kind="stable")[:_PRICED_AT_ONCE]
            wanted[self._class[unpriced[order[with_unpriced[order] < upper]]]] = True
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

    def _look(self, best: Ints, cut: bool = True) -> _Look | None:
        """Prices at one point; None if no grouping exists. The last answer is remembered."""
        if self._last is None or self._last[0] != cut or not np.array_equal(self._last[1], best):
            self._last = (cut, best.copy(), self._looked(best, cut))
        return self._last[2]

    def _looked(self, best: Ints, cut: bool) -> _Look | None:
        if not self._possible(best)[0]:
            return None
        units = units_of(best, self._cover.num_layers)
        cost = units.fine(best)[self._class]
        wish = self._master.solve(cost[:, 0], cut)
        penalties = self._paid(wish.penalties)
        with_cuts = cost + self._master.cuts.penalties(penalties)[:, None]
        prices, reduced = self._cover.valid(_whole(wish.prices), with_cuts)
        total = prices.sum(axis=0) - self._master.cuts.paid(penalties)
        return _Look(
            units=units,
            cost=cost[:, 0],
            wish=wish,
            total=int(total[0]),
            sums=cost[:, 0] - reduced[:, 0],
            reduced=reduced[:, 0],
            support=wish.groups,
            bound=int(units.coarse(total)[0]),
        )

    def _way(self, best: Ints, look: _Look) -> _Way | None:
        """A good grouping at one point: a path through the listed ideals, or better; None if none is known."""
        reach = forward(self._steps, best)
        cost, groups = int(reach[-1, 0]), tuple[int, ...]()
        if cost < NO_COST:
            groups = tuple(self._steps.group[path(self._steps, best, reach)].tolist())
        if look.bound < cost:
            room = int(look.units.fine(np.array([cost]))[0]) - look.total
            dived = dive(self._cover.groups, look.reduced, self._needed, room)
            if dived is not None:
                groups = tuple(self._listed[dived].tolist())
                cost = int(best[self._class[dived], 0].sum())
                self._remember(dived)
        return _Way(groups, cost) if cost < NO_COST else None

    def _remember(self, dived: list[int]) -> None:
        ideal = 0
        for number in dived:
            ideal |= self._cover.groups[number]
            self._ideals.add(ideal)

    def _carried(self, look: _Look, way: _Way | None, cost: Ints) -> Ints:
        """Totals of valid prices at other points.

        Wished is that a layer's price grows like the cost of the group that runs it in the known grouping.
        """
        grown = np.ones((self._cover.num_layers, cost.shape[1]))
        for group in self._number[[] if way is None else list(way.groups)].tolist():
            ratio = np.where(cost[group] < NO_COST, cost[group] / max(1, int(look.cost[group])), 1.0)
            grown[self._cover.layers(group)] = ratio
        totals = np.empty(cost.shape[1], dtype=np.int64)
        for i, mean in enumerate(grown.mean(axis=0).tolist()):
            penalties = self._paid(look.wish.penalties * mean)
            with_cuts = cost[:, [i]] + self._master.cuts.penalties(penalties)[:, None]
            wished = _whole(look.wish.prices * grown[:, i])
            totals[i] = self._cover.valid(wished, with_cuts)[0].sum() - self._master.cuts.paid(penalties)
        return totals

    def _paid(self, penalties: Floats) -> Ints:
        """Penalties for all cuts, later ones too, as integers; none where their sum could leave 64 bits."""
        whole: Ints = np.zeros(len(self._master.cuts), dtype=np.int64)
        if (penalties * self._master.cuts.limits[: len(penalties)]).sum() < float(NO_COST) / 4:
            whole[: len(penalties)] = np.floor(penalties)
        return whole


def _whole(prices: Floats) -> Ints:
    """Wished prices of one point as integers: (layer, 1)."""
    whole: Ints = np.floor(np.clip(prices, -(2.0**60), 2.0**60)).astype(np.int64)[:, None]
    return whole
