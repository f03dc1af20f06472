"""The tutorial's files and code, run in order as they stand in the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "tutorial.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[tuple[str, str]]:
    """What stands behind the language, and the text, of every block."""
    return re.findall(rf"^```{language} ?(\S*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = blocks("yaml")
    assert [name for name, _ in files] == ["net.yaml", "study.yaml"]
    for name, text in files:
        Path(name).write_text(text)
    names: dict[str, object] = {}
    parts = [code for _, code in blocks("python")]
    assert len(parts) == 8
    for number, code in enumerate(parts):
        exec(compile(code, f"docs/tutorial.md, part {number + 1}", "exec"), names)
    assert {"fusion_map.svg", "roofline.png"} <= {path.name for path in tmp_path.iterdir()}


def test_only_public_names_are_used() -> None:
    for _, code in blocks("python"):
        assert not re.search(r"\b_\w+\.|\._\w", code)
