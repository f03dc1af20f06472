"""The keys of an accelerator in a study or a file of its own, made from the description of its template."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, create_model

from specs.errors import KeyPath, alternatives, did_you_mean, show
from specs.fields import Clocks, Text, Truth, choice, one_or_more, sorted_once, whole_number
from specs.network import Network
from specs.study import AcceleratorSpec
from specs.templates import LetterDoc, NumberDoc, describe_template, template_names
from specs.validation import Doc, read_as
from specs.yaml_reader import Document


class AcceleratorDoc(Doc):
    """What every template has beside its own numbers: these two, and the keys that `_model` adds."""

    source: Text | dict[str, Text] = ""
    """Where the numbers come from; a file may say so for each key."""
    template: Text

    def resolve(self) -> AcceleratorSpec:
        values = {key: getattr(self, key) for key in self.model_fields_set | set(type(self).model_fields)}
        described = describe_template(self.template)
        return AcceleratorSpec(
            self.template,
            tuple((key, values[key] if number.choice else (values[key],)) for key, number in described.numbers.items()),
            values["clock"],
            values["double_buffer"],
            tuple((layer, _pins(pins, described.mapping)) for layer, pins in values["mapping"].items()),
            values["skip_zeros"],
        )


def _pins(pins: Doc, letters: dict[str, LetterDoc]) -> tuple[tuple[str, int | str], ...]:
    return tuple((letter, getattr(pins, letter)) for letter in letters if letter in pins.model_fields_set)


@lru_cache(maxsize=64)
def _model(template: str) -> type[AcceleratorDoc]:
    """Make the pydantic model of a template's keys: unknown keys, wrong types and small values are refused."""
    described = describe_template(template)
    letters: dict[str, Any] = {letter: (_letter(doc), None) for letter, doc in described.mapping.items()}
    pins = create_model(f"{template}_mapping", __base__=Doc, **letters)
    fields: dict[str, Any] = {key: _number(number) for key, number in described.numbers.items()}
    fields["clock"] = (Clocks, (described.clock.default,))
    fields["double_buffer"] = (Truth, described.double_buffer.default)
    fields["skip_zeros"] = (Truth, AcceleratorSpec.skip_zeros)
    fields["mapping"] = (dict[Text, Annotated[pins, AfterValidator(_not_empty)]], {})  # type: ignore[valid-type]
    return create_model(template, __base__=AcceleratorDoc, **fields)


def _number(number: NumberDoc) -> tuple[Any, Any]:
    """Return the type and the default of one number, or of a list of numbers to choose from."""
    one = Annotated[int, BeforeValidator(whole_number(number.lowest))]
    if not number.choice:
        return one, number.default
    many = Annotated[tuple[one, ...], BeforeValidator(one_or_more), AfterValidator(sorted_once), Field(min_length=1)]
    return many, (number.default,)


def _letter(letter: LetterDoc) -> Any:
    if letter.allowed is not None:
        return Annotated[str, BeforeValidator(choice(letter.allowed))]
    return Annotated[int, BeforeValidator(whole_number(letter.lowest))]


def _not_empty(pins: Doc) -> Doc:
    if not pins.model_fields_set:
        raise ValueError(f"must pin at least one of {', '.join(pins.keys())}")
    return pins


def read_accelerator(document: Document, key: KeyPath = (), network: Network | None = None) -> AcceleratorSpec | None:
    """Read one mapping with a `template`, in a study or as a whole file.

    Mappings may be pinned for layers of ``network``; without a network (it could not be read) any layer passes.
    """
    names = template_names()
    data = document.at(key)
    if not isinstance(data, dict) or "template" not in data:
        document.refuse(key, f"must be a mapping with a template: {alternatives(names)}")
        return None
    try:
        template = choice(names)(data["template"])
    except ValueError as error:
        document.refuse((*key, "template"), str(error))
        return None
    doc = read_as(_model(template), document, key)
    spec = doc.resolve() if doc else None
    if spec is not None and network is not None:
        _check_pinned_layers(document, key, spec, network)
    return spec


def _check_pinned_layers(document: Document, key: KeyPath, spec: AcceleratorSpec, network: Network) -> None:
    """Refuse mappings of layers that the network does not have, or that have none to pin."""
    for name, _ in spec.mapping:
        if name not in network.index:
            hint = did_you_mean(name, network.index)
            document.refuse((*key, "mapping", name), f"is not a layer of {network.name}{hint}")
        elif not network.layer(name).on_array:
            message = f"must be a layer with weights: {show(network.layer(name).op)} has no mapping to pin"
            document.refuse((*key, "mapping", name), message)
