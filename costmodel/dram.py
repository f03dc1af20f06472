"""DRAM that holds real words and counts every byte that moves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from costmodel.buffers import Block, ExecutionError, Index
from costmodel.reference import Data
from costmodel.reference_words import Ints, Words
from specs.network import Layer, Network
from specs.study import Precision


@dataclass
class Stored:
    """A tensor in DRAM, or a list of words; which of its words were stored."""

    values: Ints
    valid: NDArray[np.bool_]

    @staticmethod
    def empty(*shape: int) -> Stored:
        return Stored(np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.bool_))


@dataclass
class Dram:
    """Feature maps and masks, weights, spilled partial sums, and what reductions and updates leave.

    Network inputs, weights and optimizer states are there from the start. New parameters are written beside the old.
    """

    network: Network
    precision: Precision
    data: Data
    read_bytes: int = 0
    write_bytes: int = 0
    tensors: dict[str, Stored] = field(default_factory=dict)
    sums: dict[str, Stored] = field(default_factory=dict)
    flat_sums: dict[str, Stored] = field(default_factory=dict)
    results: dict[str, Stored] = field(default_factory=dict)
    rotated: dict[str, Words] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, values in self.data.inputs.items():
            self.tensors[name] = Stored(values, np.ones(values.shape, dtype=np.bool_))

    # Feature maps

    def load(self, name: str, images: range, channels: Index, rows: Index, cols: Index) -> Block:
        """Read words of a feature map, a mask or a view.

        Raises
        ------
        ExecutionError
            If some were never stored.
        """
        here = _place(images, channels, rows, cols)
        found = self._find(name)
        if found is None or not found.valid[here].all():
            raise ExecutionError(f"{name} is loaded from DRAM before it was stored")
        block = Block(channels, rows, cols, found.values[here])
        self.read_bytes += self.num_bytes(name, block)
        return block

    def store(self, name: str, images: range, block: Block) -> None:
        """Write words of a feature map or a mask, each once.

        Raises
        ------
        ExecutionError
            If one was stored before.
        """
        self.write_bytes += self.num_bytes(name, block)
        self._write(self.tensors, name, images, block)

    def num_bytes(self, name: str, block: Block) -> int:
        """Bytes of some words of a feature map, a mask or a view."""
        images, channels = block.values.shape[:2]
        return (
            int(images) * len(block.rows) * len(block.cols) * pixel_bytes(self.network, self.precision, name, channels)
        )

    def _find(self, name: str) -> Stored | None:
        """Look a tensor up, or what a view shows of one."""
        view = dict(self.network.views).get(name)
        if view is None:
            return self.tensors.get(name)
        parent = self._find(view.parent)
        if parent is None:
            return None
        channels = view.shape.elements if view.reshaped else view.shape.channels
        shape = (-1, view.shape.channels, view.shape.rows, view.shape.cols)
        shown = slice(view.first, view.first + channels)
        return Stored(parent.values[:, shown].reshape(shape), parent.valid[:, shown].reshape(shape))

    # Partial sums

    def load_sums(self, name: str, images: range, channels: Index, rows: Index, cols: Index) -> Block:
        """Read partial sums of a map back; they are there no longer."""
        here = _place(images, channels, rows, cols)
        if name not in self.sums or not self.sums[name].valid[here].all():
            raise ExecutionError(f"partial sums of {name} are loaded from DRAM before they were stored")
        self.sums[name].valid[here] = False
        block = Block(channels, rows, cols, self.sums[name].values[here])
        self.read_bytes += block.values.size * self.precision.partial_sum_bytes
        return block

    def store_sums(self, name: str, images: range, block: Block) -> None:
        """Write partial sums of a map."""
        self.write_bytes += block.values.size * self.precision.partial_sum_bytes
        self._write(self.sums, name, images, block)

    def load_flat_sums(self, layer: Layer, places: Index) -> Ints:
        """Read partial sums of a reduction back; they are there no longer."""
        found = self.flat_sums.get(layer.name)
        if found is None or not found.valid[places].all():
            raise ExecutionError(f"partial sums of {layer.name} are loaded from DRAM before they were stored")
        found.valid[places] = False
        self.read_bytes += len(places) * self.precision.partial_sum_bytes
        return found.values[places]

    def store_flat_sums(self, layer: Layer, places: Index, sums: Ints) -> None:
        """Write partial sums of a reduction, at some places of its list of words (filter by filter)."""
        self.write_bytes += len(places) * self.precision.partial_sum_bytes
        _write_flat(self.flat_sums, layer.name, layer.weight_words, places, sums)

    # Words beside maps

    def load_weights(self, name: str, places: Index) -> Words:
        """Read weights, or constants of channels, at some places of the layer's list of words (filter by filter)."""
        layer = self.network.layer(name)
        if layer.op in ("norm", "dnorm"):
            self.read_bytes += len(places) * self.precision.partial_sum_bytes
            return self._constants(layer)[places]
        self.read_bytes += len(places) * self.precision.weight_bytes
        if layer.op == "dgrad":
            if name not in self.rotated:
                self.rotated[name] = self._rotated(layer)
            return self.rotated[name][places]
        return self.data.weights[layer.copy_of or name].reshape(-1)[places]

    def _constants(self, layer: Layer) -> Ints:
        """What a normalisation reads of each channel: the sums that it waits for, then what was learned."""
        affine = self.data.weights[_served(layer) + ":norm"].astype(np.int64)
        sums = []
        for name in layer.waits_for:
            found = self.results.get(name)
            if found is None or not found.valid.all():
                raise ExecutionError(f"{layer.name} reads {name} before it is complete")
            sums.append(found.values.reshape(layer.K, -1))
        learned = affine if layer.op == "norm" else affine[:, :1]
        return np.concatenate([*sums, learned], axis=1).reshape(-1)

    def _rotated(self, layer: Layer) -> Words:
        """The forward layer's kernels as the input gradient wants them: K and C exchanged, rotated by half a turn."""
        forward = self.network.layer(_served(layer))
        kernels = self.data.weights[forward.name][:, : forward.filter_words - int(forward.bias)]
        if forward.op == "fc":
            return kernels.T.reshape(-1)
        shape = (forward.G, forward.K // forward.G, forward.C // forward.G, forward.R, forward.S)
        return kernels.reshape(shape)[..., ::-1, ::-1].swapaxes(1, 2).reshape(-1)

    def store_results(self, layer: Layer, places: Index, words: Ints) -> None:
        """Write what a reduction leaves, each word once."""
        self.write_bytes += len(places) * self.result_bytes(layer.name)
        _write_flat(self.results, layer.name, layer.weight_words, places, words)

    def result_bytes(self, name: str) -> int:
        """Bytes of a word that a reduction leaves."""
        gradient = self.network.layer(name).op == "wgrad"
        return self.precision.gradient_bytes if gradient else self.precision.partial_sum_bytes

    def load_results(self, name: str, places: Index) -> Ints:
        """Read what a reduction left."""
        if name not in self.results or not self.results[name].valid[places].all():
            raise ExecutionError(f"{name} is read before it is complete")
        self.read_bytes += len(places) * self.result_bytes(name)
        return self.results[name].values[places]

    def load_states(self, name: str, k: int, words: Index) -> Ints:
        """Read parameters and moments of a part of a filter, shape (1 + moments, words)."""
        states: Ints = self.data.states[name][:, k, words].astype(np.int64)
        self.read_bytes += states.size * self.precision.state_bytes
        return states

    def store_states(self, layer: Layer, k: int, words: Index, states: Ints) -> None:
        """Write what an update changed of a part of a filter: parameters, moments, perhaps parameters as weights."""
        kept = self.data.states[layer.name].shape[0]
        widths = [self.precision.state_bytes] * kept + [self.precision.weight_bytes]
        self.write_bytes += len(words) * sum(widths[: len(states)])
        if layer.name not in self.results:
            self.results[layer.name] = Stored.empty(len(states), layer.K, layer.params // layer.K)
        found = self.results[layer.name]
        if found.valid[:, k, words].any():
            raise ExecutionError(f"{layer.name} changes a word twice")
        found.values[:, k, words], found.valid[:, k, words] = states, True

    def _write(self, stored: dict[str, Stored], name: str, images: range, block: Block) -> None:
        if name not in stored:
            batch = next(iter(self.data.inputs.values())).shape[0]
            shape = self.network.tensors[name]
            stored[name] = Stored.empty(batch, shape.channels, shape.rows, shape.cols)
        here = _place(images, block.channels, block.rows, block.cols)
        if stored[name].valid[here].any():
            raise ExecutionError(f"{name} is stored to DRAM twice")
        stored[name].values[here] = block.values
        stored[name].valid[here] = True


def pixel_bytes(network: Network, precision: Precision, name: str, channels: int) -> int:
    """Bytes of some channels of one position of a tensor: whole words, or bits packed into bytes."""
    bits = network.tensors[name].bits
    return -(-channels * bits // 8) if bits else channels * precision.activation_bytes


def _served(layer: Layer) -> str:
    return (layer.copy_of or layer.name).rsplit(":", 1)[0]


def _write_flat(stored: dict[str, Stored], name: str, size: int, places: Index, words: Ints) -> None:
    if name not in stored:
        stored[name] = Stored.empty(size)
    if stored[name].valid[places].any():
        raise ExecutionError(f"{name} is stored to DRAM twice")
    stored[name].values[places] = words
    stored[name].valid[places] = True


def _place(images: range, channels: Index, rows: Index, cols: Index) -> tuple[NDArray[np.intp], ...]:
    return np.ix_(np.asarray(images, dtype=np.intp), channels, rows, cols)
