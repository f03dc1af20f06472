"""Price all layers alone, with a further process that begins at the other end where there are many.

The further process (`costmodel.pricing_alone_worker`) sends what it found unit by unit; who comes to a unit first
prices it. If that process ends early the caller does everything.
"""

from __future__ import annotations

import contextlib
import pickle
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from costmodel.candidates import Family
from costmodel.legal import image_counts
from costmodel.pricing import FamilyPricer, Plans, PricedClass
from costmodel.processes import start
from specs.study import Study

Tick = Callable[[], None]
Unit = tuple[int, ...]

_WORTH_A_PROCESS = 1500
"""Group classes x arrays x sizes of share from which on a further process is worth its start."""


@dataclass(frozen=True)
class Job:
    """What a further process is told: ``groups`` are the layers of each class."""

    study: Study
    families: tuple[Family, ...]
    groups: list[int]
    units: tuple[Unit, ...]
    goal_alone: bool


def price_alone(
    study: Study, pricers: Sequence[FamilyPricer], plans: Plans, classes: Sequence[int], tick: Tick, processes: int = 1
) -> None:
    """Price classes of one layer on all families; ``tick`` is called between them and may leave with an exception."""
    units = _units(plans, classes)
    families = tuple(pricer.family for pricer in pricers)
    work = len(classes) * sum(len(family.arrays) for family in families) * len(image_counts(study))
    found: dict[int, list[list[PricedClass]]] = {}
    job = Job(study, families, plans.groups, units, any(pricer.goal_alone for pricer in pricers))
    with _helper(job, found) if processes > 1 and work > _WORTH_A_PROCESS else contextlib.nullcontext():
        for number, unit in enumerate(units):
            if number not in found:
                found[number] = price_unit(pricers, unit, tick)
            tick()
    for family, pricer in enumerate(pricers):
        for number, unit in enumerate(units):
            for index, priced in zip(unit, found[number][family], strict=True):
                pricer.take(index, priced)


def price_unit(pricers: Sequence[FamilyPricer], unit: Unit, tick: Tick) -> list[list[PricedClass]]:
    """Price some classes on every family."""
    found = []
    for pricer in pricers:
        pricer.announce(unit, tick)
        of_family = []
        for index in unit:
            tick()
            of_family.append(pricer.price_one(index))
        for works in pricer.works.values():
            works.forget_cuts()
        found.append(of_family)
    return found


def _units(plans: Plans, classes: Sequence[int]) -> tuple[Unit, ...]:
    """Classes whose layers are priced alike go together."""
    units: dict[object, list[int]] = {}
    for index in classes:
        units.setdefault(plans[index].tensors.signatures, []).append(index)
    return tuple(map(tuple, units.values()))


@contextlib.contextmanager
def _helper(job: Job, found: dict[int, list[list[PricedClass]]]) -> Iterator[None]:
    """Let a further process price units from the last on, into ``found``."""
    process = start("costmodel.pricing_alone_worker")

    def listen() -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
            pickle.dump(job, process.stdin, protocol=5)
            process.stdin.close()
            while True:
                number, priced = pickle.load(process.stdout)
                found[number] = priced

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield
    finally:
        process.kill()
        process.wait()
        listener.join()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
