"""The command ``solve``: options, exit codes, one line per mistake, clean stdout, and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from made_results import chain_study, solved, unsolved

import solver
from costmodel.groups import TooWideError
from costmodel.technology import PriceError
from solver.cli import main
from solver.report import report
from solver.result import Progress
from solver.statements import verdict
from specs.study import Study

ROOT = Path(__file__).parent.parent
PNG = b"\x89PNG\r\n"

NETWORK = """\
name: tiny
inputs: {input: [3, 16, 16]}
layers:
  - {name: conv1, op: conv, inputs: [input], K: 8, R: 3, S: 3, pad: 1}
  - {name: conv2, op: conv, inputs: [conv1], K: 8, R: 3, S: 3, pad: 1}
  - {name: pool, op: maxpool, inputs: [conv2], R: 2, S: 2, stride: 2}
"""
STUDY = """\
network: tiny.yaml
accelerators: [{template: vwa, blocks: [2, 4], rows: 7, taps: 3, clock: 500 MHz}]
buffers: {feature: [2 KiB, 4 KiB], weight: [1 KiB]}
technology: 40nm
dram: {type: DDR3, bandwidth: 6.4 GB/s}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(NETWORK, encoding="utf-8")
    path = tmp_path / "edge.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return path


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], list[dict[str, Any]]]:
    """Replace `solve`; the list that is returned fills with the keyword arguments of each call."""

    def install(answer: Callable[..., Any]) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = []

        def solve(study: Study, **options: Any) -> Any:
            calls.append({"study": study, **options})
            return answer(study)

        monkeypatch.setattr(solver, "solve", solve)
        return calls

    return install


def run(*args: object) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args])


def test_a_tiny_study_is_solved_and_reported(spec: Path) -> None:
    ran = run(spec)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout.startswith("edge: least energy for tiny, 3 layers, one image, 40nm\n")
    assert "\nproven optimal: no design in the stated space (4 hardware points, 6 fusion groups, " in ran.stdout


def test_json_is_one_object_and_nothing_else(spec: Path) -> None:
    ran = run("--json", spec)
    assert (ran.exit_code, ran.stderr) == (0, "")
    made = json.loads(ran.stdout)
    assert (made["format"], made["study"], made["status"]) == ("laminate-design/1", "edge", "optimal")
    assert made["objective_base"] == made["bound_base"]
    assert [name for group in made["groups"] for name in group["layers"]] == ["conv1", "conv2", "pool"]


def test_a_folder_gets_the_design_and_the_picture(spec: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "edge"
    ran = run("--json", "--out", folder, spec)
    assert ran.exit_code == 0
    assert ran.stderr == f"written: {folder / 'design.json'}, {folder / 'savings.png'}\n"
    assert (folder / "design.json").read_text(encoding="utf-8") == ran.stdout
    assert (folder / "savings.png").read_bytes().startswith(PNG)
    assert {path.name for path in folder.iterdir()} == {"design.json", "savings.png"}


def test_an_older_picture_does_not_stay_beside_a_new_design(spec: Path, tmp_path: Path) -> None:
    (tmp_path / "savings.png").write_bytes(b"old")
    ran = run("--no-fusion", "--out", tmp_path, spec)
    assert ran.exit_code == 0
    assert ran.stderr == f"written: {tmp_path / 'design.json'}\n"
    assert not (tmp_path / "savings.png").exists()


def test_options_reach_the_study_and_the_solver(spec: Path, stub: Any) -> None:
    calls = stub(lambda study: solved(chain_study()))
    ran = run(
        "--goal", "latency", "--budget", "area=4mm2", "--budget", "energy= 5 mJ", "--set", "batch=2",
        "--set", "buffers.feature=[4 KiB, 8 KiB]", "--time-limit", "2 min", "--workers", "3", spec,
    )  # fmt: skip
    assert ran.exit_code == 0
    study = calls[0]["study"]
    assert (study.goal, study.batch, study.buffers.feature_bytes) == ("latency", 2, (4096, 8192))
    assert (study.budgets.area_um2, study.budgets.energy_fj) == (4_000_000, 5 * 10**12)
    assert {key: calls[0][key] for key in ("time_limit", "workers", "use_bounds", "baseline")} == {
        "time_limit": 120.0, "workers": 3, "use_bounds": True, "baseline": True,
    }  # fmt: skip


def test_no_fusion_and_no_bounds(spec: Path, stub: Any) -> None:
    calls = stub(lambda study: solved(chain_study()))
    assert run("--no-fusion", "--no-bounds", spec).exit_code == 0
    assert calls[0]["study"].fusion.max_layers == 1
    assert (calls[0]["use_bounds"], calls[0]["baseline"], calls[0]["time_limit"]) == (False, False, None)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90.0), ("1.5", 1.5), ("90 s", 90.0), ("2min", 120.0), ("1 h", 3600.0), ("500 ms", 0.5)]
)
def test_time_limits_may_have_units(spec: Path, stub: Any, text: str, seconds: float) -> None:
    calls = stub(lambda study: solved(chain_study()))
    assert run("--time-limit", text, spec).exit_code == 0
    assert calls[0]["time_limit"] == seconds


def test_an_unproven_design_is_a_success_that_says_so(spec: Path, stub: Any) -> None:
    stub(lambda study: solved(chain_study(), gap=0.25))
    ran = run(spec)
    assert ran.exit_code == 0
    assert ran.stdout.splitlines()[-1].startswith("not proven: the optimum is at most 25 % lower (bound ")


