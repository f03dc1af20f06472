"""The candidate table: every group, every way to run it, every hardware point, in integers.

The solver chooses rows of this table and adds no arithmetic of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from costmodel.candidates import NO_CAP, Candidates, Family
from costmodel.classes import group_classes
from costmodel.design import GroupDesign, Hardware
from costmodel.groups import GroupLattice, group_lattice, layer_indices
from costmodel.hardware import PriceList, Prices, hardware_points, within_hardware_budgets
from costmodel.kept import activation_bytes
from costmodel.legal import pinned_layers
from costmodel.pricing import Plans, PricedFamily, price_families, price_families_in_parallel
from costmodel.products import exact_product
from costmodel.template import ArrayShape, Ints, array_shapes
from specs.network import BESIDE
from specs.study import Study

NO_COST = np.int64(2) ** 61
"""Price of what does not exist: above any sum of real costs, below overflow when a few are added."""

PARALLEL_FROM = 2000
"""Group classes x arrays from which further processes are worth their start."""

FamilyPoints = tuple[Family, tuple[NDArray[np.intp], ...]]


@dataclass(frozen=True)
class FamilyTable:
    """All candidates of all groups on one family, one below the other.

    Attributes
    ----------
    starts : (group class,)
        First row of each group class that has candidates; ``classes`` names them.
    points
        For each array, the indices (into `CandidateTable.points`) of its hardware points.
    cheapest : (group class, array, feature size, weight size)
        Where the goal is the only total that matters: what each group costs at best. Latency in cycles.
    """

    family: Family
    rows: Candidates
    classes: Ints
    starts: Ints
    points: tuple[NDArray[np.intp], ...]
    cheapest: Ints | None

    def per_row(self, of_class: Ints) -> Ints:
        """Repeat a number of each class in `classes` for each of its rows."""
        return np.repeat(of_class, np.diff(np.append(self.starts, len(self.rows))))


@dataclass(frozen=True)
class CandidateTable:
    """Everything the solver needs, and how much of the space it speaks of.

    Attributes
    ----------
    points
        Hardware points within the hardware budgets.
    group_class
        For each group of the lattice, which group class (isomorphic groups) it belongs to.
    workloads
        For each group class, which network of a mix it is of; 0 without a mix.
    priced
        Candidates priced, before dominated ones were dropped; counted over all groups and arrays.
    floor
        Where groups of several layers were left unpriced: per point, no design there that uses any group
        costs less. None if everything was priced.
    """

    study: Study
    lattice: GroupLattice
    points: tuple[Hardware, ...]
    point_prices: tuple[Prices, ...]
    group_class: Ints
    workloads: Ints
    families: tuple[FamilyTable, ...]
    num_points_listed: int
    priced: int
    seconds: float
    floor: Ints | None = None

    @property
    def num_classes(self) -> int:
        return len(self.workloads)

    @cached_property
    def kept_bytes(self) -> Ints:
        """What each group class leaves in DRAM for the backward pass."""
        found = np.zeros(self.num_classes, dtype=np.int64)
        if self.study.trains:
            for group_class, group in zip(*np.unique(self.group_class, return_index=True), strict=True):
                layers = [self.study.network.layers[i] for i in layer_indices(self.lattice.groups[int(group)])]
                found[group_class] = activation_bytes(self.study, layers)
        return found

    @cached_property
    def runs(self) -> Ints:
        """How often each group class runs in `Study.num_mixes` mixes: what totals of the table are weighted with."""
        return np.array(self.study.runs or (1,), dtype=np.int64)[self.workloads]

    def group_layers(self, group: int) -> tuple[str, ...]:
        return tuple(self.study.network.layers[i].name for i in layer_indices(self.lattice.groups[group]))

    def group_design(self, family: int, row: int, group: int) -> GroupDesign:
        return self.families[family].rows.group_design(row, self.group_layers(group), self.study.fusion.overlap)


@dataclass(frozen=True)
class PricedRows:
    """Candidates of one array at some of its hardware points: shapes (row, point); costs of unfit rows are NO_COST."""

    energy_fj: Ints
    cycles: Ints
    dram_bytes: Ints
    fits: NDArray[np.bool_]
    kept_bytes: Ints


def price_rows(
    table: CandidateTable, family: FamilyTable, array: int, points: NDArray[np.intp], rows: slice | Ints = slice(None)
) -> PricedRows:
    """Price rows of a family's array at hardware points of that array."""
    c = family.rows
    shared = bool(len(points)) and table.points[points[0]].shared
    column = [table.point_prices[p] for p in points]

    def price(name: str) -> Ints:
        return np.array([getattr(p, name) for p in column], dtype=np.int64)

    feature = np.array([table.points[p].feature_bytes for p in points], dtype=np.int64)
    weight = np.array([table.points[p].weight_bytes for p in points], dtype=np.int64)
    need_f, need_w = c.feature_need[rows, array, None], c.weight_need[rows, array, None]
    fits = need_f + need_w <= feature if shared else (need_f <= feature) & (need_w <= weight)
    feature_cap, weight_cap = c.feature_cap[rows, array], c.weight_cap[rows, array]
    capped = np.flatnonzero((feature_cap < NO_CAP) | (weight_cap < NO_CAP))
    if len(capped):
        fits[capped] &= (feature < feature_cap[capped, None]) & (weight < weight_cap[capped, None])
    fixed = c.array_fj[rows, array] + c.dram_bytes[rows] * family.family.dram.fj_per_byte
    counts = np.stack(
        [
            fixed,
            c.feature_read[rows, array],
            c.feature_write[rows, array],
            c.weight_read[rows, array],
            c.weight_write[rows, array],
            c.cycles[rows, array],
        ],
        axis=1,
    )
    names = ("feature_read_fj", "feature_write_fj", "weight_read_fj", "weight_write_fj", "leakage_fj_per_cycle")
    unit_prices = np.stack([np.ones(len(column), dtype=np.int64), *map(price, names)])
    energy = exact_product(counts, unit_prices)
    # Relaxed families may have fewer rows than `starts` says; what they keep is never asked for.
    of_class = np.searchsorted(family.starts, np.arange(len(family.rows))[rows], side="right") - 1
    kept = table.kept_bytes[family.classes[of_class]]
    return PricedRows(energy, c.cycles[rows, array], c.dram_bytes[rows], fits, kept)


