"""Points that no other point beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from costmodel.template import Ints

PIVOTS = (4, 8, 16)
"""Points that the others are compared with in the first rounds; the last one is repeated."""


def undominated(points: Ints) -> NDArray[np.intp]:
    """Positions of the columns of ``points`` (quantity, point) that no other column undercuts, in their order.

    A column goes if another is nowhere larger, and somewhere smaller or equal and earlier. Sorted by the sum of
    their scaled quantities, points are undercut by earlier ones alone. (Of two whose sums round to the same number,
    a beaten one may be left: it is looked at for nothing, and never wins.)
    """
    scale = np.maximum(np.abs(points).max(axis=1, keepdims=True), 1)
    order = np.argsort((points / scale).sum(axis=0), kind="stable")
    columns, found, rounds = points[:, order], [], 0
    while len(order):
        pivots = min(PIVOTS[min(rounds, len(PIVOTS) - 1)], len(order))
        beaten = columns[0, :pivots, None] <= columns[0]
        for values in columns[1:]:
            beaten &= values[:pivots, None] <= values
        beaten[:, :pivots] &= np.arange(pivots)[:, None] < np.arange(pivots)
        kept = ~beaten.any(axis=0)
        found.append(order[:pivots][kept[:pivots]])
        kept[:pivots] = False
        order, columns, rounds = order[kept], columns[:, kept], rounds + 1
    return np.sort(np.concatenate(found))
