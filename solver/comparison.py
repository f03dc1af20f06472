"""Fused and layer by layer on several accelerators: the typed result of `solver.compare`."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel import Cost
from solver.result import Outcome, Result
from specs.study import SeparateBuffers, SharedBuffer, Study

MEASURES = ("energy", "latency", "DRAM traffic", "area", "EDP")


def measures(cost: Cost) -> tuple[float, ...]:
    """What is compared, in J, s, bytes, mm2 and J s, of one mix; as in `MEASURES`."""
    energy_j, latency_s = cost.energy_j, cost.latency_s
    return energy_j, latency_s, float(cost.mean("dram_bytes")), cost.area_um2 / 10**6, energy_j * latency_s


def saved(ours: Outcome | None, theirs: Outcome | None) -> tuple[float | None, ...] | None:
    """The fraction of each measure that one design saves of another's; None without both."""
    if ours is None or theirs is None or ours.cost is None or theirs.cost is None:
        return None
    pairs = zip(measures(ours.cost), measures(theirs.cost), strict=True)
    return tuple((old - new) / old if old else None for new, old in pairs)


@dataclass(frozen=True)
class Entry:
    """One accelerator.

    Attributes
    ----------
    result
        Fused at its best, layer by layer at its best, and layer by layer on the hardware of the first; None if that
        could not be asked.
    failure
        Why it could not.
    """

    template: str
    result: Result | None
    failure: str = ""

    @property
    def fused(self) -> Outcome | None:
        return None if self.result is None else self.result.best

    @property
    def layer_by_layer(self) -> Outcome | None:
        return None if self.result is None else self.result.layer_by_layer

    @property
    def same_hardware(self) -> Outcome | None:
        return None if self.result is None else self.result.layer_by_layer_same_hardware


@dataclass(frozen=True)
class Comparison:
    """Every accelerator of a study, fused and layer by layer.

    Attributes
    ----------
    own
        Each accelerator on its own best hardware in the study's space.
    at
        Buffers that all have in ``given``; None if none were given.
    given
        Each accelerator with those buffers.
    """

    study: Study
    own: tuple[Entry, ...]
    at: SeparateBuffers | SharedBuffer | None = None
    given: tuple[Entry, ...] = ()
    seconds: float = 0.0

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.own + self.given
