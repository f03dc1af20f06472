"""The single layers of a training step, each made from the inference layer that it serves."""

from __future__ import annotations

from dataclasses import replace

from specs.network import Layer, Op, Phase, TensorShape

NORM = ":norm"
MOMENTS = ":moments"
Tensors = tuple[str, ...]


def mask_bits(layer: Layer) -> int:
    """Bits per output element that the backward pass needs of a layer: the sign for ReLU, the place of a maximum."""
    if layer.op == "maxpool":
        return (layer.R * layer.S - 1).bit_length()
    return int(layer.relu)


def channelwise(
    name: str,
    op: Op,
    operands: tuple[Tensors, ...],
    shape: TensorShape,
    phase: Phase,
    *,
    pixelwise: int = 0,
    waits_for: Tensors = (),
) -> Layer:
    """Make a layer that computes each element of a map from the same element of its operands."""
    C, H, W = shape.channels, shape.rows, shape.cols
    return Layer(
        name, op, operands, G=C, K=C, C=C, H=H, W=W, P=H, Q=W, pixelwise=pixelwise, waits_for=waits_for, phase=phase
    )


def forward(layer: Layer, operands: tuple[Tensors, ...], trained: bool) -> list[Layer]:
    """Make the forward layers of one layer: itself, and its batch-norm unfolded.

    Parameters
    ----------
    trained
        Whether a gradient comes back to the layer, which then keeps the mask that it needs.
    """
    bits = mask_bits(layer) if trained else 0
    if not layer.batch_norm:
        return [replace(layer, operands=operands, mask_bits=bits)]
    conv = replace(layer, operands=operands, bias=False, batch_norm=False, relu=False)
    moments = channelwise(layer.name + MOMENTS, "moments", ((layer.name,),), layer.output, "forward")
    norm = channelwise(
        layer.name + NORM, "norm", ((layer.name,),), layer.output, "forward", waits_for=(moments.name,)
    )  # fmt: skip
    return [conv, moments, replace(norm, relu=layer.relu, mask_bits=bits)]


def loss(name: str, logits: str, target: str, shape: TensorShape, mask: Tensors) -> Layer:
    """Make the gradient of the loss with respect to one output of the network."""
    operands = ((logits,), (target,), *((mask,) if mask else ()))
    return channelwise(name, "loss", operands, shape, "backward", pixelwise=len(operands) - 1)


def input_gradient(layer: Layer, gradient: str, indices: str | None, mask: Tensors) -> Layer:
    """Make the gradient with respect to the operand of a convolution, a full connection or a pool.

    Parameters
    ----------
    gradient
        Of the layer's output.
    indices
        Tensor with the places of a max-pool's maxima.
    mask
        Signs that the gradient is masked with, in the order of the operand's channels.
    """
    at_output = (mask,) if mask else ()
    pixelwise = len(at_output)
    if layer.op == "fc":
        K = layer.C * layer.H * layer.W
        return Layer(
            f"{layer.name}:dgrad", "dgrad", ((gradient,), *at_output), G=1, K=K, C=layer.K, H=1, W=1, P=1, Q=1,
            pixelwise=pixelwise, phase="backward",
        )  # fmt: skip
    name, op = _backward_of(layer)
    under_kernel = ((gradient,),) if indices is None else ((gradient,), (indices,))
    (rows, cols), (top, left, bottom, right) = layer.dilation, layer.pad
    reach_rows, reach_cols = rows * (layer.R - 1), cols * (layer.S - 1)
    return Layer(
        f"{layer.name}:{name}", op, (*under_kernel, *at_output), G=layer.G, K=layer.C, C=layer.K,
        H=layer.P, W=layer.Q, P=layer.H, Q=layer.W, R=layer.R, S=layer.S, dilation=layer.dilation,
        pad=(reach_rows - top, reach_cols - left, reach_rows - bottom, reach_cols - right),
        upsample=layer.stride, pixelwise=pixelwise, phase="backward",
    )  # fmt: skip


def _backward_of(layer: Layer) -> tuple[str, Op]:
    if layer.op == "maxpool":
        return "unpool", "unpool"
    if layer.op == "avgpool":
        return "spread", "spread"
    return "dgrad", "dgrad"


def weight_gradient(layer: Layer, gradient: str) -> Layer:
    """Make the weight gradient of a forward layer: a sum over all positions and images."""
    return replace(
        layer, name=f"{layer.name}:wgrad", op="wgrad", operands=(layer.operands[0], (gradient,)), pixelwise=1,
        relu=False, mask_bits=0, phase="backward",
    )  # fmt: skip


def norm_gradients(layer: Layer, gradient: str) -> tuple[Layer, Layer]:
    """Make the backward layers of a batch-norm: both sums of each channel, then the gradient before the norm."""
    operands = ((gradient,), (layer.name,))
    sums = channelwise(f"{layer.name}:normgrads", "normgrads", operands, layer.output, "backward", pixelwise=1)
    waits_for = (sums.name, layer.name + MOMENTS)
    before = channelwise(
        f"{layer.name}:dnorm", "dnorm", operands, layer.output, "backward", pixelwise=1, waits_for=waits_for
    )
    return sums, before


def update(layer: Layer, batch_norm: bool) -> Layer:
    """Make the update of a forward layer's parameters, those of its batch-norm included."""
    sums = (f"{layer.name}:wgrad", *((f"{layer.name}:normgrads",) if batch_norm else ()))
    return Layer(
        f"{layer.name}:update", "update", (), G=layer.G, K=layer.K, C=layer.C, H=0, W=0, P=0, Q=0, R=layer.R,
        S=layer.S, bias=layer.bias, batch_norm=batch_norm, waits_for=sums, phase="update",
    )  # fmt: skip


def served(layer: Layer) -> str:
    """Name the layer or tensor of the inference network that a layer of a training step is there for."""
    if layer.copy_of:
        layer = replace(layer, name=layer.copy_of, phase="forward", copy_of="")
    made = layer.op in ("norm", "moments") or (layer.phase != "forward" and layer.op != "loss")
    return layer.name.rpartition(":")[0] if made else layer.name
