"""The linear program behind good prices of layers: set partitioning over groups, columns added when they are needed.

Its dual values are only wishes: floating point decides nothing. `solver.cover` makes valid integers of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver.python import model_builder_helper as linear

from costmodel.products import Floats
from costmodel.table import NO_COST
from costmodel.template import Ints
from solver.cover import Cover
from solver.cuts import Cuts

_ROUNDS = 80
_CUT_ROUNDS = 5
_MANY_CUTS = 40
_COLUMNS_PER_ROUND = 200
_MOST_COLUMNS = 6000
_TOLERANCE = 1e-9
_LOOSE_PRICE = 2.0
"""What leaving a layer out costs, in units of the dearest group: it bounds the dual values."""


@dataclass(frozen=True)
class Wish:
    """What the linear program says at one point.

    Attributes
    ----------
    prices, penalties
        A price per layer; what each cut should cost the groups that count for it.
    groups
        Which groups it would run, in some share.
    """

    prices: Floats
    penalties: Floats
    groups: NDArray[np.intp]


class Master:
    """One linear program, kept from point to point: its columns are mostly the same."""

    def __init__(self, cover: Cover, stop: Callable[[], bool]) -> None:
        self._cover, self._stop = cover, stop
        self.cuts = Cuts(cover)
        self._alone = np.flatnonzero(cover.sizes == 1)
        self._binding = np.zeros(0, dtype=bool)
        self._restart(self._alone)

    def _restart(self, columns: NDArray[np.intp]) -> None:
        """Begin with some groups. A layer may also be left out or run too often, at a high price."""
        self._model = linear.ModelBuilderHelper()
        for layer in range(self._cover.num_layers):
            row = self._model.add_linear_constraint()
            self._model.set_constraint_lower_bound(row, 1.0)
            self._model.set_constraint_upper_bound(row, 1.0)
            for sign in (1.0, -1.0):
                self._model.add_term_to_constraint(layer, self._new_variable(_LOOSE_PRICE), sign)
        self._first = self._model.num_variables()
        self._columns: list[int] = []
        self._has = np.zeros(len(self._cover.groups), dtype=bool)
        self._cuts_in = 0
        self._add_cuts()
        self._add(columns)

    def _new_variable(self, price: float = 0.0) -> int:
        variable = self._model.add_var()
        self._model.set_var_lower_bound(variable, 0.0)
        self._model.set_var_upper_bound(variable, float("inf"))
        self._model.set_var_objective_coefficient(variable, price)
        return variable

    def _add(self, groups: NDArray[np.intp]) -> None:
        for group in groups[~self._has[groups]].tolist():
            variable = self._new_variable()
            for layer in self._cover.layers(group).tolist():
                self._model.add_term_to_constraint(layer, variable, 1.0)
            for cut, counts in enumerate(self.cuts.counts[: self._cuts_in]):
                if counts[group]:
                    self._model.add_term_to_constraint(self._cover.num_layers + cut, variable, float(counts[group]))
            self._columns.append(group)
        self._has[groups] = True

    def _add_cuts(self) -> None:
        """Put the cuts that are new into the program."""
        new = slice(self._cuts_in, len(self.cuts))
        for counts, limit in zip(self.cuts.counts[new], self.cuts.limits[new], strict=True):
            row = self._model.add_linear_constraint()
            self._model.set_constraint_lower_bound(row, float("-inf"))
            self._model.set_constraint_upper_bound(row, float(limit))
            for column in np.flatnonzero(counts[self._columns]).tolist():
                count = float(counts[self._columns[column]])
                self._model.add_term_to_constraint(row, self._first + column, count)
        self._cuts_in = len(self.cuts)

    def solve(self, cost: Ints, cut: bool) -> Wish:
        """Solve at one point, with the columns and cuts so far to begin with; ``cut`` looks for more cuts."""
        fits = cost < NO_COST
        dearest = int(np.abs(cost[fits]).max(initial=1))
        scaled = np.where(fits, cost, 0) / dearest
        many_cuts = len(self.cuts) > _MANY_CUTS
        if many_cuts:
            self.cuts.keep(np.flatnonzero(self._binding))
        if len(self._columns) > _MOST_COLUMNS or many_cuts:
            columns = np.array(self._columns, dtype=np.intp)
            self._restart(self._alone if len(self._columns) > _MOST_COLUMNS else columns)
        self._price(0, scaled, fits)
        prices: Floats = np.zeros(self._cover.num_layers)
        penalties, shares = np.zeros(len(self.cuts)), np.zeros(0)
        cut_rounds = 0
        for _ in range(_ROUNDS):
            solver = linear.ModelSolverHelper("GLOP")
            solver.solve(self._model)
            if solver.status() != linear.SolveStatus.OPTIMAL:
                break
            duals, shares = np.array(solver.dual_values()), np.array(solver.variable_values())[self._first :]
            prices, penalties = duals[: len(prices)], np.maximum(0, -duals[len(prices) :])
            priced = scaled + self.cuts.penalties_of_floats(penalties) - self._cover.sums_of_floats(prices)
            wanted = self._wanted(np.where(fits, priced, np.inf))
            if self._stop():
                break
            if len(wanted):
                known = len(self._columns)
                self._add(wanted)
                self._price(known, scaled, fits)
            elif cut and cut_rounds < _CUT_ROUNDS and self.cuts.add_violated(*self._run(shares)):
                cut_rounds += 1
                self._add_cuts()
            else:
                break
        # Cuts of the last round may not have been priced yet.
        penalties = np.concatenate([penalties, np.zeros(len(self.cuts) - len(penalties))])
        self._binding = penalties > 0
        return Wish(prices * dearest, penalties * dearest, self._run(shares)[0])

    def _run(self, shares: Floats) -> tuple[NDArray[np.intp], Floats]:
        """Groups that are run in some share, and in which."""
        some = shares > 1e-7
        return np.array(self._columns, dtype=np.intp)[: len(shares)][some], shares[some]

    def _price(self, known: int, scaled: Floats, fits: NDArray[np.bool_]) -> None:
        """Set the costs of the columns from the ``known``-th on; what does not fit may not run."""
        for column in range(known, len(self._columns)):
            group, variable = self._columns[column], self._first + column
            self._model.set_var_objective_coefficient(variable, float(scaled[group]))
            self._model.set_var_upper_bound(variable, float("inf") if fits[group] else 0.0)

    def _wanted(self, reduced: Floats) -> NDArray[np.intp]:
        """Groups whose layers are priced above their cost: the worst of all, and the worst of every layer."""
        reduced = np.where(self._has, np.inf, reduced)
        violated = np.flatnonzero(reduced < -_TOLERANCE)
        if len(violated) <= _COLUMNS_PER_ROUND:
            return violated
        worst = violated[np.argsort(reduced[violated], kind="stable")[: _COLUMNS_PER_ROUND // 2]]
        of_layers = np.array([groups[reduced[groups].argmin()] for groups in self._cover.of_layer], dtype=np.intp)
        return np.union1d(worst, of_layers[reduced[of_layers] < -_TOLERANCE])
