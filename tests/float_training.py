"""A network and its training step in real numbers: true activation functions, batch-norms and averages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specs.network import MASK, Layer, Network

Floats = NDArray[np.float64]
EPSILON = 0.1
"""Added to variances; large, so that maps of one word divide by no small number."""


@dataclass
class Parameters:
    """Of each layer with weights by name: kernels (K, C/G, R, S) and biases; of each batch-norm scale and shift."""

    kernels: dict[str, Floats]
    biases: dict[str, Floats]
    scales: dict[str, Floats]
    shifts: dict[str, Floats]

    @property
    def every(self) -> list[tuple[str, str, Floats]]:
        """All arrays: kind, layer, values (to be changed in place)."""
        return [(kind, name, values) for kind, some in vars(self).items() for name, values in some.items()]


def random_parameters(network: Network, rng: np.random.Generator) -> Parameters:
    found = Parameters({}, {}, {}, {})
    for layer in network.layers:
        if layer.on_array:
            shape = (layer.K, layer.C // layer.G, layer.R, layer.S)
            found.kernels[layer.name] = rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))
            if layer.bias and not layer.batch_norm:
                found.biases[layer.name] = rng.normal(size=layer.K)
            if layer.batch_norm:
                found.scales[layer.name] = 1 + 0.3 * rng.normal(size=layer.K)
                found.shifts[layer.name] = rng.normal(size=layer.K)
    return found


def windows(layer: Layer, whole: Floats, padding: float) -> Floats:
    """Words under the kernel of each output, (kernel rows, kernel columns, images, channels, P, Q).

    The layer's own fields say where its kernel stands, on the map with zeros between words if it is upsampled.
    """
    rows, cols = layer.upsample
    spread = np.full((*whole.shape[:2], layer.H * rows, layer.W * cols), padding)
    spread[:, :, ::rows, ::cols] = whole
    found = np.full((layer.R, layer.S, *whole.shape[:2], layer.P, layer.Q), padding)
    for r, s, p, q in np.ndindex(layer.R, layer.S, layer.P, layer.Q):
        row = p * layer.stride[0] + r * layer.dilation[0] - layer.pad[0]
        col = q * layer.stride[1] + s * layer.dilation[1] - layer.pad[1]
        if 0 <= row < spread.shape[2] and 0 <= col < spread.shape[3]:
            found[r, s, :, :, p, q] = spread[:, :, row, col]
    return found


def grouped(values: Floats, groups: int, axis: int) -> Floats:
    return values.reshape(*values.shape[:axis], groups, -1, *values.shape[axis + 1 :])


def convolved(layer: Layer, whole: Floats, kernels: Floats) -> Floats:
    """Kernels (K, C/G, R, S) over a map."""
    under = grouped(windows(layer, whole, 0.0), layer.G, 3)
    sums = np.einsum("gkcrs,rsngcpq->ngkpq", grouped(kernels, layer.G, 0), under)
    return np.asarray(sums.reshape(len(whole), layer.K, layer.P, layer.Q))


def pooled(layer: Layer, whole: Floats) -> Floats:
    if layer.op == "avgpool":
        return np.asarray(windows(layer, whole, 0.0).mean(axis=(0, 1)))
    most = windows(layer, whole, -np.inf).max(axis=(0, 1))
    return np.where(np.isinf(most), 0.0, most)


def loss(network: Network, given: Parameters, inputs: dict[str, Floats], targets: dict[str, Floats]) -> float:
    """Half the squared error of an inference network's outputs, batch-norms of this very batch."""
    tensors = dict(inputs)
    for layer in network.layers:
        operands = [np.concatenate([tensors[name] for name in operand], axis=1) for operand in layer.operands]
        if layer.op == "add":
            values = np.sum(operands, axis=0)
        elif layer.on_array:
            values = convolved(layer, operands[0], given.kernels[layer.name])
        else:
            values = pooled(layer, operands[0])
        if layer.name in given.biases:
            values = values + given.biases[layer.name][:, None, None]
        if layer.batch_norm:
            mean, variance = values.mean(axis=(0, 2, 3)), values.var(axis=(0, 2, 3))
            normal = (values - mean[:, None, None]) / np.sqrt(variance + EPSILON)[:, None, None]
            values = normal * given.scales[layer.name][:, None, None] + given.shifts[layer.name][:, None, None]
        tensors[layer.name] = np.maximum(values, 0) if layer.relu else values
    return float(sum(((tensors[name] - target) ** 2).sum() for name, target in targets.items()) / 2)


