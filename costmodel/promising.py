"""Which candidates could be cheapest somewhere, told from numbers that are too low; docs/solver.md, D16."""

from __future__ import annotations

import numpy as np

from costmodel.candidates import Candidates, Family
from costmodel.products import product
from costmodel.selection import UNFIT, Cells, Numbers, PriceGrid, _counts, _exact, _unit_prices
from costmodel.sweeps import Bools
from costmodel.template import Ints
from specs.study import Goal

_COARSE = 3
"""One buffer size in so many is looked at to find candidates that are cheap everywhere."""

_BLOCK = 2**18


class Optimistic:
    """Candidates of one group with costs that may be too low, over all buffer sizes of a family."""

    def __init__(self, rows: Candidates, family: Family, grid: PriceGrid, goal: Goal) -> None:
        self._grid = grid
        self._counts, self._prices = _exact(_counts(rows, family, goal), _unit_prices(grid, goal))
        if grid.shared:
            self._feature = np.searchsorted(grid.feature_bytes, rows.feature_need + rows.weight_need)
            self._weight = np.zeros_like(self._feature)
        else:
            self._feature = np.searchsorted(grid.feature_bytes, rows.feature_need)
            self._weight = np.searchsorted(grid.weight_bytes, rows.weight_need)

    @property
    def fits(self) -> Bools:
        """Where a candidate fits the largest buffers: (candidate, array)."""
        found: Bools = (self._feature < len(self._grid.feature_bytes)) & (self._weight < len(self._grid.weight_bytes))
        return found

    def first_choice(self) -> Cells:
        """Candidates that are cheapest at some of the buffer sizes, if their costs are as low as told."""
        if len(self._prices) == 1:
            return self._first_that_fit()
        sizes, widths = self._prices.shape[1:]
        some = [np.unique(np.append(np.arange(0, n, _COARSE), n - 1)) for n in (sizes, widths)]
        chosen = set[int]()
        for feature in some[0].tolist():
            prices = self._prices[:, feature, some[1]]
            cost = product(self._counts.reshape(-1, len(prices)), prices)
            cost = cost.reshape(*self._counts.shape[:2], -1)
            cost[self._feature > feature] = UNFIT
            cost[self._weight[..., None] > some[1]] = UNFIT
            first = cost.argmin(axis=0)
            least = np.take_along_axis(cost, first[None], axis=0)[0]
            chosen.update(first[least < UNFIT].tolist())
        return np.array(sorted(chosen), dtype=np.intp)

    def _first_that_fit(self) -> Cells:
        """Where costs are the same in all buffers: the cheapest of those that fit the same sizes."""
        shape, fits, cost = self._prices.shape[1:], self.fits, self._counts[..., 0]
        chosen = set[int]()
        for array in range(cost.shape[1]):
            some = np.flatnonzero(fits[:, array])
            cells = np.ravel_multi_index((self._feature[some, array], self._weight[some, array]), shape)
            order = np.lexsort((cost[some, array], cells))
            _, first = np.unique(cells[order], return_index=True)
            chosen.update(some[order[first]].tolist())
        return np.array(sorted(chosen), dtype=np.intp)

    def could_beat(self, best: Ints) -> Bools:
        """Candidates that cost no more than ``best`` somewhere, if their costs are as low as told."""
        sizes, widths = self._prices.shape[1:]
        candidate, array = np.nonzero(self.fits)
        feature, weight = self._feature[candidate, array], self._weight[candidate, array]
        # No more than the most of all buffers that are large enough, at the least of their prices.
        most = _from_here(best, np.maximum)
        least = _from_here(self._prices, np.minimum)
        counts = self._counts[candidate, array]
        cost = np.zeros(len(candidate), dtype=counts.dtype)
        for count, price in zip(counts.T, least, strict=True):
            cost += count * price[feature, weight]
        left = np.flatnonzero(cost <= most[array, feature, weight])
        found = np.zeros(len(self._counts), dtype=bool)
        if len(self._prices) == 1:
            found[candidate[left]] = True  # a cost that is the same in all buffers is the least where it first fits
            return found
        candidate, array, feature, weight = (one[left] for one in (candidate, array, feature, weight))
        counts, flat = counts[left], self._prices.reshape(len(self._prices), -1)
        step = max(1, _BLOCK // flat.shape[1])
        for begin in range(0, len(left), step):
            here = slice(begin, begin + step)
            good = product(counts[here], flat).reshape(-1, sizes, widths) <= best[array[here]]
            good &= (np.arange(sizes) >= feature[here, None])[..., None]
            good &= (np.arange(widths) >= weight[here, None])[:, None]
            found[candidate[here][good.any(axis=(1, 2))]] = True
        return found


def _from_here(values: Numbers, extreme: np.ufunc) -> Numbers:
    """Extreme over all buffers that are no smaller, by the last two axes."""
    turned = values[..., ::-1, ::-1]
    found: Numbers = extreme.accumulate(extreme.accumulate(turned, axis=-1), axis=-2)[..., ::-1, ::-1]
    return found
