"""The other commands on a training study: what-if, fronts, explanations, certificates."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tiny_study import run
from tiny_training import trained, write_training_study


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write_training_study(tmp_path)


def test_what_if(spec: Path) -> None:
    ran = run("whatif", "--vary", "optimizer=sgd,momentum,adam", "--json", spec)
    assert ran.exit_code == 0, ran.output
    energies = [answer["objective"] for answer in json.loads(ran.stdout)["answers"]]
    assert energies == sorted(set(energies))


def test_front(spec: Path) -> None:
    ran = run("pareto", "--goals", "energy,area", spec)
    assert ran.exit_code == 0, ran.output
    assert "are the whole front in the stated space" in " ".join(ran.stdout.split())


def test_explain(spec: Path) -> None:
    ran = run("explain", spec)
    assert ran.exit_code == 0, ran.output
    assert "proven optimal" in ran.stdout
    ran = run("explain", "--set", "budgets.energy=60 uJ", spec)
    assert ran.exit_code == 0, ran.output
    enough = re.search(r"energy: ([0-9.]+) uJ", ran.stdout)
    assert enough is not None, ran.stdout
    # What is said to be enough is, and nothing below it.
    for energy, code in ((float(enough[1]), 0), (float(enough[1]) - 0.001, 3)):
        assert run("--set", f"budgets.energy={energy:.6f} uJ", spec).exit_code == code


def test_certify(spec: Path, tmp_path: Path) -> None:
    ran = run("certify", "--out", tmp_path / "out", spec)
    assert ran.exit_code == 0, ran.output
    assert "confirmed by plain Python" in ran.stdout


def test_the_optimum_needs_no_bounds(spec: Path) -> None:
    made = json.loads(run("--no-bounds", "--json", spec).stdout)
    assert made["objective_base"] == trained().objective
