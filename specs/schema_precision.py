"""Word widths: whole bits, or floating formats."""

from __future__ import annotations

from itertools import product
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, Field, model_validator

from specs.errors import alternatives, did_you_mean, show
from specs.fields import one_or_more
from specs.study import Precision
from specs.validation import Doc

BITS = (8, 16, 32)
FORMATS = {"fp32": 32, "fp16": 16, "bf16": 16}


class Word(NamedTuple):
    """A width as written, its bits, and whether it is a floating format."""

    written: str
    bits: int
    floating: bool


def word(value: object) -> Word:
    """Read whole bits or the name of a floating format."""
    if isinstance(value, int) and not isinstance(value, bool) and value in BITS:
        return Word(str(value), value, floating=False)
    if isinstance(value, str) and value in FORMATS:
        return Word(value, FORMATS[value], floating=True)
    hint = did_you_mean(value, FORMATS) if isinstance(value, str) else ""
    allowed = f"{alternatives(BITS)} bits, or {alternatives(list(FORMATS))}"
    raise ValueError(f"must be {allowed}, not {show(value)}{hint}")


Words = Annotated[tuple[Annotated[Word, BeforeValidator(word)], ...], BeforeValidator(one_or_more), Field(min_length=1)]


class PrecisionDoc(Doc):
    """Words of each kind; where lists stand, every combination is a choice."""

    activation: Words
    weight: Words
    partial_sum: Words
    gradient: Words | None = None
    """Weight gradients in DRAM; in training alone."""
    state: Words | None = None
    """What an optimizer keeps: the weights that it changes, and its moments; in training alone."""

    @model_validator(mode="after")
    def _one_kind(self) -> PrecisionDoc:
        words = [(name, one) for name, listed in self for one in listed or ()]
        first, beside = words[0], next((pair for pair in words if pair[1].floating != words[0][1].floating), None)
        if beside is not None:
            found = f"{first[0]} {first[1].written} beside {beside[0]} {beside[1].written}"
            raise ValueError(f"must have whole bits everywhere or floating formats everywhere, not {found}")
        return self

    @property
    def floating(self) -> bool:
        return self.activation[0].floating

    def resolve(self) -> tuple[Precision, ...]:
        kinds = {name: [one.bits for one in words] for name, words in self if words}
        combinations = product(*kinds.values())
        return tuple(Precision(**dict(zip(kinds, bits, strict=True)), floating=self.floating) for bits in combinations)