@pytest.mark.parametrize(("status", "code"), [("infeasible", 3), ("unknown", 4)])
def test_without_a_design_the_exit_code_says_why(spec: Path, stub: Any, status: Any, code: int) -> None:
    stub(lambda study: unsolved(study, status))
    ran = run(spec)
    assert ran.exit_code == code
    assert ran.stdout == report(unsolved(chain_like(spec), status)) + "\n"
    ran = run("--json", spec)
    assert ran.exit_code == code
    assert json.loads(ran.stdout)["status"] == status
    assert ran.stderr == verdict(unsolved(chain_like(spec), status)) + "\n"


def chain_like(spec: Path) -> Study:
    from specs import load

    return load(spec)


def test_an_impossible_budget_is_proven_infeasible(spec: Path, tmp_path: Path) -> None:
    ran = run("--budget", "latency=1 ns", "--out", tmp_path / "out", spec)
    assert ran.exit_code == 3
    assert "fits its buffers and keeps latency <= 1 ns" in " ".join(ran.stdout.split())
    assert json.loads((tmp_path / "out" / "design.json").read_text(encoding="utf-8"))["status"] == "infeasible"


def test_an_impossible_area_is_proven_infeasible(spec: Path) -> None:
    ran = run("--budget", "area=10 um2", spec)
    assert ran.exit_code == 3
    assert ran.stdout.splitlines()[-1] == (
        "proven infeasible: none of the 4 hardware points listed keeps area <= 1e-05 mm2"
    )


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ([], "solve: Missing argument 'SPEC'. (see solve --help)"),
        (["--wrkers", "2", "SPEC"], "solve: No such option '--wrkers'. Did you mean '--workers'? (see solve --help)"),
        (["SPEC", "b.yaml"], "solve: Got unexpected extra argument (b.yaml) (see solve --help)"),
        (
            ["--workers", "0", "SPEC"],
            "solve: Invalid value for '--workers': 0 is not in the range x>=1. (see solve --help)",
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
            '--goal: goal must be energy, latency or bandwidth, not "enrgy"; did you mean "energy"?',
        ),
        (
            ["--budget", "aera=4mm2", "SPEC"],
            '--budget aera: budgets.aera is not a key here; did you mean "area"?'
            " (allowed: area, sram, pes, latency, energy)",
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


def test_a_bad_output_folder_is_said_before_solving(spec: Path, tmp_path: Path, stub: Any) -> None:
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
def test_what_cannot_be_priced_or_searched_is_one_line(spec: Path, stub: Any, error: Exception) -> None:
    def refuse(study: Study) -> None:
        raise error

    stub(refuse)
    ran = run(spec)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (2, "", f"{spec}: {error}\n")


def test_a_mistake_of_ours_is_not_hidden(spec: Path, stub: Any) -> None:
    def fail(study: Study) -> None:
        raise AssertionError("our own")

    stub(fail)
    assert isinstance(run(spec).exception, AssertionError)


def test_help_teaches_and_every_option_is_in_it() -> None:
    ran = run("--help")
    assert ran.exit_code == 0
    for word in ("Examples:", "Exit codes:", "Units", "proven infeasible", "Ctrl-C", "mm2 um2"):
        assert word in ran.stdout
    assert isinstance(main, click.Command)
    for parameter in main.params:
        assert all(option in ran.stdout for option in parameter.opts if option.startswith("--"))
    assert max(map(len, ran.stdout.splitlines())) <= 100


def test_version() -> None:
    ran = run("--version")
    assert ran.exit_code == 0
    assert ran.stdout.startswith("laminate, version ")


def python(code: str, **options: Any) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, "-c", code],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
        **options,
    )


def test_a_real_process(spec: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "solver.cli", "--json", "--workers", "1", str(spec)],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["status"] == "optimal"


def test_bad_input_is_refused_before_anything_slow_is_imported(spec: Path) -> None:
    process = python(
        "import sys\n"
        "from solver.cli import main\n"
        "try: main(['--goal', 'edp', sys.argv[1]])\n"
        "except SystemExit as end: code = end.code\n"
        "print(code, 'ortools' in sys.modules, 'matplotlib' in sys.modules)".replace("sys.argv[1]", repr(str(spec)))
    )
    assert process.communicate()[0] == "2 False False\n"


WAITING = """
import sys, time
import solver
from made_results import chain_study, solved
from solver.cli import main

def solve(study, *, stop, **options):
    print("solving", file=sys.stderr, flush=True)
    {wait}
    return solved(chain_study(), gap=0.25)

solver.solve = solve
main({args!r})
"""


def interrupted(spec: Path, number: int, times: int, wait: str) -> tuple[int, str, str]:
    """Send a signal to a running solve; return its exit code, stdout and stderr."""
    process = python(WAITING.format(wait=wait, args=["--json", str(spec)]))
    assert process.stderr is not None
    assert process.stderr.readline() == "solving\n"
    for _ in range(times):
        process.send_signal(number)
        if times > 1:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5) if _ == 0 else process.wait(0)
    stdout, stderr = process.communicate(timeout=30)
    return process.returncode, stdout, stderr


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_prints_the_best_design_and_its_gap(spec: Path, number: int) -> None:
    code, stdout, stderr = interrupted(spec, number, 1, "assert stop.wait(20)")
    assert (code, stderr) == (130, "interrupted: this is what was known by then\n")
    made = json.loads(stdout)
    assert made["status"] == "feasible"
    assert made["gap"] == pytest.approx(0.25)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_second_interrupt_gives_up_at_once(spec: Path) -> None:
    code, stdout, stderr = interrupted(spec, signal.SIGINT, 2, "time.sleep(60)")
    assert (code, stdout, stderr) == (130, "", "interrupted twice: gave up without a result\n")
