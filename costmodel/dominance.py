"""Drop candidates that another one beats on every array, at every price."""

from __future__ import annotations

import numpy as np

from costmodel import skyline
from costmodel.candidates import Candidates
from costmodel.template import Ints
from specs.study import SharedBuffer, Study


def undominated(study: Study, rows: Candidates) -> Candidates:
    """Keep the candidates of one group that no other candidate of it dominates.

    A candidate dominates another if it is one wherever the other is and none of its counts (cycles, energy
    in the array, bytes at each buffer, DRAM bytes) is larger on any array. Every price is non-negative, so
    it is then no worse for every goal and every budget on every hardware point; of equals the first stays. Where
    energy or traffic count per time, cycles have to be equal.
    """
    columns = [
        *_capacity_steps(study, rows),
        rows.cycles,
        rows.array_fj,
        rows.feature_read,
        rows.feature_write,
        rows.weight_read,
        rows.weight_write,
        rows.dram_bytes[:, None],
    ]
    if study.slowness_pays:
        columns.append(rows.cycles.max(axis=0) - rows.cycles)
    quantities = _telling(columns)
    if not len(quantities):
        return rows.pick(np.zeros(1, dtype=np.intp))
    return rows.pick(skyline.undominated(quantities))


def _telling(columns: list[Ints]) -> Ints:
    """Quantities that differ between rows, each once: (quantity, row).

    One of every kind comes first, as those tell most pairs of rows apart; on further arrays many are the same.
    """
    kinds = [np.ascontiguousarray(column.T) for column in columns]
    others = [one for kind in kinds for one in kind[1:][(kind[1:] != kind[:1]).any(axis=1)]]
    quantities = np.array([*(kind[0] for kind in kinds), *others])
    telling: Ints = quantities[(quantities != quantities[:, :1]).any(axis=1)]
    return telling


def _capacity_steps(study: Study, rows: Candidates) -> list[Ints]:
    """What decides where a candidate fits: needs and, falling, caps, rounded up to the listed capacities."""
    if isinstance(study.buffers, SharedBuffer):
        listed, weights = sorted(study.buffers.shared_bytes), [0]
        needs = [np.searchsorted(listed, rows.feature_need + rows.weight_need)]
    else:
        listed, weights = sorted(study.buffers.feature_bytes), sorted(study.buffers.weight_bytes)
        needs = [np.searchsorted(listed, rows.feature_need), np.searchsorted(weights, rows.weight_need)]
    caps = [np.searchsorted(listed, rows.feature_cap), np.searchsorted(weights, rows.weight_cap)]
    most = max(len(listed), len(weights))
    return [*needs, *(most - cap for cap in caps)]
