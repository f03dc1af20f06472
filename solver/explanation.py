"""Why a study's answer is what it is: the typed result of `solver.explain`.

All limits are in base units, of one mix; objectives are as in `solver.result.Outcome`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from solver.result import Result
from specs.study import Study

if TYPE_CHECKING:
    from solver.stated_budgets import StatedBudget


@dataclass(frozen=True)
class Least:
    """The least limit of a budget that is enough for something, all other budgets kept.

    Attributes
    ----------
    status
        ``least``: proven; ``none``: proven that no limit is enough; ``unknown``: not decided in time.
    limit
        The least limit; if unknown, one that is enough, or None.
    """

    status: Literal["least", "none", "unknown"]
    limit: int | None = None


@dataclass(frozen=True)
class Conflict:
    """Budgets that no design keeps together.

    Attributes
    ----------
    is_minimal
        Proven that without any one of them some design keeps the others; else time was up.
    """

    budgets: tuple[StatedBudget, ...]
    is_minimal: bool


@dataclass(frozen=True)
class Release:
    """Budgets that have to be dropped together.

    Attributes
    ----------
    is_minimal
        Proven that dropping all but any one of them is not enough; else time was up.
    """

    budgets: tuple[StatedBudget, ...]
    is_minimal: bool


@dataclass(frozen=True)
class Relaxation:
    """What one budget would have to be for the whole study to have a design."""

    budget: StatedBudget
    least: Least


@dataclass(frozen=True)
class Unfit:
    """A layer that fits no listed hardware in any group.

    Attributes
    ----------
    enough
        Bytes of the feature buffer and of the weight buffer (of a shared one: of both together and 0) with which it
        would run alone; None if that was not found.
    """

    layer: str
    enough: tuple[int, int] | None


@dataclass(frozen=True)
class Influence:
    """What one budget does to the optimum.

    Attributes
    ----------
    value
        The least limit that the design found keeps.
    binds
        Whether the optimum without this budget is strictly better; None if that is not known.
    without
        The objectives of that optimum, one per goal; None where not known.
    better_from
        The least limit with which the optimum is strictly better.
    kept_down_to
        The least limit with which the optimum is as good.
    """

    budget: StatedBudget
    value: int
    binds: bool | None
    without: tuple[int | None, ...]
    better_from: Least
    kept_down_to: Least


@dataclass(frozen=True)
class GroupTime:
    """How a group spends its time: cycles in all, cycles of the array, and cycles that its DRAM bytes need."""

    layers: tuple[str, ...]
    cycles: int
    compute_cycles: int
    dram_cycles: int

    @property
    def is_dram_bound(self) -> bool:
        return self.dram_cycles > self.compute_cycles


@dataclass(frozen=True)
class Floors:
    """What the design needs beside what nothing could undercut, of one mix.

    Attributes
    ----------
    compulsory_bytes
        Every weight, used input and output once.
    compute_s
        All MACs of the network at one per PE and cycle.
    array_s
        What the array really takes, one group after another; the rest of the latency it waits for DRAM.
    dram_s, compulsory_s
        The design's DRAM bytes, and the compulsory ones, at peak bandwidth.
    mac_energy_j
        All MACs at the technology's price of one.
    compulsory_energy_j
        The compulsory bytes at the price of the design's DRAM.
    """

    dram_bytes: float
    compulsory_bytes: float
    latency_s: float
    compute_s: float
    array_s: float
    dram_s: float
    compulsory_s: float
    energy_j: float
    mac_energy_j: float
    compulsory_energy_j: float
    groups: tuple[GroupTime, ...]
    dram_bound_share: float

    @property
    def waiting_share(self) -> float:
        """The share of the latency in which the array waits for DRAM."""
        return 1 - self.array_s / self.latency_s if self.latency_s else 0.0


@dataclass(frozen=True)
class Explanation:
    """The answer to a study, and why it is this one.

    Attributes
    ----------
    result
        The answer; None if there was no time to ask.
    conflicts
        Of an infeasible study: minimal sets of budgets that exclude each other, sharing none. More than one means that
        no single budget can be relaxed enough.
    relaxations
        Of an infeasible study with one conflict: what each of its budgets alone would have to be.
    unfit
        Of a study that is infeasible without any budget: layers that fit nowhere.
    influences
        Of a solved study: what each budget does.
    free
        The objectives of the optimum without any budgets, one per goal; None where not known.
    release
        Where no single budget does: budgets that, dropped together, let an infeasible study have a design, or the
        optimum be better; none where dropping one is enough or nothing helps.
    floors
        Of a solved study: how far the design is from what nothing could undercut.
    undecided
        Questions that were not decided in time, in words.
    questions
        How many were solved.
    """

    study: Study
    result: Result | None
    budgets: tuple[StatedBudget, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    relaxations: tuple[Relaxation, ...] = ()
    unfit: tuple[Unfit, ...] = ()
    influences: tuple[Influence, ...] = ()
    free: tuple[int | None, ...] = ()
    release: Release | None = None
    floors: Floors | None = None
    undecided: tuple[str, ...] = ()
    questions: int = 0
    seconds: float = 0.0
