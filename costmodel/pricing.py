"""Price all groups on families of arrays, here or in further processes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from costmodel.candidates import Candidates, Family, announce, candidates, group_plan, join
from costmodel.dominance import undominated
from costmodel.groups import GroupLattice, layer_indices
from costmodel.selection import cheapest_somewhere, price_grid
from costmodel.template import Ints
from costmodel.works import Works
from specs.study import Study

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class PricedFamily:
    """Candidates of one family (None if nothing fits); see `costmodel.table.FamilyTable` for the fields."""

    family: Family
    rows: Candidates | None
    classes: Ints
    starts: Ints
    cheapest: Ints | None
    priced: int


def price_families(
    study: Study, families: list[Family], lattice: GroupLattice, members: list[int], progress: Progress
) -> list[PricedFamily]:
    """Price one member of every group class on every family."""
    layers = study.network.layers
    plans = [group_plan(study, tuple(layers[i] for i in layer_indices(lattice.groups[group]))) for group in members]
    single = single_total(study)
    result = []
    for number, family in enumerate(families):
        works = Works(family.arrays, study.technology, study.precision)
        for plan in plans:
            announce(study, works, plan)
        works.price()
        grid = price_grid(study, family)
        found: list[tuple[int, Candidates]] = []
        cheapest: list[Ints] = []
        priced = 0
        for index, plan in enumerate(plans):
            progress("pricing groups", number * len(plans) + index, len(families) * len(plans))
            rows = candidates(study, family, works, plan)
            if rows is None:
                continue
            priced += len(rows) * len(family.arrays)
            if single:
                kept = cheapest_somewhere(rows, family, grid, study.goal)
                if len(kept.rows):
                    found.append((index, kept.rows))
                    cheapest.append(kept.best)
            else:
                found.append((index, undominated(study, rows)))
        lengths = [len(rows) for _, rows in found]
        result.append(
            PricedFamily(
                family=family,
                rows=join([rows for _, rows in found]) if found else None,
                classes=np.array([index for index, _ in found], dtype=np.int64),
                starts=np.array([0, *np.cumsum(lengths)[:-1]], dtype=np.int64),
                cheapest=np.stack(cheapest) if cheapest else None,
                priced=priced,
            )
        )
    return result


def single_total(study: Study) -> bool:
    """Whether the goal is the only total that matters: a budget on the goal itself limits nothing else."""
    limits = {"latency": study.budgets.latency_fs, "energy": study.budgets.energy_fj}
    return all(limit is None or name == study.goal for name, limit in limits.items())


def price_families_in_parallel(
    study: Study, families: list[Family], processes: int, progress: Progress
) -> list[PricedFamily]:
    """Price families in several processes; results come in the order of ``families``.

    Each further process is a fresh interpreter that reads its share from its standard input, so a caller's
    script needs no main guard and threads of the caller are not copied.

    Raises
    ------
    RuntimeError
        If a process ends without its result.
    """
    shares = [list(range(len(families)))[i::processes] for i in range(processes)]
    shares = [share for share in shares if share]
    running = []
    for share in shares[1:]:
        process = subprocess.Popen(
            [sys.executable, "-m", "costmodel.pricing_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            start_new_session=True,  # a Ctrl-C is for the caller, who ends these processes
        )
        assert process.stdin is not None
        process.stdin.write(pickle.dumps((study, [families[i] for i in share])))
        process.stdin.close()
        process.stdin = None
        running.append((share, process))
    found: dict[int, PricedFamily] = {}
    try:
        found |= dict(zip(shares[0], price_share(study, [families[i] for i in shares[0]], progress), strict=True))
        for share, process in running:
            answer = _answer(process, progress)
            if process.returncode != 0:
                raise RuntimeError(f"a pricing process ended with exit code {process.returncode}")
            found |= dict(zip(share, pickle.loads(answer), strict=True))
    finally:
        for _, process in running:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
    return [found[i] for i in range(len(families))]


def _answer(process: subprocess.Popen[bytes], progress: Progress) -> bytes:
    """Wait for a process, reporting now and then so that the caller can leave."""
    while True:
        try:
            return process.communicate(timeout=0.2)[0]
        except subprocess.TimeoutExpired:
            progress("pricing groups", 1, 1)


def price_share(study: Study, families: list[Family], progress: Progress) -> list[PricedFamily]:
    """Price families from the study alone: what every process does."""
    from costmodel.groups import group_lattice
    from costmodel.table import group_classes

    lattice = group_lattice(study.network, study.fusion.max_layers)
    _, members = group_classes(study, lattice)
    return price_families(study, families, lattice, members, progress)
