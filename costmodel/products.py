"""Matrix products of many rows with few columns, in one thread."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ONE_THREAD = 2**18
"""OpenBLAS keeps a product of up to so many multiplications in the calling thread."""


def block_rows(right: Floats) -> int:
    """How many rows of a left factor go into one block."""
    return max(1, _ONE_THREAD // max(1, right.size))


def product(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """``left @ right``, block by block.

    Each product here is small but there are thousands: waking other threads takes longer than the product,
    and several times longer on a busy machine. A block also stays in the cache.
    """
    result = np.empty((len(left), right.shape[1]), dtype=left.dtype)
    step = block_rows(right)
    for begin in range(0, len(left), step):
        np.matmul(left[begin : begin + step], right, out=result[begin : begin + step])
    return result