class Step:
    """A training step computed layer by layer, each from its own fields and operands."""

    def __init__(self, network: Network, given: Parameters, inputs: dict[str, Floats]) -> None:
        self.network, self.given = network, given
        self.tensors = dict(inputs)
        for layer in network.layers:
            if layer.op != "update":
                self._run(layer)

    def read(self, name: str) -> Floats:
        views = dict(self.network.views)
        if name not in views:
            return self.tensors[name]
        view = views[name]
        channels = view.shape.elements if view.reshaped else view.shape.channels
        shown = self.read(view.parent)[:, view.first : view.first + channels]
        return np.asarray(shown).reshape(-1, view.shape.channels, view.shape.rows, view.shape.cols)

    def gradients(self, kind: str, name: str) -> Floats:
        """What the step has found for one of the arrays of `Parameters`."""
        if kind in ("kernels", "biases"):
            sums = self.tensors[f"{name}:wgrad"]
            kernels = self.given.kernels[name]
            words = kernels[0].size
            return sums[:, :words].reshape(kernels.shape) if kind == "kernels" else sums[:, words]
        first, product = self.tensors[f"{name}:normgrads"].T
        mean, deviation = self._moments(name)
        return first if kind == "shifts" else np.asarray((product - mean * first) / deviation)

    def _run(self, layer: Layer) -> None:
        operands = [np.concatenate([self.read(name) for name in operand], axis=1) for operand in layer.operands]
        masked = layer.pixelwise > 0 and layer.operands[-1][0].endswith(MASK)
        mask = operands.pop() if masked else np.ones(1)
        values = self._values(layer, operands)
        if not layer.reduces:
            values = np.maximum(values, 0) if layer.relu else values * mask
        self.tensors[layer.name] = values
        if layer.mask_bits and layer.op == "maxpool":
            found = windows(layer, operands[0], -np.inf)
            self.tensors[layer.name + MASK] = found.reshape(-1, *found.shape[2:]).argmax(axis=0).astype(float)
        elif layer.mask_bits:
            self.tensors[layer.name + MASK] = (values > 0).astype(float)

    def _moments(self, forward: str) -> tuple[Floats, Floats]:
        """Mean and deviation of each channel, from both sums."""
        first, second = self.tensors[f"{forward}:moments"].T
        count = self.tensors[forward][:, 0].size
        mean = first / count
        return mean, np.sqrt(second / count - mean**2 + EPSILON)

    def _values(self, layer: Layer, operands: list[Floats]) -> Floats:
        first, forward = operands[0], layer.name.rsplit(":", 1)[0]
        if layer.op == "add":
            return np.asarray(np.sum(operands, axis=0))
        if layer.op == "loss":
            return np.asarray(first - operands[1])
        if layer.op in ("moments", "normgrads"):
            return np.stack([first.sum(axis=(0, 2, 3)), (first * operands[-1]).sum(axis=(0, 2, 3))], axis=1)
        if layer.op in ("norm", "dnorm"):
            mean, deviation = (values[:, None, None] for values in self._moments(forward))
            scale = self.given.scales[forward][:, None, None]
            if layer.op == "norm":
                return (first - mean) / deviation * scale + self.given.shifts[forward][:, None, None]
            count = first[:, 0].size
            sums = self.tensors[f"{forward}:normgrads"].T[:, :, None, None]
            product = (sums[1] - mean * sums[0]) / deviation
            normal = (operands[1] - mean) / deviation
            return np.asarray(scale / deviation * (first - sums[0] / count - normal * product / count))
        if layer.op == "wgrad":
            return self._weight_gradient(layer, first, operands[1])
        if layer.op == "dgrad":
            return convolved(layer, first, self._turned(layer, self.given.kernels[forward]))
        if layer.op in ("spread", "unpool"):
            return self._pool_gradient(layer, operands)
        if not layer.on_array:
            return pooled(layer, first)
        values = convolved(layer, first, self.given.kernels[layer.name])
        return values + self.given.biases[layer.name][:, None, None] if layer.bias else values

    def _weight_gradient(self, layer: Layer, inputs: Floats, gradient: Floats) -> Floats:
        under = grouped(windows(layer, inputs, 0.0), layer.G, 3)
        sums = np.einsum("ngkpq,rsngcpq->gkcrs", grouped(gradient, layer.G, 1), under).reshape(layer.K, -1)
        return np.append(sums, gradient.sum(axis=(0, 2, 3))[:, None], axis=1) if layer.bias else sums

    @staticmethod
    def _turned(layer: Layer, kernels: Floats) -> Floats:
        """Kernels of the forward layer with K and C exchanged, rotated by half a turn."""
        if layer.R == layer.S == 1:  # so it is for a full connection, whatever its forward kernel
            return kernels.reshape(layer.G, layer.C // layer.G, -1).swapaxes(1, 2).reshape(layer.K, -1, 1, 1)
        by_group = grouped(kernels, layer.G, 0)[..., ::-1, ::-1].swapaxes(1, 2)
        return by_group.reshape(layer.K, layer.C // layer.G, layer.R, layer.S)

    @staticmethod
    def _pool_gradient(layer: Layer, operands: list[Floats]) -> Floats:
        under = windows(layer, operands[0], 0.0)
        if layer.op == "spread":
            return np.asarray(under.sum(axis=(0, 1)) / (layer.R * layer.S))
        if len(operands) == 1:
            return np.asarray(under.sum(axis=(0, 1)))
        mirrored = np.arange(layer.R * layer.S)[::-1].reshape(layer.R, layer.S, 1, 1, 1, 1)
        return np.asarray((under * (windows(layer, operands[1], -1.0) == mirrored)).sum(axis=(0, 1)))
