"""Arrays that no fastest design is on: layer by layer, the most promising array is faster already.

docs/solver.md has the proof (D14).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from costmodel.extents import extents
from costmodel.pricing import FamilyPricer, Plans
from costmodel.selection import price_cells
from costmodel.table import NO_COST, FamilyPoints, Frame
from costmodel.template import Ints
from solver.problem import multiplied
from specs.network import Layer
from specs.study import Study

_FEW = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Numbers of tiles and chunks that are tried on the most promising array: any design there will do."""


@dataclass(frozen=True)
class Start:
    """Families that are left to price, and per point (indexed like `Frame.points`) what no design costs less than."""

    families: list[FamilyPoints]
    lower: Ints


def start(frame: Frame, tick: Callable[[], None] = lambda: None) -> Start:
    """Drop arrays with so few MACs per second that a known design is faster; for other goals every array is left.

    ``tick`` is called now and then and may leave with an exception.
    """
    lower = np.zeros(len(frame.points), dtype=np.int64)
    for family, by_array in frame.families if frame.study.goal == "latency" else ():
        work = _macs_of_layers(frame.study, family.skip_zeros)
        for array, points in zip(family.arrays, by_array, strict=True):
            lower[points] = frame.points[points[0]].period_fs * _cycles(work, array.pes, frame.study)
    if lower.min(initial=0) == lower.max(initial=0):
        return Start(list(frame.families), lower)
    upper = min(
        _layer_by_layer(frame, some_arrays((family, by_array), [array]), tick)
        for family, by_array in frame.families
        for array, points in enumerate(by_array)
        if lower.argmin() in points
    )
    families = []
    for family, by_array in frame.families:
        kept = [array for array, points in enumerate(by_array) if lower[points[0]] <= upper]
        if kept:
            families.append(some_arrays((family, by_array), kept))
    return Start(families, lower)


def some_arrays(family: FamilyPoints, arrays: list[int]) -> FamilyPoints:
    """A family with some of its arrays and their points."""
    whole, by_array = family
    return replace(whole, arrays=tuple(whole.arrays[i] for i in arrays)), tuple(by_array[i] for i in arrays)


def _macs_of_layers(study: Study, skip_zeros: bool) -> list[int]:
    """MACs of every layer that no design can do without, for the whole batch; where zeros are skipped, without them."""
    layers = study.network.layers
    elements = extents(study, [(1 << len(layers)) - 1]).made_elements[0].tolist()
    return [
        study.batch * made * _macs_of_output(layer) // (layer.upsample[0] * layer.upsample[1] if skip_zeros else 1)
        for made, layer in zip(elements, layers, strict=True)
    ]


def _macs_of_output(layer: Layer) -> int:
    return layer.C // layer.G * layer.R * layer.S if layer.on_array else 0


def _cycles(macs: list[int], pes: int, study: Study) -> int:
    """Least cycles of a design: each PE makes one MAC per cycle."""
    runs = study.runs or (1,)
    return sum(runs[workload] * -(-one // pes) for one, workload in zip(macs, study.workload_of, strict=True))


def _few(study: Study) -> Study:
    """A part of a study's space that is priced at once."""
    tiling = replace(
        study.tiling,
        row_splits=study.tiling.row_splits or _FEW,
        column_splits=(1,),
        channel_splits=study.tiling.channel_splits or _FEW,
        input_splits=(1,),
    )
    return replace(study, tiling=tiling)


def _layer_by_layer(frame: Frame, first: FamilyPoints, tick: Callable[[], None]) -> int:
    """What some design of a family's only array costs, in the goal's unit; NO_COST if none is found."""
    family, (points,) = first
    study = _few(frame.study)
    pricer = FamilyPricer(study, family, Plans(study, frame.lattice.groups, frame.members))
    pricer.price(np.flatnonzero(frame.alone).tolist(), tick)
    groups = [number for number, layers in enumerate(frame.lattice.groups) if layers.bit_count() == 1]
    cells = price_cells(study, [frame.points[point] for point in points])
    best = np.full((len(frame.members), len(points)), NO_COST, dtype=np.int64)
    best[pricer.done] = pricer.cheapest(0, *cells)
    costs = multiplied(best, frame.runs[:, None] * frame.points[points[0]].period_fs)[frame.group_class[groups]]
    total = np.minimum(costs, NO_COST // len(groups)).sum(axis=0)
    total[(costs >= NO_COST).any(axis=0)] = NO_COST
    return int(total.min())
