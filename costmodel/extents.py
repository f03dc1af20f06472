"""What a group must at least compute, load, store and hold, however it is tiled: for many groups at once.

docs/solver.md has the proofs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from costmodel.groups import layer_indices
from costmodel.regions import made_bytes
from costmodel.template import ArrayShape, Ints
from specs.network import Layer, Network
from specs.study import Study

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Extents:
    """Columns over groups; made layers by position in the network, tensors by position in ``network.tensors``.

    Attributes
    ----------
    made : (group, layer)
        Which layers the group runs.
    read : (group, tensor)
        Which tensors come from outside.
    positions : (group, tensor)
        Rows x columns that any tiling computes or loads, of one image.
    leaving : (group, layer)
        Which layers' maps or masks something outside needs.
    load_bytes, store_bytes : (group,)
        Least bytes that come from and go to DRAM for one image, but for what moves beside maps.
    """

    study: Study
    made: Bools
    read: Bools
    leaving: Bools
    positions: Ints
    load_bytes: Ints
    store_bytes: Ints

    @property
    def made_elements(self) -> Ints:
        """Output elements of one image that any tiling computes: (group, layer)."""
        network = self.study.network
        own = len(network.inputs)
        channels = np.array([layer.K for layer in network.layers], dtype=np.int64)
        return self.positions[:, own : own + len(channels)] * channels

    def live_bytes(self, array: ArrayShape) -> Ints:
        """Bytes alive at once at some step if a whole image were one tile: (group,); see `plain_sweep.live_bytes`."""
        network, precision = self.study.network, self.study.precision
        act, psum = precision.activation_bytes, precision.partial_sum_bytes
        position = {name: i for i, name in enumerate(network.tensors)}
        own = len(network.inputs)
        reads = [_sources(network, layer, position) for layer in network.layers]
        loaded = self.positions * np.array([shape.pixel_bytes(act) for shape in network.tensors.values()])
        last_reader = np.full(self.positions.shape, -1)
        for i, layer_reads in enumerate(reads):
            for tensor, maker, _ in layer_reads:
                last_reader[self.made[:, i], tensor] = i
                if maker >= own:  # a map from outside need not be there while a mask or view of it is
                    last_reader[self.made[:, i] & self.made[:, maker - own], maker] = i
        last_reader[:, own : own + len(network.layers)][self.leaving] = len(network.layers)
        alive = np.where(self.read, loaded, 0).sum(axis=1)
        peak: Ints = np.zeros_like(alive)
        held = np.zeros_like(self.positions)
        for i, layer in enumerate(network.layers):
            held[:, own + i] = np.where(self.made[:, i], self.positions[:, own + i] * made_bytes(layer, act), 0)
            wider = layer.K * (psum - act) if array.accumulates_in_buffer(layer) else 0
            alive = alive + held[:, own + i]
            step = alive + np.where(self.made[:, i], self.positions[:, own + i] * wider, 0)
            peak = np.where(self.made[:, i], np.maximum(peak, step), peak)
            for tensor in {t for read, maker, _ in reads[i] for t in (read, maker)}:
                gone = np.where(self.read[:, tensor], loaded[:, tensor], held[:, tensor])
                alive = alive - np.where(last_reader[:, tensor] == i, gone, 0)
        return peak


def extents(study: Study, groups: list[int]) -> Extents:
    """Measure groups, given as layer sets."""
    network, act = study.network, study.precision.activation_bytes
    position = {name: i for i, name in enumerate(network.tensors)}
    own = len(network.inputs)
    made = np.zeros((len(groups), len(network.layers)), dtype=bool)
    for row, layer_set in enumerate(groups):
        made[row, list(layer_indices(layer_set))] = True
    map_leaves, mask_leaves = (
        np.stack([_leaves(network, made, i, of_mask) for i in range(len(network.layers))], axis=1)
        for of_mask in (False, True)
    )
    read = np.zeros((len(groups), len(position)), dtype=bool)
    for i, layer in enumerate(network.layers):
        for tensor, maker, _ in _sources(network, layer, position):
            outside = made[:, i] if maker < own else made[:, i] & ~made[:, maker - own]
            read[:, tensor] |= outside
    leaving = map_leaves | mask_leaves
    cut = leaving | (made & np.array([layer.reduces for layer in network.layers]))
    lengths = [_needed(study, made, cut, axis) for axis in (0, 1)]
    positions = lengths[0] * lengths[1]
    loaded = positions * np.array([shape.pixel_bytes(act) for shape in network.tensors.values()])
    whole = np.array([layer.P * layer.Q for layer in network.layers], dtype=np.int64)
    map_bytes = whole * np.array([0 if layer.reduces else layer.K * act for layer in network.layers])
    mask_bytes = whole * np.array([layer.mask.pixel_bytes(act) if layer.mask_bits else 0 for layer in network.layers])
    return Extents(
        study=study,
        made=made,
        read=read,
        leaving=leaving,
        positions=positions,
        load_bytes=np.where(read, loaded, 0).sum(axis=1),
        store_bytes=np.asarray(map_leaves @ map_bytes + mask_leaves @ mask_bytes, dtype=np.int64),
    )


def _sources(network: Network, layer: Layer, position: dict[str, int]) -> list[tuple[int, int, bool]]:
    """Of each tensor that a layer reads: its position, that of the map it is of, and whether read at the outputs."""
    return [(position[name], position[network.maker[name]], here) for name, here in layer.reads]


def _leaves(network: Network, made: Bools, index: int, of_mask: bool) -> Bools:
    """Where a layer is made whose map (or mask) something outside needs: (group,)."""
    layer = network.layers[index]
    readers = [network.index[name] for name in network.readers[layer.name][of_mask]]
    if not of_mask and layer.reduces:
        return np.zeros(len(made), dtype=bool)
    if not of_mask and layer.name in network.outputs:
        return made[:, index]
    leaves: Bools = made[:, index] & ~made[:, readers].all(axis=1)
    return leaves


def _needed(study: Study, made: Bools, cut: Bools, axis: int) -> Ints:
    """Least rows (axis 0) or columns (1) of every tensor that a group needs: (group, tensor).

    ``cut`` are the layers all of whose positions are cut into tiles.
    """
    network = study.network
    position = {name: i for i, name in enumerate(network.tensors)}
    needed = np.zeros((len(made), len(position)), dtype=np.int64)
    parts: dict[str, list[int]] = {}
    for tensor, maker in network.maker.items():
        if tensor != maker:
            parts.setdefault(maker, []).append(position[tensor])
    for i in range(len(network.layers) - 1, -1, -1):
        layer = network.layers[i]
        own = needed[:, position[layer.name]]
        for part in parts.get(layer.name, ()):
            np.maximum(own, np.where(made[:, i], needed[:, part], 0), out=own)
        own[cut[:, i]] = (layer.P, layer.Q)[axis]
        below = np.where(made[:, i] & (own > 0), _under(layer, own, axis), 0)
        here = np.where(made[:, i], own, 0)
        for name, at_outputs in layer.reads:
            t = position[name]
            needed[:, t] = np.maximum(needed[:, t], here if at_outputs else below)
    return needed


def _under(layer: Layer, count: Ints, axis: int) -> Ints:
    """Least input rows (columns) under ``count`` different output rows, wherever they lie.

    Of so many rows of a map with zeros put in, at least one in ``upsample`` is no zero.
    """
    kernel, extent, outputs = ((layer.R, layer.H, layer.P), (layer.S, layer.W, layer.Q))[axis]
    stride, dilation, pad, upsample = layer.stride[axis], layer.dilation[axis], layer.pad[axis], layer.upsample[axis]
    reach = dilation * (kernel - 1) + 1
    beyond = max(0, (outputs - 1) * stride - pad + reach - ((extent - 1) * upsample + 1))
    rows = np.maximum(0, (count - 1) * min(stride, reach) + reach - max(0, pad) - beyond)
    least: Ints = rows // upsample
    return least
