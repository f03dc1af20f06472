"""The backward pass of a training step: who makes the gradient of each tensor, and who masks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from specs.network import MASK, Layer, TensorShape, View
from specs.training_layers import (
    channelwise,
    input_gradient,
    loss,
    norm_gradients,
    update,
    weight_gradient,
)


class Backward:
    """Collects the layers of the backward pass; call `loss` for every output, then `through` from the last layer on.

    Parameters
    ----------
    shapes
        Of the inference network's tensors.
    made
        The forward layer whose output is the activation that an inference layer stands for, by the latter's name;
        only of layers that a gradient comes back to.
    readers
        All layers that pass a gradient back, and the outputs that have a loss.
    """

    def __init__(
        self,
        shapes: Mapping[str, TensorShape],
        made: Mapping[str, Layer],
        readers: tuple[list[Layer], list[str]],
    ) -> None:
        self.shapes = shapes
        self.made = made
        layers, ends = readers
        self.num_parts = Counter(ends)
        self.num_parts.update(name for layer in layers for operand in layer.operands for name in operand)
        self.layers: list[Layer] = []
        self.views: dict[str, View] = {}
        self.parts: dict[str, list[str]] = {name: [] for name in made}
        self.masked: set[str] = set()

    def loss(self, name: str, end: str, target: str) -> None:
        """Start from an output that nothing reads."""
        mask = self._whole_mask((end,))
        made = loss(name, self.made[end].name, target, self.shapes[end], mask)
        self._append(made)
        self.parts[end].append(made.name)

    def through(self, layer: Layer, computed: Layer) -> None:
        """Go back through one layer, whose readers have all been gone through.

        Parameters
        ----------
        layer
            As in the inference network.
        computed
            The forward layer of that name in the training step.
        """
        gradient = self._gradient(layer)
        if layer.batch_norm:
            sums, before = norm_gradients(computed, gradient)
            self._append(sums, before)
            gradient = before.name
        if layer.has_weights:
            self._append(weight_gradient(computed, gradient), update(computed, layer.batch_norm))
        if layer.op == "add":
            for operand in layer.operands:
                self._share(operand, gradient)
        elif any(name in self.made for name in layer.operands[0]):
            self._to_operand(layer, computed, gradient)

    def _gradient(self, layer: Layer) -> str:
        """Sum what the readers of a layer's output hand back, and mask it unless that was done."""
        name, parts = layer.name, self.parts[layer.name]
        masks = () if name in self.masked else self._masks((name,))
        if len(parts) == 1 and not masks:
            return parts[0]
        operands = tuple((part,) for part in parts) + ((masks,) if masks else ())
        own = f"{name}:sum" if len(parts) > 1 else f"{name}:masked"
        self._append(channelwise(own, "add", operands, self.shapes[name], "backward", pixelwise=int(bool(masks))))
        return own

    def _to_operand(self, layer: Layer, computed: Layer, gradient: str) -> None:
        (operand,) = layer.operands
        reshaped = layer.op == "fc" and layer.H * layer.W > 1
        mask = () if reshaped else self._whole_mask(operand)
        indices = computed.name + MASK if computed.op == "maxpool" and computed.mask_bits else None
        made = input_gradient(computed, gradient, indices, mask)
        self._append(made)
        self._share(operand, made.name, reshaped)

    def _share(self, operand: tuple[str, ...], gradient: str, reshaped: bool = False) -> None:
        """Hand a gradient to each tensor of an operand: all of it, or the tensor's channels."""
        first = 0
        for name in operand:
            if name in self.made:
                whole = len(operand) == 1 and not reshaped
                self.parts[name].append(gradient if whole else self._view(gradient, first, name, reshaped))
            first += self.shapes[name].channels

    def _view(self, gradient: str, first: int, tensor: str, reshaped: bool) -> str:
        shape, base = self.shapes[tensor], self.views.get(gradient, View(gradient, 0, self.shapes[tensor], reshaped))
        # A reshaped map is flat in its parent: each of its channels is as many of the parent's as it has positions.
        flat = shape.rows * shape.cols if base.reshaped else 1
        view = View(base.parent, base.first + first * flat, shape, base.reshaped)
        name, number = f"{gradient}:{tensor}", 1
        while name in self.views:
            number += 1
            name = f"{gradient}:{tensor}:{number}"
        self.views[name] = view
        return name

    def _whole_mask(self, operand: tuple[str, ...]) -> tuple[str, ...]:
        """Masks for the layer that makes all of an operand's gradient, if every part needs one and just this part."""
        masks = self._masks(operand)
        if len(masks) < len(operand) or any(self.num_parts[name] > 1 for name in operand):
            return ()
        self.masked.update(operand)
        return masks

    def _masks(self, operand: tuple[str, ...]) -> tuple[str, ...]:
        made = [self.made[name] for name in operand if name in self.made]
        return tuple(layer.name + MASK for layer in made if layer.mask_bits and layer.op != "maxpool")

    def _append(self, *layers: Layer) -> None:
        self.layers.extend(layers)
