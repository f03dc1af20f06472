"""The keys of an accelerator: what an architect may vary in each template."""

from __future__ import annotations

from typing import Literal

from specs.errors import KeyPath
from specs.fields import Clocks, Count, Counts, Text, Truth, choice
from specs.study import AcceleratorSpec, EyerissSpec, VwaSpec
from specs.validation import Doc, read_as
from specs.yaml_reader import Document


class AcceleratorDoc(Doc):
    """What every template has."""

    source: Text | dict[str, Text] = ""
    """Where the numbers come from; a file may say so for each key."""


class VwaDoc(AcceleratorDoc):
    """Vectorwise array: `blocks` of `rows` x `taps` multipliers."""

    template: Literal["vwa"]
    blocks: Counts = VwaSpec.blocks
    rows: Counts = VwaSpec.rows
    taps: Counts = VwaSpec.taps
    clock: Clocks = VwaSpec.clock_hz
    double_buffer: Truth = VwaSpec.double_buffer
    """Whether loads and stores of neighbouring tiles overlap with compute."""

    def resolve(self) -> VwaSpec:
        return VwaSpec(self.blocks, self.rows, self.taps, self.clock, self.double_buffer)


class EyerissDoc(AcceleratorDoc):
    """Row-stationary array: `rows` x `cols` processing elements, each with three spads."""

    template: Literal["eyeriss"]
    rows: Counts = EyerissSpec.rows
    cols: Counts = EyerissSpec.cols
    clock: Clocks = EyerissSpec.clock_hz
    double_buffer: Truth = EyerissSpec.double_buffer
    """Whether loads and stores of neighbouring tiles overlap with compute."""
    filter_spad_words: Count = EyerissSpec.filter_spad_words
    ifmap_spad_words: Count = EyerissSpec.ifmap_spad_words
    psum_spad_words: Count = EyerissSpec.psum_spad_words
    ifmap_bits_per_cycle: Count = EyerissSpec.ifmap_bits_per_cycle
    """Width of the network that brings feature maps to the array; likewise the next two."""
    filter_bits_per_cycle: Count = EyerissSpec.filter_bits_per_cycle
    psum_bits_per_cycle: Count = EyerissSpec.psum_bits_per_cycle
    filter_chunk_words: Count = EyerissSpec.filter_chunk_words
    """Room in the weight buffer for the filters of one processing pass."""

    def resolve(self) -> EyerissSpec:
        numbers = self.model_dump(exclude={"source", "template", "rows", "cols", "clock", "double_buffer"})
        return EyerissSpec(self.rows, self.cols, self.clock, self.double_buffer, **numbers)


TEMPLATES: dict[str, type[VwaDoc] | type[EyerissDoc]] = {"vwa": VwaDoc, "eyeriss": EyerissDoc}


def read_accelerator(document: Document, key: KeyPath = ()) -> AcceleratorSpec | None:
    """Read one mapping with a `template`, in a study or as a whole file."""
    data = document.at(key)
    if not isinstance(data, dict) or "template" not in data:
        document.refuse(key, f"must be a mapping with a template: {' or '.join(TEMPLATES)}")
        return None
    try:
        template = choice(tuple(TEMPLATES))(data["template"])
    except ValueError as error:
        document.refuse((*key, "template"), str(error))
        return None
    doc = read_as(TEMPLATES[template], document, key)
    return doc.resolve() if doc else None
