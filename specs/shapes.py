"""Shape inference: from a layer as written and the shapes it reads to a `Layer` with all its loop bounds.

Every function raises ``ValueError`` with a sentence that continues "layers[i] ..." when shapes do not fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specs.network import Layer, Op, TensorShape
from specs.schema_network import AddDoc, ConvDoc, DwconvDoc, FcDoc, LayerDoc, PoolDoc, WindowDoc

View = tuple[str, ...]
"""Tensors that are read one after another along the channels."""


def stacked(tensors: Sequence[str], shapes: Mapping[str, TensorShape]) -> TensorShape:
    """Return the shape of tensors that are concatenated along the channels."""
    first = shapes[tensors[0]]
    for name in tensors:
        if (shapes[name].rows, shapes[name].cols) != (first.rows, first.cols):
            raise ValueError(
                "must concatenate maps of the same rows and columns, not "
                f"{_map_text(first)} ({tensors[0]}) and {_map_text(shapes[name])} ({name})"
            )
    return TensorShape(sum(shapes[name].channels for name in tensors), first.rows, first.cols)


def infer_layer(doc: LayerDoc, views: Sequence[View], shapes: Mapping[str, TensorShape]) -> Layer:
    """Work out one layer's loop bounds.

    Parameters
    ----------
    doc
        The layer as written; not a concatenation.
    views
        What each entry of its `inputs` stands for.
    shapes
        Shape of each tensor in the views.
    """
    if isinstance(doc, AddDoc):
        return _addition(doc, views, shapes)
    if len(views) != 1:
        raise ValueError(f"must have one input, not {len(views)}: put a concat layer before it")
    source = stacked(views[0], shapes)
    match doc:
        case ConvDoc():
            return _convolution(doc, views[0], source, groups=doc.G, channels=doc.K)
        case DwconvDoc():
            return _convolution(doc, views[0], source, groups=source.channels, channels=source.channels)
        case FcDoc():
            return _fully_connected(doc, views[0], source)
        case PoolDoc():
            return _pool(doc, views[0], source)
    raise AssertionError(f"no shape inference for {doc.op}")


def _addition(doc: AddDoc, views: Sequence[View], shapes: Mapping[str, TensorShape]) -> Layer:
    if len(views) < 2:
        raise ValueError("must have two or more inputs to add, not 1")
    operands = [stacked(view, shapes) for view in views]
    for written, shape in zip(doc.inputs, operands, strict=True):
        if shape != operands[0]:
            raise ValueError(
                "must add maps of the same shape, not "
                f"{_shape_text(operands[0])} ({doc.inputs[0]}) and {_shape_text(shape)} ({written})"
            )
    C, H, W = operands[0].channels, operands[0].rows, operands[0].cols
    return Layer(doc.name, "add", tuple(views), G=C, K=C, C=C, H=H, W=W, P=H, Q=W, relu=doc.relu)


def _convolution(doc: DwconvDoc, view: View, source: TensorShape, *, groups: int, channels: int) -> Layer:
    for number, what in ((source.channels, "input"), (channels, "output")):
        if number % groups:
            raise ValueError(f"must have groups (G) that divide its {number} {what} channels, not {groups}")
    R, S = doc.kernel_size
    P, Q = _windows(doc, source, (R, S), doc.stride, doc.dilation)
    op: Op = "conv" if isinstance(doc, ConvDoc) else "dwconv"
    return Layer(
        doc.name, op, (view,), G=groups, K=channels, C=source.channels, H=source.rows, W=source.cols, P=P, Q=Q,
        R=R, S=S, stride=doc.stride, pad=doc.pad, dilation=doc.dilation, bias=doc.bias,
        batch_norm=doc.batch_norm, relu=doc.relu,
    )  # fmt: skip


def _fully_connected(doc: FcDoc, view: View, source: TensorShape) -> Layer:
    C, H, W = source.channels, source.rows, source.cols
    return Layer(
        doc.name, "fc", (view,), G=1, K=doc.K, C=C, H=H, W=W, P=1, Q=1, R=H, S=W, bias=doc.bias, relu=doc.relu
    )  # fmt: skip


def _pool(doc: PoolDoc, view: View, source: TensorShape) -> Layer:
    C, H, W = source.channels, source.rows, source.cols
    R, S = (H, W) if doc.whole_map else doc.kernel_size
    stride = doc.stride or (1, 1)
    top, left, bottom, right = doc.pad
    if max(top, bottom) >= R or max(left, right) >= S:
        raise ValueError(f"must have a pad smaller than its kernel of {R} x {S}, or some outputs pool nothing")
    P, Q = _windows(doc, source, (R, S), stride, (1, 1))
    op: Op = "maxpool" if doc.op == "maxpool" else "avgpool"
    return Layer(doc.name, op, (view,), G=C, K=C, C=C, H=H, W=W, P=P, Q=Q, R=R, S=S, stride=stride, pad=doc.pad)


def _windows(
    doc: WindowDoc, source: TensorShape, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> tuple[int, int]:
    """Count the places of a kernel: P = (H + top + bottom - (dilation*(R-1)+1)) // stride + 1, likewise Q."""
    top, left, bottom, right = doc.pad
    rows, cols = source.rows + top + bottom, source.cols + left + right
    span_rows, span_cols = (d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    if span_rows > rows or span_cols > cols:
        padded, span = f"{rows} x {cols}", f"{span_rows} x {span_cols}"
        raise ValueError(f"must have a kernel that fits its padded input of {padded}, not one that spans {span}")
    return (rows - span_rows) // stride[0] + 1, (cols - span_cols) // stride[1] + 1


def _map_text(shape: TensorShape) -> str:
    return f"{shape.rows} x {shape.cols}"


def _shape_text(shape: TensorShape) -> str:
    return f"{shape.channels} x {shape.rows} x {shape.cols}"
