"""The CP-SAT model. docs/solver.md states it in mathematics; this file reads in the same order.

    choose y[h] for one hardware point h and z[k] for pairs k = (group, candidate, point) so that
        exactly one point is chosen
        for every point h and layer l: the chosen pairs of h that run l number y[h]
        every budget on a total holds
        the chosen groups can run one after another (cycles are cut off when they appear)
    minimising the sum of the chosen pairs' costs.

The model adds no arithmetic of its own: every coefficient is an integer of the candidate table.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from ortools.sat.python import cp_model

from costmodel.groups import layer_indices, predecessors
from costmodel.template import Ints
from solver.problem import Piece, Problem, Selection
from solver.result import Status

MAX_ROW_SUM = 2**31
"""Sums of |coefficient| in a row stay below this: see docs/solver.md on google/or-tools#5293."""
MAX_OBJECTIVE = 2**52
"""Objectives stay below this, so that CP-SAT's floating-point gap tells every integer apart."""
MAX_OBJECTIVE_SUM = 2**61
"""Sums of all objective coefficients stay inside CP-SAT's 64-bit integers."""


@dataclass(frozen=True)
class Pair:
    """A candidate of a group at a hardware point, with its integer costs."""

    group: int
    row: int
    point: int
    objective: int
    budgeted: tuple[int, ...]


@dataclass
class ChoiceModel:
    """A built model and its variables."""

    problem: Problem
    pairs: list[Pair]
    objective_unit: int
    model: cp_model.CpModel = field(default_factory=cp_model.CpModel)
    point_chosen: dict[int, cp_model.IntVar] = field(default_factory=dict)
    pair_chosen: list[cp_model.IntVar] = field(default_factory=list)
    cycles_cut: list[tuple[int, ...]] = field(default_factory=list)


def build_model(problem: Problem, pairs: list[Pair]) -> ChoiceModel:
    """Build the model over the pairs that the bounds left."""
    objective_unit = _objective_unit(problem, pairs)
    built = ChoiceModel(problem, pairs, objective_unit)
    points = sorted({pair.point for pair in pairs})
    built.point_chosen = {point: built.model.new_bool_var(f"point{point}") for point in points}
    built.pair_chosen = [
        built.model.new_bool_var(f"group{pair.group}_row{pair.row}_point{pair.point}") for pair in pairs
    ]
    _one_point(built)
    _each_layer_once(built)
    _kept_or_made_again(built)
    for number, total in enumerate(problem.budgeted):
        _budget(built, number, str(total))
    _goal(built)
    return built


def _one_point(built: ChoiceModel) -> None:
    """Exactly one hardware point is built."""
    built.model.add_exactly_one(built.point_chosen.values())


def _each_layer_once(built: ChoiceModel) -> None:
    """On the chosen point every layer runs in exactly one group; on other points nothing runs."""
    covering: dict[tuple[int, int], list[cp_model.IntVar]] = {}
    for pair, chosen in zip(built.pairs, built.pair_chosen, strict=True):
        for layer in layer_indices(built.problem.table.lattice.groups[pair.group]):
            covering.setdefault((pair.point, layer), []).append(chosen)
    for point, chosen_point in built.point_chosen.items():
        for layer in range(len(built.problem.table.study.network.layers)):
            built.model.add_exactly_one([*covering.get((point, layer), []), chosen_point.Not()])


def _kept_or_made_again(built: ChoiceModel) -> None:
    """Of an activation that may be recomputed: it is dropped, or its kept map is read; not both."""
    for two in built.problem.links.pairs():
        built.model.add_exactly_one(
            chosen for pair, chosen in zip(built.pairs, built.pair_chosen, strict=True) if pair.group in two
        )


def _budget(built: ChoiceModel, number: int, name: str) -> None:
    """The chosen pairs of each point keep the budget there."""
    for point in built.point_chosen:
        terms = [
            (pair.budgeted[number], chosen)
            for pair, chosen in zip(built.pairs, built.pair_chosen, strict=True)
            if pair.point == point
        ]
        limit = built.problem.exact_limits(point)[number]
        add_exact_limit(built.model, terms, limit, f"{name}_point{point}")


