"""Which of several mappings is taken, the same for every template."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.template import Ints, Terms, TileWork, TileWorks


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
    best, first, then = works[0], *_ranks(works[0], terms)
    for other in works[1:]:
        other_first, other_then = _ranks(other, terms)
        better = (other_first < first) | ((other_first == first) & (other_then < then))
        best = TileWorks(*(np.where(better, new, old) for new, old in zip(other, best, strict=True)))
        first, then = np.where(better, other_first, first), np.where(better, other_then, then)
    return best


def _ranks(works: TileWorks, terms: Terms) -> tuple[Ints, Ints]:
    energy = works.array_fj + (works.feature_read_bytes + works.feature_write_bytes) * terms.feature_fj_per_byte
    energy += (works.weight_read_bytes + works.weight_write_bytes) * terms.weight_fj_per_byte
    energy += works.cycles * terms.leakage_fj_per_cycle
    return (works.cycles, energy) if terms.prefer == "fastest" else (energy, works.cycles)
