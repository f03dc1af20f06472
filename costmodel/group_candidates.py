"""Every way to run one group on one family of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from costmodel.alone_ways import all_chunks
from costmodel.candidates import Candidates, Family, join
from costmodel.candidates_alone import alone
from costmodel.candidates_fused import Fused, update_alone
from costmodel.group_plan import GroupPlan
from costmodel.kept import charge
from costmodel.legal import image_counts
from costmodel.selection import PriceGrid
from costmodel.sweeps import Share
from costmodel.template import Preference
from costmodel.works import Depth, Works, whole_depth
from specs.network import Layer
from specs.study import SharedBuffer, Study


def announce(study: Study, works: Works, plan: GroupPlan) -> None:
    """Tell the work tables which tiles a group will ask for."""
    for i, (layer, depths) in enumerate(_depths(study, plan)):
        made = i % max(1, len(plan.tensors.layers))
        works.need(layer, depths, plan.rows.new[:, made], plan.cols.new[:, made])


def _depths(study: Study, plan: GroupPlan) -> Iterator[tuple[Layer, tuple[Depth, ...]]]:
    """Depths that are looked up of each layer; without cuts of input channels, which are priced when they pay."""
    sizes = sorted({size for images in image_counts(study) for size, _ in Share(study, images).sizes})
    layers = plan.tensors.layers
    for layer in plan.tensors.signatures:
        yield layer, tuple(whole_depth(layer, images) for images in sizes)
    if _alone(plan):
        channels = {size for chunks in all_chunks(study, layers[0]) for size, _ in chunks.sizes} - {layers[0].K}
        depths = tuple(Depth(i, k, layers[0].C // layers[0].G) for i in sizes for k in sorted(channels))
        yield plan.tensors.signatures[0], depths


def _different(study: Study, works: dict[Preference, Works], plan: GroupPlan) -> dict[Preference, Works]:
    """Preferences that lead to different works; of equals the first."""
    (first, work), *others = works.items()
    return {first: work} | {
        mapping: other
        for mapping, other in others
        if not all(other.same_as(work, layer, depth) for layer, depths in _depths(study, plan) for depth in depths)
    }


def candidates(
    study: Study, family: Family, works: dict[Preference, Works], plan: GroupPlan, grid: PriceGrid | None = None
) -> tuple[Candidates | None, int]:
    """Candidates of a group that fit some listed buffer (None if nothing does), and how many there are.

    With a ``grid`` a layer alone may leave out what is cheapest at none of its prices.
    """
    rows, number = _own_candidates(study, family, works, plan, grid)
    return None if rows is None else _charged(study, family, plan, rows), number


def _charged(study: Study, family: Family, plan: GroupPlan, rows: Candidates) -> Candidates:
    """Charge rows for kept maps, all of them alike; see `costmodel.kept`."""
    found = charge(study, plan.layers, family.clock_hz, family.dram.bytes_per_s)
    if not found.num_bytes:
        return rows
    return replace(
        rows,
        dram_bytes=rows.dram_bytes + found.num_bytes,
        feature_read=rows.feature_read + found.num_bytes,
        cycles=rows.cycles + found.cycles,
    )


def _own_candidates(
    study: Study, family: Family, works: dict[Preference, Works], plan: GroupPlan, grid: PriceGrid | None
) -> tuple[Candidates | None, int]:
    if not plan.tensors.layers:
        return _fitting(study, update_alone(study, family, works, plan))
    shares = [Share(study, images) for images in image_counts(study)]
    different = _different(study, works, plan)
    if _alone(plan):
        rows, number = alone(study, family, works, different, plan, shares, grid)
        return None if rows is None else fitting(study, rows), number
    group = Fused(study, family, next(iter(works.values())).terms, plan)
    found = [group.candidates(work, mapping, share) for mapping, work in different.items() for share in shares]
    parts = [rows for rows in found if rows is not None]
    return _fitting(study, join(parts)) if parts else (None, 0)


def _fitting(study: Study, rows: Candidates) -> tuple[Candidates | None, int]:
    fits = fitting(study, rows)
    return fits, 0 if fits is None else len(fits)


def _alone(plan: GroupPlan) -> bool:
    """Whether one layer runs tile by tile, with the freedom of cutting its channels."""
    return len(plan.tensors.layers) == 1


def fitting(study: Study, rows: Candidates) -> Candidates | None:
    """Rows that fit some listed buffers, None if none does."""
    fits: NDArray[np.bool_]
    if isinstance(study.buffers, SharedBuffer):
        fits = rows.feature_need + rows.weight_need <= max(study.buffers.shared_bytes)
    else:
        fits = rows.feature_need <= max(study.buffers.feature_bytes)
        fits = fits & (rows.weight_need <= max(study.buffers.weight_bytes))
    rows = rows.pick(np.asarray(fits.any(axis=1), dtype=np.bool_))
    return rows if len(rows) else None
