"""Training steps in which activations may be recomputed: the solver finds what trying every subset of them finds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

import costmodel.groups
from brute_force_choices import Chosen, brute_force_choices, every_choice
from brute_force_space import searched_mappings
from costmodel import evaluate
from costmodel.compare import compare
from random_choices import choice_instance
from solver import Outcome, solve
from specs.network import Network
from specs.study import Budgets, Dram, Study

TOTALS = ("latency_fs", "energy_fj", "dram_bytes")
GOALS = ("energy", "latency", "bandwidth", "edp")


def asked_of(rng: random.Random, study: Study, step: Network) -> Iterator[Study]:
    """A study with each goal: without budgets; with less memory than the optimum takes; with a budget beside that."""
    names = tuple(study.network.keepers)
    plain = replace(study, network=step, goal="energy")
    every = every_choice(plain, step, names, searched_mappings(plain))
    for goal in GOALS:
        asked = replace(study, goal=goal)  # type: ignore[arg-type]
        yield asked
        if not every:
            continue
        best: Chosen | None = brute_force_choices(asked, step, names)[2]
        assert best is not None
        below = sorted({one.kept_bytes for one in every if one.kept_bytes < best.kept_bytes})
        if below:
            limit = rng.choice([below[0], below[-1]])
            yield replace(asked, budgets=Budgets(activation_bytes=limit))
            total = rng.choice(TOTALS)
            value = rng.choice(sorted(getattr(one.total, total) for one in every if one.kept_bytes <= limit))
            limits = {"activation_bytes": limit, total: value - rng.choice([0, 1])}
            yield replace(asked, budgets=Budgets(**limits))
        least = min(one.kept_bytes for one in every)
        if least and rng.random() < 0.3:
            yield replace(asked, budgets=Budgets(activation_bytes=least - 1))


def check(study: Study, step: Network, found: Outcome, label: str) -> Chosen | None:
    """Compare one outcome with brute force: status, objective, bound, and the design itself."""
    status, objective, best = brute_force_choices(study, step, tuple(study.network.keepers))
    label = f"{label}, goal {study.goal}, {study.budgets}"
    assert (found.status, found.objective) == (status, objective), label
    if found.design is not None:
        cost = evaluate(study, found.design)
        assert (found.bound, found.cost) == (objective, cost), label
        limit = study.budgets.activation_bytes
        assert limit is None or cost.activation_bytes <= limit, label
    return best


def check_seed(seed: int, seen: Counter[str]) -> None:
    rng = random.Random(f"asked choices {seed}")
    study, step = choice_instance(seed, most_prices=300)
    if rng.random() < 0.5:  # a memory so dear and slow that making maps again pays
        study = replace(study, dram=tuple(Dram(d.name, d.fj_per_byte * 40, d.bytes_per_s // 50) for d in study.dram))
    for asked in asked_of(rng, study, step):
        use_bounds, baseline = rng.random() < 0.7, rng.random() < 0.3
        result = solve(asked, baseline=baseline, use_bounds=use_bounds, workers=1)
        best = check(asked, step, result.best, f"choices {seed}, bounds {use_bounds}")
        seen["infeasible" if best is None else "made again" if best.again else "kept"] += 1
        if result.layer_by_layer is not None:
            alone = replace(asked, fusion=replace(asked.fusion, max_layers=1))
            check(alone, step, result.layer_by_layer, f"layer by layer {seed}")
    if result.best.design is not None:
        assert all(line.agrees for line in compare(asked, result.best.design)), seed


@pytest.mark.parametrize("first", range(0, 12, 3))
def test_solver_finds_what_brute_force_finds(first: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(first, first + 3):
        check_seed(seed, seen)
    assert min(seen["made again"], seen["kept"]) > 0


@pytest.mark.parametrize("first", range(100, 108, 4))
def test_so_it_does_where_too_many_orders_exist_to_list_them(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costmodel.groups, "MOST_IDEALS", 2)
    study, _ = choice_instance(first, most_prices=300)
    assert not costmodel.groups.group_lattice(study.network, study.fusion.max_layers).complete
    seen: Counter[str] = Counter()
    for seed in range(first, first + 4):
        check_seed(seed, seen)
    assert min(seen["made again"], seen["kept"]) > 0


@pytest.mark.long
@pytest.mark.parametrize("first", range(10_000, 10_200, 20))
def test_solver_finds_what_brute_force_finds_at_length(first: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(first, first + 20):
        check_seed(seed, seen)
