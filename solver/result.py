"""What a solve returns: statuses, the design with its cost, the bound, and how the proof went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from costmodel import Cost, Design
from specs.study import Goal, Precision, Study

Status = Literal["optimal", "feasible", "infeasible", "unknown"]

UNIT_OF_GOAL: dict[Goal, str] = {
    "energy": "J",
    "latency": "s",
    "bandwidth": "B",
    "edp": "J s",
    "area": "mm2",
    "power": "W",
    "throughput": "s",
}
BASE_UNITS: dict[Goal, int] = {
    "energy": 10**15,
    "latency": 10**15,
    "bandwidth": 1,
    "edp": 10**30,
    "area": 10**6,
    "power": 10**9,
    "throughput": 10**15,
}
"""Integer base units (fJ, fs, bytes, fJ fs, um2, nW) in one printed unit; throughput is told by the batch's latency."""
_SUMS_IN: dict[Goal, int] = {"edp": 2, "area": 0, "power": 0}
"""In how many factors a goal is a sum over the groups' runs, if not in one."""


def mixes_in(goal: Goal, num_mixes: int) -> int:
    """How many times what a mix costs an objective is, if totals are of ``num_mixes`` mixes."""
    return int(num_mixes ** _SUMS_IN.get(goal, 1))


@dataclass(frozen=True)
class Outcome:
    """One optimisation: its status, and the best design if there is one.

    Attributes
    ----------
    objective, bound
        In base units of the goal (fJ, fs or bytes): the design's cost and a proven lower limit of every
        design's cost. ``optimal`` means that they are equal. Of `Study.num_mixes` mixes, as in `costmodel.Cost`.
    """

    status: Status
    objective: int | None = None
    bound: int | None = None
    design: Design | None = None
    cost: Cost | None = None

    @property
    def gap(self) -> float | None:
        """(objective - bound) / objective, or None without both."""
        if self.objective is None or self.bound is None:
            return None
        return (self.objective - self.bound) / self.objective if self.objective else 0.0


@dataclass(frozen=True)
class Space:
    """The space that the proof speaks of.

    Attributes
    ----------
    hardware_points_listed, hardware_points
        All, and those within the budgets on area, SRAM and PEs; with each precision, where there is a choice.
    designs
        Complete designs that the study spans before capacities and budgets rule any out, counted by
        `solver.space.count_designs`.
    candidates
        Ways to run a group on an array that were priced; the others were excluded without.
    """

    hardware_points_listed: int
    hardware_points: int
    groups: int
    group_classes: int
    candidates: int
    designs: int


@dataclass(frozen=True)
class Deduction:
    """One step that shrank the problem, with what was left after it."""

    step: str
    hardware_points: int
    pairs: int


@dataclass(frozen=True)
class Seconds:
    """Wall-clock time by phase."""

    table: float
    bounds: float
    cpsat: float
    total: float


@dataclass(frozen=True)
class Result:
    """The answer to a study.

    Attributes
    ----------
    study
        The study that was asked; of several precisions, ``precision`` is the chosen one.
    best
        The optimum over everything the study allows; of a list of goals, for the first.
    then
        Of a list of goals, the outcomes of the further ones that were reached, all with the same design.
    layer_by_layer
        The optimum without fusion on its own best hardware, solved just as seriously (None if not asked for).
    layer_by_layer_same_hardware
        The optimum without fusion on the hardware of ``best``.
    layer_by_layer_precision
        The precision that ``layer_by_layer`` chose, where there was a choice. That of all else is the study's.
    """

    study: Study
    best: Outcome
    layer_by_layer: Outcome | None
    layer_by_layer_same_hardware: Outcome | None
    space: Space
    deductions: tuple[Deduction, ...]
    seconds: Seconds
    then: tuple[Outcome, ...] = ()
    layer_by_layer_precision: Precision | None = None

    @property
    def status(self) -> Status:
        return self.best.status

    @property
    def objective(self) -> int | None:
        return self.best.objective

    @property
    def bound(self) -> int | None:
        return self.best.bound

    @property
    def design(self) -> Design | None:
        return self.best.design

    @property
    def cost(self) -> Cost | None:
        return self.best.cost


@dataclass(frozen=True)
class Progress:
    """Where a running solve stands, for a live line."""

    phase: str
    best: int | None = None
    bound: int | None = None
    done: int = 0
    total: int = 0
