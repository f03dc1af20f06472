"""The network graph: layers, the tensors between them, and nothing about cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

InferenceOp = Literal["conv", "dwconv", "fc", "maxpool", "avgpool", "add"]
TrainingOp = Literal[
    "norm", "moments", "loss", "dgrad", "wgrad", "unpool", "spread", "dnorm", "normgrads", "update",
    "keep", "use",
]  # fmt: skip
Op = InferenceOp | TrainingOp
OPS: tuple[str, ...] = get_args(InferenceOp)
"""What a network file may say; the others are made by `specs.training`."""
ARRAY_OPS = frozenset({"conv", "dwconv", "fc", "dgrad", "wgrad"})
"""Layers that multiply and accumulate on the array; the others compute on its adders."""
REDUCTIONS = frozenset({"wgrad", "moments", "normgrads"})
"""Layers that sum over all positions of all images; what they make is no map."""
CHANNEL_WORDS = {"norm": 4, "dnorm": 5, "moments": 2, "normgrads": 2}
"""Words per channel that batch-norm reads or sums: mean, 1/deviation, scale, shift; of the gradient also both sums."""
BESIDE = frozenset({"update", "keep", "use"})
"""Layers that run in no tile: they share a group with the first layer that they wait for, and then with others."""
Phase = Literal["forward", "backward", "update"]
MASK = ":mask"
"""Ends the name of what a layer stores beside its map for the backward pass: ReLU signs, places of maxima."""


@dataclass(frozen=True)
class TensorShape:
    """Channels, rows and columns of one map (one image).

    ``bits`` per element; 0 stands for the study's activation width. Channels of a pixel are packed into whole bytes.
    """

    channels: int
    rows: int
    cols: int
    bits: int = 0

    @property
    def elements(self) -> int:
        return self.channels * self.rows * self.cols

    def pixel_bytes(self, activation_bytes: int) -> int:
        """Bytes of one position."""
        return -(-self.channels * self.bits // 8) if self.bits else self.channels * activation_bytes


@dataclass(frozen=True)
class View:
    """A map read from another one: consecutive channels of it, or (``reshaped``) the same words as another map."""

    parent: str
    first: int
    shape: TensorShape
    reshaped: bool = False


@dataclass(frozen=True)
class Layer:
    """One layer, with its loop bounds in the field's letters.

    Parameters
    ----------
    name
        Unique in the network; also the name of the tensor that the layer makes.
    op
        What the layer computes. Activation functions, and in inference batch-norm, are folded into it.
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
    relu
        Whether an activation function follows that lets a gradient through or not, element by element.
    upsample
        (rows, columns): the kernel moves over a map with so many less one zeros put in after each row and column.
    pixelwise
        So many of the last operands are read at the outputs' own positions, the others under the kernel.
    mask_bits
        Bits per output element that are stored beside the map, as tensor ``name:mask``.
    waits_for
        Reductions whose sums the layer reads as it reads weights.
    phase
        Of a training step.
    copy_of
        The forward layer whose map this layer makes again, or decides about; see `specs.training_recompute`.
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
    relu: bool = False
    upsample: tuple[int, int] = (1, 1)
    pixelwise: int = 0
    mask_bits: int = 0
    waits_for: tuple[str, ...] = ()
    phase: Phase = "forward"
    copy_of: str = ""

    @property
    def on_array(self) -> bool:
        """Whether the layer multiplies and accumulates on the array."""
        return self.op in ARRAY_OPS

    @property
    def reduces(self) -> bool:
        """Whether the layer sums over all positions of all images."""
        return self.op in REDUCTIONS

    @property
    def has_weights(self) -> bool:
        """Whether words beside maps come to the weight buffer: weights, constants of channels, or sums."""
        return self.filter_words > 0

    @property
    def filter_words(self) -> int:
        """Weight and bias words, or sums of them, of one output channel; 0 without any."""
        if self.on_array:
            return (self.C // self.G) * self.R * self.S + int(self.bias)
        return CHANNEL_WORDS.get(self.op, 0)

    @property
    def weight_words(self) -> int:
        """Words beside maps that hardware stores and moves: weights and biases, batch-norm folded in; or sums."""
        return self.K * self.filter_words

    @property
    def params(self) -> int:
        """Parameters as architecture papers count them, both words of each batch-norm channel included.

        Of an update: all that it changes.
        """
        if self.op == "update":
            return self.K * ((self.C // self.G) * self.R * self.S + int(self.bias) + 2 * int(self.batch_norm))
        return (self.weight_words if self.on_array else 0) + (self.K if self.batch_norm else 0)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image; pools and additions have none.

        Of an input gradient only those that meet a word, none on the zeros between words.
        """
        if not self.on_array:
            return 0
        rows, cols = (self.H, self.W) if self.op == "dgrad" else (self.P, self.Q)
        return self.K * (self.C // self.G) * self.R * self.S * rows * cols

    @property
    def mask(self) -> TensorShape:
        """What is stored beside the map."""
        return TensorShape(self.K, self.P, self.Q, self.mask_bits)

    @property
    def output(self) -> TensorShape:
        return TensorShape(self.K, self.P, self.Q)

    @property
    def reads(self) -> tuple[tuple[str, bool], ...]:
        """Every tensor the layer reads with whether it is read at the outputs' own positions; each pair once."""
        under = len(self.operands) - self.pixelwise
        return tuple(dict.fromkeys((name, i >= under) for i, operand in enumerate(self.operands) for name in operand))

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
    views: tuple[tuple[str, View], ...] = ()

    @cached_property
    def tensors(self) -> dict[str, TensorShape]:
        """Shape of every tensor: network inputs and layer outputs, then masks and views."""
        return (
            dict(self.inputs)
            | {layer.name: layer.output for layer in self.layers}
            | {layer.name + MASK: layer.mask for layer in self.layers if layer.mask_bits}
            | {name: view.shape for name, view in self.views}
        )

    @cached_property
    def maker(self) -> dict[str, str]:
        """The layer (or network input) that makes each tensor: a map and its mask, or what a view is of."""
        made = {name: name for name in (*dict(self.inputs), *(layer.name for layer in self.layers))}
        made |= {layer.name + MASK: layer.name for layer in self.layers if layer.mask_bits}
        for name, view in self.views:
            made[name] = made[view.parent]
        return made

    @cached_property
    def readers(self) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
        """Of each network input and layer: the layers that read its map (or a view of it), and its mask."""
        found: dict[str, tuple[set[str], set[str]]] = {name: (set(), set()) for name in self.maker.values()}
        for tensor, names in self.consumers.items():
            found[self.maker[tensor]][tensor.endswith(MASK)].update(names)
        return {name: (frozenset(of_map), frozenset(of_mask)) for name, (of_map, of_mask) in found.items()}

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

    @cached_property
    def keepers(self) -> dict[str, str]:
        """The layers that decide whether a map is kept for the backward pass, by the map's maker."""
        return {layer.copy_of: layer.name for layer in self.layers if layer.op == "keep"}

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def params(self) -> int:
        return sum(layer.params for layer in self.layers)
