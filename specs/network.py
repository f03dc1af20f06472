"""The network graph: layers, the tensors between them, and nothing about cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

Op = Literal["conv", "dwconv", "fc", "maxpool", "avgpool", "add"]
OPS: tuple[str, ...] = get_args(Op)
OPS_WITH_WEIGHTS = frozenset({"conv", "dwconv", "fc"})


@dataclass(frozen=True)
class TensorShape:
    """Channels, rows and columns of one feature map (one image)."""

    channels: int
    rows: int
    cols: int

    @property
    def elements(self) -> int:
        return self.channels * self.rows * self.cols


@dataclass(frozen=True)
class Layer:
    """One layer, with its loop bounds in the field's letters.

    Parameters
    ----------
    name
        Unique in the network; also the name of the tensor that the layer makes.
    op
        What the layer computes. Activation and batch-norm are folded into it.
    operands
        One entry per operand, each a tuple of tensor names that are concatenated along the channels:
        convolutions and pools have one operand, ``add`` has two or more. A concatenation is therefore
        a way of reading, never a layer of its own: it moves no data.
    G, K, C
        Groups, output channels and input channels; K and C are totals, also for grouped layers.
    H, W, P, Q
        Input rows and columns, output rows and columns.
    R, S
        Kernel rows and columns (1 for ``add``).
    stride, dilation
        (rows, columns).
    pad
        Zeros around the input: (top, left, bottom, right). They are never read from anywhere.
    bias
        Whether each output channel has one bias word beside its weights.
    batch_norm
        Whether a batch-norm was folded in: its shift is the bias word, its scale went into the weights and
        is no longer stored, but published parameter counts include it.
    """

    name: str
    op: Op
    operands: tuple[tuple[str, ...], ...]
    G: int
    K: int
    C: int
    H: int
    W: int
    P: int
    Q: int
    R: int = 1
    S: int = 1
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    bias: bool = False
    batch_norm: bool = False

    @property
    def has_weights(self) -> bool:
        return self.op in OPS_WITH_WEIGHTS

    @property
    def filter_words(self) -> int:
        """Weight and bias words of one output channel (0 without weights)."""
        return (self.C // self.G) * self.R * self.S + int(self.bias) if self.has_weights else 0

    @property
    def weight_words(self) -> int:
        """Words that hardware stores and moves: weights and biases, batch-norm folded in."""
        return self.K * self.filter_words

    @property
    def params(self) -> int:
        """Parameters as architecture papers count them, both words of each batch-norm channel included."""
        return self.weight_words + (self.K if self.batch_norm else 0)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image; pools and additions have none."""
        if not self.has_weights:
            return 0
        return self.K * (self.C // self.G) * self.R * self.S * self.P * self.Q

    @property
    def output(self) -> TensorShape:
        return TensorShape(self.K, self.P, self.Q)

    @property
    def input_tensors(self) -> tuple[str, ...]:
        """Every tensor the layer reads, each once, in order of first use."""
        return tuple(dict.fromkeys(name for operand in self.operands for name in operand))


@dataclass(frozen=True)
class Network:
    """Layers in topological order, the network's inputs, and the tensors that leave it.

    Readers and builders must hand over layers in topological order with consistent shapes
    (`specs.checks.check_network` says so in words a user understands).
    """

    name: str
    inputs: tuple[tuple[str, TensorShape], ...]
    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]
    source: str = ""

    @cached_property
    def tensors(self) -> dict[str, TensorShape]:
        """Shape of every tensor: network inputs and layer outputs."""
        return dict(self.inputs) | {layer.name: layer.output for layer in self.layers}

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each layer in topological order."""
        return {layer.name: i for i, layer in enumerate(self.layers)}

    @cached_property
    def consumers(self) -> dict[str, tuple[str, ...]]:
        """Names of the layers that read each tensor, in topological order."""
        readers: dict[str, list[str]] = {name: [] for name in self.tensors}
        for layer in self.layers:
            for name in layer.input_tensors:
                readers[name].append(layer.name)
        return {name: tuple(names) for name, names in readers.items()}

    def layer(self, name: str) -> Layer:
        return self.layers[self.index[name]]

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def params(self) -> int:
        return sum(layer.params for layer in self.layers)
