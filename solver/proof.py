"""What a proof rests on, as `solver.optimise` leaves it: for `solver.certify` to write down."""

from __future__ import annotations

from dataclasses import dataclass

from solver.bounds import Bounds
from solver.model import Pair
from solver.problem import Problem
from solver.result import Outcome


@dataclass(frozen=True)
class Proof:
    """One finished optimisation with its deductions.

    Attributes
    ----------
    bounds
        Lower bounds of the points with the weights that prove them, and the best design they found.
    pairs
        What the bounds left: the reduced model's pairs.
    cycles_cut
        Groups that wait for each other in a cycle, as far as CP-SAT met them.
    """

    problem: Problem
    bounds: Bounds
    pairs: list[Pair]
    cycles_cut: tuple[tuple[int, ...], ...]
    outcome: Outcome
