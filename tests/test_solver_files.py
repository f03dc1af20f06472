"""Output folders are tried out first, and files are written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from made_results import chain_study, solved
from solver.export import design_object, write_design
from solver.files import OutputError, check_writable, write_whole


def test_the_file_is_the_object_and_nothing_else_is_left(tmp_path: Path) -> None:
    made = design_object(solved(chain_study()))
    path = write_design(made, tmp_path / "new" / "folder")
    assert json.loads(path.read_text(encoding="utf-8")) == made
    assert [p.name for p in path.parent.iterdir()] == ["design.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "design.json"
    write_whole(path, b"old")

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("solver.files.os.fsync", full)
    with pytest.raises(OutputError) as raised:
        write_whole(path, b"new")
    assert str(raised.value) == f"{path} cannot be written: No space left on device"
    assert [p.name for p in tmp_path.iterdir()] == ["design.json"]
    assert path.read_bytes() == b"old"


def test_trying_out_a_folder_leaves_no_trace(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b", ("design.json",))
    check_writable(tmp_path, ("design.json",))
    assert list(tmp_path.iterdir()) == []


def test_a_name_taken_by_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "design.json").mkdir()
    with pytest.raises(OutputError) as raised:
        check_writable(tmp_path, ("design.json",))
    assert str(raised.value) == f"{tmp_path / 'design.json'} is a folder; a file of that name is to be written"
