"""CP-SAT itself, on models of our shape: small ones with coefficients up to the caps, against trying everything."""

from __future__ import annotations

import random
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest

import solver.model
from costmodel.groups import group_lattice, layer_indices
from solver.links import Links
from solver.model import Pair, build_model, solve_model
from solver.problem import Piece, Selection
from specs.network import Network
from test_costmodel_groups import network_of

MODELS = 200
PER_TEST = 20


def _random_network(rng: random.Random) -> Network:
    """A few layers; often two chains whose inputs cross, so that some groups wait for each other."""
    graph = [["x"], ["y"], ["l0", "y"], ["l1", "x"]] if rng.random() < 0.4 else []
    for i in range(len(graph), rng.randint(max(2, len(graph)), 5)):
        tensors = ["x", "y", *(f"l{j}" for j in range(i))]
        graph.append(rng.sample(tensors, min(len(tensors), rng.randint(1, 2))))
    return network_of(graph)


def _random_instance(rng: random.Random) -> tuple[Any, list[Pair]]:
    """A network's groups at one to three points, each run in up to two ways; budgets near what some choice needs.

    Costs have up to 50 bits, so that a choice stays below 2^53 and the objective is exact.
    """
    network = _random_network(rng)
    lattice = group_lattice(network, 3)
    budgets = rng.choice([(), ("latency",), ("latency", "energy")])
    bits = rng.choice([3, 16, 31, 45, 50])
    pairs = []
    for point in range(rng.randint(1, 3)):
        for group in range(len(lattice.groups)):
            for row in range(rng.choice([0, 1, 1, 2]) if lattice.groups[group].bit_count() > 1 else 1):
                totals = tuple(rng.randint(0, 2 ** rng.choice([bits, 45])) for _ in budgets)
                pairs.append(Pair(group, row, point, rng.randint(0, 2**bits), totals))
    table = SimpleNamespace(lattice=lattice, study=SimpleNamespace(network=network))
    some = rng.choice(list(_choices(table, pairs)))
    limits = [max(0, sum(p.budgeted[j] for p in some) + rng.choice([-1, 0, 0, 1, 2**44])) for j in range(len(budgets))]
    problem = SimpleNamespace(
        table=table,
        budgeted=budgets,
        exact_limits=lambda point: limits,
        stop=lambda: False,
        links=Links((), {}),
    )
    return problem, pairs


def _choices(table: Any, pairs: list[Pair]) -> Iterator[tuple[Pair, ...]]:
    """Every set of pairs at one point that runs every layer once, in groups that can follow each other."""
    layers = len(table.study.network.layers)
    for point in {pair.point for pair in pairs}:
        here: dict[int, list[Pair]] = {}
        for pair in pairs:
            if pair.point == point:
                here.setdefault(pair.group, []).append(pair)
        for groups in _covers((1 << layers) - 1, list(here), table.lattice.groups):
            if _can_run(table, groups):
                yield from product(*(here[group] for group in groups))


