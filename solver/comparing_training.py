"""Solve inference, training and both, and each of them on the hardware that is best for the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from costmodel.groups import TooWideError
from costmodel.phases import phase_costs
from costmodel.technology import PriceError
from solver.export_parts import workload_costs
from solver.result import Outcome, Progress, Result
from solver.training_comparison import MadeFor, Ran, TrainingComparison
from solver.training_questions import INFERENCE, TRAINING, both_of, inference_of, only
from specs.study import Study


def compare_training(
    study: Study,
    *,
    time_limit: float | None = None,
    workers: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> TrainingComparison:
    """Compare a training step with inference: on the hardware best for it, for inference, and for one of each.

    Parameters
    ----------
    time_limit
        Seconds for each question; what is not proven by then has its honest gap.
    workers, on_progress, stop
        As in `solver.solve`.

    Raises
    ------
    NotComparableError
        If the study does not train one network.
    """
    begin, stop = time.perf_counter(), stop or threading.Event()
    asked = {INFERENCE: inference_of(study), TRAINING: study, "both": both_of(study)}

    def solved(question: Study, name: str) -> Result | str:
        """Solve, or say why not; what is wrong with one question does not stop the others."""
        from solver import solve

        if stop.is_set():
            return "interrupted before it was asked"
        report = None if on_progress is None else _named(on_progress, name)
        try:
            return solve(
                question, time_limit=time_limit, workers=workers, baseline=False, on_progress=report, stop=stop
            )
        except (PriceError, TooWideError) as error:
            return str(error)

    def made_for(name: str) -> MadeFor:
        found = solved(asked[name], f"hardware for {name}")
        if isinstance(found, str):
            return MadeFor(name, None, found)
        if name == "both":
            inference, training = _parts(found)
            return MadeFor(name, found, "", inference, training)
        other = TRAINING if name == INFERENCE else INFERENCE
        there = None
        if found.design is not None:
            there = solved(only(asked[other], found.design.hardware, found.study.precision), f"{other} on {name}'s")
        runs = {name: _ran(found), other: _ran(there) if isinstance(there, Result) else None}
        return MadeFor(name, found, "", runs[INFERENCE], runs[TRAINING])

    return TrainingComparison(study, tuple(made_for(name) for name in asked), time.perf_counter() - begin)


def _named(report: Callable[[Progress], None], name: str) -> Callable[[Progress], None]:
    return lambda progress: report(replace(progress, phase=f"{name}: {progress.phase}"))


def _ran(result: Result) -> Ran | None:
    best = result.best
    if best.design is None or best.cost is None:
        return None
    trains = result.study.mode == "training"
    phases = phase_costs(result.study, best.design, best.cost) if trains else {}
    return Ran(best.status, best.gap, best.cost, phases)


def _parts(result: Result) -> tuple[Ran | None, Ran | None]:
    """Take one run of each out of a mix."""
    costs = workload_costs(result.study, result.best)
    if not costs:
        return None, None
    best: Outcome = result.best
    assert best.design is not None
    assert best.cost is not None
    inference, training = costs
    phases = phase_costs(result.study, best.design, best.cost, workload=1)
    return Ran(best.status, best.gap, inference), Ran(best.status, best.gap, training, phases)
