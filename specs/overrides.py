"""Replacing single values of a study from the command line or from Python."""

from __future__ import annotations

import re
from collections.abc import Mapping

from specs.errors import KeyPath, Origin, Problem, key_text, show
from specs.yaml_reader import Document, parse_yaml


def apply_overrides(document: Document, overrides: Mapping[str, object]) -> None:
    """Replace values of a document in place; problems found later then name ``--set KEY``.

    Parameters
    ----------
    document
        The study as read.
    overrides
        Dotted key (``buffers.feature``, ``accelerators.0.rows`` or ``accelerators[0].rows``) to the new
        value; a text value is parsed as YAML.
    """
    for key, value in overrides.items():
        _override(document, key, value)


def _override(document: Document, dotted: str, value: object) -> None:
    option = f"--set {dotted}"
    if isinstance(value, str):
        parsed = parse_yaml(value, option, document.problems, has_lines=False)
        if parsed is None:
            return
        value = parsed.data
    parts = re.sub(r"\[(\d+)\]", r".\1", dotted).split(".")
    if not all(parts):
        _refuse(document, option, "must be a dotted key such as buffers.feature")
        return
    if not isinstance(document.data, dict):
        return
    _replace(document, option, parts, value)


def _replace(document: Document, option: str, parts: list[str], value: object) -> None:
    key: KeyPath = ()
    parent: object = document.data
    for depth, part in enumerate(parts):
        step = _step(document, option, key, parent, part)
        if step is None:
            return
        key = (*key, step)
        if depth == len(parts) - 1:
            _store(parent, step, value)
            _forget_origins(document, key)
            document.origins[key] = Origin(option)
            return
        child = _child(parent, step)
        if not isinstance(child, dict | list):
            child = {}
            _store(parent, step, child)
            document.origins[key] = Origin(option)
        parent = child


def _step(document: Document, option: str, key: KeyPath, parent: object, part: str) -> str | int | None:
    """Read one part of a dotted key: an index where the document has a list, else a key."""
    if not isinstance(parent, list):
        return part
    if part.isascii() and part.isdigit() and int(part) < len(parent):
        return int(part)
    _refuse(document, option, f"must count into {key_text(key)} from 0 to {len(parent) - 1}, not {show(part)}")
    return None


def _child(parent: object, step: str | int) -> object:
    return parent.get(step) if isinstance(parent, dict) else parent[step]  # type: ignore[index]


def _store(parent: object, step: str | int, value: object) -> None:
    assert isinstance(parent, dict | list)
    parent[step] = value  # type: ignore[index]


def _forget_origins(document: Document, key: KeyPath) -> None:
    for known in [known for known in document.origins if known[: len(key)] == key]:
        del document.origins[known]


def _refuse(document: Document, option: str, message: str) -> None:
    document.problems.append(Problem(Origin(option), (), message))
