"""Reading a document as a pydantic model, and saying what is wrong in a user's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic_core import ErrorDetails

from specs.errors import KeyPath, closest, did_you_mean, show
from specs.yaml_reader import Document


class Doc(BaseModel):
    """A mapping in a YAML file. Unknown keys are refused; docstrings below the fields document the format."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    not_yet: ClassVar[Mapping[str, str]] = {}
    """Keys that this version knows but does not have, each with what there is in its place."""

    @field_validator("*", mode="before")
    @classmethod
    def _has_a_value(cls, value: object) -> object:
        if value is None:
            raise ValueError("must have a value, not nothing")
        return value

    @classmethod
    def keys(cls) -> list[str]:
        return [field.alias or name for name, field in cls.model_fields.items()]


M = TypeVar("M", bound=Doc)


def read_as(model: type[M], document: Document, key: KeyPath = ()) -> M | None:
    """Read the value at `key` as a model; note every problem and return None if there is one."""
    data = document.at(key)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for path, message in _messages(model, data, error.errors(include_url=False)):
            document.refuse((*key, *path), message)
        return None


def _messages(model: type[Doc], data: object, errors: list[ErrorDetails]) -> Iterator[tuple[KeyPath, str]]:
    """Turn pydantic's errors into key paths as written and sentences that continue them."""
    unknown = {error["loc"] for error in errors if error["type"] == "extra_forbidden"}
    meant = {(*loc[:-1], closest(loc[-1], _model_at(model, loc[:-1]).keys())) for loc in unknown}
    for error in errors:
        loc = error["loc"]
        if error["type"] == "missing" and loc in meant:
            continue  # one mistake, one line: the unknown key's line says it
        yield as_written(loc, data), _message(_model_at(model, loc[:-1]), error)


def _message(model: type[Doc], error: ErrorDetails) -> str:
    match error["type"]:
        case "value_error":
            return str(error["ctx"]["error"])
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return unknown_key(str(error["loc"][-1]), model)
        case "too_short":
            return "must not be empty"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"must be a mapping of keys to values, not {show(error['input'])}"
        case "tuple_type" | "list_type":
            return f"must be a list, not {show(error['input'])}"
    return f"must be different: {error['msg']}, not {show(error['input'])}"


def unknown_key(key: str, model: type[Doc]) -> str:
    """Say that a mapping has no such key, and which keys it has."""
    if key in model.not_yet:
        return f"is not available in this version: {model.not_yet[key]}"
    return f"is not a key here{did_you_mean(key, model.keys())} (allowed: {', '.join(model.keys())})"


def as_written(loc: tuple[int | str, ...], data: object) -> KeyPath:
    """Drop from a location what the file does not have: the index into a lone value, pydantic's ``[key]``."""
    key: list[int | str] = []
    for part in loc:
        if part == "[key]" or (isinstance(part, int) and not isinstance(data, list)):
            continue
        key.append(part)
        data = _child(data, part)
    return tuple(key)


def _child(data: object, part: int | str) -> object:
    if isinstance(data, dict):
        return data.get(part)
    return data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None


def _model_at(model: type[Doc], loc: tuple[int | str, ...]) -> type[Doc]:
    """Find the innermost model on the way to a location."""
    for part in loc:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if part in fields:
            model = _model_in(fields[str(part)].annotation) or model
    return model


def _model_in(annotation: Any) -> type[Doc] | None:
    if isinstance(annotation, type) and issubclass(annotation, Doc):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)
