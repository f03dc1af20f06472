"""The command ``solve certify``: files, report, exit codes, and a second solver that may be missing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import solver.mps
import solver.second_solver
from made_results import chain_study, solved, unsolved
from solver.certify import certify
from solver.picture_files import picture_names
from tiny_study import Stub, run

FILES = {"model.mps", "certificate.json", "design.json"}


def _said(text: str) -> str:
    return " ".join(text.split())


def test_a_tiny_study_is_certified(spec: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "proof"
    ran = run("certify", "--out", folder, "--workers", "1", spec)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert {path.name for path in folder.iterdir()} == FILES
    written = json.loads((folder / "certificate.json").read_text(encoding="utf-8"))
    assert written["format"] == "laminate-certificate/1"
    assert (
        written["objective_base"]
        == written["bound_base"]
        == written["model"]["optimum"] * written["model"]["unit_base"]
    )
    for part in ("model", "design"):
        content = (folder / written[part]["file"]).read_bytes()
        assert written[part]["sha256"] == hashlib.sha256(content).hexdigest()
    design = json.loads((folder / "design.json").read_text(encoding="utf-8"))
    assert design["objective_base"] == written["objective_base"]
    assert design["settings"] == written["settings"]
    comments = [line for line in (folder / "model.mps").read_text(encoding="utf-8").splitlines() if line[0] == "*"]
    assert comments[0] == "* laminate, study edge: least energy"
    assert any(line.startswith("* unit: ") for line in comments)
    assert ran.stdout.startswith("edge: CP-SAT says: least energy ")
    assert _said(ran.stdout).count(str(folder)) == 3
    assert "\nconfirmed by plain Python\nconfirmed by HiGHS " in ran.stdout
    assert run("check", folder / "design.json").exit_code == 0


def test_the_whole_problem_may_go_into_the_model(spec: Path, tmp_path: Path) -> None:
    ran = run("certify", "--no-bounds", "--no-recheck", "--out", tmp_path / "out", "--workers", "1", spec)
    assert ran.exit_code == 0
    assert "0 of 4 hardware points dropped" in ran.stdout
    assert "plain Python" not in ran.stdout
    assert "confirmed by HiGHS" in ran.stdout


@pytest.mark.parametrize("budget", ["latency=1 ns", "energy=1 nJ", "area=10 um2"])
def test_what_nothing_keeps_is_certified_too(budget: str, spec: Path, tmp_path: Path) -> None:
    ran = run("certify", "--budget", budget, "--out", tmp_path / "out", spec)
    assert ran.exit_code == 0
    assert ran.stdout.startswith("edge: CP-SAT says: no design in the stated space")
    assert "model.mps is infeasible" in ran.stdout
    assert "confirmed by plain Python" in ran.stdout


def test_a_missing_second_solver_is_said_plainly(spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver.second_solver, "find_spec", lambda name: None)
    ran = run("certify", "--out", tmp_path / "out", spec)
    assert ran.exit_code == 0
    assert ran.stdout.splitlines()[-1] == (
        "no second solver checked model.mps: HiGHS is not installed (pip install 'laminate[certify]')"
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert "confirmed by HiGHS" not in ran.stdout


def test_a_second_solver_that_breaks_confirms_nothing(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise ImportError('no such symbol')\n", encoding="utf-8")
    monkeypatch.setattr(solver.second_solver, "_PROGRAM", broken)
    ran = run("certify", "--no-recheck", "--out", tmp_path / "out", spec)
    assert ran.exit_code == 4
    assert "no such symbol" in ran.stdout
    assert "not decided by HiGHS" in ran.stdout


def test_a_model_that_says_something_else_ends_with_an_error(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = solver.mps.mps_text

    def other(*arguments: Any) -> str:
        return real(*arguments).replace(" RHS objective -", " RHS objective -1")

    monkeypatch.setattr(solver.mps, "mps_text", other)
    ran = run("certify", "--no-recheck", "--out", tmp_path / "out", spec)
    assert ran.exit_code == 1
    assert ran.stdout.splitlines()[-1].startswith("CONTRADICTED by HiGHS ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--goal", "beauty"], "goal"),
        (["--budget", "area"], "NAME=VALUE"),
        (["--margin", "-1"], "margin"),
        (["--set", "batch=0"], "batch"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    arguments: list[str], message: str, spec: Path, tmp_path: Path
) -> None:
    ran = run("certify", *arguments, "--out", tmp_path / "out", spec)
    assert ran.exit_code == 2
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_to_is_found_before_the_solve(spec: Path, tmp_path: Path, stub: Stub) -> None:
    calls = stub(lambda study: solved(chain_study()))
    ran = run("certify", "--out", spec, spec)
    assert (ran.exit_code, calls) == (2, [])
    assert "is a file, not a folder" in ran.stderr


@pytest.mark.parametrize("found", ["gap", "unknown"])
def test_what_is_not_proven_is_not_certified(found: str, spec: Path, tmp_path: Path, stub: Stub) -> None:
    stub(lambda study: solved(chain_study(), gap=0.25) if found == "gap" else unsolved(study, "unknown"))
    ran = run("certify", "--out", tmp_path / "out", spec)
    assert ran.exit_code == 4
    assert ran.stderr.startswith("edge: there is nothing to certify: not proven: ")
    assert not (tmp_path / "out").exists()


def test_no_older_file_stays_beside_the_new_ones(spec: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for name in (*FILES, *picture_names(None), *picture_names("svg")):
        (folder / name).write_text("old", encoding="utf-8")
    assert run("certify", "--no-recheck", "--out", folder, spec).exit_code == 0
    assert {path.name for path in folder.iterdir()} == FILES
    assert all(path.read_text(encoding="utf-8") != "old" for path in folder.iterdir())


def test_help_tells_the_files_and_every_option() -> None:
    ran = run("certify", "--help")
    assert ran.exit_code == 0
    for word in (*FILES, "Examples:", "Exit codes:", "HiGHS"):
        assert word in ran.stdout
    for parameter in certify.params:
        assert all(option in ran.stdout for option in parameter.opts if option.startswith("--"))
    assert max(map(len, ran.stdout.splitlines())) <= 100