def _covers(left: int, groups: list[int], sets: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if not left:
        yield ()
        return
    first = left & -left
    for group in groups:
        if sets[group] & first and sets[group] & ~left == 0:
            for rest in _covers(left & ~sets[group], groups, sets):
                yield (group, *rest)


def _can_run(table: Any, groups: tuple[int, ...]) -> bool:
    network = table.study.network
    names = {g: {network.layers[i].name for i in layer_indices(table.lattice.groups[g])} for g in groups}
    reads = {g: {n for name in names[g] for n in network.layer(name).input_tensors} for g in groups}
    try:
        list(
            TopologicalSorter({g: {o for o in groups if o != g and names[o] & reads[g]} for g in groups}).static_order()
        )
    except CycleError:
        return False
    return True


def _optimum(problem: Any, pairs: list[Pair]) -> int | None:
    costs = [
        sum(pair.objective for pair in choice)
        for choice in _choices(problem.table, pairs)
        if all(
            sum(pair.budgeted[j] for pair in choice) <= limit
            for j, limit in enumerate(problem.exact_limits(choice[0].point))
        )
    ]
    return min(costs, default=None)


@pytest.mark.parametrize("seeds", [range(i, i + PER_TEST) for i in range(0, MODELS, PER_TEST)], ids=str)
def test_cpsat_finds_and_proves_the_optimum(seeds: range) -> None:
    for seed in seeds:
        problem, pairs = _random_instance(random.Random(seed))
        solved = solve_model(build_model(problem, pairs), None, None, 1 if seed % 4 else 2)
        best = _optimum(problem, pairs)
        if best is None:
            assert (solved.status, solved.selection) == ("infeasible", None), seed
            continue
        assert solved.selection is not None, seed
        assert (solved.status, solved.selection.objective) == ("optimal", best), seed


def test_a_hint_that_is_not_the_best_changes_nothing() -> None:
    hinted = 0
    for seed in range(40):
        problem, pairs = _random_instance(random.Random(seed))
        kept = [
            choice
            for choice in _choices(problem.table, pairs)
            if all(
                sum(pair.budgeted[j] for pair in choice) <= limit
                for j, limit in enumerate(problem.exact_limits(choice[0].point))
            )
        ]
        if not kept:
            continue
        some = random.Random(seed).choice(kept)
        cost = sum(pair.objective for pair in some)
        best = min(sum(pair.objective for pair in choice) for choice in kept)
        hint = Selection(some[0].point, tuple(Piece(pair.group, pair.row) for pair in some), cost)
        built = build_model(problem, pairs)
        solved = solve_model(built, hint, None, 1)
        assert solved.selection is not None, seed
        assert (solved.status, solved.selection.objective) == ("optimal", best), seed
        exact = not any(pair.objective % built.objective_unit for pair in pairs)
        assert solved.bound == best if exact else solved.bound <= best, seed
        hinted += cost > best
    assert hinted >= 10


def test_the_bound_is_never_above_the_optimum() -> None:
    for seed in (122, 2840, *range(20)):
        problem, pairs = _random_instance(random.Random(seed))
        best = _optimum(problem, pairs)
        if best is not None:
            assert solve_model(build_model(problem, pairs), None, None, 1).bound == best, seed


@pytest.mark.parametrize("seeds", [range(i, i + PER_TEST) for i in range(0, 60, PER_TEST)], ids=str)
def test_a_coarser_objective_keeps_its_bound_below_the_optimum(seeds: range, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver.model, "MAX_OBJECTIVE", 2**8)
    coarse = 0
    for seed in seeds:
        problem, pairs = _random_instance(random.Random(seed))
        built = build_model(problem, pairs)
        coarse += any(pair.objective % built.objective_unit for pair in pairs)
        solved = solve_model(built, None, None, 1)
        best = _optimum(problem, pairs)
        assert (solved.selection is None) == (best is None), seed
        if best is not None and solved.selection is not None:
            assert solved.bound <= best <= solved.selection.objective, seed
    assert coarse > PER_TEST // 2


def test_the_instances_are_of_every_kind() -> None:
    infeasible = cyclic = large = split = 0
    for seed in range(MODELS):
        problem, pairs = _random_instance(random.Random(seed))
        infeasible += _optimum(problem, pairs) is None
        model = build_model(problem, pairs).model
        large += max(map(abs, model.proto.objective.coeffs), default=0) >= 2**44
        split += any(v.name.endswith("_carry0") for v in model.proto.variables)
        groups = list(range(len(problem.table.lattice.groups)))
        sets = problem.table.lattice.groups
        whole = (1 << len(problem.table.study.network.layers)) - 1
        cyclic += any(not _can_run(problem.table, cover) for cover in _covers(whole, groups, sets))
    assert 5 <= infeasible <= MODELS // 2
    assert cyclic >= MODELS // 4
    assert large >= MODELS // 8  # objectives as large as ours, in fJ or fs
    assert split >= MODELS // 4  # budget rows in digits, near the cap on a row's sum
