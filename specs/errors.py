"""Problems in a spec: one line each, all of them collected, and the words they share."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]

LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Origin:
    """Where a value was written: a file and a line, or a command-line option (which has no line)."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where it stands, which key, and a sentence that continues the key."""

    origin: Origin
    key: KeyPath
    message: str

    def __str__(self) -> str:
        return f"{self.origin}: {key_text(self.key)} {self.message}" if self.key else f"{self.origin}: {self.message}"


class SpecError(Exception):
    """A spec that cannot be used; ``str()`` gives one line per problem.

    Parameters
    ----------
    problems
        In any order: they are sorted by line within each file, and files keep their order of appearance.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique = list(dict.fromkeys(problems))
        sources = list(dict.fromkeys(problem.origin.source for problem in unique))
        self.problems = tuple(sorted(unique, key=lambda p: (sources.index(p.origin.source), p.origin.line or 0)))
        super().__init__("\n".join(map(str, self.problems)))


def key_text(key: KeyPath) -> str:
    """Write a key path as a user would: ``("buffers", "feature", 2)`` is ``buffers.feature[2]``."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def show(value: object) -> str:
    """Write a value that was found, as it would stand in YAML, short enough for one line."""
    match value:
        case None:
            return "nothing"
        case str() if len(value) > LONGEST_SHOWN:
            return json.dumps(value[:LONGEST_SHOWN] + "...", ensure_ascii=False)
        case str() | bool():
            return json.dumps(value, ensure_ascii=False)
        case list() | tuple() if all(isinstance(item, int | float) for item in value):
            text = json.dumps(value)
            return text if len(text) <= LONGEST_SHOWN else "a long list"
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
    return str(value)


def alternatives(words: Sequence[object]) -> str:
    """Join words as in "a, b or c"."""
    texts = [str(word) for word in words]
    return " or ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def closest(word: object, allowed: Iterable[str]) -> str | None:
    """Return the allowed word that was probably meant, if any."""
    by_lower = {name.lower(): name for name in allowed}
    matches = difflib.get_close_matches(str(word).lower(), by_lower, n=1)
    return by_lower[matches[0]] if matches else None


def did_you_mean(word: object, allowed: Iterable[str]) -> str:
    """Return ``; did you mean "x"?`` or nothing, to end a sentence with."""
    match = closest(word, allowed)
    return f"; did you mean {show(match)}?" if match else ""
