"""Matrix products of many rows with few columns, in one thread."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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


def least_product(left: Floats, right: Floats) -> Floats:
    """Column minima of ``left @ right`` (no entry negative), with little memory.

    The rows that are best in some column of ``right`` or of ``left`` beat most others in every entry; those
    are dropped first.
    """
    corners = left[np.concatenate([product(left, right[:, [0, -1]]).argmin(axis=0), left.argmin(axis=0)])]
    for corner in np.unique(corners, axis=0):
        left = left[(left < corner).any(axis=1)]
    left = np.concatenate([corners, left])
    block = block_rows(right)
    parts = (left[i : i + block] @ right for i in range(0, len(left), block))
    least: Floats = np.min([part.min(axis=0) for part in parts], axis=0)
    return least


def exact_product(left: Ints, right: Ints) -> Ints:
    """``left @ right`` of numbers that are not negative, in floating point where all sums are exact there (faster)."""
    if not left.size or not right.size:
        return np.zeros((len(left), right.shape[1]), dtype=np.int64)
    most = sum(int(a) * int(b) for a, b in zip(left.max(axis=0), right.max(axis=1), strict=True))
    if most < 2**53:
        found: Ints = product(left.astype(np.float64), right.astype(np.float64)).astype(np.int64)
        return found
    return left @ right
