"""Price all groups on families of arrays, here or in further processes."""

from __future__ import annotations

import pickle
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from costmodel.candidates import Candidates, Family, join
from costmodel.classes import group_classes
from costmodel.design import period_fs
from costmodel.dominance import undominated
from costmodel.group_candidates import announce, candidates
from costmodel.group_plan import GroupPlan, group_plan
from costmodel.groups import layer_indices
from costmodel.hardware import terms_at
from costmodel.legal import mappings, pinned_layers
from costmodel.legal_groups import legal_groups
from costmodel.processes import start
from costmodel.selection import UNFIT, cheapest_somewhere, price_grid
from costmodel.template import Ints
from costmodel.works import NoWorks, Works
from specs.study import Budgets, Study

Progress = Callable[[str, int, int], None]
Cells = NDArray[np.intp]


@dataclass(frozen=True)
class PricedFamily:
    """Candidates of one family (None if nothing fits); see `costmodel.table.FamilyTable` for the fields."""

    family: Family
    rows: Candidates | None
    classes: Ints
    starts: Ints
    cheapest: Ints | None
    priced: int


class PricedClass(NamedTuple):
    """Candidates of one group class that are kept, what the cheapest costs, and how many there were."""

    rows: Candidates | None
    best: Ints | None
    number: int


class Plans:
    """Plans of the group classes of a study, made when they are first asked for."""

    def __init__(self, study: Study, groups: Sequence[int], members: list[int]) -> None:
        self._study, self._groups, self._members = study, groups, members
        self._plans: dict[int, GroupPlan] = {}

    def __getitem__(self, group_class: int) -> GroupPlan:
        if group_class not in self._plans:
            indices = layer_indices(self._groups[self._members[group_class]])
            layers = tuple(self._study.network.layers[i] for i in indices)
            self._plans[group_class] = group_plan(self._study, layers, pinned_layers(self._study))
        return self._plans[group_class]

    def __len__(self) -> int:
        return len(self._members)

    @property
    def groups(self) -> list[int]:
        """The layers of each class, as a bit set."""
        return [self._groups[member] for member in self._members]


