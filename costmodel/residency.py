"""Which layers of a group keep their weights on chip: every choice that some buffer could prefer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from costmodel.beside_maps import chunk_words, kept_bytes, word_bytes
from costmodel.skyline import undominated
from costmodel.template import ArrayShape, Ints
from specs.network import Layer
from specs.study import SharedBuffer, Study

if TYPE_CHECKING:
    from costmodel.candidates import Family


@dataclass(frozen=True)
class Residency:
    """One choice: layers (a bit set of positions), bytes that stay, bytes that stream per tile.

    ``sums_bytes`` of partial sums stream between any two tiles, once each way. ``need_bytes`` has one entry per array:
    what the choice takes in the weight buffer.
    """

    mask: int
    resident_bytes: int
    stream_bytes: int
    sums_bytes: int
    need_bytes: Ints


def residency_options(study: Study, family: Family, layers: tuple[Layer, ...], room_bytes: int = 0) -> list[Residency]:
    """Every choice that streams least for some weight-buffer capacity on some array, most streaming first.

    All costs of a group rise with the bytes that stream, whatever the tiling, so for a capacity only the
    choices matter that stream least: of those that stream no fewer weights with every tile and no fewer sums between
    any two, one is enough. ``room_bytes`` is what an update takes. With separate buffers the capacities
    are the listed ones; with a shared one, any: the whole front of (need, streamed) is kept.
    """
    kept = np.array([kept_bytes(study, layer) for layer in layers], dtype=np.int64)
    weighted = np.flatnonzero(kept)
    size, streams = kept[weighted], [layers[i] for i in weighted]
    chosen = (np.arange(1 << len(weighted))[:, None] >> np.arange(len(weighted)) & 1).astype(bool)
    is_sum = np.array([layer.reduces for layer in streams], dtype=bool)
    stays = chosen @ size
    stream, sums = ~chosen @ np.where(is_sum, 0, size), ~chosen @ np.where(is_sum, size, 0)
    copies = 2 if family.double_buffer else 1
    chunk = np.array(
        [[words * word_bytes(study, layer) for words in _chunk_words(family.arrays, layer)] for layer in streams],
        dtype=np.int64,
    )
    chunk = chunk.reshape(len(streams), len(family.arrays)).T * copies
    streaming = np.where(chosen[:, None, :], 0, chunk[None, :, :]).max(axis=2, initial=0)
    need = stays[:, None] + streaming + copies * room_bytes
    keep: set[int] = set()
    for column in {column.tobytes(): column for column in need.T}.values():  # arrays often need the same
        keep |= set(_least_streaming(study, column, stream, sums))
    ordered = sorted(keep, key=lambda i: (-stream[i], -sums[i], i))
    masks = [sum(1 << int(weighted[bit]) for bit in np.flatnonzero(chosen[i])) for i in ordered]
    resident = chosen @ np.where(is_sum, 0, size)
    return [
        Residency(mask, int(resident[i]), int(stream[i]), int(sums[i]), need[i])
        for mask, i in zip(masks, ordered, strict=True)
    ]


@lru_cache(maxsize=4096)
def _chunk_words(arrays: tuple[ArrayShape, ...], layer: Layer) -> tuple[int, ...]:
    """Weight words of a layer that each array holds at once while they stream."""
    return tuple(chunk_words(array, layer, layer.K, layer.C // layer.G) for array in arrays)


def _least_streaming(study: Study, need: Ints, stream: Ints, sums: Ints) -> list[int]:
    """Indices on the front of (need, stream, sums), smallest need first, thinned to the listed capacities if any."""
    if sums.any():
        return _on_both_fronts(study, need, stream, sums)
    order = np.lexsort((stream, need))
    before = np.concatenate([[np.iinfo(np.int64).max], np.minimum.accumulate(stream[order])[:-1]])
    front = order[stream[order] < before]
    if isinstance(study.buffers, SharedBuffer):
        return [int(i) for i in front]
    fitting = [front[need[front] <= capacity] for capacity in study.buffers.weight_bytes]
    return sorted({int(some[-1]) for some in fitting if len(some)})


def _on_both_fronts(study: Study, need: Ints, stream: Ints, sums: Ints) -> list[int]:
    """The same where weights and sums stream, which no one number compares."""
    if isinstance(study.buffers, SharedBuffer):
        return [int(i) for i in undominated(np.stack([need, stream, sums]))]
    found: set[int] = set()
    for capacity in study.buffers.weight_bytes:
        fitting = np.flatnonzero(need <= capacity)
        if len(fitting):
            found |= {int(i) for i in fitting[undominated(np.stack([stream[fitting], sums[fitting]]))]}
    return sorted(found)
