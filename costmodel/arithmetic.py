"""The array of an executed design: sums over words that were read from buffers, one piece of weights at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from costmodel.buffers import Block, Index
from costmodel.reference_words import Ints
from specs.network import Layer

Floats = NDArray[np.float64]
EXACT = 1 << 53


@dataclass(frozen=True)
class Filters:
    """Weights that the array works with at once.

    Attributes
    ----------
    first
        Position of the first filter among those of the chunk.
    kernels
        Kernel words, shape (filters, words of the input channels at hand); zero where a word comes in another piece.
    biases
        Bias words, shape (filters,); zero where there is none or it comes in another piece.
    num_words
        Kernel words that are here.
    """

    first: int
    kernels: Floats
    biases: Ints
    num_words: int


def windows(layer: Layer, block: Block, rows: Index, cols: Index, padding: int) -> Ints:
    """Put the words under each output side by side.

    Parameters
    ----------
    block
        Input words; rows and columns of the map that are not in it must not be touched.
    rows, cols
        Outputs to be made.
    padding
        Stands where a kernel leaves the map, and between the words of an upsampled one.

    Returns
    -------
    array of shape (images, channels, R * S, outputs)
    """
    at_rows = _positions(layer, block.rows, rows, 0)
    at_cols = _positions(layer, block.cols, cols, 1)
    beyond = ((0, 0), (0, 0), (0, 1), (0, 1))
    words = np.pad(block.values, beyond, constant_values=padding)
    found = words[:, :, at_rows[:, None, :, None], at_cols[None, :, None, :]]
    return found.reshape(*found.shape[:2], layer.R * layer.S, len(rows) * len(cols))


def _positions(layer: Layer, here: Index, made: Index, axis: int) -> Index:
    """Where in a block each kernel position of each output lies, shape (kernel, outputs); the last place is padding."""
    kernel, extent = ((layer.R, layer.H), (layer.S, layer.W))[axis]
    taps = np.arange(kernel)[:, None] * layer.dilation[axis] + made * layer.stride[axis] - layer.pad[axis]
    real = taps // layer.upsample[axis]
    inside = (taps >= 0) & (taps % layer.upsample[axis] == 0) & (real < extent)
    place = np.searchsorted(here, real)
    assert (~inside | np.isin(real, here)).all(), "the array is asked for words that nobody handed to it"
    return np.where(inside, place, len(here))


def accumulate(sums: Ints, groups: int, found: Ints, filters: Iterable[Filters], places: int) -> int:
    """Add to partial sums what pieces of weights contribute.

    Parameters
    ----------
    sums
        Shape (images, output channels of the chunk, outputs); changed in place.
    groups
        Groups of a grouped convolution that the chunk's output channels lie in.
    found
        The words under each output, (images, input channels of those groups, R * S, outputs).
    places
        Places of one image that the array sums for, idle ones included.

    Returns
    -------
    int
        Multiply-accumulates done.
    """
    images, channels, outputs = sums.shape
    found = found.reshape(images, groups, -1, outputs)
    values = found.astype(np.float64)
    most = int(np.abs(found).max(initial=0)) * found.shape[2]
    share, macs = channels // groups, 0
    for piece in filters:
        assert most * int(np.abs(piece.kernels).max(initial=0)) < EXACT, "sums are too large for exact floating point"
        end = piece.first + len(piece.kernels)
        macs += piece.num_words * places * images
        if share == 1:
            parts = np.einsum("kw,nkwo->nko", piece.kernels, values[:, piece.first : end])
            sums[:, piece.first : end] += parts.astype(np.int64)
        else:
            for g in range(piece.first // share, -(-end // share)):
                a, b = max(piece.first, g * share), min(end, (g + 1) * share)
                part = np.matmul(piece.kernels[a - piece.first : b - piece.first], values[:, g])
                sums[:, a:b] += part.astype(np.int64)
        sums[:, piece.first : end] += piece.biases[:, None]
    return macs
