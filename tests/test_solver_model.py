"""The parts of the CP-SAT model: exact limits with small coefficients, orders of groups, and cycles that are cut."""

from __future__ import annotations

import random
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model

import solver.model
from costmodel.groups import layer_indices
from random_networks import TECHNOLOGY
from solver import solve
from solver.model import add_exact_limit, cycles, run_order
from specs.network import Layer, Network, TensorShape
from specs.study import Dram, Fusion, Goal, SeparateBuffers, Study, Tiling
from specs.templates import accelerator
from test_costmodel_groups import Graph, graphs, network_of


def _random_row(rng: random.Random) -> tuple[list[int], int]:
    """Coefficients of mixed sizes and a limit at, or next to, what some choice adds up to."""
    bits = [rng.choice([0, 3, 11, 14, 30, 31, 32, 45]) for _ in range(rng.randint(1, 5))]
    coefficients = [rng.randint(0, 2**b) for b in bits]
    chosen = sum(c for c in coefficients if rng.random() < 0.5)
    return coefficients, max(0, chosen + rng.choice([-(2**20), -1, 0, 0, 1, 2**20]))


def _linear_rows(model: cp_model.CpModel) -> list[list[int]]:
    return [list(c.linear.coeffs) for c in model.proto.constraints if c.HasField("linear")]


@pytest.mark.parametrize("max_row_sum", [2**8, 2**12, 2**31])
@pytest.mark.parametrize("seed", range(12))
def test_a_limit_in_digits_allows_what_the_plain_limit_allows(
    seed: int, max_row_sum: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solver.model, "MAX_ROW_SUM", max_row_sum)
    coefficients, limit = _random_row(random.Random(seed))
    model = cp_model.CpModel()
    chosen = [model.new_bool_var(f"x{i}") for i in range(len(coefficients))]
    add_exact_limit(model, list(zip(coefficients, chosen, strict=True)), limit, "row")
    assert all(sum(map(abs, row)) < max_row_sum for row in _linear_rows(model))
    allowed = set()
    for values in product([0, 1], repeat=len(chosen)):
        for x, value in zip(chosen, values, strict=True):
            model.proto.variables[x.index].domain[:] = [value, value]
        cp_solver = cp_model.CpSolver()
        cp_solver.parameters.num_workers = 1
        if cp_solver.solve(model) == cp_model.OPTIMAL:
            allowed.add(values)
    expected = {
        values
        for values in product([0, 1], repeat=len(chosen))
        if sum(c * v for c, v in zip(coefficients, values, strict=True)) <= limit
    }
    assert allowed == expected, (coefficients, limit)


@given(st.lists(st.integers(0, 2**45), min_size=1, max_size=300), st.floats(0, 1.1))
@settings(max_examples=60, deadline=None)
def test_rows_stay_narrow_however_many_and_large_the_coefficients(coefficients: list[int], share: float) -> None:
    model = cp_model.CpModel()
    terms = [(c, model.new_bool_var(f"x{i}")) for i, c in enumerate(coefficients)]
    add_exact_limit(model, terms, int(share * sum(coefficients)), "row")
    rows = _linear_rows(model)
    assert all(sum(map(abs, row)) < 2**31 for row in rows)
    assert bool(rows) == (int(share * sum(coefficients)) < sum(coefficients))
    assert not model.validate()


# Orders and cycles. Only the network and the layer sets of the groups matter here.


def _problem(network: Network, groups: list[set[int]]) -> Any:
    """As much of a `Problem` as the order of groups needs."""
    sets = tuple(sum(1 << i for i in group) for group in groups)
    table = SimpleNamespace(study=SimpleNamespace(network=network), lattice=SimpleNamespace(groups=sets))
    return SimpleNamespace(table=table, stop=lambda: False)


def _waiting_for(network: Network, groups: list[set[int]]) -> dict[int, set[int]]:
    """For each group, the other groups that make what it reads."""
    group_of = {network.layers[i].name: g for g, group in enumerate(groups) for i in group}
    return {
        g: {group_of[n] for i in group for n in network.layers[i].input_tensors if n in group_of} - {g}
        for g, group in enumerate(groups)
    }


# p0, p1, p2 read x; q_i reads p_i and the next p: fusing each p with its q makes a ring of three.
RING: Graph = [["x"], ["x"], ["x"], ["l0", "l1"], ["l1", "l2"], ["l2", "l0"]]


def test_groups_that_wait_for_each_other_in_a_ring_have_no_order() -> None:
    problem = _problem(network_of(RING), [{0, 3}, {1, 4}, {2, 5}])
    assert run_order(problem, [0, 1, 2]) is None
    assert cycles(problem, [0, 1, 2]) == [[0, 1, 2]]


