"""Drop candidates that another one beats on every array, at every price."""

from __future__ import annotations

import numpy as np

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
        _capacity_steps(study, rows),
        rows.cycles,
        rows.array_fj,
        rows.feature_read,
        rows.feature_write,
        rows.weight_read,
        rows.weight_write[:, None],
        rows.dram_bytes[:, None],
    ]
    if study.slowness_pays:
        columns.append(rows.cycles.max(axis=0) - rows.cycles)
    matrix = np.hstack(columns)
    scale = np.maximum(matrix.max(axis=0), 1)
    order = np.argsort((matrix / scale).sum(axis=1), kind="stable")
    return rows.pick(np.sort(order[_first_front(matrix[order])]))


def _capacity_steps(study: Study, rows: Candidates) -> Ints:
    """What decides where a candidate fits: needs and, falling, caps, rounded up to the listed capacities."""
    if isinstance(study.buffers, SharedBuffer):
        listed, weights = sorted(study.buffers.shared_bytes), [0]
        needs = [np.searchsorted(listed, rows.feature_need + rows.weight_need)]
    else:
        listed, weights = sorted(study.buffers.feature_bytes), sorted(study.buffers.weight_bytes)
        needs = [np.searchsorted(listed, rows.feature_need), np.searchsorted(weights, rows.weight_need)]
    caps = [np.searchsorted(listed, rows.feature_cap[:, None]), np.searchsorted(weights, rows.weight_cap)]
    most = max(len(listed), len(weights))
    return np.hstack([*needs, *(most - cap for cap in caps)])


def _first_front(matrix: Ints) -> Ints:
    """Indices of rows that no other row dominates; rows come with smaller sums first, so dominators do too."""
    matrix = matrix[:, np.any(matrix != matrix[:1], axis=0)]
    alive = np.arange(len(matrix))
    position = 0
    while position < len(alive):
        rest = matrix[alive[position + 1 :]]
        beaten = (rest >= matrix[alive[position]]).all(axis=1)
        alive = np.concatenate([alive[: position + 1], alive[position + 1 :][~beaten]])
        position += 1
    return alive
