"""Sweeps: the answers of single solves, breaks that brute force confirms, and a log that spares repeated work."""

from __future__ import annotations

import csv
import io
import json
import random
import threading
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import solver.session
import solver.sweep_run
from brute_force import Total, undominated_totals
from costmodel.table import CandidateTable, build_table
from costmodel.technology import PriceError
from random_instances import conv, instance, network_of, small_study
from solver import solve
from solver.breaks import breaks_between, with_budget
from solver.cli import main
from solver.session import Session
from solver.stated_budgets import FIELDS
from solver.sweep import Question, in_halves, questions
from solver.sweep_run import SweepStoppedError
from solver.vary import Varied, read_varied
from solver.whatif import answer_all
from solver.whatif_curve import curve_of
from solver.whatif_report import as_csv, as_object, text
from specs import SpecError, load
from specs.study import Budgets, Study

NETWORK = """inputs: {x: [4, 16, 16]}
layers:
  - {name: a, op: conv, inputs: x, K: 16, kernel: 3, pad: 1}
  - {name: b, op: conv, inputs: a, K: 16, kernel: 3, pad: 1}
  - {name: c, op: conv, inputs: b, K: 4, kernel: 1}
"""
STUDY = """network: net.yaml
accelerators:
  - {template: vwa, blocks: [1, 4], rows: 7, taps: 3, clock: 500 MHz}
buffers: {feature: [2 KiB, 4 KiB, 8 KiB], weight: [1 KiB, 2 KiB]}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "net.yaml").write_text(NETWORK)
    (tmp_path / "s.yaml").write_text(STUDY)
    return tmp_path / "s.yaml"


def asked(spec: Path, *vary: str) -> tuple[Study, list[Varied], list[Question]]:
    study, varied = load(spec), [read_varied(*one.split("=", 1)) for one in vary]
    return study, varied, questions(spec, {}, study, varied)


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as exit_code:
        main.main(["whatif", *words])
    assert isinstance(exit_code.value.code, int)
    return exit_code.value.code


# Answers


@pytest.mark.parametrize("vary", [("sram=3KiB:10KiB:+1KiB",), ("latency=20us:200us:4", "pes=21,84"), ("batch=1,2",)])
def test_every_answer_is_what_a_single_solve_says(spec: Path, vary: tuple[str, ...]) -> None:
    study, varied, made = asked(spec, *vary)
    found = answer_all(study, varied, made)
    for question, told in zip(made, found.answers, strict=True):
        alone = solve(question.study, baseline=False)
        assert (told["status"], told["objective_base"]) == (alone.status, alone.objective)
        assert told["values"] == dict(question.values)
    assert {told["status"] for told in found.answers} >= {"optimal"}


def test_combinations_vary_the_first_key_slowest(spec: Path) -> None:
    _, _, made = asked(spec, "batch=1,2", "sram=4KiB,none")
    assert [question.values for question in made] == [
        (("batch", "1"), ("sram", "4KiB")),
        (("batch", "1"), ("sram", "none")),
        (("batch", "2"), ("sram", "4KiB")),
        (("batch", "2"), ("sram", "none")),
    ]
    assert [(question.study.batch, question.study.budgets.sram_bytes) for question in made] == [
        (1, 4096), (1, None), (2, 4096), (2, None),
    ]  # fmt: skip


def test_a_value_that_makes_no_study_is_blamed_on_its_option(spec: Path) -> None:
    with pytest.raises(SpecError) as error:
        asked(spec, "batch=1,0")
    assert str(error.value) == "--vary batch: batch must be a positive whole number, not 0"


@pytest.mark.parametrize("number", [0, 1, 2, 3, 10, 33])
def test_halves_visit_everything_once_ends_first(number: int) -> None:
    order = list(in_halves(number))
    assert sorted(order) == list(range(number))
    assert order[:2] == sorted({0, number - 1})[:number]


# Breaks and binding budgets


def steps(totals: tuple[Total, ...], study: Study, name: str) -> list[tuple[int, int, int | None]]:
    """Every break by trying all values of a total that any design has: (value, optimum from there on, below it)."""
    field = FIELDS[name]
    found, before = [], None
    for value in sorted({getattr(total, field) for total in totals}):
        kept = [total for total in totals if total.keeps(replace(study.budgets, **{field: value}))]
        optimum = min((total.objective(study) for total in kept), default=None)
        if optimum != before:
            assert optimum is not None
            found.append((value, optimum, before))
        before = optimum
    return found


@pytest.mark.parametrize("seed", range(8))
def test_breaks_are_those_that_brute_force_finds(seed: int) -> None:
    rng = random.Random(seed)
    study = replace(instance(seed), goal=rng.choice(["energy", "latency", "bandwidth", "area"]))
    totals = undominated_totals(replace(study, goal="energy"))
    if not totals:
        return
    session = Session(study)
    for name in rng.sample(["sram", "latency", "energy", "dram_traffic", "area", "pes"], 2):
        expected = steps(totals, study, name)
        largest = max(getattr(total, FIELDS[name]) for total in totals)
        found = [(b.value, b.above, b.below) for b in islice(breaks_between(session, study, name, 0, largest), 6)]
        assert found == expected[::-1][:6], f"seed {seed}, {study.goal} against {name}"
        assert len(found) == min(6, len(expected))


def test_breaks_on_average_power_are_found_by_bisection() -> None:
    study = small_study(network_of(2, conv("a", ("x",), 3, 2), conv("b", ("a",), 2, 3)), "latency")
    session, free = Session(study), solve(study, baseline=False)
    assert free.cost is not None
    power = -(-free.cost.energy_fj * 10**9 // free.cost.latency_fs)
    for one in islice(breaks_between(session, study, "power", power // 2, 2 * power), 2):
        at, under = (session.solve(with_budget(study, "power", value)) for value in (one.value, one.value - 1))
        assert (at.objective, under.objective) == (one.above, one.below)


def test_a_budget_binds_if_the_optimum_is_better_without_it(spec: Path) -> None:
    study, varied, made = asked(spec, "sram=3KiB:10KiB:+1KiB")
    found = answer_all(study, varied, made)
    free = solve(replace(study, budgets=Budgets()), baseline=False).objective
    assert free is not None
    bound = [told["binding"] for told in found.answers if told["status"] == "optimal"]
    assert bound == [
        ["sram"] if told["objective_base"] > free else [] for told in found.answers if told["status"] == "optimal"
    ]
    assert ["sram"] in bound
    assert [] in bound
    changes = [one for gap in found.gaps for one in gap.breaks]
    assert changes
    assert all(gap.complete for gap in found.gaps)


# The log


def test_nothing_is_computed_twice(spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, varied, made = asked(spec, "sram=3KiB:10KiB:+1KiB")
    log = tmp_path / "out" / "whatif.jsonl"
    whole = answer_all(study, varied, made, log=log, details=False)
    lines = log.read_bytes().splitlines(keepends=True)
    assert len(lines) == len(made)
    log.write_bytes(b"".join(lines[:3]) + lines[3][:40])  # killed in the middle of the fourth line
    asked_again = []

    def ask(session: Session, question: Question, **options: Any) -> Any:
        asked_again.append(question.key)
        return session.solve(question.study)

    monkeypatch.setattr(solver.sweep_run, "ask", ask)
    again = answer_all(study, varied, made, log=log, details=False)
    assert len(asked_again) == len(made) - 3

    def plain(told: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in told.items() if key != "seconds"}

    assert [plain(told) for told in again.answers] == [plain(told) for told in whole.answers]


def test_what_lies_between_old_answers_needs_one_table(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, varied, made = asked(spec, "sram=3KiB:10KiB:+1KiB")
    log, built = tmp_path / "whatif.jsonl", 0
    first = answer_all(study, varied, made, log=log)

    def counted(*given: Any, **options: Any) -> CandidateTable:
        nonlocal built
        built += 1
        return build_table(*given, **options)

    monkeypatch.setattr(solver.session, "build_table", counted)
    again = answer_all(study, varied, made, log=log)
    assert built == 1
    assert [told["binding"] for told in again.answers] == [told["binding"] for told in first.answers]
    assert [(gap.low, gap.high) for gap in again.gaps] == [(gap.low, gap.high) for gap in first.gaps]


def test_a_stopped_sweep_keeps_what_was_answered(spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, varied, made = asked(spec, "sram=3KiB:10KiB:+1KiB")
    log, stop, number = tmp_path / "whatif.jsonl", threading.Event(), 0

    def ask(session: Session, question: Question, **options: Any) -> Any:
        nonlocal number
        number += 1
        if number == 3:
            stop.set()
        return session.solve(question.study)

    monkeypatch.setattr(solver.sweep_run, "ask", ask)
    with pytest.raises(SweepStoppedError):
        answer_all(study, varied, made, log=log, stop=stop)
    assert len(log.read_text().splitlines()) == 2


def test_one_bad_variant_does_not_stop_the_rest(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, varied, made = asked(spec, "batch=1,2")

    def ask(session: Session, question: Question, **options: Any) -> Any:
        return PriceError("too much to add up") if question.study.batch == 2 else session.solve(question.study)

    monkeypatch.setattr(solver.sweep_run, "ask", ask)
    found = answer_all(study, varied, made, workers=1, details=False)
    assert [told["status"] for told in found.answers] == ["optimal", "error"]
    assert "batch 2: too much to add up" in text(found)


def test_different_spaces_go_to_different_processes(spec: Path) -> None:
    study, varied, made = asked(spec, "batch=1,2,3")
    apart = answer_all(study, varied, made, workers=2, details=False)
    here = answer_all(study, varied, made, workers=1, details=False)
    assert [told["objective_base"] for told in apart.answers] == [told["objective_base"] for told in here.answers]


def test_a_log_of_something_else_is_refused(spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "whatif.jsonl").write_text("hello\n")
    assert run(str(spec), "--vary", "batch=1,2", "--out", str(tmp_path / "out")) == 2
    assert "whatif.jsonl:1: is no line of a sweep; give another --out" in capsys.readouterr().err


# Command


def test_the_command_prints_a_table_and_writes_its_files(
    spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(str(spec), "--vary", "sram=3KiB:10KiB:+1KiB", "--out", str(out)) == 0
    printed = capsys.readouterr().out
    assert "what if sram varied" in printed
    assert "the best design changes exactly here" in printed
    rows = list(csv.DictReader(io.StringIO((out / "whatif.csv").read_text())))
    answers = [json.loads(line) for line in (out / "whatif.jsonl").read_text().splitlines()]
    assert len(rows) == len(answers) == 8
    assert (out / "whatif.png").read_bytes().startswith(b"\x89PNG")
    by_value = {told["values"]["sram"]: told for told in answers}
    for row in rows:
        told = by_value[f"{int(float(row['budget_sram_bytes'])) // 1024} KiB"]
        assert row["status"] == told["status"]
        assert row["objective"] == ("" if told["objective"] is None else str(told["objective"]))


def test_the_curve_has_every_answer_and_every_change(spec: Path) -> None:
    study, varied, made = asked(spec, "sram=none,1KiB,3KiB,8KiB")
    found = answer_all(study, varied, made)
    curve = curve_of(found)
    assert curve is not None
    told = {one["values"]["sram"]: one for one in found.answers}
    expected = [(1024, told["1KiB"]), (3072, told["3KiB"]), (8192, told["8KiB"])]
    assert [(dict(p.values), p.objective, p.status) for p in curve.points] == [
        ({"sram": value}, one["objective_base"], one["status"]) for value, one in expected
    ]
    changes = [(one.at, one.below, one.above) for one in curve.breaks]
    assert changes == sorted((one.value, one.below, one.above) for gap in found.gaps for one in gap.breaks)
    assert changes
    assert curve_of(answer_all(*asked(spec, "batch=1,2"), details=False)) is None


def test_the_json_is_one_object(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(spec), "--vary", "sram=4KiB,8KiB", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["format"] == "laminate-whatif/1"
    assert [told["values"]["sram"] for told in made["answers"]] == ["4KiB", "8KiB"]
    for gap in made["gaps"]:
        values = [one["value_base"] for one in gap["breaks"]]
        assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--vary", "sram"], "must be NAME=VALUES such as sram=64KiB:1MiB:x2"),
        (["--vary", "sram=1:2:x2"], 'sram must be a positive size such as "64 KiB", not "1" (its unit is missing)'),
        (["--vary", "batch=1,2", "--set", "batch=3"], "--set batch and --vary batch contradict each other"),
        (["--vary", "batch=1,2", "--vary", "batch=3,4"], "must name each thing once"),
        (["--vary", "sram=4KiB,8KiB", "--budget", "sram=4KiB"], "contradict each other"),
        (["--vary", "sram=4KiB,foo"], '--vary sram: budgets.sram must be a positive size such as "64 KiB", not "foo"'),
        (["--vary", "pes=4,-3"], '--vary pes: budgets.pes must be a positive whole number, not "-3"'),
        (["--vary", "sram=4KiB,8KiB", "--plots", "svg"], "--plots needs --out"),
        (["--vary", "bach=1,2"], "--vary bach: bach is not a key here; did you mean"),
        ([], "Missing option '--vary'"),
    ],
)
def test_mistakes_are_one_line(spec: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    assert run(str(spec), *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_text_csv_and_json_tell_infeasible_variants(spec: Path) -> None:
    study, varied, made = asked(spec, "sram=1KiB,8KiB")
    found = answer_all(study, varied, made)
    assert [told["status"] for told in found.answers] == ["infeasible", "optimal"]
    assert "infeasible" in text(found)
    assert "nothing fits" in text(found)
    assert as_csv(found).splitlines()[1].startswith("1024.0,energy,,,J,infeasible")
    assert json.loads(json.dumps(as_object(found)))["answers"][0]["objective"] is None
