"""A network computed directly on integers, layer by layer on whole maps: what every schedule must reproduce.

What a layer's sums become (`finish`) is our own choice, made so that mistakes show: the word that leaves depends on
every bit of the sum, it is not additive, so that an unfinished sum cannot pass for a finished one, and it fits the
study's activation width. Accelerators round and clamp instead; which of the two makes no difference to a schedule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specs.network import Layer, Network
from specs.study import Precision

Ints = NDArray[np.int64]
Words = NDArray[np.int8]
SMALLEST, LARGEST = -8, 7
"""Range of the random inputs, weights and biases."""


@dataclass(frozen=True)
class Data:
    """Random integers for a network.

    Attributes
    ----------
    inputs
        Each network input, shape (images, channels, rows, columns).
    weights
        Per layer with weights, shape (output channels, words of one filter): kernel words in the order
        (input channel of its group, kernel row, kernel column), then the bias word if the layer has one.
    """

    inputs: dict[str, Ints]
    weights: dict[str, Words]


def random_data(network: Network, batch: int, seed: int) -> Data:
    """Draw inputs, weights and biases between -8 and 7."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> Words:
        return rng.integers(SMALLEST, LARGEST + 1, shape, dtype=np.int8)

    return Data(
        inputs={n: draw(batch, s.channels, s.rows, s.cols).astype(np.int64) for n, s in network.inputs},
        weights={layer.name: draw(layer.K, layer.filter_words) for layer in network.layers if layer.has_weights},
    )


def wrap(values: Ints, bits: int) -> Ints:
    """Keep the low ``bits`` bits, read as a signed number."""
    half = 1 << (bits - 1)
    return (values + half & 2 * half - 1) - half


def finish(layer: Layer, sums: Ints, precision: Precision) -> Ints:
    """Turn a layer's complete sums into the words of its output.

    The sum, at partial-sum width, has its high bits added to its low ones and is cut to the activation width. A
    maximum is a word already.
    """
    if layer.op == "maxpool":
        return sums
    whole = wrap(sums, precision.partial_sum)
    return wrap(whole + (whole >> precision.activation), precision.activation)


def compute(network: Network, data: Data, precision: Precision) -> dict[str, Ints]:
    """Compute every tensor of a network, shape (images, channels, rows, columns)."""
    tensors = dict(data.inputs)
    for layer in network.layers:
        operands = [np.concatenate([tensors[name] for name in operand], axis=1) for operand in layer.operands]
        tensors[layer.name] = finish(layer, _sums(layer, operands, data), precision)
    return tensors


def _sums(layer: Layer, operands: list[Ints], data: Data) -> Ints:
    """Complete sums of a layer: over its window and channels, of its operands, or the maximum of its window."""
    if layer.op == "add":
        total: Ints = np.sum(operands, axis=0)
        return total
    if not layer.has_weights:
        taps = [tap for _, _, tap in _taps(layer, operands[0], int(np.iinfo(np.int64).min))]
        if layer.op == "maxpool":
            most = np.max(taps, axis=0)
            return np.where(most == np.iinfo(np.int64).min, 0, most)  # a window of nothing but padding
        total: Ints = np.sum([tap for _, _, tap in _taps(layer, operands[0], 0)], axis=0)
        return total  # noqa: RET504 - the annotation
    words = data.weights[layer.name].astype(np.int64)
    group_inputs = layer.C // layer.G
    kernels = words[:, : group_inputs * layer.R * layer.S].reshape(layer.G, -1, group_inputs, layer.R, layer.S)
    images = operands[0].shape[0]
    sums = np.zeros((images, layer.G, layer.K // layer.G, layer.P * layer.Q), dtype=np.int64)
    for r, s, tap in _taps(layer, operands[0], 0):
        grouped = tap.reshape(images, layer.G, group_inputs, layer.P * layer.Q)
        sums += _product(kernels[..., r, s], grouped)
    sums = sums.reshape(images, layer.K, layer.P, layer.Q)
    return sums + words[:, -1].reshape(-1, 1, 1) if layer.bias else sums


def _product(kernels: Ints, inputs: Ints) -> Ints:
    """Multiply matrices exactly: in floating point, which is fast, after a check that every sum fits 53 bits."""
    bound = int(np.abs(kernels).max(initial=0)) * int(np.abs(inputs).max(initial=0)) * inputs.shape[-2]
    assert bound < 1 << 53, "sums are too large for exact floating point"
    product: Ints = np.matmul(kernels.astype(np.float64), inputs.astype(np.float64)).astype(np.int64)
    return product


def _taps(layer: Layer, whole: Ints, padding: int) -> list[tuple[int, int, Ints]]:
    """For each kernel position (r, s), the input word under it for every output; shape (images, C, P, Q)."""
    top, left, bottom, right = layer.pad
    padded = np.pad(whole, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=padding)
    taps = []
    for r in range(layer.R):
        for s in range(layer.S):
            row, col = r * layer.dilation[0], s * layer.dilation[1]
            rows = slice(row, row + (layer.P - 1) * layer.stride[0] + 1, layer.stride[0])
            cols = slice(col, col + (layer.Q - 1) * layer.stride[1] + 1, layer.stride[1])
            taps.append((r, s, padded[:, :, rows, cols]))
    return taps
