"""Where ways with cut input channels are candidates: they have to move less than all ways without such cuts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from costmodel.alone_needs import Needs
from costmodel.candidates import NO_CAP, Candidates
from costmodel.sweeps import Bools
from costmodel.template import Ints
from specs.study import SharedBuffer, Study


class LeastTraffic:
    """Least DRAM bytes of ways without cuts for every listed pair of buffer sizes, on each array."""

    def __init__(self, study: Study, needs: Needs) -> None:
        self._shared = isinstance(study.buffers, SharedBuffer)
        if isinstance(study.buffers, SharedBuffer):
            self._feature = np.array(sorted(study.buffers.shared_bytes), dtype=np.int64)
            self._weight = np.zeros(1, dtype=np.int64)
        else:
            self._feature = np.array(sorted(study.buffers.feature_bytes), dtype=np.int64)
            self._weight = np.array(sorted(study.buffers.weight_bytes), dtype=np.int64)
        # Feature needs are the same on all arrays of a family; weight needs often are.
        feature, dram = needs.feature_bytes[needs.valid], needs.dram_bytes[needs.valid]
        way = np.nonzero(needs.valid)[1]
        known: dict[bytes, Ints] = {}
        self._columns = []
        for array in range(needs.weight_bytes.shape[1]):
            weight = needs.weight_bytes[:, array]
            if weight.tobytes() not in known:
                known[weight.tobytes()] = self._least(feature, weight[way], dram)
            self._columns.append(known[weight.tobytes()])

    def _cells(self, feature: Ints, weight: Ints) -> tuple[Ints, Ints]:
        """Smallest listed sizes that fit, as indices; past the end where nothing does."""
        if self._shared:
            return np.searchsorted(self._feature, feature + weight), np.zeros_like(feature)
        return np.searchsorted(self._feature, feature), np.searchsorted(self._weight, weight)

    def _least(self, feature: Ints, weight: Ints, dram: Ints) -> Ints:
        least = np.full((len(self._feature) + 1, len(self._weight) + 1), NO_CAP)
        np.minimum.at(least, self._cells(feature, weight), dram)
        return np.minimum.accumulate(np.minimum.accumulate(least, axis=0), axis=1)

    def beaten_by(self, needs: Needs) -> Bools:
        """Where cuts fit some listed buffers on some array and move less: (share, cut, row option, col option)."""
        valid = np.nonzero(needs.valid)
        way, feature, dram = valid[1], needs.feature_bytes[needs.valid], needs.dram_bytes[needs.valid]
        beaten_here = np.zeros(len(way), dtype=bool)
        seen: set[bytes] = set()
        for array, least in enumerate(self._columns):
            weight = needs.weight_bytes[:, array]
            key = weight.tobytes() + least.tobytes()
            if key in seen:
                continue
            seen.add(key)
            feature_cell, weight_cell = self._cells(feature, weight[way])
            fits = (feature_cell < len(self._feature)) & (weight_cell < len(self._weight))
            beaten_here |= fits & (dram < least[feature_cell, weight_cell])
        beaten = np.zeros(needs.valid.shape, dtype=bool)
        beaten[needs.valid] = beaten_here
        return beaten

    def capped(self, rows: Candidates) -> Iterator[Candidates]:
        """Rows with their caps, once for each feature size up to which a different weight size ends them."""
        ends = np.stack(
            [(least[:-1, :-1] > rows.dram_bytes[:, None, None]).sum(axis=2) for least in self._columns], axis=2
        )  # (row, feature size, array): how many weight sizes, from the smallest on
        sizes = np.append(self._feature, NO_CAP)
        caps = np.append(self._weight, NO_CAP)
        following = np.zeros_like(ends[:, 0])
        for size in range(len(self._feature))[::-1]:
            stands = (ends[:, size] > following).any(axis=1) & (rows.feature_need[:, 0] < sizes[size + 1])
            following = ends[:, size]
            if stands.any():
                caps_of = np.where(following == 0, 0, caps[following])[stands]
                yield replace(
                    rows.pick(stands),
                    feature_cap=np.full((int(stands.sum()), caps_of.shape[1]), sizes[size + 1]),
                    weight_cap=caps_of,
                )
