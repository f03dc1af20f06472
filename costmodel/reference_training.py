"""The layers that only a training step has, computed directly on integers.

Gradients follow their definition, in the direction of the forward pass: for each multiply-accumulate y += x*w of it,
dx += dy*w and dw += dy*x. Schedules gather the same sums the other way round (`arithmetic`).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from costmodel.reference_words import (
    Ints,
    Words,
    finish_reduction,
    fold,
    loss_sum,
    norm_gradient_sum,
    norm_sum,
    updated,
)
from specs.network import Layer, Network
from specs.study import Precision


class Given(Protocol):
    """What of `reference.Data` is read here."""

    @property
    def weights(self) -> dict[str, Words]: ...

    @property
    def states(self) -> dict[str, Words]: ...


def served(layer: Layer) -> str:
    """Name of the layer that a layer of the backward pass, or of a batch-norm, was made for."""
    return (layer.copy_of or layer.name).rsplit(":", 1)[0]


def training_words(
    network: Network, layer: Layer, operands: list[Ints], tensors: dict[str, Ints], data: Given, precision: Precision
) -> Ints:
    """Compute a layer: its complete sums before they are finished, or the words that a reduction or update stores."""
    if layer.op == "update":
        return _update(layer, tensors, data, precision)
    if layer.reduces:
        sums = _weight_gradient(layer, *operands) if layer.op == "wgrad" else _channel_sums(operands)
        return finish_reduction(layer, sums, precision)
    if layer.op == "loss":
        return loss_sum(operands[0], operands[1])
    if layer.op == "norm":
        forward = served(layer)
        moments, affine = tensors[forward + ":moments"], data.weights[forward + ":norm"].astype(np.int64)
        return norm_sum(operands[0], _constants(moments, affine))
    if layer.op == "dnorm":
        forward = served(layer)
        sums, moments = tensors[forward + ":normgrads"], tensors[forward + ":moments"]
        scale = data.weights[forward + ":norm"].astype(np.int64)[:, :1]
        return norm_gradient_sum(operands[0], operands[1], _constants(sums, moments, scale))
    forward_layer = network.layer(served(layer))
    if layer.op == "dgrad":
        scattered = _input_gradient(forward_layer, operands[0], data.weights[forward_layer.name].astype(np.int64))
    else:
        scattered = _pool_gradient(forward_layer, *operands)
    return scattered.reshape(-1, layer.K, layer.P, layer.Q)


def _constants(*words: Ints) -> Ints:
    """Constants of channels, ready to meet maps: (constants, channels, 1, 1)."""
    return np.concatenate(words, axis=1).T[:, :, None, None]


def _channel_sums(operands: list[Ints]) -> Ints:
    """Sums over images and positions: of a map and its squares, or of a gradient and its product with a map."""
    first, last = operands[0], operands[-1]
    return np.stack([first.sum(axis=(0, 2, 3)), (first * last).sum(axis=(0, 2, 3))], axis=1)


def _under(layer: Layer, r: int, s: int) -> tuple[slice, slice]:
    """Rows and columns of the padded input that kernel position (r, s) meets, output by output."""
    row, col = r * layer.dilation[0], s * layer.dilation[1]
    rows = slice(row, row + (layer.P - 1) * layer.stride[0] + 1, layer.stride[0])
    return rows, slice(col, col + (layer.Q - 1) * layer.stride[1] + 1, layer.stride[1])


def _grouped(layer: Layer, values: Ints) -> Ints:
    """Sort channels into the layer's groups: (images, groups, channels of a group, rows, columns)."""
    return values.reshape(len(values), layer.G, -1, *values.shape[2:])


def _padded_shape(layer: Layer) -> tuple[int, int]:
    top, left, bottom, right = layer.pad
    return layer.H + top + bottom, layer.W + left + right


def _cropped(layer: Layer, padded: Ints) -> Ints:
    return padded[:, :, layer.pad[0] : layer.pad[0] + layer.H, layer.pad[1] : layer.pad[1] + layer.W]


def _input_gradient(layer: Layer, gradient: Ints, words: Ints) -> Ints:
    """Hand each output's gradient to every input that it was computed from."""
    share = layer.C // layer.G
    kernels = words[:, : share * layer.R * layer.S].reshape(layer.G, -1, share, layer.R, layer.S)
    padded = np.zeros((len(gradient), layer.G, share, *_padded_shape(layer)), dtype=np.int64)
    for r in range(layer.R):
        for s in range(layer.S):
            rows, cols = _under(layer, r, s)
            handed = np.einsum("gkc,ngkpq->ngcpq", kernels[..., r, s], _grouped(layer, gradient), optimize=True)
            padded[:, :, :, rows, cols] += handed
    return _cropped(layer, padded.reshape(len(gradient), layer.C, *padded.shape[3:]))


def _pool_gradient(layer: Layer, gradient: Ints, places: Ints | None = None) -> Ints:
    """Hand each output's gradient to its window: to the maximum, or to every word."""
    padded = np.zeros((len(gradient), layer.C, *_padded_shape(layer)), dtype=np.int64)
    for r in range(layer.R):
        for s in range(layer.S):
            rows, cols = _under(layer, r, s)
            chosen = places is None or places == r * layer.S + s
            padded[:, :, rows, cols] += gradient * chosen
    return _cropped(layer, padded)


def _weight_gradient(layer: Layer, inputs: Ints, gradient: Ints) -> Ints:
    """Multiply each input under a weight with the gradient of the output it went to: (K, words of a filter)."""
    top, left, bottom, right = layer.pad
    padded = _grouped(layer, np.pad(inputs, ((0, 0), (0, 0), (top, bottom), (left, right))))
    share = layer.C // layer.G
    sums = np.zeros((layer.G, layer.K // layer.G, share, layer.R, layer.S), dtype=np.int64)
    for r in range(layer.R):
        for s in range(layer.S):
            rows, cols = _under(layer, r, s)
            met = padded[:, :, :, rows, cols]
            sums[..., r, s] = np.einsum("ngkpq,ngcpq->gkc", _grouped(layer, gradient), met, optimize=True)
    words = sums.reshape(layer.K, -1)
    return np.append(words, gradient.sum(axis=(0, 2, 3))[:, None], axis=1) if layer.bias else words


def _update(layer: Layer, tensors: dict[str, Ints], data: Given, precision: Precision) -> Ints:
    """Change parameters and moments; after them the parameters at the weights' width, where that is another."""
    gradients = np.concatenate([tensors[name] for name in layer.waits_for], axis=1)
    states = updated(data.states[layer.name].astype(np.int64), gradients, precision.state)
    if precision.state == precision.weight:
        return states
    return np.append(states, fold(states[:1], precision.weight), axis=0)