def add_exact_limit(
    model: cp_model.CpModel, terms: Sequence[tuple[int, cp_model.IntVar]], limit: int, name: str
) -> None:
    """Add sum(c*x) <= limit with small coefficients only, by splitting numbers into digits.

    With c = high*B + low and limit = H*B + L: the row holds if and only if some integer carry >= 0 gives
    sum(low*x) <= carry*B + L and sum(high*x) + carry <= H (docs/solver.md). Repeated until every row's sum
    of |coefficient| is below `MAX_ROW_SUM`.
    """
    if sum(c for c, _ in terms) <= limit:
        return
    terms = [(c, x) for c, x in terms if c]
    carry_in: tuple[cp_model.IntVar, int] | None = None
    digit = 0
    while True:
        carry_size = carry_in[1] if carry_in else 0
        if sum(c for c, _ in terms) + 1 < MAX_ROW_SUM - carry_size or limit < 0:
            expression = sum(c * x for c, x in terms) + (carry_in[0] if carry_in else 0)
            model.add(expression <= limit)
            return
        base = max(2, MAX_ROW_SUM // (4 * (len(terms) + 1)))
        low = [(c % base, x) for c, x in terms]
        most = (sum(c for c, _ in low) + carry_size) // base + 1
        carry = model.new_int_var(0, most, f"{name}_carry{digit}")
        expression = sum(c * x for c, x in low) + (carry_in[0] if carry_in else 0) - base * carry
        assert sum(c for c, _ in low) + base + 1 < MAX_ROW_SUM, "a digit row is too wide"
        model.add(expression <= limit % base)
        terms = [(c // base, x) for c, x in terms if c // base]
        limit //= base
        carry_in, digit = (carry, most), digit + 1


def _objective_unit(problem: Problem, pairs: list[Pair]) -> int:
    """Unit of the objective: the costs' common divisor, or coarser if some choice's cost would not fit.

    Each layer is run by one pair, so no choice costs more than the sum over layers of the dearest pair that
    runs the layer.
    """
    costs = [pair.objective for pair in pairs]
    dearest: dict[int, int] = {}
    for pair in pairs:
        for layer in layer_indices(problem.table.lattice.groups[pair.group]):
            dearest[layer] = max(dearest.get(layer, 0), pair.objective)
    unit = max(1, math.gcd(*costs)) if costs else 1
    while sum(dearest.values()) // unit >= MAX_OBJECTIVE or sum(costs) // unit >= MAX_OBJECTIVE_SUM:
        unit *= 2
    return unit


def _goal(built: ChoiceModel) -> None:
    """Minimise the sum of costs; a coarse unit rounds costs down, which keeps bounds valid."""
    unit = built.objective_unit
    coefficients = [pair.objective // unit for pair in built.pairs]
    built.model.minimize(sum(c * x for c, x in zip(coefficients, built.pair_chosen, strict=True)))


@dataclass(frozen=True)
class Solved:
    """What CP-SAT said: its status, the selection if any, and a lower bound on every selection's cost."""

    status: Status
    selection: Selection | None
    bound: int


class _Watcher(cp_model.CpSolverSolutionCallback):
    """Report each solution, and stop when asked to."""

    def __init__(self, report: Callable[[int, int], None], problem: Problem, unit: int) -> None:
        super().__init__()
        self._report, self._problem, self._unit = report, problem, unit

    def on_solution_callback(self) -> None:
        self._report(int(self.objective_value) * self._unit, int(self.best_objective_bound) * self._unit)
        if self._problem.stop():
            self.stop_search()


def solve_model(
    built: ChoiceModel,
    hint: Selection | None,
    seconds: float | None,
    workers: int,
    report: Callable[[int, int], None] = lambda best, bound: None,
) -> Solved:
    """Solve, cutting off groupings that cannot run, until the answer can."""
    if hint is not None:
        _hint(built, hint)
    begin = time.monotonic()
    while True:
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = workers
        solver.parameters.catch_sigint_signal = False
        solver.parameters.absolute_gap_limit = 0.0
        if seconds is not None:
            solver.parameters.max_time_in_seconds = max(0.01, seconds - (time.monotonic() - begin))
        with _stopping(solver, built.problem.stop):
            watcher = _Watcher(report, built.problem, built.objective_unit)
            status = solver.status_name(solver.solve(built.model, watcher))
        assert status != "MODEL_INVALID", f"CP-SAT refuses the model: {built.model.validate()}"
        if status == "INFEASIBLE":
            return Solved("infeasible", None, 0)
        # The integer bound: the floating-point one can lie above the optimum in its last digits.
        bound = int(solver.response_proto.inner_objective_lower_bound) * built.objective_unit
        if status not in ("OPTIMAL", "FEASIBLE"):
            return Solved("unknown", None, bound)
        chosen = [pair for pair, x in zip(built.pairs, built.pair_chosen, strict=True) if solver.boolean_value(x)]
        order = run_order(built.problem, [pair.group for pair in chosen])
        if order is not None:
            pieces = tuple(Piece(chosen[i].group, chosen[i].row) for i in order)
            selection = Selection(chosen[0].point, pieces, sum(pair.objective for pair in chosen))
            return Solved("optimal" if status == "OPTIMAL" else "feasible", selection, bound)
        for cycle in cycles(built.problem, [pair.group for pair in chosen]):
            _cut(built, cycle)


@contextmanager
def _stopping(solver: cp_model.CpSolver, stop: Callable[[], bool]) -> Iterator[None]:
    """Watch for a wish to stop while CP-SAT runs."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            if stop():
                solver.stop_search()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _hint(built: ChoiceModel, hint: Selection) -> None:
    """Give CP-SAT the best known selection, complete."""
    wanted = {(piece.group, piece.row) for piece in hint.pieces}
    for point, chosen in built.point_chosen.items():
        built.model.add_hint(chosen, point == hint.point)
    for pair, chosen in zip(built.pairs, built.pair_chosen, strict=True):
        built.model.add_hint(chosen, pair.point == hint.point and (pair.group, pair.row) in wanted)


def _group_graph(problem: Problem, groups: list[int]) -> list[set[int]]:
    """For each chosen group, the chosen groups that must run before it."""
    needed = predecessors(problem.table.study.network)
    sets = [problem.table.lattice.groups[g] for g in groups]
    inputs = []
    for layers in sets:
        reads = 0
        for layer in layer_indices(layers):
            reads |= needed[layer]
        inputs.append(reads & ~layers)
    return [{j for j, made in enumerate(sets) if j != i and inputs[i] & made} for i in range(len(sets))]


def run_order(problem: Problem, groups: list[int]) -> list[int] | None:
    """An order in which chosen groups can run (indices into ``groups``), or None if they wait for each other."""
    waiting_for = _group_graph(problem, groups)
    order: list[int] = []
    done: set[int] = set()
    while len(order) < len(groups):
        ready = [i for i in range(len(groups)) if i not in done and waiting_for[i] <= done]
        if not ready:
            return None
        order += ready
        done |= set(ready)
    return order


def cycles(problem: Problem, groups: list[int]) -> list[list[int]]:
    """Shortest cycles among chosen groups: for every group on one, the shortest through it."""
    waiting_for = _group_graph(problem, groups)
    found = set()
    for start in range(len(groups)):
        came: dict[int, int] = {}
        frontier = [start]
        while frontier and start not in came:
            grown = []
            for i in frontier:
                for j in sorted(waiting_for[i]):
                    if j not in came:
                        came[j] = i
                        grown.append(j)
            frontier = grown
        if start in came:
            cycle, i = [start], came[start]
            while i != start:
                cycle.append(i)
                i = came[i]
            found.add(tuple(sorted(cycle)))
    return [[groups[i] for i in cycle] for cycle in sorted(found)]


def _cut(built: ChoiceModel, cycle: list[int]) -> None:
    """Not all groups of a cycle together, on any point."""
    built.cycles_cut.append(tuple(cycle))
    together = set(cycle)
    terms = [x for pair, x in zip(built.pairs, built.pair_chosen, strict=True) if pair.group in together]
    built.model.add(sum(terms) <= len(cycle) - 1)


def pairs_of(problem: Problem, point: int, survivors: list[tuple[int, Ints]], objective: Ints) -> list[Pair]:
    """Spell out surviving rows as pairs with their costs."""
    chosen = [(group, int(row)) for group, rows in survivors for row in np.asarray(rows)]
    totals = problem.exact_totals(point, [row for _, row in chosen])
    return [
        Pair(group, row, point, int(objective[row]), total) for (group, row), total in zip(chosen, totals, strict=True)
    ]
