"""Points that no other point beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from costmodel.template import Ints

BEST_OF_EACH = 2
"""Points taken first, by either sum, of those with one value of the first quantity."""

BLOCKS = (16, 64, 128)
"""Points that the rest is then compared with in one round; the last number is repeated."""

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def undominated(points: Ints) -> Indices:
    """Positions of the columns of ``points`` (quantity, point) that no other column undercuts, in their order.

    A column goes if another is nowhere larger, and somewhere smaller or equal and earlier. A few likely winners
    clear most of the field. The rest is sorted by a sum that rises with each quantity: then points are undercut by
    earlier ones alone. (Of two whose sums differ by rounding alone a beaten one may be left: it is looked at for
    nothing, and never wins.)
    """
    size, columns = np.abs(points), points.astype(np.float64)
    smallest, mean = (1 / np.maximum(values, 1) for values in (size.min(axis=1), size.mean(axis=1)))
    sums = smallest @ columns
    order = np.argsort(sums, kind="stable")
    if len(order) > BLOCKS[-1]:
        likely = np.concatenate([_best_of_each(points[0], some) for some in (sums, mean @ columns)])
        gone = _at_most(points[:, likely], points).any(axis=0)
        gone[likely] = False
        order = order[~gone[order]]
    remaining, found, rounds = points[:, order], [], 0
    while len(order):
        block = min(BLOCKS[min(rounds, len(BLOCKS) - 1)], len(order))
        beaten = _at_most(remaining[:, :block], remaining)
        beaten[:, :block] &= np.arange(block)[:, None] < np.arange(block)
        kept = ~beaten.any(axis=0)
        found.append(order[:block][kept[:block]])
        kept[:block] = False
        order, remaining, rounds = order[kept], remaining[:, kept], rounds + 1
    return np.sort(np.concatenate(found))


def _at_most(some: Ints, points: Ints) -> NDArray[np.bool_]:
    """Whether each of ``some`` is nowhere larger than each of ``points``: (some, point)."""
    result = some[0][:, None] <= points[0]
    for values, others in zip(some[1:], points[1:], strict=True):
        result &= values[:, None] <= others
    return result


def _best_of_each(first: Ints, sums: Floats) -> Indices:
    """The points of least sum among those with each value of ``first``."""
    order = np.lexsort((sums, first))
    ordered = first[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    ends = np.append(starts[1:], len(order))
    return np.concatenate([order[np.minimum(starts + i, ends - 1)] for i in range(BEST_OF_EACH)])
