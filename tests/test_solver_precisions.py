"""A list of precisions: the optimum is the least of what each has on its own, whatever the goals and budgets."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from brute_force import brute_force, undominated_totals
from costmodel import DesignError, evaluate
from made_results import chain_study, layer_by_layer, outcome, solved
from random_instances import KINDS, draw_budgets, instance, prices_to_find
from random_mixes import mix_of
from solver import Outcome, Progress, Result, solve
from solver.export import design_from_json, design_object, json_text, with_written_precision
from solver.precisions import combined
from solver.report import report
from solver.totals import objective_of
from specs import describe
from specs.study import Goal, Precision, Study
from test_solver_brute_force import only_hardware
from tiny_study import run

ALL = tuple(Precision(a, w, s) for a in (8, 16) for w in (8, 16) for s in (16, 32))
GOALS: tuple[tuple[Goal, ...], ...] = (
    ("energy",), ("latency",), ("bandwidth",), ("edp",), ("area",), ("throughput",), ("power",),
    ("latency", "energy"), ("area", "latency"), ("bandwidth", "edp"), ("area", "bandwidth", "latency"),
    ("latency", "power"),
)  # fmt: skip
MOST_PRICES = 700
"""What brute force has to price for one precision; where slowness may pay it has many more designs to look at."""


def each(study: Study) -> list[Study]:
    """The study with each of its precisions alone."""
    return [replace(study, precision=precision, precisions=()) for precision in study.precision_choices]


def small(seed: int, goals: tuple[Goal, ...]) -> Study:
    """A random study that brute force can finish several times."""
    most = MOST_PRICES // 2 if "power" in goals else MOST_PRICES
    return next(study for study in map(instance, range(seed, 10**6, 100)) if prices_to_find(study) <= most)


@cache
def asked(seed: int, drawn: bool = True) -> Study:
    """A random study with two or three precisions and goals of every kind; half of them with budgets."""
    rng, goals = random.Random(f"precisions {seed}"), GOALS[seed % len(GOALS)]
    precisions = tuple(rng.sample(ALL, rng.choice([2, 2, 3])))
    study = replace(small(seed, goals) if drawn else instance(seed), precision=precisions[0])
    if drawn and seed // len(GOALS) % 2:
        study = draw_budgets(rng, study, KINDS[seed // (2 * len(GOALS)) % 3], rated="power" in goals)[1]
    return replace(study, goal=goals[0], then=goals[1:], precisions=precisions)


def least(study: Study) -> tuple[int, ...] | None:
    """The least objectives over all precisions, by trying everything."""
    totals = [total for one in each(study) for total in undominated_totals(one) if total.keeps(study.budgets)]
    return min((total.objectives(study) for total in totals), default=None)


def check(study: Study, result: Result) -> None:
    """Compare a result and its baselines with brute force."""
    best = least(study)
    if best is None:
        assert result.status == "infeasible"
        return
    outcomes = [result.best, *result.then]
    assert [one.status for one in outcomes] == ["optimal"] * len(study.goals)
    assert tuple(one.objective for one in outcomes) == tuple(one.bound for one in outcomes) == best
    assert result.design is not None
    assert result.cost == evaluate(result.study, result.design)
    assert tuple(objective_of(goal, result.cost) for goal in study.goals) == best
    assert result.study == replace(study, precision=result.study.precision)
    assert result.study.precision in study.precisions


def check_baselines(study: Study, result: Result) -> None:
    apart = replace(study, goal=study.goal, then=(), fusion=replace(study.fusion, max_layers=1))
    own, same = result.layer_by_layer, result.layer_by_layer_same_hardware
    alone = least(apart)
    assert own is not None
    assert (own.status, own.objective) == (("optimal", alone[0]) if alone else ("infeasible", None))
    if alone:
        chosen = replace(apart, precision=result.layer_by_layer_precision or study.precision)
        assert own.design is not None
        assert evaluate(chosen, own.design) == own.cost
    if result.design is not None:
        assert same is not None
        there = only_hardware(replace(apart, precision=result.study.precision), result.design.hardware)
        assert (same.status, same.objective) == brute_force(there)[:2]


@pytest.mark.parametrize("seed", [*range(24), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(24, 48))])
def test_brute_force_finds_nothing_better_with_any_precision(seed: int) -> None:
    study = asked(seed)
    result = solve(study, workers=1, use_bounds=seed % 5 != 0)
    check(study, result)
    if "power" not in study.goals:  # brute force has mappings of its own for it
        check_baselines(study, result)


@pytest.mark.parametrize("first", range(100, 148, 12))
def test_it_is_the_least_of_what_each_precision_has_alone(first: int) -> None:
    for seed in range(first, first + 12):
        study = asked(seed, drawn=False)
        together, apart = solve(study, workers=1), [solve(one, workers=1) for one in each(study)]
        assert {one.status for one in (together, *apart)} <= {"optimal", "infeasible"}
        reached = [tuple(one.objective or 0 for one in (r.best, *r.then)) for r in apart if r.design is not None]
        found = tuple(one.objective or 0 for one in (together.best, *together.then)) if together.design else None
        assert found == min(reached, default=None)
        own = [r.layer_by_layer.objective for r in apart if r.layer_by_layer is not None]
        assert together.layer_by_layer is not None
        assert together.layer_by_layer.objective == min([one for one in own if one is not None], default=None)


@pytest.mark.parametrize("seed", range(12))
def test_a_mix_of_networks_chooses_one_precision_for_all(seed: int) -> None:
    goals = GOALS[seed]
    precisions = (Precision(16, 8, 32), Precision(8, 16, 16))
    study = replace(mix_of(seed), goal=goals[0], then=goals[1:], precision=precisions[0], precisions=precisions)
    together, apart = solve(study, workers=1), [solve(one, workers=1) for one in each(study)]
    reached = [tuple(one.objective or 0 for one in (r.best, *r.then)) for r in apart if r.design is not None]
    found = tuple(one.objective or 0 for one in (together.best, *together.then)) if together.design else None
    assert found == min(reached, default=None)
    assert together.status in ("optimal", "infeasible")


def test_every_position_wins_somewhere_and_some_study_has_no_design() -> None:
    places: Counter[int | None] = Counter()
    for seed in range(100, 148):
        study = asked(seed, drawn=False)
        result = solve(study, baseline=False, workers=1)
        places[None if result.design is None else study.precisions.index(result.study.precision)] += 1
    assert min(places[0], places[1], places[2], places[None]) >= 1


@pytest.mark.parametrize("goals", GOALS)
def test_the_order_of_the_list_does_not_matter(goals: tuple[Goal, ...]) -> None:
    study = replace(instance(1), goal=goals[0], then=goals[1:], precisions=(ALL[0], ALL[3], ALL[5]))
    there, back = (
        solve(replace(study, precisions=order), baseline=False, workers=1)
        for order in (study.precisions, study.precisions[::-1])
    )
    assert [one.objective for one in (there.best, *there.then)] == [one.objective for one in (back.best, *back.then)]


def test_a_list_of_one_is_that_precision() -> None:
    study = instance(1)
    one = solve(replace(study, precisions=(ALL[6],)), workers=1)
    assert one.study.precision == ALL[6]
    assert one.objective == solve(replace(study, precision=ALL[6]), workers=1).objective
    assert [step.step for step in one.deductions][-1] == "layer by layer on the same hardware"


def test_space_and_deductions_tell_of_each_precision() -> None:
    study = replace(chain_study(2), precisions=(Precision(8, 8, 32), Precision(16, 16, 32)))
    alone, both = (solve(one, workers=1) for one in (each(study)[0], study))
    assert both.space.hardware_points_listed == 2 * alone.space.hardware_points_listed
    assert both.space.designs == 2 * alone.space.designs
    assert both.space.groups == alone.space.groups
    steps = [step.step for step in both.deductions]
    assert {step.split(": ")[0] for step in steps} == {"8/8/32 bits", "16/16/32 bits"}
    assert "16/16/32 bits: fused" in steps


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("reports", [1, 2, 4, 8, 16, 32])
def test_whenever_it_is_stopped_the_bound_holds(seed: int, reports: int) -> None:
    study = asked(seed, drawn=False)
    full = solve(study, workers=1, baseline=False)
    stop, left = threading.Event(), iter(range(reports - 1))

    def count_down(progress: Progress) -> None:
        assert "bits: " in progress.phase
        if next(left, None) is None:
            stop.set()

    found = solve(study, workers=1, on_progress=count_down, stop=stop).best
    assert found.bound is None or full.bound is None or found.bound <= full.bound
    assert (found.status == "optimal") == (found.objective is not None and found.bound == found.objective)
    assert found.status != "infeasible" or full.status == "infeasible"
    if found.objective is not None and full.objective is not None:
        assert found.objective >= full.objective


def test_what_was_not_decided_is_not_called_optimal() -> None:
    study = chain_study()
    good = outcome(study, layer_by_layer(study))
    cost = good.objective
    assert cost is not None
    worse = replace(good, status="feasible", bound=cost - 10)
    assert combined(("energy",), [[good], [Outcome("infeasible")]]) == [good]
    assert combined(("energy",), [[good], [Outcome("unknown")]])[0].bound == 0
    assert combined(("energy",), [[good], [Outcome("unknown", bound=cost - 1)]])[0].status == "feasible"
    assert combined(("energy",), [[worse], [Outcome("infeasible")]]) == [worse]
    assert combined(("energy",), [[Outcome("infeasible")], [Outcome("infeasible")]]) == [Outcome("infeasible")]
    assert combined(("energy",), [[Outcome("infeasible")], [Outcome("unknown", bound=7)]])[0].bound == 7
    assert combined(("energy",), [[Outcome("unknown")], [Outcome("unknown", bound=7)]]) == [Outcome("unknown")]
    # What reached the same energy without a look at its latency may have any latency.
    assert good.cost is not None
    latency = replace(good, objective=good.cost.latency_fs, bound=good.cost.latency_fs)
    both: tuple[Goal, Goal] = ("energy", "latency")
    assert [one.status for one in combined(both, [[good, latency]])] == ["optimal", "optimal"]
    unseen = replace(worse, objective=cost + 5, bound=cost)
    assert [one.status for one in combined(both, [[good, latency], [unseen]])] == ["optimal", "feasible"]
    assert [one.status for one in combined(both, [[good, latency], [replace(unseen, bound=cost + 1)]])] == [
        "optimal",
        "optimal",
    ]


def test_the_choice_is_told_and_survives_the_way_through_json() -> None:
    study = replace(chain_study(), precisions=(Precision(16, 16, 32), Precision(8, 8, 32)))
    result = solve(study, workers=1)
    assert "\n  precision     activations 8, weights 8, partial sums 32 bits, one of 2" in report(result)
    made = json.loads(json_text(design_object(result)))
    widths = {"activation": 8, "weight": 8, "partial_sum": 32, "gradient": 32, "state": 32, "floating": False}
    assert made["hardware"]["precision_bits"] == widths
    assert made["settings"] == describe(study) == describe(result.study)
    assert [one["activation"] for one in made["settings"]["precision_bits"]] == [16, 8]
    assert result.design is not None
    chosen = with_written_precision(study, made)
    assert chosen == result.study
    assert design_from_json(chosen, made) == result.design
    made["hardware"]["precision_bits"]["weight"] = 16
    with pytest.raises(DesignError, match=r"hardware\.precision_bits is not a precision of the study"):
        with_written_precision(study, made)


def test_a_baseline_with_another_precision_says_so() -> None:
    result = solved(chain_study())
    other = replace(result, layer_by_layer_precision=Precision(8, 8, 16))
    assert "its own best precision: activations 8, weights 8, partial sums 16 bits" in report(other)
    assert "its own best precision" not in report(result)
    hardware = design_object(other)["baseline"]["layer_by_layer"]["hardware"]
    assert hardware["precision_bits"]["partial_sum"] == 16


def test_a_file_with_several_precisions_is_solved_and_checked(spec: Path, tmp_path: Path) -> None:
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text + "precision: [{activation: 16}, {weight: [16, 8]}]\n", encoding="utf-8")
    folder = tmp_path / "out"
    ran = run("--workers", "1", "--out", folder, spec)
    assert ran.exit_code == 0
    assert "activations 8, weights 8, partial sums 32 bits, one of 3" in ran.stdout
    assert "(12 hardware points, 6 fusion groups" in ran.stdout
    assert run("check", folder / "design.json").exit_code == 0
    single = run("--workers", "1", "--json", "--set", "precision={activation: 8}", spec)
    written = json.loads((folder / "design.json").read_text(encoding="utf-8"))
    assert json.loads(single.stdout)["objective_base"] == written["objective_base"]
    ran = run("certify", "--out", tmp_path / "proof", spec)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == (
        f"{spec}: precision must be one to be certified, not one of 3: certify the study with each of them\n"
    )
    del written["hardware"]["precision_bits"]
    (folder / "design.json").write_text(json.dumps(written), encoding="utf-8")
    ran = run("check", folder / "design.json")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "precision_bits is not a precision of the study" in ran.stderr
