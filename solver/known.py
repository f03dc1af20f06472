"""What rounds of pricing several totals found out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.table import NO_COST
from solver.bounds import Bounds, Weights, problem_groupings
from solver.problem import Problem, Selection


@dataclass(frozen=True)
class Known:
    """What is known of all designs of a study, also of those that use groups which were never priced.

    Attributes
    ----------
    lower
        Per hardware point, what no design there costs less than that costs less than ``upper``, in the goal's base
        unit. Where it lies below ``upper``, all groups are priced that a better design could use, unless pricing was
        stopped. Points that are not listed have no such design.
    weights
        Per point the weights that prove the bound, where the goal is a sum.
    upper
        What better designs must cost less than: the cost of ``best``, if there is one.
    best
        The best design found, in rows of the finished table.
    """

    lower: dict[int, int]
    weights: dict[int, Weights]
    upper: int
    best: Selection | None


def known_bounds(problem: Problem, known: Known) -> Bounds:
    """The bounds of the problem that the rounds looked at, over the finished table."""
    lower = np.full(len(problem.table.points), NO_COST, dtype=np.int64)
    lower[list(known.lower)] = list(known.lower.values())
    return Bounds(problem, problem_groupings(problem), lower, weights=dict(known.weights), best=known.best)
