"""Mixes of networks: the optimum that brute force finds, network by network, and what mixes have in common."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from costmodel import evaluate
from costmodel.compare import compare
from costmodel.groups import group_lattice
from costmodel.technology import PriceError
from random_instances import instance
from random_mixes import MIX_GOALS, MixTotal, mix_of, mix_totals, with_budgets
from random_networks import random_network
from solver import solve
from solver.certify import certify
from solver.export import design_from_json, design_object
from solver.report import report
from solver.result import mixes_in
from solver.statements import verdict
from specs.mix import alone, joined
from specs.study import Budgets, Study, Workload

SEEDS, SEEDS_PER_TEST = range(36), 6
LONG_SEEDS = range(1000, 1400)


def check(study: Study, totals: list[MixTotal], label: str, **options: bool) -> str:
    """Compare one study with brute force; every goal of a list."""
    label = f"{label}, {study.goals}, {study.budgets}, {[workload.budgets for workload in study.mix]}"
    kept = [total for total in totals if total.keeps(study)]
    result = solve(study, baseline=False, **options)
    if not kept:
        assert result.status == "infeasible", label
        return "infeasible"
    assert result.status == "optimal", label
    best = min(tuple(total.of_goal(goal) for goal in study.goals) for total in kept)
    for goal, outcome, value in zip(study.goals, (result.best, *result.then), best, strict=True):
        assert outcome.objective == value * mixes_in(goal, study.num_mixes), f"{label}: {goal}"
        assert outcome.bound == outcome.objective, label
    return "optimal"


def check_seed(seed: int) -> set[str]:
    rng, study = random.Random(seed), mix_of(seed)
    totals = mix_totals(study)  # all goals but power
    found = set()
    if totals:
        for goal in rng.sample(MIX_GOALS[:-1], 2):
            found.add(check(replace(study, goal=goal), totals, f"seed {seed}"))
        limited = replace(with_budgets(rng, study, totals, rated=False), goal=rng.choice(MIX_GOALS[:-1]))
        found.add(check(limited, totals, f"seed {seed}"))
        found.add(check(limited, totals, f"seed {seed}, CP-SAT alone", use_bounds=False))
        listed = replace(study, goal=rng.choice(["bandwidth", "area"]), then=("latency",))
        found.add(check(listed, totals, f"seed {seed}"))
    return found


@pytest.mark.parametrize("first", SEEDS[::SEEDS_PER_TEST])
def test_mixes_are_what_brute_force_finds(first: int) -> None:
    found = set().union(*(check_seed(seed) for seed in range(first, first + SEEDS_PER_TEST)))
    assert "optimal" in found


@pytest.mark.parametrize("seed", range(2, 12))
def test_mixes_with_limits_per_time_are_what_brute_force_finds(seed: int) -> None:
    rng, study = random.Random(seed), replace(mix_of(seed), goal="power")
    totals = mix_totals(study)
    if not totals:
        return
    check(study, totals, f"seed {seed}")
    limited = replace(with_budgets(rng, study, totals, rated=True), goal=rng.choice(["energy", "latency", "bandwidth"]))
    check(limited, mix_totals(limited), f"seed {seed}")


@pytest.mark.long
@pytest.mark.parametrize("seed", LONG_SEEDS)
def test_many_mixes_are_what_brute_force_finds(seed: int) -> None:
    check_seed(seed)


@pytest.mark.parametrize("seed", range(8))
def test_a_mix_of_one_network_is_this_network(seed: int) -> None:
    study = replace(instance(seed), goal="energy")
    name = study.network.name
    mix = replace(
        study,
        network=joined([(name, study.network)]),
        mix=(Workload(name, Fraction(1), len(study.network.layers)),),
    )
    plain, mixed = solve(study, baseline=False), solve(mix, baseline=False)
    assert (mixed.status, mixed.objective) == (plain.status, plain.objective)


@pytest.mark.parametrize("goal", ["energy", "latency", "bandwidth"])
def test_common_factors_of_the_weights_are_only_factors(goal: str) -> None:
    study = replace(mix_of(3), goal=goal)  # type: ignore[arg-type]
    weights = [Fraction(3, 2), Fraction(1), Fraction(2)]

    def optimum(factor: int) -> Fraction:
        mix = tuple(replace(w, weight=factor * weight) for w, weight in zip(study.mix, weights, strict=False))
        weighted = replace(study, mix=mix)
        objective = solve(weighted, baseline=False).objective
        assert objective is not None
        return Fraction(objective, weighted.num_mixes)

    assert optimum(4) == 4 * optimum(1)


def test_budgets_of_a_network_leave_the_others_alone() -> None:
    """Where one network must be fast, the other is still run as cheaply as the common hardware can."""
    study = replace(mix_of(4), goal="energy")
    totals = mix_totals(study)
    fastest = min(total.parts[0].latency_fs for total in totals)
    mix = (replace(study.mix[0], budgets=Budgets(latency_fs=fastest)), *study.mix[1:])
    limited = replace(study, mix=mix)
    assert check(limited, totals, "seed 4") == "optimal"
    result = solve(limited, baseline=False)
    assert result.design is not None
    assert result.cost is not None
    first = result.cost.once(range(sum(group.layers[0].startswith("n0/") for group in result.design.groups)))
    assert first.latency_fs == fastest


def test_networks_of_a_mix_run_one_after_another() -> None:
    """Side by side, ideals would multiply; in turn they add up."""
    networks = [("a", random_network(random.Random(1), 5)), ("b", random_network(random.Random(2), 5))]
    counts = [len(group_lattice(network, 12).ideals) for _, network in networks]
    together = group_lattice(joined(networks), 12)
    assert together.complete
    assert len(together.ideals) == sum(counts) - 1
    assert len(together.groups) == sum(len(group_lattice(network, 12).groups) for _, network in networks)


def test_one_network_comes_out_of_a_mix_as_it_went_in() -> None:
    study = mix_of(5)
    for number, workload in enumerate(study.mix):
        network = alone(study, number).network
        assert len(network.layers) == workload.num_layers
        assert all(layer.name.startswith(f"{workload.name}/") for layer in network.layers)
    members = [(workload.name, alone(study, i).network) for i, workload in enumerate(study.mix)]
    assert sum(network.macs for _, network in members) == study.network.macs


def test_weights_that_cannot_be_added_up_are_refused() -> None:
    study = mix_of(3)
    weights = (Fraction(10**6), Fraction(1, 10**12), Fraction(1))
    mix = tuple(replace(w, weight=weight) for w, weight in zip(study.mix, weights, strict=False))
    with pytest.raises(PriceError, match="weights of the mix"):
        solve(replace(study, mix=mix), baseline=False)


def test_a_mix_in_the_report_the_json_and_back() -> None:
    result = solve(replace(mix_of(4), goal="edp"))
    assert result.cost is not None
    assert result.objective is not None
    made = design_object(result)
    assert json.loads(json.dumps(made)) == made
    weights = [float(workload.weight) for workload in result.study.mix]
    for key in ("energy_j", "latency_s", "dram_bytes", "macs"):
        each = [workload["totals"][key] for workload in made["workloads"]]
        assert made["totals"][key] == pytest.approx(sum(w * one for w, one in zip(weights, each, strict=True)))
    assert made["objective"] == pytest.approx(made["totals"]["edp_js"])
    assert made["base_unit"] == f"fJ fs / {result.study.num_mixes**2}"
    assert evaluate(result.study, design_from_json(result.study, made)) == result.cost
    assert all(one.agrees for one in compare(result.study, design_from_json(result.study, made), 0))
    text = report(result)
    for number, workload in enumerate(result.study.mix, 1):
        assert f"[{number}] {workload.name} " in text
    assert f"a mix of {len(weights)} networks" in text


def test_certificates_do_not_speak_of_mixes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "n.yaml").write_text("inputs: {x: [3, 8, 8]}\nlayers:\n  - {name: a, op: fc, inputs: x, K: 2}\n")
    (tmp_path / "s.yaml").write_text("networks: [n.yaml, n.yaml]")
    with pytest.raises(SystemExit) as exit_code:
        certify.main([str(tmp_path / "s.yaml"), "--out", str(tmp_path / "out")])
    assert exit_code.value.code == 2
    assert "a mix of networks cannot be certified yet" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_infeasible_mix_names_the_budgets_of_its_networks() -> None:
    study = mix_of(4)
    mix = (replace(study.mix[0], budgets=Budgets(dram_bytes=1)), *study.mix[1:])
    result = solve(replace(study, mix=mix), baseline=False)
    assert result.status == "infeasible"
    assert "keeps dram_traffic of n0 <= 1 B" in verdict(result)
