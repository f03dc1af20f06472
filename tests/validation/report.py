"""Writing docs/validation.md from the modules of this folder."""

from __future__ import annotations

import importlib
import platform
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

ROOT = Path(__file__).parent.parent.parent
TARGET = ROOT / "docs" / "validation.md"
STAMP = "Made by `python -m tests.validation`"
NOT_SECTIONS = {"__main__", "report", "row", "technologies"}
INTRODUCTION = """\
Every fact below is computed anew by the command above and never typed by hand; a test fails when this file is not
what it writes. A row has a target before it has a verdict: **missed** means what it says. Rows without a target are
there to be read. Differences are per cent of the published value where they end in %, else in the row's own unit.
"""


@dataclass(frozen=True)
class Section:
    """One module of facts: its docstring says in the first line what it is about, then the sources."""

    name: str
    docstring: str
    rows: Sequence[Any]

    @property
    def title(self) -> str:
        return self.docstring.splitlines()[0].rstrip(".")

    @property
    def text(self) -> str:
        return "\n".join(self.docstring.splitlines()[1:]).strip()


def module_names() -> list[str]:
    folder = Path(__file__).parent
    return sorted(path.stem for path in folder.glob("*.py") if path.stem not in NOT_SECTIONS)


def section(name: str) -> Section:
    """Run one module; its ``rows()`` give `Row`s or anything with their attributes."""
    module = importlib.import_module(f"tests.validation.{name}")
    docstring = (module.__doc__ or name).strip()
    return Section(name, docstring, list(module.rows()))


def verdict(row: Any) -> str:
    return {None: "", True: "met", False: "**missed**"}[_is_met(row)]


def _is_met(row: Any) -> bool | None:
    return getattr(row, "is_met", None)


def report(sections: Sequence[Section]) -> str:
    """Write the whole file."""
    verdicts = [_is_met(row) for part in sections for row in part.rows]
    met, missed = verdicts.count(True), verdicts.count(False)
    lines = [
        "# Validation",
        "",
        f"{STAMP} with {_versions()}. Do not edit.",
        "",
        INTRODUCTION,
        f"{met} targets met, {missed} missed, {verdicts.count(None)} rows for information.",
        "",
    ]
    for part in sections:
        lines += [f"## {part.title}", "", *([part.text, ""] if part.text else []), *_table(part.rows), ""]
    return "\n".join(lines).rstrip() + "\n"


def without_stamp(text: str) -> str:
    """Drop the line that names versions."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(STAMP))


def _versions() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"{project['name']} {project['version']}, Python {platform.python_version()}, numpy {numpy.__version__}"


def _table(rows: Sequence[Any]) -> Iterator[str]:
    has_sources = any(getattr(row, "source", "") for row in rows)
    yield "| quantity | published | ours | difference | target | verdict |" + (" source |" if has_sources else "")
    yield "|---|---:|---:|---:|---:|---|" + ("---|" if has_sources else "")
    for row in rows:
        percent = "%" if getattr(row, "relative", True) else ""
        unit = f" ({row.unit})" if getattr(row, "unit", "") else ""
        sign = {"either": "±", "above": "+", "below": "-"}[getattr(row, "side", "either")]
        target = _target(getattr(row, "target", None), sign, percent)
        cells = [
            row.quantity + unit,
            number(row.published),
            number(row.ours),
            f"{_signed(row.difference)}{percent}",
            target,
            verdict(row),
        ]
        yield "| " + " | ".join([*cells, getattr(row, "source", "")][: 7 if has_sources else 6]) + " |"


def _target(target: float | None, sign: str, percent: str) -> str:
    if target is None:
        return ""
    return f"{sign}{number(target)}{percent}" if target else {"±": "equal", "+": "not above", "-": "not below"}[sign]


def number(value: float) -> str:
    """Write integers in full and everything else with four digits."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def _signed(value: float) -> str:
    return "0" if value == 0 else f"{value:+.2f}" if abs(value) < 100 else f"{value:+,.0f}"
