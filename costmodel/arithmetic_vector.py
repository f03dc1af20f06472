"""What is computed without kernels of weights, and sums of reductions: gathered, output by output."""

from __future__ import annotations

import numpy as np

from costmodel.arithmetic import EXACT, windows
from costmodel.buffers import Block, Index
from costmodel.reference_words import Ints, loss_sum, norm_gradient_sum, norm_sum
from specs.network import Layer

LOWEST = int(np.iinfo(np.int64).min)


def combine(layer: Layer, blocks: list[Block], rows: Index, cols: Index, constants: Ints | None) -> Ints:
    """Make complete sums of a layer; shape (images, channels, rows, columns).

    Parameters
    ----------
    blocks
        The operands' words, without the mask of the result.
    constants
        What a normalisation reads of each channel, shape (words, channels).
    """
    values = [block.values for block in blocks]
    if layer.op == "add":
        total: Ints = np.sum(values, axis=0)
        return total
    if layer.op == "loss":
        return loss_sum(*values)
    if constants is not None:
        spread = constants[:, :, None, None]
        return norm_sum(values[0], spread) if layer.op == "norm" else norm_gradient_sum(values[0], values[1], spread)
    found = windows(layer, blocks[0], rows, cols, LOWEST if layer.op == "maxpool" else 0)
    if layer.op == "maxpool":
        most = found.max(axis=2)
        words = np.where(most == LOWEST, 0, most)
    elif layer.op == "unpool" and len(blocks) > 1:
        places = windows(layer, blocks[1], rows, cols, -1)
        mirrored = np.arange(layer.R * layer.S)[::-1, None]
        words = (found * (places == mirrored)).sum(axis=2)
    else:
        words = found.sum(axis=2)
    return words.reshape(*words.shape[:2], len(rows), len(cols))


def places_of_maxima(layer: Layer, block: Block, rows: Index, cols: Index) -> Ints:
    """Which position of its window each maximum has; the first of several."""
    found = windows(layer, block, rows, cols, LOWEST)
    places: Ints = np.argmax(found, axis=2).reshape(*found.shape[:2], len(rows), len(cols)).astype(np.int64)
    return places


def contribution(layer: Layer, blocks: list[Block], rows: Index, cols: Index, inputs: range) -> Ints:
    """What some positions give to the sums of a reduction, shape (channels, words of one filter that are summed)."""
    first, last = blocks[0], blocks[-1]
    if layer.op != "wgrad":
        products = first.values * last.values
        return np.stack([first.values.sum(axis=(0, 2, 3)), products.sum(axis=(0, 2, 3))], axis=1)
    images, channels = last.values.shape[:2]
    groups = max(1, channels * layer.G // layer.K)
    gradient = last.values.reshape(images, groups, channels // groups, -1)
    found = windows(layer, first, rows, cols, 0).reshape(images, groups, -1, gradient.shape[-1])
    bound = int(np.abs(gradient).max(initial=0)) * int(np.abs(found).max(initial=0)) * gradient.shape[-1] * images
    assert bound < EXACT, "sums are too large for exact floating point"
    parts = np.matmul(gradient.astype(np.float64), found.astype(np.float64).swapaxes(2, 3)).sum(axis=0)
    sums: Ints = parts.astype(np.int64).reshape(channels, -1)
    if not (layer.bias and inputs.start == 0):
        return sums
    return np.append(sums, last.values.sum(axis=(0, 2, 3))[:, None], axis=1)
