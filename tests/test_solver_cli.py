"""The command ``solve``: options, exit codes, files, and a stdout that stays clean."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from made_results import chain_study, solved, unsolved
from solver.cli import main
from solver.report import report
from solver.statements import verdict
from specs import load
from tiny_study import ROOT, Stub, run

PNG = b"\x89PNG\r\n"


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


def test_plots_asks_for_all_pictures_in_a_format_or_for_none(spec: Path, tmp_path: Path, stub: Stub) -> None:
    stub(lambda study: solved(chain_study()))
    folder = tmp_path / "out"
    names = {"savings.svg", "energy.svg", "roofline.svg", "fusion_map.svg"}
    ran = run("--plots", "svg", "--out", folder, spec)
    assert ran.exit_code == 0
    assert all(str(folder / name) in ran.stderr for name in names)
    assert {path.name for path in folder.iterdir()} == {"design.json"} | names
    assert run("--plots", "none", "--out", folder, spec).stderr == f"written: {folder / 'design.json'}\n"
    assert {path.name for path in folder.iterdir()} == {"design.json"}


def test_plots_without_a_folder_is_refused(spec: Path) -> None:
    ran = run("--plots", "png", spec)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == "solve: --plots needs --out, the folder to write to. (see solve --help)\n"


def test_options_reach_the_study_and_the_solver(spec: Path, stub: Stub) -> None:
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


def test_no_fusion_and_no_bounds(spec: Path, stub: Stub) -> None:
    calls = stub(lambda study: solved(chain_study()))
    assert run("--no-fusion", "--no-bounds", spec).exit_code == 0
    assert calls[0]["study"].fusion.max_layers == 1
    assert (calls[0]["use_bounds"], calls[0]["baseline"], calls[0]["time_limit"]) == (False, False, None)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90.0), ("1.5", 1.5), ("90 s", 90.0), ("2min", 120.0), ("1 h", 3600.0), ("500 ms", 0.5)]
)
def test_time_limits_may_have_units(spec: Path, stub: Stub, text: str, seconds: float) -> None:
    calls = stub(lambda study: solved(chain_study()))
    assert run("--time-limit", text, spec).exit_code == 0
    assert calls[0]["time_limit"] == seconds


def test_an_unproven_design_is_a_success_that_says_so(spec: Path, stub: Stub) -> None:
    stub(lambda study: solved(chain_study(), gap=0.25))
    ran = run(spec)
    assert ran.exit_code == 0
    assert ran.stdout.splitlines()[-1].startswith("not proven: the optimum is at most 25 % lower (bound ")


@pytest.mark.parametrize(("status", "code"), [("infeasible", 3), ("unknown", 4)])
def test_without_a_design_the_exit_code_says_why(spec: Path, stub: Stub, status: Any, code: int) -> None:
    stub(lambda study: unsolved(study, status))
    ran = run(spec)
    assert ran.exit_code == code
    result = unsolved(load(spec), status)
    assert ran.stdout == report(result) + "\n"
    ran = run("--json", spec)
    assert ran.exit_code == code
    assert json.loads(ran.stdout)["status"] == status
    assert ran.stderr == verdict(result) + "\n"


def test_an_impossible_budget_is_proven_infeasible(spec: Path, tmp_path: Path) -> None:
    ran = run("--budget", "latency=1 ns", "--out", tmp_path / "out", spec)
    assert ran.exit_code == 3
    assert "fits its buffers and keeps latency <= 1 ns" in " ".join(ran.stdout.split())
    assert json.loads((tmp_path / "out" / "design.json").read_text(encoding="utf-8"))["status"] == "infeasible"


def test_an_impossible_area_is_proven_infeasible(spec: Path) -> None:
    ran = run("--budget", "area=10 um2", spec)
    assert ran.exit_code == 3
    assert ran.stdout.splitlines()[-1] == (
        "proven infeasible: none of the 4 hardware points listed keeps area <= 10 um2"
    )


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
