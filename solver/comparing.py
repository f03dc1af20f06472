"""Solve every accelerator of a study apart, fused and layer by layer; of a training study, inference and training."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from costmodel.groups import TooWideError
from costmodel.technology import PriceError
from solver.comparing_training import compare_training
from solver.comparison import Comparison, Entry
from solver.result import Progress
from solver.training_comparison import TrainingComparison
from specs.study import SeparateBuffers, SharedBuffer, Study


def compare(study: Study, **options: Any) -> Comparison | TrainingComparison:
    """Compare what a study suggests: training with inference, or fused with layer by layer on each accelerator.

    Parameters
    ----------
    options
        Of `solver.comparing_training.compare_training` for a study that trains a network, else of `compare_fusion`.
    """
    if study.mode == "training" and not study.mix:
        return compare_training(study, **options)
    return compare_fusion(study, **options)


def compare_fusion(
    study: Study,
    *,
    at: SeparateBuffers | SharedBuffer | None = None,
    time_limit: float | None = None,
    workers: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Comparison:
    """Compare fused with layer by layer on each of a study's accelerator templates.

    Parameters
    ----------
    at
        Buffers with which all accelerators are compared a second time.
    time_limit
        Seconds for each accelerator; what is not proven by then has its honest gap.
    workers, on_progress, stop
        As in `solver.solve`.
    """
    begin, stop = time.perf_counter(), stop or threading.Event()
    report = on_progress or (lambda progress: None)

    def entries(asked: Study, where: str) -> tuple[Entry, ...]:
        return tuple(
            _entry(apart, template, time_limit, workers, stop, _named(report, f"{template}{where}"))
            for template, apart in by_template(asked).items()
        )

    own = entries(study, "")
    given = entries(replace(study, buffers=at), " with the given buffers") if at is not None else ()
    return Comparison(study, own, at, given, time.perf_counter() - begin)


def by_template(study: Study) -> dict[str, Study]:
    """The study with each of its accelerator templates alone; several entries of one template stay together."""
    templates = dict.fromkeys(spec.template for spec in study.accelerators)
    return {
        template: replace(study, accelerators=tuple(s for s in study.accelerators if s.template == template))
        for template in templates
    }


def _named(report: Callable[[Progress], None], name: str) -> Callable[[Progress], None]:
    return lambda progress: report(replace(progress, phase=f"{name}: {progress.phase}"))


def _entry(
    study: Study,
    template: str,
    time_limit: float | None,
    workers: int | None,
    stop: threading.Event,
    on_progress: Callable[[Progress], None],
) -> Entry:
    """Solve one accelerator; what is wrong with it does not stop the others."""
    from solver import solve

    if stop.is_set():
        return Entry(template, None, "interrupted before it was asked")
    try:
        result = solve(study, time_limit=time_limit, workers=workers, on_progress=on_progress, stop=stop)
    except (PriceError, TooWideError) as error:
        return Entry(template, None, str(error))
    return Entry(template, result)
