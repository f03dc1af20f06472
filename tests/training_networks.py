"""Training steps made crudely, for what depends on the graph alone: who reads whom, who waits for whose sums."""

from __future__ import annotations

from dataclasses import replace

from specs.network import MASK, REDUCTIONS, Layer, Network, TensorShape, View


class _Maker:
    def __init__(self, network: Network, batch_norm: bool) -> None:
        self.network = network
        self.batch_norm = batch_norm
        self.layers: list[Layer] = []
        self.views: list[tuple[str, View]] = []
        self.renamed: dict[str, str] = {}
        """What the inference network calls a map, and what the training step does."""
        self.gradients: dict[str, list[str]] = {}
        self.trained: set[str] = set()
        """Layers that a gradient passes through: with parameters, or behind ones that have some."""

    def add(self, of: Layer, name: str, op: str, reads: tuple[str, ...], waits_for: tuple[str, ...] = ()) -> str:
        operands = tuple((one,) for one in reads)
        self.layers.append(replace(of, name=name, op=op, operands=operands, waits_for=waits_for))  # type: ignore[arg-type]
        return name

    def forward(self, layer: Layer) -> None:
        operands = tuple(tuple(self.renamed.get(name, name) for name in operand) for operand in layer.operands)
        self.layers.append(replace(layer, operands=operands, mask_bits=int(layer.relu)))
        if layer.on_array or any(name in self.trained for name in layer.input_tensors):
            self.trained.add(layer.name)
        if self.batch_norm and layer.op in ("conv", "dwconv"):
            self.layers[-1] = replace(self.layers[-1], mask_bits=0)
            self.add(layer, f"{layer.name}:moments", "moments", (layer.name,))
            norm = self.add(layer, f"{layer.name}:norm", "norm", (layer.name,), (f"{layer.name}:moments",))
            self.layers[-1] = replace(self.layers[-1], mask_bits=int(layer.relu))
            self.renamed[layer.name] = norm

    def masks(self, name: str) -> tuple[str, ...]:
        made = self.renamed.get(name, name)
        return (made + MASK,) if any(layer.name == made and layer.mask_bits for layer in self.layers) else ()

    def gradient(self, layer: Layer) -> str:
        """The map that holds the gradient of a layer's output: the only one, or the sum at a fork."""
        parts = self.gradients[layer.name]
        if len(parts) == 1:
            return parts[0]
        return self.add(layer, f"{layer.name}:sum", "add", (*parts, *self.masks(layer.name)))

    def backward(self, layer: Layer) -> None:
        if layer.name not in self.trained:
            return
        name, made, waits_for = layer.name, self.gradient(layer), tuple[str, ...]()
        if f"{name}:norm" in self.renamed.values():
            sums = self.add(layer, f"{name}:normgrads", "normgrads", (made, name))
            made = self.add(layer, f"{name}:dnorm", "dnorm", (made, name), (sums, f"{name}:moments"))
            waits_for = (sums,)
        if layer.on_array:
            read = tuple(self.renamed.get(one, one) for one in layer.operands[0])
            self.layers.append(replace(layer, name=f"{name}:wgrad", op="wgrad", operands=(read, (made,))))
            self.add(layer, f"{name}:update", "update", (), (f"{name}:wgrad", *waits_for))
        wanted = [one for one in layer.input_tensors if one in self.trained]
        if not wanted:
            return
        if layer.op != "add":
            op = {"maxpool": "unpool", "avgpool": "spread"}.get(layer.op, "dgrad")
            masks = self.masks(wanted[0]) if len(wanted) == 1 else ()
            made = self.add(layer, f"{name}:{op}", op, (made, *masks))
        for i, one in enumerate(wanted):
            part = made
            reshaped = layer.op == "fc" and self.network.tensors[one].rows > 1
            if reshaped or (layer.op != "add" and len(wanted) > 1):
                part = f"{made}:{i}"
                self.views.append((part, View(made, i, self.network.tensors[one], reshaped)))
            self.gradients.setdefault(one, []).append(part)


def training_like(network: Network, batch_norm: bool) -> Network:
    """A training step: forward, losses, then backward from the last layer to the first."""
    maker = _Maker(network, batch_norm)
    targets: list[tuple[str, TensorShape]] = []
    for layer in network.layers:
        maker.forward(layer)
    for name in network.outputs:
        targets.append((f"{name}:target", network.tensors[name]))
        read = maker.renamed.get(name, name)
        maker.gradients[name] = [maker.add(network.layer(name), f"{name}:loss", "loss", (read, f"{name}:target"))]
    for layer in reversed(network.layers):
        maker.backward(layer)
    layers, inputs, views = tuple(maker.layers), (*network.inputs, *targets), tuple(maker.views)
    assert all(layer.reduces == (layer.op in REDUCTIONS) for layer in layers)
    return Network(network.name, inputs, layers, (), views=views)
