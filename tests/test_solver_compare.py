"""The command ``solve compare``: tables, files, sides that fail, and exit codes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

import solver
from costmodel.technology import PriceError
from made_results import unsolved
from solver import compare
from solver.compare_command import compare as command
from solver.result import Result
from specs import load
from specs.study import SeparateBuffers, Study
from tiny_study import Stub, run

TWO = "accelerators=[{template: vwa, blocks: 2}, {template: eyeriss}, {template: vwa, blocks: 4}]"
AT = "feature=4 KiB, weight=1 KiB"


def test_every_template_is_one_accelerator_at_its_best(spec: Path) -> None:
    ran = run("compare", "--set", TWO, "--json", spec)
    assert (ran.exit_code, ran.stderr) == (0, "")
    made: dict[str, Any] = json.loads(ran.stdout)
    assert (made["format"], made["on_given_buffers"]) == ("laminate-comparison/1", [])
    entries = made["own_best_hardware"]
    assert [entry["template"] for entry in entries] == ["vwa", "eyeriss"]
    for entry, listed in zip(entries, ("[{template: vwa, blocks: [2, 4]}]", "eyeriss"), strict=True):
        alone = json.loads(run("--json", "--set", f"accelerators={listed}", spec).stdout)
        assert entry["fused"]["objective_base"] == alone["objective_base"]
        assert entry["layer_by_layer"]["objective_base"] == alone["baseline"]["layer_by_layer"]["objective_base"]
        assert entry["saving"]["energy"] == alone["baseline"]["saving"]["energy"]
        assert entry["saving"]["dram_traffic"] == alone["baseline"]["saving"]["bandwidth"]


def test_given_buffers_are_a_second_table(spec: Path) -> None:
    ran = run("compare", "--set", TWO, "--at", AT, spec)
    assert (ran.exit_code, ran.stderr) == (0, "")
    first, second = ran.stdout.split("all with feature 4 KiB, weight 1 KiB")
    assert "each on its own best hardware" in first
    assert second.count("buffers: feature 4 KiB, weight 1 KiB") == 4
    assert max(map(len, ran.stdout.splitlines())) <= 110


def test_a_folder_gets_the_object_the_table_and_the_picture(spec: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    ran = run("compare", "--json", "--at", AT, "--out", folder, spec)
    assert ran.exit_code == 0
    assert (folder / "compare.json").read_text(encoding="utf-8") == ran.stdout
    rows = list(csv.DictReader(io.StringIO((folder / "compare.csv").read_text(encoding="utf-8"))))
    assert len(rows) == 6
    assert {(row["hardware"], row["design"]) for row in rows} == {
        (where, side)
        for where in ("own best", "given buffers")
        for side in ("fused", "layer by layer", "same hardware")
    }
    assert all(row["status"] == "optimal" and float(row["energy_J"]) > 0 for row in rows)
    assert (folder / "compare.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in folder.iterdir()} == {"compare.json", "compare.csv", "compare.png"}


def test_one_failing_side_does_not_stop_the_rest(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = solver.solve

    def solve(study: Study, **options: Any) -> Result:
        if study.accelerators[0].template == "vwa":
            raise PriceError("technology 40nm has no vwa")
        return really(study, **options)

    monkeypatch.setattr(solver, "solve", solve)
    ran = run("compare", "--set", TWO, spec)
    assert ran.exit_code == 0
    assert "vwa: technology 40nm has no vwa" in ran.stdout
    assert "eyeriss, fused: " in ran.stdout
    ran = run("compare", "--set", "accelerators=vwa", "--out", spec.parent / "out", spec)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (2, "", f"{spec}: vwa: technology 40nm has no vwa\n")
    assert not (spec.parent / "out").exists()


def test_an_infeasible_side_is_told_and_all_infeasible_is_exit_code_3(spec: Path) -> None:
    ran = run("compare", "--set", TWO, "--budget", "area=0.2 mm2", spec)
    assert ran.exit_code == 0
    assert "none keeps the budgets (proven)" in ran.stdout
    assert run("compare", "--set", TWO, "--budget", "area=10 um2", spec).exit_code == 3


def test_no_time_is_exit_code_4(spec: Path, stub: Stub) -> None:
    calls = stub(lambda study: unsolved(study, "unknown"))
    ran = run("compare", "--time-limit", "2 min", "--workers", "3", spec)
    assert (calls[0]["time_limit"], calls[0]["workers"]) == (120.0, 3)
    assert ran.exit_code == 4
    assert "none found in time" in ran.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--at", "feature=4 KiB"), "must be such as"),
        (("--at", "feature=4, weight=1 KiB"), "--at: buffers.feature must be a positive size"),
        (("--no-fusion",), "there is nothing to compare: fusion is off"),
        (("--budget", "area=4"), "--budget area: budgets.area must be a positive area"),
    ],
)
def test_mistakes_are_one_line(spec: Path, args: tuple[str, ...], message: str) -> None:
    ran = run("compare", *args, "--out", spec.parent / "out", spec)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not (spec.parent / "out").exists()


def test_given_buffers_come_after_all_other_options(spec: Path) -> None:
    ran = run("compare", "--set", "buffers.feature=2 KiB", "--at", "shared=8 KiB", "--json", spec)
    assert json.loads(ran.stdout)["given_buffers"] == {"shared_bytes": [8192]}


def test_from_python(spec: Path) -> None:
    found = compare(load(spec), at=SeparateBuffers((4096,), (1024,)))
    assert [entry.template for entry in found.entries] == ["vwa", "vwa"]
    assert all(entry.fused is not None and entry.fused.status == "optimal" for entry in found.entries)


def test_help_teaches() -> None:
    ran = run("compare", "--help")
    assert ran.exit_code == 0
    for word in ("Examples:", "Exit codes:", "layer by layer"):
        assert word in ran.stdout
    for parameter in command.params:
        assert all(option in ran.stdout for option in parameter.opts if option.startswith("--"))
    assert max(map(len, ran.stdout.splitlines())) <= 100