@dataclass(frozen=True)
class Frame:
    """What a table speaks of before anything is priced: hardware points, groups and their classes."""

    study: Study
    begin: float
    listed: int
    points: tuple[Hardware, ...]
    lattice: GroupLattice
    group_class: Ints
    members: list[int]
    families: list[FamilyPoints]

    @property
    def workloads(self) -> Ints:
        """Which network of a mix each group class is of; 0 without a mix."""
        first = [layer_indices(self.lattice.groups[group])[0] for group in self.members]
        return np.array(self.study.workload_of, dtype=np.int64)[first]

    @property
    def runs(self) -> Ints:
        """How often each group class runs in `Study.num_mixes` mixes."""
        return np.array(self.study.runs or (1,), dtype=np.int64)[self.workloads]

    @property
    def alone(self) -> NDArray[np.bool_]:
        """Group classes of one layer, or of a weight gradient with its update: no least cost speaks of their cuts."""
        layers = self.study.network.layers
        tiled = sum(1 << i for i, layer in enumerate(layers) if layer.op not in BESIDE)
        return np.array([(self.lattice.groups[group] & tiled).bit_count() <= 1 for group in self.members], dtype=bool)

    @property
    def plans(self) -> Plans:
        return Plans(self.study, self.lattice.groups, self.members)

    def table(self, priced: list[PricedFamily], floor: Ints | None = None) -> CandidateTable:
        """Put priced families, in the order of ``families``, into a table."""
        price_list = PriceList(self.study)
        return CandidateTable(
            study=self.study,
            lattice=self.lattice,
            points=self.points,
            point_prices=tuple(price_list.of(point) for point in self.points),
            group_class=self.group_class,
            workloads=self.workloads,
            families=tuple(
                FamilyTable(one.family, one.rows, one.classes, one.starts, by_array, one.cheapest)
                for one, (_, by_array) in zip(priced, self.families, strict=True)
                if one.rows is not None
            ),
            num_points_listed=self.listed,
            priced=sum(one.priced for one in priced),
            seconds=time.perf_counter() - self.begin,
            floor=floor,
        )


