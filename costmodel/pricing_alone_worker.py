"""A further pricing process: reads a `costmodel.pricing_alone.Job`, writes what each unit costs, the last one first."""

from __future__ import annotations

import contextlib
import pickle
import sys

from costmodel.pricing import FamilyPricer, Plans
from costmodel.pricing_alone import Job, price_unit


def main() -> None:
    # Anything printed by accident must not mix with the answer.
    answer, sys.stdout = sys.stdout.buffer, sys.stderr
    job: Job = pickle.load(sys.stdin.buffer)
    plans = Plans(job.study, job.groups, list(range(len(job.groups))))
    pricers = [FamilyPricer(job.study, family, plans, job.goal_alone) for family in job.families]
    with contextlib.suppress(BrokenPipeError):  # the caller may have left meanwhile
        for number, unit in reversed(list(enumerate(job.units))):
            pickle.dump((number, price_unit(pricers, unit, lambda: None)), answer, protocol=5)
            answer.flush()


if __name__ == "__main__":
    main()
