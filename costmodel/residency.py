"""Which layers of a group keep their weights on chip: every choice that some buffer could prefer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from costmodel.template import ArrayShape, Ints
from specs.network import Layer
from specs.study import SharedBuffer, Study

if TYPE_CHECKING:
    from costmodel.candidates import Family


@dataclass(frozen=True)
class Residency:
    """One choice: layers (a bit set of positions), bytes that stay, bytes that stream per tile.

    ``need_bytes`` has one entry per array: what the choice takes in the weight buffer.
    """

    mask: int
    resident_bytes: int
    stream_bytes: int
    need_bytes: Ints


def residency_options(study: Study, family: Family, layers: tuple[Layer, ...]) -> list[Residency]:
    """Every choice that streams least for some weight-buffer capacity on some array, most streaming first.

    All costs of a group rise with the bytes that stream, whatever the tiling, so for a capacity only the
    choice that streams least matters. With separate buffers the capacities are the listed ones; with a
    shared one, any: the whole front of (need, streamed) is kept.
    """
    weights = np.array([layer.weight_words for layer in layers], dtype=np.int64)
    weighted = np.flatnonzero(weights)
    size = weights[weighted] * study.precision.weight_bytes
    chosen = (np.arange(1 << len(weighted))[:, None] >> np.arange(len(weighted)) & 1).astype(bool)
    resident = chosen @ size
    stream = int(size.sum()) - resident
    copies = 2 if family.double_buffer else 1
    streams = [layers[i] for i in weighted]
    chunk = np.array([_chunk_words(family.arrays, layer) for layer in streams], dtype=np.int64)
    chunk = chunk.reshape(len(streams), len(family.arrays)).T
    chunk = chunk * (copies * study.precision.weight_bytes)
    streaming = np.where(chosen[:, None, :], 0, chunk[None, :, :])
    need = resident[:, None] + streaming.max(axis=2, initial=0)
    keep: set[int] = set()
    for column in {column.tobytes(): column for column in need.T}.values():  # arrays often need the same
        keep |= set(_least_streaming(study, column, stream))
    ordered = sorted(keep, key=lambda i: (-stream[i], i))
    masks = [sum(1 << int(weighted[bit]) for bit in np.flatnonzero(chosen[i])) for i in ordered]
    return [Residency(mask, int(resident[i]), int(stream[i]), need[i]) for mask, i in zip(masks, ordered, strict=True)]


@lru_cache(maxsize=4096)
def _chunk_words(arrays: tuple[ArrayShape, ...], layer: Layer) -> tuple[int, ...]:
    """Weight words of a layer that each array holds at once while they stream."""
    return tuple(array.weight_chunk_words(layer, layer.K, layer.C // layer.G) for array in arrays)


def _least_streaming(study: Study, need: Ints, stream: Ints) -> list[int]:
    """Indices on the front of (need, stream), smallest need first, thinned to the listed capacities if any."""
    order = np.lexsort((stream, need))
    before = np.concatenate([[np.iinfo(np.int64).max], np.minimum.accumulate(stream[order])[:-1]])
    front = order[stream[order] < before]
    if isinstance(study.buffers, SharedBuffer):
        return [int(i) for i in front]
    fitting = [front[need[front] <= capacity] for capacity in study.buffers.weight_bytes]
    return sorted({int(some[-1]) for some in fitting if len(some)})
