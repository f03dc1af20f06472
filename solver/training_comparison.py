"""Inference and training on hardware made for each and for both: the typed result of `solver.compare`."""

from __future__ import annotations

from dataclasses import dataclass, field

from costmodel import Cost
from costmodel.phases import PhaseCost
from solver.result import Outcome, Result, Status
from specs.study import Study


@dataclass(frozen=True)
class Ran:
    """One run of inference, or one training step, on some hardware.

    Attributes
    ----------
    status, gap
        Of the design: how it runs on this hardware (of hardware for both: the whole mix's).
    phases
        Of a training step.
    """

    status: Status
    gap: float | None
    cost: Cost
    phases: dict[str, PhaseCost] = field(default_factory=dict)


@dataclass(frozen=True)
class MadeFor:
    """Hardware that is best for inference, for a training step, or for one of each; and what both cost on it.

    Attributes
    ----------
    result
        The question that chose the hardware; None if it could not be asked.
    failure
        Why it could not.
    inference, training
        None where no design runs it there within the budgets, or none was found in time.
    """

    name: str
    result: Result | None
    failure: str = ""
    inference: Ran | None = None
    training: Ran | None = None

    @property
    def best(self) -> Outcome | None:
        return None if self.result is None else self.result.best


@dataclass(frozen=True)
class TrainingComparison:
    """Inference against training of one network.

    Attributes
    ----------
    made_for
        Hardware for inference, for training, for both.
    """

    study: Study
    made_for: tuple[MadeFor, ...]
    seconds: float = 0.0

    def own(self, name: str) -> Ran | None:
        """What inference or training costs on the hardware that is best for it."""
        ran: Ran | None = next(getattr(one, name) for one in self.made_for if one.name == name)
        return ran
