"""A network computed directly on integers, layer by layer on whole maps: what every schedule must reproduce."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from costmodel.reference_training import training_words
from costmodel.reference_words import Ints, Words, finish, is_masked, signs, wrap
from specs.network import MASK, Layer, Network
from specs.study import Precision

__all__ = ["Data", "Ints", "Words", "compute", "finish", "look_up", "random_data", "wrap"]
SMALLEST, LARGEST = -8, 7
"""Range of the random inputs, weights and biases."""
LEAST = int(np.iinfo(np.int64).min)
SHARES_WEIGHTS = frozenset({"dgrad", "wgrad", "moments", "normgrads", "dnorm"})


@dataclass(frozen=True)
class Data:
    """Random integers for a network.

    Attributes
    ----------
    inputs
        Each network input, shape (images, channels, rows, columns).
    weights
        Per layer with weights of its own, shape (output channels, words of one filter): kernel words in the order
        (input channel of its group, kernel row, kernel column), then the bias word if the layer has one. Of a
        batch-norm its scale and its shift.
    states
        Per update, shape (1 + moments, output channels, words of one filter): what it changes.
    """

    inputs: dict[str, Ints]
    weights: dict[str, Words]
    states: dict[str, Words] = field(default_factory=dict)


def random_data(network: Network, batch: int, seed: int, moments: int = 0) -> Data:
    """Draw inputs, weights and biases between -8 and 7, and what updates change."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> Words:
        return rng.integers(SMALLEST, LARGEST + 1, shape, dtype=np.int8)

    shared = [layer.copy_of != "" or layer.op in SHARES_WEIGHTS for layer in network.layers]
    own = [layer for layer, shares in zip(network.layers, shared, strict=True) if layer.has_weights and not shares]
    updates = [layer for layer in network.layers if layer.op == "update"]
    return Data(
        inputs={n: draw(batch, s.channels, s.rows, s.cols).astype(np.int64) for n, s in network.inputs},
        weights={layer.name: draw(layer.K, 2 if layer.op == "norm" else layer.filter_words) for layer in own},
        states={layer.name: draw(1 + moments, layer.K, layer.params // layer.K) for layer in updates},
    )


def compute(network: Network, data: Data, precision: Precision) -> dict[str, Ints]:
    """Compute every tensor of a network, shape (images, channels, rows, columns), masks included.

    Of a reduction and of an update, by its name, the words that it stores: (channels, words of one filter), and
    (1 + moments, channels, words of one filter).
    """
    tensors = dict(data.inputs)
    for layer in network.layers:
        operands = [
            np.concatenate([look_up(network, tensors, name) for name in operand], axis=1) for operand in layer.operands
        ]
        mask = operands.pop() if is_masked(layer) else None
        if layer.reduces or layer.op == "update":
            tensors[layer.name] = training_words(network, layer, operands, tensors, data, precision)
            continue
        if (layer.phase == "forward" or layer.copy_of) and layer.op != "norm":
            sums = _sums(layer, operands, data)
        elif layer.op == "add":
            sums = np.sum(operands, axis=0)
        else:
            sums = training_words(network, layer, operands, tensors, data, precision)
        words = finish(layer, sums, precision)
        tensors[layer.name] = words if mask is None else words * mask
        if layer.mask_bits:
            tensors[layer.name + MASK] = _places(layer, operands[0]) if layer.op == "maxpool" else signs(words)
    return tensors


def look_up(network: Network, tensors: dict[str, Ints], name: str) -> Ints:
    """Find a tensor, or what a view shows of another one."""
    view = dict(network.views).get(name)
    if view is None:
        return tensors[name]
    channels = view.shape.elements if view.reshaped else view.shape.channels
    shown = look_up(network, tensors, view.parent)[:, view.first : view.first + channels]
    return shown.reshape(-1, view.shape.channels, view.shape.rows, view.shape.cols)


def _places(layer: Layer, operand: Ints) -> Ints:
    """Which word of its window each maximum is: the first, in the order of the kernel's positions."""
    taps = np.stack([tap for _, _, tap in _taps(layer, operand, LEAST)])
    places: Ints = np.argmax(taps, axis=0).astype(np.int64)
    return places


def _sums(layer: Layer, operands: list[Ints], data: Data) -> Ints:
    """Complete sums of a layer: over its window and channels, of its operands, or the maximum of its window."""
    if layer.op == "add":
        total: Ints = np.sum(operands, axis=0)
        return total
    if not layer.has_weights:
        taps = [tap for _, _, tap in _taps(layer, operands[0], LEAST)]
        if layer.op == "maxpool":
            most = np.max(taps, axis=0)
            return np.where(most == LEAST, 0, most)  # a window of nothing but padding
        added: Ints = np.sum([tap for _, _, tap in _taps(layer, operands[0], 0)], axis=0)
        return added
    words = data.weights[layer.copy_of or layer.name].astype(np.int64)
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