def table_frame(study: Study) -> Frame:
    """List what a study's table speaks of."""
    begin = time.perf_counter()
    listed = list(hardware_points(study))
    price_list = PriceList(study)
    points = tuple(point for point in listed if within_hardware_budgets(study, point, price_list))
    lattice = group_lattice(study.network, study.fusion.max_layers)
    group_class, members = group_classes(study.network, lattice.groups, pinned_layers(study), study.workload_of)
    return Frame(study, begin, len(listed), points, lattice, group_class, members, _families(study, points))


def build_table(
    study: Study, progress: Callable[[str, int, int], None] = lambda *_: None, processes: int = 1
) -> CandidateTable:
    """Build the whole table of a study.

    Parameters
    ----------
    progress
        Called now and then with a phase, steps done, and steps in all.
    processes
        Most processes to price families in; small jobs stay in this one.
    """
    frame = table_frame(study)
    work = len(frame.members) * sum(len(family.arrays) for family, _ in frame.families)
    if processes > 1 and work > PARALLEL_FROM:
        frame = replace(frame, families=_split(frame.families, processes))
        priced = price_families_in_parallel(study, [family for family, _ in frame.families], processes, progress)
    else:
        priced = price_families(study, [family for family, _ in frame.families], frame.plans, progress)
    return frame.table(priced)


def _families(study: Study, points: tuple[Hardware, ...]) -> list[FamilyPoints]:
    """Families that have any point left, with the points of each of their arrays.

    Arrays of a family also agree on which layers' outputs grow as partial sums in the feature buffer.
    """
    where: dict[tuple[object, ...], list[int]] = {}
    for i, p in enumerate(points):
        where.setdefault((p.template, p.array, p.clock_hz, p.double_buffer, p.dram, p.skip_zeros), []).append(i)
    families = []
    for spec in study.accelerators:
        for clock_hz, dram in product(spec.clock_hz, study.dram):
            keyed = [
                (array, where.pop((spec.template, array, clock_hz, spec.double_buffer, dram, spec.skip_zeros), None))
                for array in array_shapes(spec)
            ]
            alike: dict[tuple[bool, ...], list[tuple[ArrayShape, NDArray[np.intp]]]] = {}
            for array, found in keyed:
                if found:
                    sums = tuple(array.accumulates_in_buffer(layer) for layer in study.network.layers)
                    alike.setdefault(sums, []).append((array, np.array(found, dtype=np.intp)))
            for kept in alike.values():
                arrays = tuple(array for array, _ in kept)
                family = Family(spec.template, spec.double_buffer, clock_hz, dram, arrays, spec.skip_zeros)
                families.append((family, tuple(found for _, found in kept)))
    return families


def _split(families: list[FamilyPoints], parts: int) -> list[FamilyPoints]:
    """Split the largest families by arrays until there is one for every process."""
    families = list(families)
    while len(families) < parts:
        largest = max(range(len(families)), key=lambda i: len(families[i][0].arrays))
        family, by_array = families[largest]
        half = len(by_array) // 2
        if not half:
            break
        families[largest : largest + 1] = [
            (replace(family, arrays=family.arrays[part]), by_array[part]) for part in (slice(half), slice(half, None))
        ]
    return families
