"""Which of several mappings is taken, the same for every template."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.template import Terms, TileWork, TileWorks


def rank(work: TileWork, terms: Terms) -> tuple[int, int]:
    """Cycles and energy (of array, buffers and leakage), the preferred one first: the least is taken."""
    energy = (
        work.array_fj
        + (work.feature_read_bytes + work.feature_write_bytes) * terms.feature_fj_per_byte
        + (work.weight_read_bytes + work.weight_write_bytes) * terms.weight_fj_per_byte
        + work.cycles * terms.leakage_fj_per_cycle
    )
    return (work.cycles, energy) if terms.prefer == "fastest" else (energy, work.cycles)


def best_of(works: Sequence[TileWorks], terms: Terms) -> TileWorks:
    """For each tile the works of least `rank`, the first among those that tie."""
    columns = [np.stack(column) for column in zip(*works, strict=True)]
    cycles, array_fj, reads, writes, weight_reads, weight_writes = columns
    energy = array_fj + (reads + writes) * terms.feature_fj_per_byte
    energy += (weight_reads + weight_writes) * terms.weight_fj_per_byte + cycles * terms.leakage_fj_per_cycle
    first, then = (cycles, energy) if terms.prefer == "fastest" else (energy, cycles)
    # argmin takes the first of equals, as min() does.
    tied = first == first.min(axis=0)
    best = np.where(tied, then, np.iinfo(np.int64).max).argmin(axis=0)[None]
    return TileWorks(*(np.take_along_axis(column, best, axis=0)[0] for column in columns))
