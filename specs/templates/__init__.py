"""Which accelerator templates there are and what a study may say about each: one YAML file here per template.

`costmodel/<name>.py` prices the template of `specs/templates/<name>.yaml`. No other file knows their names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from specs.errors import Problem, SpecError, did_you_mean, show
from specs.fields import Count, Text, Truth, sorted_once, whole_number
from specs.study import AcceleratorSpec
from specs.units import FREQUENCY
from specs.validation import Doc, read_as
from specs.yaml_reader import read_yaml

FOLDER = Path(__file__).parent
Ints = int | Sequence[int]
Mappings = Mapping[str, Mapping[str, int | str]]


class NumberDoc(Doc):
    """One number that describes the array."""

    means: Text
    unit: Text = "units"
    default: Annotated[int, BeforeValidator(whole_number(0))]
    lowest: Annotated[int, BeforeValidator(whole_number(0))] = 1
    choice: Truth = False
    """Whether a study may list several values, for the solver to choose from."""
    source: Text
    """Where the default comes from."""


class ClockDoc(Doc):
    default: Annotated[int, BeforeValidator(FREQUENCY.whole)]
    source: Text


class DoubleBufferDoc(Doc):
    default: Truth
    source: Text


class LetterDoc(Doc):
    """One letter of a mapping that a study may pin: a word of a list, or a whole number."""

    means: Text
    allowed: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    lowest: Count = 1


class TemplateDoc(Doc):
    """A file of this folder; docs/add-an-accelerator.md says how to write one."""

    summary: Text
    source: Text
    numbers: dict[str, NumberDoc]
    clock: ClockDoc
    double_buffer: DoubleBufferDoc
    mapping: dict[str, LetterDoc] = Field(default_factory=dict)


def template_names(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the templates that there are."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


@lru_cache(maxsize=64)
def describe_template(name: str, folder: Path = FOLDER) -> TemplateDoc:
    """Read what a study may say about a template.

    Raises
    ------
    SpecError
        If the template's file is wrong, with one line per problem.
    """
    problems: list[Problem] = []
    document = read_yaml(folder / f"{name}.yaml", problems)
    doc = read_as(TemplateDoc, document) if document else None
    if doc is None:
        raise SpecError(problems)
    return doc


def accelerator(
    template: str,
    *,
    clock_hz: Ints | None = None,
    double_buffer: bool | None = None,
    mapping: Mappings | None = None,
    skip_zeros: bool = AcceleratorSpec.skip_zeros,
    **numbers: Ints,
) -> AcceleratorSpec:
    """Make an accelerator in Python, as in ``accelerator("vwa", blocks=(2, 4), rows=7)``.

    Parameters
    ----------
    template
        Name of a file of this folder; what is left out has that file's default.
    clock_hz
        One frequency or several to choose from.
    double_buffer
        Whether loads and stores of neighbouring tiles overlap with compute.
    mapping
        Layer name to the letters that are pinned: ``{"conv1": {"blocks_on": "K"}}``.
    skip_zeros
        Whether the array passes over the zeros in a strided layer's input gradient.
    numbers
        The template's own keys, each one value or, where the template allows it, several.

    Raises
    ------
    ValueError
        If the template has no such key or letter, or a value is below the lowest allowed.
    """
    names = template_names()
    if template not in names:
        raise ValueError(
            f"template must be one of {', '.join(names)}, not {show(template)}{did_you_mean(template, names)}"
        )
    doc = describe_template(template)
    _refuse_unknown(f"key of {template}", numbers, doc.numbers)
    given = {key: _values(key, numbers[key], doc.numbers[key]) for key in numbers}
    clocks = doc.clock.default if clock_hz is None else clock_hz
    return AcceleratorSpec(
        template,
        tuple((key, given.get(key, (number.default,))) for key, number in doc.numbers.items()),
        _sorted(clocks),
        doc.double_buffer.default if double_buffer is None else double_buffer,
        tuple((layer, _pins(template, pins, doc.mapping)) for layer, pins in (mapping or {}).items()),
        skip_zeros,
    )


def _sorted(value: Ints) -> tuple[int, ...]:
    return sorted_once((value,) if isinstance(value, int) else tuple(value))


def _values(key: str, value: Ints, number: NumberDoc) -> tuple[int, ...]:
    values = _sorted(value)
    if len(values) != 1 and not (values and number.choice):
        raise ValueError(f"{key} must be {'one number or more' if number.choice else 'one number'}, not {show(value)}")
    if values[0] < number.lowest:
        raise ValueError(f"{key} must be at least {number.lowest}, not {values[0]}")
    return values


def _pins(
    template: str, pins: Mapping[str, int | str], letters: Mapping[str, LetterDoc]
) -> tuple[tuple[str, int | str], ...]:
    _refuse_unknown(f"letter of {template}'s mappings", pins, letters)
    for letter, value in pins.items():
        allowed, lowest = letters[letter].allowed, letters[letter].lowest
        if allowed is not None and value not in allowed:
            raise ValueError(f"{letter} must be {' or '.join(allowed)}, not {show(value)}")
        if allowed is None and (not isinstance(value, int) or value < lowest):
            raise ValueError(f"{letter} must be a whole number of at least {lowest}, not {show(value)}")
    return tuple((letter, pins[letter]) for letter in letters if letter in pins)


def _refuse_unknown(kind: str, given: Mapping[str, object], known: Mapping[str, object]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"{show(name)} is not a {kind}{did_you_mean(name, known)} (known: {', '.join(known)})")
