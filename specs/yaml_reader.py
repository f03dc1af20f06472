"""Strict YAML: duplicate keys are refused, scalars mean what people mean, and every value knows its line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from specs.errors import KeyPath, Origin, Problem
from specs.yaml_scalars import plain_scalar

# libyaml is ten times as fast; both leave every scalar as text.
_LOADER: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_PLAIN_TAGS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}
_MOST_VALUES = 200_000
_DEEPEST = 30


@dataclass
class Document:
    """The values of one file, where each stands, and the list that its problems go to."""

    file: str
    data: object
    origins: dict[KeyPath, Origin]
    problems: list[Problem]

    def origin(self, key: KeyPath) -> Origin:
        """Find where a key stands; a key that was not written stands where its parent does."""
        while key and key not in self.origins:
            key = key[:-1]
        return self.origins.get(key, Origin(self.file, 1))

    def refuse(self, key: KeyPath, message: str) -> None:
        """Note a problem; `message` continues the key: "must be ..., not ..."."""
        self.problems.append(Problem(self.origin(key), key, message))

    def at(self, key: KeyPath) -> object:
        """Return the value at a key path, which must exist."""
        value = self.data
        for part in key:
            assert isinstance(value, dict | list)
            value = value[part]  # type: ignore[index]
        return value

    def path_from_here(self, reference: str) -> Path:
        """Resolve a path that was written in this file."""
        return Path(os.path.normpath(Path(self.file).parent / reference))


def displayed(path: Path) -> str:
    """Write a path as short as possible: relative to the working folder when inside it."""
    relative = os.path.relpath(path)
    return os.path.normpath(path) if relative.startswith("..") else relative


def read_yaml(path: Path, problems: list[Problem]) -> Document | None:
    """Read one file; without a usable file, note the problem and return None."""
    file = displayed(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.append(Problem(Origin(file), (), "is not a text file in UTF-8"))
        return None
    except OSError as error:
        reason = (
            "there is no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        )
        problems.append(Problem(Origin(file), (), reason))
        return None
    return parse_yaml(text, file, problems)


def parse_yaml(text: str, source: str, problems: list[Problem], *, has_lines: bool = True) -> Document | None:
    """Parse YAML text; `source` is the file, or (without lines) the command-line option it came from."""
    try:
        _check_depth(text)
        node = yaml.compose(text, Loader=_LOADER)
    except UnicodeEncodeError:
        problems.append(Problem(Origin(source), (), "is not valid text"))
        return None
    except yaml.YAMLError as error:
        message, line = _syntax_message(error, text)
        problems.append(Problem(Origin(source, line if has_lines else None), (), message))
        return None
    builder = _Builder(source, has_lines, problems)
    data = builder.build(node, ()) if node is not None else None
    return None if builder.is_broken else Document(source, data, builder.origins, problems)


def _check_depth(text: str) -> None:
    """Refuse deep nesting before `yaml.compose`, whose recursion in C would end the process."""
    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=event.start_mark)


class _Builder:
    """Turns nodes into plain values and remembers their lines."""

    def __init__(self, source: str, has_lines: bool, problems: list[Problem]) -> None:
        self.source = source
        self.has_lines = has_lines
        self.problems = problems
        self.origins: dict[KeyPath, Origin] = {(): Origin(source, 1 if has_lines else None)}
        self.is_broken = False
        self.num_values = 0

    def build(self, node: yaml.Node, key: KeyPath) -> object:
        self.num_values += 1
        if self.is_broken:
            return None
        # An alias may contain itself, or grow without end.
        if len(key) > _DEEPEST or self.num_values > _MOST_VALUES:
            self._refuse(node, key[:1], "is nested too deeply or holds too many values")
            return None
        if node.tag not in _PLAIN_TAGS:
            self._refuse(node, key, f"must be a plain value, without the tag {node.tag}")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            return self._sequence(node, key)
        assert isinstance(node, yaml.ScalarNode)
        return node.value if node.style else plain_scalar(node.value)

    def _mapping(self, node: yaml.MappingNode, key: KeyPath) -> dict[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, key, "must have plain words as keys")
                continue
            name = str(key_node.value)
            if name in values:
                message = f"is given twice; the first is {self._first((*key, name))}"
                self.problems.append(Problem(self._origin(key_node), (*key, name), message))
                continue
            self.origins[*key, name] = self._origin(key_node)
            values[name] = self.build(value_node, (*key, name))
        return values

    def _sequence(self, node: yaml.SequenceNode, key: KeyPath) -> list[object]:
        values = []
        for i, item in enumerate(node.value):
            self.origins[*key, i] = self._origin(item)
            values.append(self.build(item, (*key, i)))
        return values

    def _origin(self, node: yaml.Node) -> Origin:
        return Origin(self.source, node.start_mark.line + 1 if self.has_lines else None)

    def _first(self, key: KeyPath) -> str:
        line = self.origins[key].line
        return f"in line {line}" if line else "in the same text"

    def _refuse(self, node: yaml.Node, key: KeyPath, message: str) -> None:
        self.is_broken = True
        self.problems.append(Problem(self._origin(node), key, message))


def _syntax_message(error: yaml.YAMLError, text: str) -> tuple[str, int]:
    """Put a parser's complaint into one line, with the number of the line it is about."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        context = f" {error.context}" if error.context else ""
        start = f" that starts in line {error.context_mark.line + 1}" if error.context and error.context_mark else ""
        return f"is not valid YAML: {error.problem}{context}{start}", error.problem_mark.line + 1
    position = getattr(error, "position", 0)
    return f"is not valid YAML: {getattr(error, 'reason', error)}", text.count("\n", 0, position) + 1