def test_what_is_no_ring_has_an_order_and_no_cycle() -> None:
    problem = _problem(network_of(RING), [{2, 5}, {1, 4}, {3}, {0}])
    order = run_order(problem, [0, 1, 2, 3])
    assert order is not None
    assert cycles(problem, [0, 1, 2, 3]) == []
    assert order.index(3) < min(order.index(0), order.index(2))  # both read l0
    assert order.index(0) < order.index(1) < order.index(2)


def test_a_short_cycle_is_found_beside_a_longer_one() -> None:
    # {0, 4} and {1, 3} wait for each other; with {2, 5} they also form a ring.
    graph = [["x"], ["x"], ["x"], ["l1", "l0"], ["l0", "l1", "l2"], ["l2", "l1"]]
    network, groups = network_of(graph), [{0, 4}, {1, 3}, {2, 5}]
    assert _waiting_for(network, groups) == {0: {1, 2}, 1: {0}, 2: {1}}
    assert cycles(_problem(network, groups), [0, 1, 2]) == [[0, 1], [0, 1, 2]]


@st.composite
def groupings(draw: st.DrawFn) -> tuple[Network, list[set[int]]]:
    graph = draw(graphs())
    labels = [draw(st.integers(0, 3)) for _ in graph]
    groups = [{i for i, label in enumerate(labels) if label == wanted} for wanted in sorted(set(labels))]
    return network_of(graph), groups


@settings(max_examples=200, deadline=None)
@given(groupings())
def test_an_order_exists_exactly_without_cycles(grouping: tuple[Network, list[set[int]]]) -> None:
    network, groups = grouping
    problem, everything = _problem(network, groups), list(range(len(groups)))
    waiting = _waiting_for(network, groups)
    order, found = run_order(problem, everything), cycles(problem, everything)
    try:
        list(TopologicalSorter(waiting).static_order())
    except CycleError:
        assert order is None
        assert found
    else:
        assert order is not None
        assert sorted(order) == everything
        assert all(waiting[g] <= set(order[:at]) for at, g in enumerate(order))
        assert found == []
    for cycle in found:
        # Whichever group of it one starts from, someone of the cycle is waited for: they can never all run.
        assert all(waiting[g] & set(cycle) for g in cycle)


def _crossed_study(goal: Goal) -> Study:
    """a and d share the wide x, c and b the wide y; b needs a and d needs c, so {a, d} and {c, b} wait in a ring."""
    shape = TensorShape(8, 4, 4)

    def conv(name: str, reads: tuple[str, ...], C: int) -> Layer:
        return Layer(name, "conv", (reads,), 1, 1, C, 4, 4, 4, 4)

    layers = (conv("a", ("x",), 8), conv("c", ("y",), 8), conv("b", ("a", "y"), 9), conv("d", ("c", "x"), 9))
    return Study(
        name="crossed",
        network=Network("crossed", (("x", shape), ("y", shape)), layers, ("b", "d")),
        accelerators=(accelerator("vwa", blocks=2, rows=2, taps=1),),
        buffers=SeparateBuffers((2048,), (256,)),
        technology=TECHNOLOGY,
        dram=(Dram("DDR3", 560_000, 6_400_000_000),),
        goal=goal,
        fusion=Fusion(max_layers=2),
        tiling=Tiling((1, 2), (1,), (1,)),
    )


@pytest.mark.parametrize("goal", ["energy", "bandwidth"])
def test_a_ring_of_groups_is_cut_off_and_the_optimum_stays(goal: Goal, monkeypatch: pytest.MonkeyPatch) -> None:
    study = _crossed_study(goal)
    cut: list[set[int]] = []
    real_cut = solver.model._cut

    def cut_and_note(built: solver.model.ChoiceModel, cycle: list[int]) -> None:
        sets = built.problem.table.lattice.groups
        cut.append({i for group in cycle for i in layer_indices(sets[group])})
        real_cut(built, cycle)

    monkeypatch.setattr(solver.model, "_cut", cut_and_note)
    alone = solve(study, baseline=False, use_bounds=False, workers=1)
    assert {0, 1, 2, 3} in cut, "the test wants the ring to look best at first"
    bounded = solve(study, baseline=False, workers=1)
    assert alone.status == bounded.status == "optimal"
    assert alone.objective == alone.bound == bounded.objective == bounded.bound
    without = solve(replace(study, fusion=Fusion(max_layers=1)), baseline=False, workers=1)
    assert without.objective is not None
    assert alone.objective is not None
    assert alone.objective < without.objective  # one of the pairs is still fused
