"""DRAM that holds real words and counts every byte that moves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from costmodel.buffers import Block, ExecutionError, Index
from costmodel.reference import Data, Ints, Words
from specs.network import Network
from specs.study import Precision


@dataclass
class Stored:
    """A tensor in DRAM; which of its words were stored."""

    values: Ints
    valid: NDArray[np.bool_]


@dataclass
class Dram:
    """Feature maps, weights and spilled partial sums. Network inputs and weights are there from the start."""

    network: Network
    precision: Precision
    data: Data
    read_bytes: int = 0
    write_bytes: int = 0
    tensors: dict[str, Stored] = field(default_factory=dict)
    sums: dict[str, Stored] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, values in self.data.inputs.items():
            self.tensors[name] = Stored(values, np.ones(values.shape, dtype=np.bool_))

    def load(self, name: str, images: range, channels: Index, rows: Index, cols: Index) -> Block:
        """Read words of a feature map.

        Raises
        ------
        ExecutionError
            If some were never stored.
        """
        here = _place(images, channels, rows, cols)
        if name not in self.tensors or not self.tensors[name].valid[here].all():
            raise ExecutionError(f"{name} is loaded from DRAM before it was stored")
        block = Block(channels, rows, cols, self.tensors[name].values[here])
        self.read_bytes += block.values.size * self.precision.activation_bytes
        return block

    def store(self, name: str, images: range, block: Block) -> None:
        """Write words of a feature map, each once.

        Raises
        ------
        ExecutionError
            If one was stored before.
        """
        self.write_bytes += block.values.size * self.precision.activation_bytes
        self._write(self.tensors, name, images, block)

    def load_sums(self, name: str, images: range, channels: Index, rows: Index, cols: Index) -> Block:
        """Read partial sums back; they are there no longer."""
        here = _place(images, channels, rows, cols)
        if name not in self.sums or not self.sums[name].valid[here].all():
            raise ExecutionError(f"partial sums of {name} are loaded from DRAM before they were stored")
        self.sums[name].valid[here] = False
        block = Block(channels, rows, cols, self.sums[name].values[here])
        self.read_bytes += block.values.size * self.precision.partial_sum_bytes
        return block

    def store_sums(self, name: str, images: range, block: Block) -> None:
        """Write partial sums."""
        self.write_bytes += block.values.size * self.precision.partial_sum_bytes
        self._write(self.sums, name, images, block)

    def load_weights(self, name: str, places: Index) -> Words:
        """Read weights at some places of the layer's list of words (filter by filter)."""
        self.read_bytes += len(places) * self.precision.weight_bytes
        return self.data.weights[name].reshape(-1)[places]

    def _write(self, stored: dict[str, Stored], name: str, images: range, block: Block) -> None:
        if name not in stored:
            batch = next(iter(self.data.inputs.values())).shape[0]
            shape = self.network.tensors[name]
            whole = (batch, shape.channels, shape.rows, shape.cols)
            stored[name] = Stored(np.zeros(whole, dtype=np.int64), np.zeros(whole, dtype=np.bool_))
        here = _place(images, block.channels, block.rows, block.cols)
        if stored[name].valid[here].any():
            raise ExecutionError(f"{name} is stored to DRAM twice")
        stored[name].values[here] = block.values
        stored[name].valid[here] = True


def _place(images: range, channels: Index, rows: Index, cols: Index) -> tuple[NDArray[np.intp], ...]:
    return np.ix_(np.asarray(images, dtype=np.intp), channels, rows, cols)