class FamilyPricer:
    """Prices group classes on one family, in one round or in several.

    Parameters
    ----------
    goal_alone
        Leave out what the goal does not need: where it is DRAM traffic, rows have neither cycles nor energies.

    Attributes
    ----------
    done
        Classes priced so far, in order; `cheapest` has what they cost.
    found
        Those of them that have candidates, with the candidates that are kept.
    """

    def __init__(self, study: Study, family: Family, plans: Plans, goal_alone: bool = False) -> None:
        self.family, self.goal_alone = family, goal_alone
        self.grid = price_grid(study, family)
        self._study, self._plans, self._single = study, plans, single_total(study)
        kind = NoWorks if goal_alone and self._single and study.goal == "bandwidth" else Works
        self.works = {
            mapping: kind(family.arrays, terms_at(study, period_fs(family.clock_hz), mapping, family.skip_zeros))
            for mapping in mappings(study)
        }
        first, *others = self.works.values()
        first.price_together(others)
        self.done: list[int] = []
        self.found: list[tuple[int, Candidates]] = []
        self._cheapest: list[Ints] = []
        self._priced = 0

    def price(self, classes: Iterable[int], tick: Callable[[], None]) -> None:
        """Price classes that were not priced before; ``tick`` is called now and then, and at least once for each."""
        classes = list(classes)
        self.announce(classes, tick)
        for index in classes:
            tick()
            self.take(index, self.price_one(index))

    def announce(self, classes: Sequence[int], tick: Callable[[], None]) -> None:
        """Price the tiles of classes that `price_one` is asked for next."""
        for work in self.works.values():
            for index in classes:
                announce(self._study, work, self._plans[index])
            work.price(tick)

    def price_one(self, index: int) -> PricedClass:
        """Price an announced class."""
        grid = self.grid if self._single else None
        rows, number = candidates(self._study, self.family, self.works, self._plans[index], grid)
        number *= len(self.family.arrays)
        if not self._single:
            return PricedClass(None if rows is None else undominated(self._study, rows), None, number)
        if rows is None:
            best = np.full((len(self.family.arrays), *self.grid.leakage_fj.shape), UNFIT, dtype=np.int64)
            return PricedClass(None, best, number)
        layers = [layer for layer in self._plans[index].tensors.layers if layer.has_weights]
        one_kind = len({layer.reduces for layer in layers}) <= 1
        kept = cheapest_somewhere(rows, self.family, self.grid, self._study.goal, in_order=one_kind)
        return PricedClass(kept.rows if len(kept.rows) else None, kept.best, number)

    def take(self, index: int, priced: PricedClass) -> None:
        """Keep what was found of a class."""
        self.done.append(index)
        self._priced += priced.number
        if priced.rows is not None:
            self.found.append((index, priced.rows))
        if priced.best is not None:
            self._cheapest.append(priced.best)

    def keep(self, arrays: NDArray[np.bool_]) -> PricedFamily:
        """Go on with some arrays; what is known of the others by now."""
        known = self.result()
        self.family, left = _of_arrays(self.family, arrays), _of_arrays(self.family, ~arrays)
        for work in self.works.values():
            work.keep(arrays)
        self.found = [(index, rows.on_arrays(arrays)) for index, rows in self.found]
        self._cheapest = [best[arrays] for best in self._cheapest]
        self._priced = 0
        return replace(
            known,
            family=left,
            rows=None if known.rows is None else known.rows.on_arrays(~arrays),
            cheapest=None if known.cheapest is None else known.cheapest[:, ~arrays],
        )

    def cheapest(self, array: int, feature: Cells, weight: Cells, start: int = 0) -> Ints:
        """What the classes from ``done[start]`` on cost at best at cells of the price grid: (class, cell)."""
        parts = [best[array, feature, weight] for best in self._cheapest[start:]]
        return np.stack(parts) if parts else np.empty((0, len(feature)), dtype=np.int64)

    def result(self) -> PricedFamily:
        order = sorted(range(len(self.found)), key=lambda i: self.found[i][0])
        found = [self.found[i] for i in order]
        lengths = [len(rows) for _, rows in found]
        best_of = dict(zip(self.done, self._cheapest, strict=False))
        return PricedFamily(
            family=self.family,
            rows=join([rows for _, rows in found]) if found else None,
            classes=np.array([index for index, _ in found], dtype=np.int64),
            starts=np.array([0, *np.cumsum(lengths)[:-1]], dtype=np.int64),
            cheapest=np.stack([best_of[index] for index, _ in found]) if found and self._single else None,
            priced=self._priced,
        )


def price_families(study: Study, families: list[Family], plans: Plans, progress: Progress) -> list[PricedFamily]:
    """Price every group class on every family."""
    result = []
    done = 0

    def tick() -> None:
        nonlocal done
        progress("pricing groups", done, len(families) * len(plans))
        done += 1

    for family in families:
        pricer = FamilyPricer(study, family, plans)
        pricer.price(range(len(plans)), tick)
        result.append(pricer.result())
    return result


def _of_arrays(family: Family, arrays: NDArray[np.bool_]) -> Family:
    return replace(family, arrays=tuple(family.arrays[i] for i in np.flatnonzero(arrays).tolist()))


def single_total(study: Study) -> bool:
    """Whether the goal is the only total that matters: a budget on the goal itself limits nothing else."""
    if study.then or study.goal not in ("energy", "latency", "bandwidth"):
        return False
    budgets = study.budgets
    limits = {"latency": budgets.latency_fs, "energy": budgets.energy_fj, "bandwidth": budgets.dram_bytes}
    if any(workload.budgets != Budgets() for workload in study.mix):
        return False
    return not budgets.rates and all(limit is None or name == study.goal for name, limit in limits.items())


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
        process = start("costmodel.pricing_worker")
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
    groups = legal_groups(study.network, study.fusion.max_layers)
    _, members = group_classes(study.network, groups, pinned_layers(study), study.workload_of)
    return price_families(study, families, Plans(study, groups, members), progress)
