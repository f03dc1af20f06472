"""Points that no other point beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from costmodel.template import Ints

BLOCK = 32
"""Points that all others are compared with in one round."""

FEW = 48
"""Points that are all compared with each other at once."""

DENSE = 5
"""Quantities by which all pairs are compared."""

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def undominated(points: Ints) -> Indices:
    """Positions of the columns of ``points`` (quantity, point) that no other column undercuts, in their order.

    A column goes if another is nowhere larger, and somewhere smaller or equal and earlier. A few likely winners
    clear most of the field. The rest is sorted by a sum that rises with each quantity: then points are undercut by
    earlier ones alone. (Of two whose sums differ by rounding alone a beaten one may be left: it is looked at for
    nothing, and never wins.)
    """
    if points.shape[1] <= FEW:
        below = np.logical_and.reduce(points[:, :, None] <= points[:, None, :], axis=0)
        # Not the point itself nor, of equals, a later one.
        below &= ~(below.T & ~np.tri(len(below), k=-1, dtype=np.bool_).T)
        return np.flatnonzero(~np.logical_or.reduce(below, axis=0))
    size = np.abs(points)
    # Row after row, not as a product: so equal columns have equal sums, on every machine.
    sums, others = (
        (points * (1 / np.maximum(scale, 1))[:, None]).sum(axis=0) for scale in (size.min(axis=1), size.mean(axis=1))
    )
    order = np.argsort(sums, kind="stable")
    if len(order) > 2 * BLOCK:
        likely = np.concatenate([_best_of_each(points[0], some) for some in (sums, others)])
        gone: Bools = np.logical_or.reduce(_at_most(points[:, likely], points), axis=0)
        gone[likely] = False
        order = order[~gone[order]]
    remaining, found = points[:, order], []
    while len(order):
        block = min(BLOCK, len(order))
        beaten = _at_most(remaining[:, :block], remaining)
        beaten[:, :block] &= np.arange(block)[:, None] < np.arange(block)
        kept: Bools = ~np.logical_or.reduce(beaten, axis=0)
        found.append(order[:block][kept[:block]])
        kept[:block] = False
        order, remaining = order[kept], remaining[:, kept]
    return np.sort(np.concatenate(found))


def _at_most(some: Ints, points: Ints) -> Bools:
    """Whether each of ``some`` is nowhere larger than each of ``points``: (some, point).

    A few quantities already tell most pairs apart; the others are compared for the pairs that are left.
    """
    result = np.ones((some.shape[1], points.shape[1]), dtype=np.bool_)
    for low, high in zip(some[:DENSE], points[:DENSE], strict=True):
        result &= low[:, None] <= high
    if len(some) <= DENSE:
        return result
    lower, upper = np.nonzero(result)
    for low, high in zip(some[DENSE:], points[DENSE:], strict=True):
        kept = low[lower] <= high[upper]
        lower, upper = lower[kept], upper[kept]
    result[:] = False
    result[lower, upper] = True
    return result


def _best_of_each(first: Ints, sums: Floats) -> Indices:
    """The point of least sum among those with each value of ``first``."""
    order = np.lexsort((sums, first))
    ordered = first[order]
    starts = np.ones(len(order), dtype=np.bool_)
    starts[1:] = ordered[1:] != ordered[:-1]
    return order[starts]
