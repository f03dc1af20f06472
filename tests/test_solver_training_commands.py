"""The other commands on a training study: what-if, fronts, explanations, certificates."""

from __future__ import annotations

import json
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
    ran = run("explain", "--set", "buffers.weight=512 B", spec)
    assert ran.exit_code == 0, ran.output
    # A filter of 512 weights and a bias: gradient, weight and momentum of 4 bytes come, twice with double buffers.
    assert f"fc:update: alone it would fit weight {2 * 513 * 12} B" in ran.stdout


def test_certify(spec: Path, tmp_path: Path) -> None:
    ran = run("certify", "--out", tmp_path / "out", spec)
    assert ran.exit_code == 0, ran.output
    assert "confirmed by plain Python" in ran.stdout


def test_the_optimum_needs_no_bounds(spec: Path) -> None:
    made = json.loads(run("--no-bounds", "--json", spec).stdout)
    assert made["objective_base"] == trained().objective
