"""The command ``solve explain``: what it says, as text and as JSON, and its exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from random_instances import conv, instance, network_of, small_study
from random_mixes import mix_of
from solver import explain, solve
from solver.explain_command import explain as command
from solver.explain_report import report
from solver.stated_budgets import moved, stated_budgets
from specs import load
from specs.study import Budgets, SeparateBuffers, SharedBuffer
from specs.units import TIME
from tiny_study import run


def explained(spec: Path, *args: str) -> tuple[str, int]:
    ran = run("explain", *args, spec)
    assert ran.stderr == ""
    assert max(map(len, ran.stdout.splitlines())) <= 100
    return " ".join(ran.stdout.split()), ran.exit_code


def test_a_study_without_budgets_still_says_what_limits_the_design(spec: Path) -> None:
    text, code = explained(spec)
    assert code == 0
    assert text.startswith("edge: least energy, explained ")
    assert "No budgets are stated, so none limits the optimum." in text
    for word in ("DRAM traffic", "all MACs, one per PE and cycle", "Mostly compute-bound: the array works in"):
        assert word in text


def test_a_conflict_and_what_would_be_enough(spec: Path) -> None:
    text, code = explained(spec, "--budget", "latency=1us", "--budget", "area=0.05 mm2")
    assert code == 0
    assert "proven infeasible: " in text
    assert "No design keeps this budget, whatever the others are (proven): latency <= 1 us" in text
    assert "latency: " in text.split("What is enough")[1]


def test_two_budgets_that_exclude_each_other(spec: Path) -> None:
    free = solve(load(spec, overrides={"goal": "latency"}), baseline=False)
    small = solve(load(spec, overrides={"goal": "[area, latency]"}), baseline=False)
    assert free.cost is not None
    assert small.cost is not None
    assert small.cost.area_um2 < free.cost.area_um2
    assert free.cost.latency_fs < small.cost.latency_fs
    budgets = (f"area={small.cost.area_um2} um2", f"latency={free.cost.latency_fs} fs")
    text, code = explained(spec, *(word for budget in budgets for word in ("--budget", budget)))
    assert code == 0
    assert "No design keeps all of these budgets; without any one of them some design does (proven):" in text
    made = json.loads(run("explain", "--json", "--budget", budgets[0], "--budget", budgets[1], spec).stdout)
    least = {one["name"]: one["least"]["limit_base"] for one in made["relaxations"]}
    assert least == {"area": free.cost.area_um2, "latency": small.cost.latency_fs}


def test_what_is_printed_is_enough_when_it_is_typed(spec: Path) -> None:
    """Limits are rounded up: a study with the printed one has a design, and with one unit less than the exact none."""
    made = json.loads(run("explain", "--json", "--budget", "latency=1us", spec).stdout)
    least = made["relaxations"][0]["least"]
    assert TIME.whole(least["limit"]) >= least["limit_base"]
    assert run("--budget", f"latency={least['limit']}", spec).exit_code == 0
    assert run("--budget", f"latency={least['limit_base'] - 1} fs", spec).exit_code == 3


def test_budgets_that_are_hopeless_apart_have_to_be_dropped_together(spec: Path) -> None:
    text, code = explained(spec, "--budget", "latency=1us", "--budget", "energy=1nJ")
    assert code == 0
    assert "relaxing any single budget is not enough (proven)" in text
    assert "Dropping latency and energy together is enough; fewer of them are not enough (proven)." in text


def test_a_binding_budget_and_by_how_much(spec: Path) -> None:
    made = json.loads(run("explain", "--json", "--goal", "latency", "--budget", "pes=50", spec).stdout)
    (one,) = made["influences"]
    assert (one["name"], one["binds"], one["value_base"]) == ("pes", True, 42)
    assert (one["better_from"]["limit_base"], one["same_down_to"]["limit_base"]) == (84, 42)
    assert one["without"][0]["objective_base"] < made["objective_base"]
    text, _ = explained(spec, "--goal", "latency", "--budget", "pes=50")
    assert "pes 50 42 yes" in text


def test_json_is_one_object_and_nothing_else(spec: Path) -> None:
    ran = run("explain", "--json", "--budget", "area=4mm2", spec)
    assert (ran.exit_code, ran.stderr) == (0, "")
    made: dict[str, Any] = json.loads(ran.stdout)
    assert (made["format"], made["status"], made["undecided"]) == ("laminate-explanation/1", "optimal", [])
    assert made["spec"] == {"file": str(spec), "overrides": {"budgets.area": "4mm2"}}


def test_no_time_is_exit_code_4_and_says_what_is_unknown(spec: Path) -> None:
    text, code = explained(spec, "--time-limit", "0.001", "--budget", "area=4mm2")
    assert code == 4
    assert "time was up before anything was solved not decided in time: the study itself" in text


def test_mistakes_are_one_line(spec: Path) -> None:
    for args, message in (
        (("--budget", "area=4"), "--budget area: budgets.area must be a positive area"),
        (("--budget", "area"), "solve explain: Invalid value for '--budget': must be NAME=VALUE such as area=4mm2"),
        (("--frobnicate",), "solve explain: No such option"),
    ):
        ran = run("explain", *args, spec)
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert message in ran.stderr
        assert len(ran.stderr.splitlines()) == 1
    assert run("explain", "nowhere.yaml").exit_code == 2


def test_help_teaches() -> None:
    ran = run("explain", "--help")
    assert ran.exit_code == 0
    for word in ("Examples:", "Exit codes:", "exclude each other", "undecided"):
        assert word in ran.stdout
    for parameter in command.params:
        assert all(option in ran.stdout for option in parameter.opts if option.startswith("--"))
    assert max(map(len, ran.stdout.splitlines())) <= 100


@pytest.mark.parametrize("shared", [False, True])
def test_layers_that_fit_nowhere_are_named_with_buffers_that_would_do(shared: bool) -> None:
    network = network_of(4, conv("small", ("x",), 4, 4), conv("large", ("small",), 64, 4, R=3))
    study = small_study(network, "energy", feature_bytes=256)
    sizes = SharedBuffer((256,)) if shared else SeparateBuffers((256,), (256,))
    found = explain(replace(study, buffers=sizes, budgets=Budgets(latency_fs=1)))
    assert found.result is not None
    assert found.result.status == "infeasible"
    assert not found.conflicts
    assert found.unfit
    assert not found.undecided
    text = " ".join(report(found).split())
    assert "No budget is to blame: these layers fit no listed hardware, in no group (proven):" in text
    for one in found.unfit:
        assert f"{one.layer}: alone it would fit" in text
        assert one.enough is not None
        feature, weight = (max(256, need) for need in one.enough)  # the technology has no smaller buffers
        enough = SharedBuffer((feature,)) if shared else SeparateBuffers((feature,), (weight,))
        layer = network.layer(one.layer)
        alone = replace(network, inputs=tuple((n, network.tensors[n]) for n in layer.input_tensors))
        alone = replace(alone, layers=(layer,), outputs=(one.layer,))
        assert solve(replace(study, network=alone, buffers=enough), baseline=False).status == "optimal"


@pytest.mark.parametrize("seed", range(8))
def test_no_design_is_below_its_floors(seed: int) -> None:
    for study in (instance(seed), mix_of(seed)):
        found = explain(study)
        if found.floors is not None:
            floors = found.floors
            assert floors.compulsory_bytes <= floors.dram_bytes
            assert max(floors.compute_s, floors.dram_s, floors.compulsory_s) <= floors.latency_s * (1 + 1e-9)
            assert floors.compute_s <= floors.array_s * (1 + 1e-9)
            assert floors.array_s <= floors.latency_s * (1 + 1e-9)
            assert floors.mac_energy_j + floors.compulsory_energy_j <= floors.energy_j * (1 + 1e-9)
            assert 0 <= floors.dram_bound_share <= 1


def test_budgets_of_a_mix_are_told_of_one_mix(tmp_path: Path) -> None:
    study = mix_of(2)
    mix = (replace(study.mix[0], budgets=Budgets(latency_fs=1)), *study.mix[1:])
    found = explain(replace(study, mix=mix, budgets=Budgets(energy_fj=10**15)))
    (one,) = found.relaxations
    assert one.budget.label == f"latency of {study.mix[0].name}"
    assert one.least.limit is not None
    relaxed = moved(found.study, one.budget, one.least.limit)
    assert solve(relaxed, baseline=False).status == "optimal"
    assert solve(moved(relaxed, one.budget, one.least.limit - 1), baseline=False).status == "infeasible"
    assert stated_budgets(relaxed)[0].limit == 10**15
