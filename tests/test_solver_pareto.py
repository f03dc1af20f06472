"""Fronts: the points that brute force finds, all of them; the command and its files."""

from __future__ import annotations

import csv
import io
import json
import random
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from brute_force import Total, undominated_totals
from plots.pareto import pareto_front
from random_instances import instance
from random_mixes import mix_of, mix_totals
from solver.cli import main
from solver.pareto import GOALS, Front, front
from solver.result import mixes_in
from solver.session import Session
from specs import load
from specs.study import Budgets
from test_solver_whatif import NETWORK, STUDY


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "net.yaml").write_text(NETWORK)
    (tmp_path / "s.yaml").write_text(STUDY)
    return tmp_path / "s.yaml"


def best_pairs(pairs: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs that no other equals or betters in both, the least of the first number first."""
    found: list[tuple[int, int]] = []
    for pair in sorted(pairs):
        if not found or pair[1] < found[-1][1]:
            found.append(pair)
    return found


def pairs_of(found: Front) -> list[tuple[int, int]]:
    return [(one, two) for one, two, _ in found.points]


@pytest.mark.parametrize("seed", range(12))
def test_a_front_is_what_brute_force_finds(seed: int) -> None:
    rng = random.Random(seed)
    study = instance(seed)
    totals: tuple[Total, ...] = undominated_totals(replace(study, goal="energy"))
    if not totals:
        return
    budgets = Budgets(energy_fj=rng.choice(totals).energy_fj) if rng.random() < 0.4 else Budgets()
    study = replace(study, budgets=budgets)
    first, second = rng.sample(GOALS, 2)
    kept = {(total.of_goal(first), total.of_goal(second)) for total in totals if total.keeps(budgets)}
    found = front(Session(study), study, (first, second))
    assert found.complete
    assert pairs_of(found) == best_pairs(kept)
    for one, two, result in found.points:
        assert result.cost is not None
        assert result.status == "optimal"
        assert (one, two) in kept


def test_the_front_of_a_mix_is_in_runs_of_whole_networks() -> None:
    study = mix_of(4)
    found = front(Session(study), study, ("energy", "latency"))
    mixes = mixes_in("energy", study.num_mixes)
    kept = {(int(one.energy_fj * mixes), int(one.latency_fs * mixes)) for one in mix_totals(study)}
    assert found.complete
    pairs, expected = pairs_of(found), best_pairs(kept)
    assert set(pairs) <= set(expected)
    assert (pairs[0], pairs[-1]) == (expected[0], expected[-1])


def test_a_front_that_is_stopped_says_that_it_goes_on(spec: Path) -> None:
    study = load(spec)
    session = Session(study)
    whole = front(session, study, ("energy", "latency"))
    assert len(whole.points) > 2
    asked = count()
    part = front(session, study, ("energy", "latency"), stop=lambda: next(asked) >= 3)
    assert not part.complete
    assert pairs_of(part) == pairs_of(whole)[: len(part.points)]
    assert 0 < len(part.points) < len(whole.points)


def test_nothing_within_the_budgets() -> None:
    study = replace(instance(5), budgets=Budgets(energy_fj=1))
    found = front(Session(study), study, ("latency", "area"))
    assert (found.points, found.status, found.complete) == ((), "infeasible", True)


def test_the_figure_has_every_point() -> None:
    study = instance(5)
    found = front(Session(study), study, ("energy", "latency"))
    ax = pareto_front(found)
    drawn = sum(len(line.get_xdata()) for line in ax.lines if line.get_linestyle() == "None")
    assert drawn == len(found.points)
    assert ax.get_xlabel().startswith("latency [")


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as exit_code:
        main.main(["pareto", *words])
    assert isinstance(exit_code.value.code, int)
    return exit_code.value.code


def test_the_command_writes_its_files(spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(str(spec), "--goals", "energy,latency", "--out", str(out)) == 0
    printed = capsys.readouterr().out
    made = json.loads((out / "pareto.json").read_text())
    assert made["complete"]
    assert f"these {len(made['points'])} points are the whole front" in printed
    rows = list(csv.DictReader(io.StringIO((out / "pareto.csv").read_text())))
    assert [float(row["energy_j"]) for row in rows] == [point["totals"]["energy_j"] for point in made["points"]]
    assert (out / "pareto.png").read_bytes().startswith(b"\x89PNG")


def test_an_infeasible_study_is_exit_code_three(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(spec), "--goals", "energy,latency", "--budget", "energy=1fJ") == 3
    assert "no design keeps the budgets (proven)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--goals", "energy"],
            'must be two of energy, latency, bandwidth, area, such as energy,latency, not "energy"',
        ),
        (["--goals", "energy,edp"], "must be two of energy, latency, bandwidth, area"),
        (["--goals", "energy,energy"], "must be two of energy, latency, bandwidth, area"),
        (["--goals", "energy,area", "--goal", "edp"], "--goal and --goals contradict each other"),
        ([], "Missing option '--goals'"),
    ],
)
def test_mistakes_are_one_line(spec: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    assert run(str(spec), *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
