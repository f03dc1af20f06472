"""The candidate table: every group, every way to run it, every hardware point, in integers.

The solver chooses rows of this table and adds no arithmetic of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from costmodel.candidates import Candidates, Family, announce, candidates, group_plan, join
from costmodel.design import GroupDesign, Hardware
from costmodel.dominance import undominated
from costmodel.groups import GroupLattice, group_lattice, layer_indices
from costmodel.hardware import Prices, hardware_points, prices, within_hardware_budgets
from costmodel.legal import group_outputs
from costmodel.template import Ints, array_shapes
from costmodel.selection import cheapest_somewhere, price_grid
from costmodel.works import Works, signature
from specs.network import Layer
from specs.study import Study

NO_COST = np.int64(2) ** 61
"""Price of what does not exist: above any sum of real costs, below overflow when a few are added."""


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


@dataclass(frozen=True)
class CandidateTable:
    """Everything the solver needs, and how much of the space it speaks of.

    Attributes
    ----------
    points
        Hardware points within the hardware budgets.
    group_class
        For each group of the lattice, which group class (isomorphic groups) it belongs to.
    priced
        Candidates priced, before dominated ones were dropped; counted over all groups and arrays.
    """

    study: Study
    lattice: GroupLattice
    points: tuple[Hardware, ...]
    point_prices: tuple[Prices, ...]
    group_class: Ints
    num_classes: int
    families: tuple[FamilyTable, ...]
    num_points_listed: int
    priced: int
    seconds: float

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
    fixed = c.array_fj[rows, array] + c.dram_bytes[rows] * family.family.dram.fj_per_byte
    energy = (
        fixed[:, None]
        + c.feature_read[rows, array, None] * price("feature_read_fj")
        + c.feature_write[rows, array, None] * price("feature_write_fj")
        + c.weight_read[rows, array, None] * price("weight_read_fj")
        + c.weight_write[rows, None] * price("weight_write_fj")
        + c.cycles[rows, array, None] * price("leakage_fj_per_cycle")
    )
    return PricedRows(
        energy_fj=energy, cycles=c.cycles[rows, array], dram_bytes=c.dram_bytes[rows], fits=fits
    )


def build_table(study: Study, progress: Callable[[str, int, int], None] = lambda *_: None) -> CandidateTable:
    """Build the table of a study; ``progress(phase, done, total)`` is called now and then."""
    begin = time.perf_counter()
    listed = list(hardware_points(study))
    points = tuple(point for point in listed if within_hardware_budgets(study, point))
    lattice = group_lattice(study.network, study.fusion.max_layers)
    group_class, members = _group_classes(study, lattice)
    plans = [
        group_plan(study, tuple(study.network.layers[i] for i in layer_indices(lattice.groups[group])))
        for group in members
    ]
    families, priced = [], 0
    single = _single_total(study)
    for family, by_array in _families(study, points):
        grid = price_grid(study, family)
        works = Works(family.arrays, study.technology, study.precision)
        for plan in plans:
            announce(study, works, plan)
        works.price()
        found: list[tuple[int, Candidates]] = []
        cheapest: list[Ints] = []
        for index, plan in enumerate(plans):
            progress(f"pricing groups on {family.template}", index, len(plans))
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
        if found:
            lengths = [len(rows) for _, rows in found]
            families.append(
                FamilyTable(
                    family=family,
                    rows=join([rows for _, rows in found]),
                    classes=np.array([index for index, _ in found], dtype=np.int64),
                    starts=np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64),
                    points=by_array,
                    cheapest=np.stack(cheapest) if cheapest else None,
                )
            )
    return CandidateTable(
        study=study,
        lattice=lattice,
        points=points,
        point_prices=tuple(prices(study, point) for point in points),
        group_class=group_class,
        num_classes=len(members),
        families=tuple(families),
        num_points_listed=len(listed),
        priced=priced,
        seconds=time.perf_counter() - begin,
    )


def _single_total(study: Study) -> bool:
    """Whether the goal is the only total that matters: a budget on the goal itself limits nothing else."""
    limits = {"latency": study.budgets.latency_fs, "energy": study.budgets.energy_fj}
    return all(limit is None or name == study.goal for name, limit in limits.items())


def _families(study: Study, points: tuple[Hardware, ...]) -> Iterator[tuple[Family, tuple[NDArray[np.intp], ...]]]:
    """Families that have any point left, with the points of each of their arrays."""
    where: dict[tuple[object, ...], list[int]] = {}
    for i, p in enumerate(points):
        where.setdefault((p.template, p.array, p.clock_hz, p.double_buffer, p.dram), []).append(i)
    for spec in study.accelerators:
        for clock_hz, dram in product(spec.clock_hz, study.dram):
            keyed = [
                (array, where.get((spec.template, array, clock_hz, spec.double_buffer, dram)))
                for array in array_shapes(spec)
            ]
            kept = [(array, np.array(found, dtype=np.intp)) for array, found in keyed if found]
            if kept:
                arrays = tuple(array for array, _ in kept)
                yield (
                    Family(spec.template, spec.double_buffer, clock_hz, dram, arrays),
                    tuple(found for _, found in kept),
                )


def _group_classes(study: Study, lattice: GroupLattice) -> tuple[Ints, list[int]]:
    """Sort groups into classes that cost the same: class of each group, and one member of each class.

    Two groups are of one class if their layers agree in order, loop bounds, wiring and which outputs leave.
    """
    network = study.network
    signatures: dict[Layer, int] = {}
    number = [signatures.setdefault(signature(layer), len(signatures)) for layer in network.layers]
    classes: dict[tuple[object, ...], int] = {}
    members: list[int] = []
    group_class = np.empty(len(lattice.groups), dtype=np.int64)
    for group, layer_set in enumerate(lattice.groups):
        indices = layer_indices(layer_set)
        layers = [network.layers[i] for i in indices]
        label: dict[str, int] = {}
        wiring = tuple(
            (
                number[i],
                tuple(
                    tuple((label.setdefault(n, len(label)), network.tensors[n].channels) for n in operand)
                    for operand in layer.operands
                ),
                label.setdefault(layer.name, len(label)),
            )
            for i, layer in zip(indices, layers, strict=True)
        )
        outputs = tuple(label[n] for n in group_outputs(network, tuple(layer.name for layer in layers)))
        key = (wiring, outputs)
        if key not in classes:
            classes[key] = len(members)
            members.append(group)
        group_class[group] = classes[key]
    return group_class, members
