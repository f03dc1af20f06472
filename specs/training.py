"""A training step: the graph of forward pass, losses, backward pass and updates, made from an inference graph."""

from __future__ import annotations

from collections import Counter

from specs.network import MASK, Layer, Network, TensorShape
from specs.training_backward import Backward
from specs.training_layers import NORM, forward


def training_step(network: Network) -> Network:
    """Make the graph of one training step.

    Every output that nothing reads and that weights lead to has a loss; what leads to no loss is left out.

    Raises
    ------
    ValueError
        If there is nothing to train, or two layers or tensors of the step would have the same name.
    """
    trained = _trained(network)
    ends = [name for name in network.outputs if name in trained and not network.consumers[name]]
    if not ends:
        raise ValueError("cannot be trained: no layer with weights leads to an output")
    used = _leading_to(network, ends)
    computed = {layer.name: _forward(network, layer, layer.name in trained) for layer in used}
    gone_through = [layer for layer in used if layer.name in trained]
    made = {layer.name: computed[layer.name][-1] for layer in gone_through}
    backward = Backward(network.tensors, made, (gone_through, ends))
    targets = []
    for end in ends:
        prefix = "" if len(ends) == 1 else f"{end}:"
        targets.append((f"{prefix}target", network.tensors[end]))
        backward.loss(f"{prefix}loss", end, f"{prefix}target")
    for layer in reversed(gone_through):
        backward.through(layer, computed[layer.name][0])
    read = {name for layer in used for name in layer.input_tensors}
    step = Network(
        name=network.name,
        inputs=(*((name, shape) for name, shape in network.inputs if name in read), *targets),
        layers=(*(layer for layers in computed.values() for layer in layers), *backward.layers),
        outputs=(),
        source=network.source,
        views=tuple(backward.views.items()),
    )
    _check_names(step)
    return step


def _trained(network: Network) -> frozenset[str]:
    """Layers that have weights, or read what depends on weights: a gradient comes back to them."""
    found: set[str] = set()
    for layer in network.layers:
        if layer.has_weights or not found.isdisjoint(layer.input_tensors):
            found.add(layer.name)
    return frozenset(found)


def _leading_to(network: Network, ends: list[str]) -> list[Layer]:
    needed = set(ends)
    for layer in reversed(network.layers):
        if layer.name in needed:
            needed.update(layer.input_tensors)
    return [layer for layer in network.layers if layer.name in needed]


def _forward(network: Network, layer: Layer, trained: bool) -> list[Layer]:
    """Make a layer's forward layers, which read normalised maps where those are what the network means."""

    def activation(tensor: str) -> str:
        made_by = network.index.get(tensor)
        return tensor + NORM if made_by is not None and network.layers[made_by].batch_norm else tensor

    operands = tuple(tuple(activation(tensor) for tensor in operand) for operand in layer.operands)
    return forward(layer, operands, trained)


def _check_names(step: Network) -> None:
    names = [name for name, _ in (*step.inputs, *step.views)] + [layer.name for layer in step.layers]
    names += [layer.name + MASK for layer in step.layers if layer.mask_bits]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"cannot be trained: a training step needs the name {twice[0]} for a tensor of its own")


def kept(step: Network) -> dict[str, TensorShape]:
    """Maps and masks that the forward pass of a training step makes and its backward pass reads, or makes again."""
    views = dict(step.views)
    forward_layers = {layer.name for layer in step.layers if layer.phase == "forward"}
    read = (name for layer in step.layers if layer.phase != "forward" for name in layer.input_tensors)
    stored = (views[name].parent if name in views else name for name in read)
    again = {layer.name: layer.copy_of for layer in step.layers if layer.copy_of}
    made = (again.get(name, name) for name in stored)
    return {name: step.tensors[name] for name in made if step.maker[name] in forward_layers}


def training_macs(step: Network) -> tuple[int, int, int]:
    """Multiply-accumulates of a training step for one image: forward, input gradients, weight gradients."""
    by_kind: Counter[str] = Counter()
    for layer in step.layers:
        by_kind[layer.op if layer.phase == "backward" else layer.phase] += layer.macs
    return by_kind["forward"], by_kind["dgrad"], by_kind["wgrad"]
