"""The reduced model in plain integer rows, for any other solver: `solver.model` without its digits.

Numbers stay small without changing what they say. Costs are divided by their greatest common divisor. And as on the
chosen point h every layer l runs exactly once, a constant p(h, l) may move from the pairs that run l on h to the
column of h: every solution costs what it cost before.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from costmodel.groups import layer_indices
from costmodel.table import NO_COST
from solver.model import Pair
from solver.mps import Program, Row
from solver.problem import Problem
from solver.proof import Proof

NO_POINT = "no_point"


@dataclass(frozen=True)
class PlainModel:
    """A program whose optimum, times ``unit``, is the study's optimum in base units; infeasible if the study is.

    Attributes
    ----------
    span
        No solution costs more than the program's offset plus this.
    """

    program: Program
    unit: int
    span: int


def cost_limit(costs: Sequence[int], offset: int, limit: int) -> Row:
    """The row ``objective <= limit``, in the program's unit."""
    return Row("cost_limit", "L", tuple((column, cost) for column, cost in enumerate(costs) if cost), limit - offset)


def point_column(point: int) -> str:
    return f"point{point}"


def pair_column(pair: Pair) -> str:
    return f"group{pair.group}_row{pair.row}_point{pair.point}"


def plain_model(proof: Proof) -> PlainModel:
    """Spell out what the bounds left, and the cycles that CP-SAT cut."""
    problem, pairs = proof.problem, proof.pairs
    points = sorted({pair.point for pair in pairs})
    unit = math.gcd(*(pair.objective for pair in pairs)) or 1
    column_of = {point: i for i, point in enumerate(points)}
    first_pair = max(1, len(points))  # without any point there is one column that may not be chosen
    layers_of = [layer_indices(problem.table.lattice.groups[pair.group]) for pair in pairs]

    pair_costs = [pair.objective // unit for pair in pairs]
    shift = _shift(pairs, pair_costs, layers_of)
    moved: dict[int, int] = defaultdict(int)
    for (point, _), constant in shift.items():
        moved[point] += constant
    offset = min(moved.values(), default=0)
    pair_costs = [
        cost - sum(shift[pair.point, layer] for layer in layers)
        for pair, cost, layers in zip(pairs, pair_costs, layers_of, strict=True)
    ]
    costs = ([moved[point] - offset for point in points] or [0]) + pair_costs

    rows = [Row("one_point", "E", tuple((column, 1) for column in range(first_pair)), 1)]
    if not points:
        rows.append(Row("none_is_left", "E", ((0, 1),), 0))
    covering: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for i, (pair, layers) in enumerate(zip(pairs, layers_of, strict=True)):
        for layer in layers:
            covering[pair.point, layer].append((first_pair + i, 1))
    for point in points:
        for layer in range(len(problem.table.study.network.layers)):
            terms = (*covering[point, layer], (column_of[point], -1))
            rows.append(Row(f"layer{layer}_point{point}", "E", terms, 0))
        rows += _budget_rows(problem, pairs, point, first_pair)
    rows += [_cycle_row(pairs, cycle, number, first_pair) for number, cycle in enumerate(proof.cycles_cut)]
    if proof.outcome.status == "infeasible" and problem.cutoff < NO_COST:
        # A budget on the goal itself. If there is an optimum it keeps that budget, and needs no row.
        rows.append(cost_limit(costs, offset, (problem.cutoff - 1) // unit))
    names = tuple(map(point_column, points)) or (NO_POINT,)
    columns = (*names, *map(pair_column, pairs))
    span = max((moved[point] - offset + _dearest(pairs, pair_costs, layers_of, point) for point in points), default=0)
    return PlainModel(Program("laminate", columns, tuple(costs), offset, tuple(rows)), unit, span)


def _shift(pairs: list[Pair], costs: list[int], layers_of: list[tuple[int, ...]]) -> dict[tuple[int, int], int]:
    """Constants p(point, layer) that leave every pair a small cost, never below 0.

    First each layer's least share of a pair, then what is left by all pairs that run the layer. Any constants
    would do; these only keep numbers small.
    """
    running: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, (pair, layers) in enumerate(zip(pairs, layers_of, strict=True)):
        for layer in layers:
            running[pair.point, layer].append(i)
    shift = {key: min(costs[i] // len(layers_of[i]) for i in rows) for key, rows in running.items()}
    left = [
        cost - sum(shift[pair.point, layer] for layer in layers)
        for pair, cost, layers in zip(pairs, costs, layers_of, strict=True)
    ]
    for key, rows in running.items():
        more = min(left[i] for i in rows)
        shift[key] += more
        for i in rows:
            left[i] -= more
    return shift


def _dearest(pairs: list[Pair], costs: list[int], layers_of: list[tuple[int, ...]], point: int) -> int:
    """No choice at a point costs more: each layer is run by one pair, at most by the dearest that runs it."""
    dearest: dict[int, int] = {}
    for pair, cost, layers in zip(pairs, costs, layers_of, strict=True):
        if pair.point == point:
            for layer in layers:
                dearest[layer] = max(dearest.get(layer, 0), cost)
    return sum(dearest.values())


def _budget_rows(problem: Problem, pairs: list[Pair], point: int, first_pair: int) -> list[Row]:
    """Each budgeted total of a point, divided by the common divisor of its numbers."""
    rows = []
    for number, name in enumerate(problem.budgeted):
        totals = {first_pair + i: p.budgeted[number] for i, p in enumerate(pairs) if p.point == point}
        limit = problem.exact_limits(point)[number]
        if sum(total for total in totals.values() if total > 0) <= limit:
            continue
        unit = math.gcd(*totals.values()) or 1
        terms = tuple((column, total // unit) for column, total in totals.items() if total)
        rows.append(Row(f"{name}_point{point}", "L", terms, limit // unit))
    return rows


def _cycle_row(pairs: list[Pair], cycle: tuple[int, ...], number: int, first_pair: int) -> Row:
    """Not all groups of a cycle together, on any point."""
    together = set(cycle)
    terms = tuple((first_pair + i, 1) for i, pair in enumerate(pairs) if pair.group in together)
    return Row(f"cycle{number}", "L", terms, len(cycle) - 1)
