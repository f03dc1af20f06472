"""Explanations equal what every design says: conflicts, relaxations, what binds and by how much."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

import explained_by_force
from brute_force import Total, undominated_totals
from random_instances import BUDGETED, KINDS, RATED, draw_budgets, instance, prices_to_find
from random_mixes import mix_of, mix_totals, with_budgets
from solver.explaining import explain
from specs.study import Budgets, Goal, Study

SEEDS, SEEDS_PER_TEST = range(30), 6
MOST_PRICES = 1200
LONG_SEEDS = range(1000, 1300)
MIX_SEEDS = range(5)


def check(study: Study, label: str) -> str:
    label = f"{label}, {study.goals}, {study.budgets}"
    return explained_by_force.check(study, undominated_totals(study), explain(study), label)


def check_seed(seed: int) -> list[str]:
    """Studies of a seed; none where brute force takes long."""
    rng, study, found = random.Random(seed), instance(seed), []
    prices = prices_to_find(study)
    if prices > MOST_PRICES:
        return []
    for kind in KINDS:
        found.append(check(draw_budgets(rng, study, kind)[1], f"seed {seed}, {kind}"))
    for _ in range(2):
        found.append(check(several_budgets(rng, study, BUDGETED), f"seed {seed}, several"))
    first = rng.choice(["energy", "latency", "bandwidth", "area"])
    listed = replace(several_budgets(rng, study, BUDGETED), goal=first, then=("edp",))
    found.append(check(listed, f"seed {seed}, list"))
    if prices <= MOST_PRICES // 2:
        found.append(check(several_budgets(rng, study, BUDGETED + RATED, rated=True), f"seed {seed}, rated"))
    return found


def several_budgets(rng: random.Random, study: Study, names: tuple[str, ...], rated: bool = False) -> Study:
    """Two to five budgets, each what some design needs, so that they exclude each other in many ways."""
    goals: list[Goal] = ["energy", "latency", "bandwidth", "area", "edp", "power"]
    goal = rng.choice(goals if rated else goals[:-1])
    totals: tuple[Total, ...] = undominated_totals(replace(study, goal="power" if rated else "energy"))
    if not totals:
        return replace(study, goal=goal, budgets=Budgets(latency_fs=10**6, area_um2=10**6))
    slack = rng.choice([0, 0, 10])
    limits = {name: getattr(rng.choice(totals), name) for name in rng.sample(names, rng.randint(2, 5))}
    return replace(study, goal=goal, budgets=Budgets(**{k: v + v * slack // 100 for k, v in limits.items()}))


@pytest.mark.parametrize("first", SEEDS[::SEEDS_PER_TEST])
def test_explanations_equal_brute_force(first: int) -> None:
    for seed in range(first, first + SEEDS_PER_TEST):
        check_seed(seed)


@pytest.mark.parametrize("seed", MIX_SEEDS)
def test_explanations_of_mixes_equal_brute_force(seed: int) -> None:
    rng, study = random.Random(seed), mix_of(seed)
    totals = mix_totals(study)
    if totals:
        goals: list[Goal] = ["energy", "latency", "bandwidth"]
        limited = replace(with_budgets(rng, study, totals, rated=False), goal=rng.choice(goals))
        label = f"seed {seed}, {limited.budgets}, {[workload.budgets for workload in limited.mix]}"
        explained_by_force.check(limited, totals, explain(limited), label)


@pytest.mark.long
@pytest.mark.parametrize("seed", LONG_SEEDS)
def test_many_explanations_equal_brute_force(seed: int) -> None:
    check_seed(seed)
