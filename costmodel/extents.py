"""What a group must at least compute, load, store and hold, however it is tiled: for many groups at once.

docs/solver.md has the proofs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from costmodel.groups import layer_indices
from costmodel.template import ArrayShape, Ints
from specs.network import Layer
from specs.study import Study

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Extents:
    """Columns over groups; made layers by position in the network, tensors by position in ``network.tensors``.

    Attributes
    ----------
    made : (group, layer)
        Which layers the group runs.
    read, elements : (group, tensor)
        Which tensors come from outside; elements (all channels, one image) that any tiling computes or loads.
    leaving : (group, layer)
        Which layers' outputs something outside needs.
    load_bytes, store_bytes : (group,)
        Least bytes that come from and go to DRAM for one image, without weights.
    """

    study: Study
    made: Bools
    read: Bools
    leaving: Bools
    elements: Ints
    load_bytes: Ints
    store_bytes: Ints

    @property
    def made_elements(self) -> Ints:
        """Columns of ``elements`` of the layers' own outputs: (group, layer)."""
        return self.elements[:, len(self.study.network.inputs) :]

    def live_bytes(self, array: ArrayShape) -> Ints:
        """Bytes alive at once at some step if a whole image were one tile: (group,); see `plain_sweep.live_bytes`."""
        network, precision = self.study.network, self.study.precision
        position = {name: i for i, name in enumerate(network.tensors)}
        last_reader = np.full(self.elements.shape, -1)
        for i, layer in enumerate(network.layers):
            for name in layer.input_tensors:
                last_reader[self.made[:, i], position[name]] = i
        own = len(network.inputs)
        last_reader[:, own:][self.leaving] = len(network.layers)
        alive = np.where(self.read, self.elements, 0).sum(axis=1)
        peak: Ints = np.zeros_like(alive)
        for i, layer in enumerate(network.layers):
            width = precision.partial_sum_bytes if array.accumulates_in_buffer(layer) else precision.activation_bytes
            made = np.where(self.made[:, i], self.elements[:, own + i], 0)
            step = alive * precision.activation_bytes + made * width
            peak = np.where(self.made[:, i], np.maximum(peak, step), peak)
            alive = alive + made
            for name in layer.input_tensors:
                t = position[name]
                alive = alive - np.where(last_reader[:, t] == i, self.elements[:, t], 0)
        return peak


def extents(study: Study, groups: list[int]) -> Extents:
    """Measure groups, given as layer sets."""
    network = study.network
    position = {name: i for i, name in enumerate(network.tensors)}
    own = len(network.inputs)
    made = np.zeros((len(groups), len(network.layers)), dtype=bool)
    for row, layer_set in enumerate(groups):
        made[row, list(layer_indices(layer_set))] = True
    leaving, read = np.zeros_like(made), np.zeros((len(groups), len(position)), dtype=bool)
    for i, layer in enumerate(network.layers):
        leaving[:, i] = made[:, i]
        if layer.name not in network.outputs:
            readers = [network.index[name] for name in network.consumers[layer.name]]
            leaving[:, i] &= ~made[:, readers].all(axis=1)
        for name in layer.input_tensors:
            read[:, position[name]] |= made[:, i]
    read[:, own:] &= ~made
    lengths = [_needed(study, made, leaving, axis) for axis in (0, 1)]
    channels = np.array([shape.channels for shape in network.tensors.values()], dtype=np.int64)
    elements = lengths[0] * lengths[1] * channels
    whole = np.array([layer.output.elements for layer in network.layers], dtype=np.int64)
    act = study.precision.activation_bytes
    return Extents(
        study=study,
        made=made,
        read=read,
        leaving=leaving,
        elements=elements,
        load_bytes=np.where(read, elements, 0).sum(axis=1) * act,
        store_bytes=np.where(leaving, whole, 0).sum(axis=1) * act,
    )


def _needed(study: Study, made: Bools, leaving: Bools, axis: int) -> Ints:
    """Least rows (axis 0) or columns (1) of every tensor that a group needs: (group, tensor)."""
    network = study.network
    position = {name: i for i, name in enumerate(network.tensors)}
    needed = np.zeros((len(made), len(position)), dtype=np.int64)
    for i in range(len(network.layers) - 1, -1, -1):
        layer = network.layers[i]
        own = needed[:, position[layer.name]]
        own[leaving[:, i]] = (layer.P, layer.Q)[axis]
        below = np.where(made[:, i] & (own > 0), _under(layer, own, axis), 0)
        for name in layer.input_tensors:
            t = position[name]
            needed[:, t] = np.maximum(needed[:, t], below)
    return needed


def _under(layer: Layer, count: Ints, axis: int) -> Ints:
    """Least input rows (columns) under ``count`` different output rows, wherever they lie."""
    kernel, extent, outputs = ((layer.R, layer.H, layer.P), (layer.S, layer.W, layer.Q))[axis]
    stride, dilation, pad = layer.stride[axis], layer.dilation[axis], layer.pad[axis]
    reach = dilation * (kernel - 1) + 1
    beyond = max(0, (outputs - 1) * stride - pad + reach - extent)
    return np.maximum(0, (count - 1) * min(stride, reach) + reach - pad - beyond)
