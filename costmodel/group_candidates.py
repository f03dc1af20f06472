"""Every way to run one group on one family of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from costmodel.candidates import Candidates, Family, join
from costmodel.candidates_alone import all_chunks, alone
from costmodel.candidates_cut import cut_candidates
from costmodel.candidates_fused import fused, update_alone
from costmodel.group_plan import GroupPlan
from costmodel.kept import charge
from costmodel.legal import image_counts
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


def candidates(study: Study, family: Family, works: dict[Preference, Works], plan: GroupPlan) -> Candidates | None:
    """Price every candidate of a group that fits some listed buffer; None if nothing fits."""
    rows = _own_candidates(study, family, works, plan)
    return None if rows is None else _charged(study, family, plan, rows)


def _charged(study: Study, family: Family, plan: GroupPlan, rows: Candidates) -> Candidates:
    """Charge rows for kept maps; see `costmodel.kept`."""
    found = charge(study, plan.layers, family.clock_hz, family.dram.bytes_per_s)
    if not found.num_bytes:
        return rows
    return replace(
        rows,
        dram_bytes=rows.dram_bytes + found.num_bytes,
        feature_read=rows.feature_read + found.num_bytes,
        cycles=rows.cycles + found.cycles,
    )


def _own_candidates(study: Study, family: Family, works: dict[Preference, Works], plan: GroupPlan) -> Candidates | None:
    if not plan.tensors.layers:
        return fitting(study, update_alone(study, family, works, plan))
    shares = [Share(study, images) for images in image_counts(study)]
    parts: list[Candidates] = []
    for mapping, work in _different(study, works, plan).items():
        for share in shares:
            if _alone(plan):
                parts += alone(study, family, work, mapping, plan, share)
            else:
                found = fused(study, family, work, mapping, plan, share)
                parts += [found] if found is not None else []
    if not parts:
        return None
    rows = join(parts)
    if _alone(plan):
        rows = join([rows, *cut_candidates(study, family, works, plan, shares, rows)])
    return fitting(study, rows)


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
