"""Points that no other point beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from costmodel.template import Ints

PIVOTS = 16


def undominated(points: Ints) -> NDArray[np.intp]:
    """Positions of the columns of ``points`` (quantity, point) that no other column undercuts.

    A column goes if another is nowhere larger and somewhere smaller, or equal and earlier. Blocks of likely
    good columns are compared with all that remain; as "undercuts" is transitive it does no harm that some of them
    are undercut themselves.
    """
    scale = np.maximum(np.abs(points).max(axis=1, keepdims=True), 1)
    remaining = np.argsort((points / scale).sum(axis=0), kind="stable")
    done = 0
    while done < len(remaining):
        pivots = remaining[done : done + PIVOTS]
        columns = points[:, remaining]
        below = np.ones((len(pivots), len(remaining)), dtype=np.bool_)
        equal = below.copy()
        for values in columns:
            pivot = values[done : done + PIVOTS, None]
            below &= pivot <= values
            equal &= pivot == values
        beaten = below & (~equal | (pivots[:, None] < remaining))
        gone = beaten.any(axis=0)
        done += int((~gone[done : done + PIVOTS]).sum())
        remaining = remaining[~gone]
    return np.sort(remaining)
