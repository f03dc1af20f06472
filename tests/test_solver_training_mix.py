"""Mixes of training steps and inference: the optimum that brute force finds, network by network."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from random_mixes import WEIGHTS, mix_totals, with_budgets
from random_networks import random_network
from random_training_instances import one_point, prices, training_instance
from specs.mix import alone, joined
from specs.study import Study, Workload
from test_solver_mix import check


def _mix(seed: int) -> Study:
    """A training step beside inference or another training step, on one study's hardware."""
    rng = random.Random(f"training mix {seed}")
    while True:
        study = training_instance(rng.randrange(10**6), most_prices=500, most_layers=8)
        other = training_instance(rng.randrange(10**6), most_prices=500, most_layers=5)
        infers = rng.random() < 0.6
        members = [("a", study.network), ("b", random_network(rng, 2) if infers else other.network)]
        modes = ["training", "inference" if infers else "training"]
        rng.shuffle(both := list(zip(members, modes, strict=True)))
        workloads = [Workload(n, rng.choice(WEIGHTS), len(net.layers), mode=mode) for (n, net), mode in both]
        network = joined([member for member, _ in both])
        mixed = one_point(rng, replace(study, network=network, mix=tuple(workloads)))
        if sum(prices(alone(mixed, i)) for i in range(2)) <= 600:
            return mixed


@pytest.mark.parametrize("seed", range(12))
def test_mixes_are_what_brute_force_finds(seed: int) -> None:
    rng, study = random.Random(seed), _mix(seed)
    totals = mix_totals(study)
    for goal in rng.sample(["energy", "latency", "bandwidth", "edp", "area"], 2):
        check(replace(study, goal=goal), totals, f"training mix {seed}")  # type: ignore[arg-type]
    if totals:
        limited = replace(with_budgets(rng, study, totals, rated=False), goal=rng.choice(["energy", "latency"]))
        check(limited, totals, f"training mix {seed}")
        check(limited, totals, f"training mix {seed}, CP-SAT alone", use_bounds=False)
