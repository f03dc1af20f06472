"""What users get wrong: one line each, exit code 2, nothing solved and nothing written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from costmodel.groups import TooWideError
from costmodel.technology import PriceError
from made_results import chain_study, solved
from solver.result import Result
from specs.study import Study
from tiny_study import STUDY, Stub, python, run


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ([], "solve: Missing argument 'SPEC'. (see solve --help)"),
        (["--wrkers", "2", "SPEC"], "solve: No such option '--wrkers'. Did you mean '--workers'? (see solve --help)"),
        (["SPEC", "b.yaml"], "solve: Got unexpected extra argument (b.yaml) (see solve --help)"),
        (
            ["--workers", "0", "SPEC"],
            "solve: Invalid value for '--workers': 0 is not in the range 1<=x<=1024. (see solve --help)",
        ),
        (
            ["--budget", "area", "SPEC"],
            "solve: Invalid value for '--budget': must be NAME=VALUE such as area=4mm2, not \"area\"."
            " (see solve --help)",
        ),
        (
            ["--set", "batch=", "SPEC"],
            "solve: Invalid value for '--set': must be KEY=VALUE such as batch=4, not \"batch=\". (see solve --help)",
        ),
        (
            ["--time-limit", "3 days", "SPEC"],
            'solve: Invalid value for \'--time-limit\': must be a positive time such as 90, "90 s", "2 min" or "1 h",'
            ' not "3 days". (see solve --help)',
        ),
        (["--set", "goal=latency", "--goal", "energy", "SPEC"],
         "solve: --set goal and --goal contradict each other. (see solve --help)"),
        (["--budget", "pes=1", "--budget", "pes=2", "SPEC"],
         "solve: --budget pes is given twice. (see solve --help)"),
        (["--no-fusion", "--set", "fusion.max_layers=3", "SPEC"],
         "solve: --set fusion.max_layers and --no-fusion contradict each other. (see solve --help)"),
        (
            ["--goal", "enrgy", "SPEC"],
            "--goal: goal must be energy, latency, bandwidth, edp, area, power or throughput,"
            ' not "enrgy"; did you mean "energy"?',
        ),
        (
            ["--budget", "aera=4mm2", "SPEC"],
            '--budget aera: budgets.aera is not a key here; did you mean "area"?'
            " (allowed: area, sram, pes, latency, energy, power, dram_bandwidth, dram_traffic, activation_memory)",
        ),
        (
            ["--budget", "area=4", "SPEC"],
            '--budget area: budgets.area must be a positive area such as "4 mm2", not 4 (its unit is missing)',
        ),
        (["--set", "batch=0", "SPEC"], "--set batch: batch must be a positive whole number, not 0"),
    ],
)  # fmt: skip
def test_a_mistake_on_the_command_line_is_one_line(spec: Path, args: list[str], line: str) -> None:
    ran = run(*(str(spec) if arg == "SPEC" else arg for arg in args))
    assert (ran.exit_code, ran.stdout, ran.stderr) == (2, "", line + "\n")


def test_every_mistake_in_the_study_has_its_line(spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec.write_text(STUDY.replace("2 KiB", "2 kg") + "gaol: energy\n", encoding="utf-8")
    ran = run("--out", "out", "edge.yaml")
    assert (ran.exit_code, ran.stdout) == (2, "")
    lines = ran.stderr.splitlines()
    assert lines[0] == 'edge.yaml:3: buffers.feature[0] must be a positive size such as "64 KiB", not "2 kg"'
    assert lines[1].startswith('edge.yaml:6: gaol is not a key here; did you mean "goal"?')
    assert len(lines) == 2
    assert not (tmp_path / "out").exists()


def test_a_study_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("nope.yaml")
    assert (ran.exit_code, ran.stderr) == (2, "nope.yaml: there is no such file\n")


def test_a_bad_output_folder_is_said_before_solving(spec: Path, tmp_path: Path, stub: Stub) -> None:
    calls = stub(lambda study: solved(chain_study()))
    ran = run("--out", spec, spec)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (2, "", f"{spec} is a file, not a folder\n")
    ran = run("--out", spec / "below", spec)
    assert (ran.exit_code, ran.stderr) == (2, f"{spec / 'below'} cannot be written to: Not a directory\n")
    assert calls == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(spec: Path, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    ran = run("--out", folder, spec)
    assert (ran.exit_code, ran.stderr) == (2, f"{folder} cannot be written to: Permission denied\n")


@pytest.mark.parametrize("error", [PriceError("a buffer has no price"), TooWideError("network x is too wide")])
def test_what_cannot_be_priced_or_searched_is_one_line(spec: Path, stub: Stub, error: Exception) -> None:
    def refuse(study: Study) -> Result:
        raise error

    stub(refuse)
    ran = run(spec)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (2, "", f"{spec}: {error}\n")


def test_a_mistake_of_ours_is_not_hidden(spec: Path, stub: Stub) -> None:
    def fail(study: Study) -> Result:
        raise AssertionError("our own")

    stub(fail)
    assert isinstance(run(spec).exception, AssertionError)


def test_bad_input_is_refused_before_anything_slow_is_imported(spec: Path) -> None:
    process = python(
        "import sys\n"
        "from solver.cli import main\n"
        "try: main(['--goal', 'edq', sys.argv[1]])\n"
        "except SystemExit as end: code = end.code\n"
        "print(code, 'ortools' in sys.modules, 'matplotlib' in sys.modules)".replace("sys.argv[1]", repr(str(spec)))
    )
    assert process.communicate()[0] == "2 False False\n"
