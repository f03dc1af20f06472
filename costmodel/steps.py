"""All steps between listed ideals: which group runs when which ideal has run. Arrays, for speed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from costmodel.layer_sets import layer_indices, union

Words = NDArray[np.uint64]
Indices = NDArray[np.intp]
Steps = tuple[Indices, Indices, Indices]
"""Columns: ideal before, ideal after, group."""

_BITS = 64
_CELLS = 4_000_000
"""Pairs of ideal and group looked at at once."""


def find_steps(ideals: Sequence[int], groups: Sequence[int], needed: tuple[int, ...], most: int | None) -> Steps | None:
    """Columns (ideal before, ideal after, group) of all steps, ordered by them; None if more than ``most``.

    A group can run at an ideal that holds all it needs and nothing of it; the step counts if the ideal
    reached is listed too.
    """
    words = -(-len(needed) // _BITS)
    done, members = set_words(ideals, words), set_words(groups, words)
    wanted = set_words([union(needed[i] for i in layer_indices(group)) & ~group for group in groups], words)
    # The lowest layer of a group depends on none of the group: it must be ready wherever the group can run.
    by_lowest: dict[int, list[int]] = defaultdict(list)
    for number, layers in enumerate(groups):
        by_lowest[(layers & -layers).bit_length() - 1].append(number)
    places = {ideal: i for i, ideal in enumerate(ideals)}
    found: list[Steps] = []
    count = 0
    for lowest, listed in by_lowest.items():
        sources = needed[lowest]
        at = [i for i, ideal in enumerate(ideals) if not ideal >> lowest & 1 and sources & ~ideal == 0]
        here, those = np.array(at, dtype=np.intp), np.array(listed, dtype=np.intp)
        for part in np.array_split(here, max(1, len(here) * len(those) // _CELLS)):
            fits = np.ones((len(part), len(those)), dtype=bool)
            for word in range(words):
                ran = done[part, None, word]
                fits &= ran & members[those, word] == 0
                fits &= wanted[those, word] & ~ran == 0
            rows, columns = np.nonzero(fits)
            before, group = part[rows], those[columns]
            after = np.array(
                [places.get(ideals[i] | groups[g], -1) for i, g in zip(before.tolist(), group.tolist(), strict=True)],
                dtype=np.intp,
            )
            listed_too = after >= 0
            found.append((before[listed_too], after[listed_too], group[listed_too]))
            count += int(listed_too.sum())
            if most is not None and count > most:
                return None
    befores, afters, taken = (np.concatenate([part[i] for part in found]) for i in range(3))
    order = np.lexsort((taken, afters, befores))
    return befores[order], afters[order], taken[order]


def set_words(sets: Sequence[int], words: int) -> Words:
    """Sets of layers as rows of 64-bit words."""
    size = words * _BITS // 8
    packed = b"".join(layers.to_bytes(size, "little") for layers in sets)
    return np.frombuffer(packed, dtype="<u8").reshape(len(sets), words).astype(np.uint64)
