"""The keys of a network file: one model for each kind of layer."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from specs.errors import did_you_mean, show
from specs.fields import Count, Names, Pads, Pair, Text, Total, Truth, text
from specs.network import OPS
from specs.validation import Doc, read_as
from specs.yaml_reader import Document


def _shape(value: object) -> object:
    if isinstance(value, list) and len(value) == 3:
        return value
    raise ValueError(f"must be [channels, rows, columns], not {show(value)}")


Shape = Annotated[tuple[Count, Count, Count], BeforeValidator(_shape)]


class NetworkDoc(Doc):
    name: Text | None = None
    """Default: the file's name."""
    source: Text = "not stated"
    """Where the shapes come from."""
    inputs: Annotated[dict[Text, Shape], Field(min_length=1)]
    """Shape of each tensor that enters the network."""
    outputs: Names | None = None
    """Tensors that leave it, beside every tensor that no layer reads."""
    layers: Annotated[list[Any], Field(min_length=1)]
    """In any order; `read_layer` reads each."""


class LayerDoc(Doc):
    """What every layer has. The optional counts are compared with those that the shapes give."""

    name: Text
    op: str
    inputs: Names
    params: Total | None = None
    macs: Total | None = None
    C: Count | None = None
    P: Count | None = None
    Q: Count | None = None


class WindowDoc(LayerDoc):
    """A layer that moves a kernel of R rows and S columns over its input."""

    R: Count | None = None
    S: Count | None = None
    kernel: Pair | None = None
    """R and S in one."""
    pad: Pads = (0, 0, 0, 0)
    """Zeros around the input: one number, or [top, left, bottom, right]."""

    @model_validator(mode="after")
    def _kernel_once(self) -> WindowDoc:
        self._check_kernel()
        return self

    def _check_kernel(self) -> None:
        if self.kernel and (self.R or self.S):
            raise ValueError("must have either R and S, or kernel, not both")
        if not self.kernel and not (self.R and self.S):
            raise ValueError("must have R and S (kernel rows and columns), or kernel")

    @property
    def kernel_size(self) -> tuple[int, int]:
        if self.kernel:
            return self.kernel
        assert self.R
        assert self.S
        return self.R, self.S


class DwconvDoc(WindowDoc):
    """Each channel has a kernel of its own."""

    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    bias: Truth = True
    batch_norm: Truth = False
    """A batch-norm follows and is folded in; `params` then counts its two words per channel."""
    relu: Truth = False
    """An activation function follows (after the batch-norm): ReLU or any other that training needs the sign for."""

    @model_validator(mode="after")
    def _shift_is_the_bias(self) -> DwconvDoc:
        if self.batch_norm and not self.bias:
            raise ValueError("must have a bias beside batch_norm: true, because folding makes one")
        return self


class ConvDoc(DwconvDoc):
    K: Count
    """Output channels."""
    G: Count = 1
    """Groups."""


class FcDoc(LayerDoc):
    """The kernel is the whole input."""

    K: Count
    bias: Truth = True
    relu: Truth = False
    """As for convolutions."""


class PoolDoc(WindowDoc):
    stride: Pair | None = None
    """Has no default, because frameworks differ in theirs."""
    whole_map: Truth = Field(default=False, alias="global")
    """Pool over all rows and columns."""

    def _check_kernel(self) -> None:
        if not self.whole_map:
            super()._check_kernel()
            if self.stride is None:
                raise ValueError("must have a stride, or global: true")
        elif self.kernel or self.R or self.S or self.stride or any(self.pad):
            raise ValueError("must not have a kernel, stride or pad beside global: true")


class AddDoc(LayerDoc):
    """Two or more operands of the same shape."""

    relu: Truth = False
    """As for convolutions, after the sum."""


class ConcatDoc(LayerDoc):
    """Two or more tensors, one after another along the channels: a way of reading them, not a layer."""


LAYER_DOCS: dict[str, type[LayerDoc]] = {
    "conv": ConvDoc,
    "dwconv": DwconvDoc,
    "fc": FcDoc,
    "maxpool": PoolDoc,
    "avgpool": PoolDoc,
    "add": AddDoc,
    "concat": ConcatDoc,
}
FOLDED = "activations and batch-norm are folded into the layer before them"
assert set(OPS) | {"concat"} == set(LAYER_DOCS)


def read_layer(document: Document, index: int) -> LayerDoc | None:
    """Read one entry of `layers`; note every problem and return None if there is one."""
    key = ("layers", index)
    data = document.at(key)
    if not isinstance(data, dict):
        document.refuse(key, f"must be a mapping with name, op and inputs, not {show(data)}")
        return None
    if "op" not in data:
        document.refuse((*key, "op"), f"is missing (one of {', '.join(LAYER_DOCS)})")
        return None
    if data["op"] not in list(LAYER_DOCS):
        found = f"not {show(data['op'])}{did_you_mean(data['op'], LAYER_DOCS)}"
        document.refuse((*key, "op"), f"must be one of {', '.join(LAYER_DOCS)}, {found} ({FOLDED})")
        return None
    return read_as(LAYER_DOCS[data["op"]], document, key)


def written_name(data: object) -> str | None:
    """Return the name of a `layers` entry that may be wrong elsewhere, so that its readers are not blamed."""
    name = data.get("name") if isinstance(data, dict) else None
    try:
        return text(name)
    except ValueError:
        return None
