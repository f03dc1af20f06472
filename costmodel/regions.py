"""Tile regions of a group along one axis, for every tile count at once.

Rows and columns are independent: what a tile needs is a rectangle, so a plan per axis is enough and sums
over tiles are sums over pairs (row class, column class). Tiles of one count that need the same lengths of
every tensor form a *class*; the first and the last tile always stand alone, because they differ in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from costmodel.template import Ints
from costmodel.works import signature
from specs.network import Layer, Network

_FAR = np.int64(1) << 40


@dataclass(frozen=True)
class GroupTensors:
    """The tensors of a group by position: made ones first (in layer order), then those read from outside."""

    layers: tuple[Layer, ...]
    names: tuple[str, ...]
    outputs: tuple[int, ...]
    channels: Ints

    @property
    def num_made(self) -> int:
        return len(self.layers)

    @cached_property
    def signatures(self) -> tuple[Layer, ...]:
        return tuple(signature(layer) for layer in self.layers)

    @cached_property
    def last_reader(self) -> tuple[int, ...]:
        """Position of the last layer that reads each tensor; one past the end if it leaves the group."""
        last = {name: step for step, layer in enumerate(self.layers) for name in layer.input_tensors}
        leaving = {self.names[t] for t in self.outputs}
        return tuple(len(self.layers) if name in leaving else last.get(name, 0) for name in self.names)


@dataclass(frozen=True)
class AxisPlan:
    """Interval lengths of one axis, for every tile count without and with kept halos.

    Attributes
    ----------
    counts, keeps : (option,)
        Tile count, and whether what a tile leaves is kept for the next. One tile has nothing to keep.
    starts : (option,)
        First class of each option; its last class ends where the next option starts.
    number : (class,)
        Tiles in each class.
    new : (class, tensor)
        Length that a tile loads or computes; with kept halos, what no earlier tile left behind.
    own : (class, output)
        Length of each output that a tile is responsible for.
    kept : (option, tensor)
        Most that a tile leaves for the next (0 where nothing is kept).
    span : (option, tensor)
        Extent of everything the option's tiles need.
    largest : (option, tensor)
        Largest entry of ``new``.
    """

    counts: Ints
    keeps: NDArray[np.bool_]
    starts: Ints
    number: Ints
    new: Ints
    own: Ints
    kept: Ints
    span: Ints
    largest: Ints

    @cached_property
    def ends(self) -> Ints:
        """Last class of each option."""
        return np.append(self.starts[1:], len(self.number)) - 1


def group_tensors(network: Network, layers: tuple[Layer, ...], outputs: tuple[str, ...]) -> GroupTensors:
    made = [layer.name for layer in layers]
    read = [n for n in dict.fromkeys(n for layer in layers for n in layer.input_tensors) if n not in made]
    names = (*made, *read)
    return GroupTensors(
        layers=layers,
        names=names,
        outputs=tuple(made.index(name) for name in outputs),
        channels=np.array([network.tensors[name].channels for name in names], dtype=np.int64),
    )


def axis_plan(tensors: GroupTensors, counts: tuple[int, ...], keep: bool, axis: int) -> AxisPlan:
    """Plan all tile counts of one axis (0: rows, 1: columns); with ``keep``, also with kept halos."""
    options = np.array(counts, dtype=np.int64)
    option = np.repeat(np.arange(len(options)), options)
    option_start = np.concatenate([[0], np.cumsum(options)[:-1]])
    tile = np.arange(len(option)) - option_start[option]
    first, last, own = _needs(tensors, tile, options[option], axis)

    # Exclusive running maximum of `last` inside each option: shift each option far above the one before.
    shift = (option * _FAR)[:, None]
    running = np.maximum.accumulate(last + shift, axis=0)
    reached = np.vstack([np.zeros_like(last[:1]), running[:-1]]) - shift
    reached = np.maximum(reached, 0)
    fresh = last - first
    new = np.maximum(last - np.maximum(first, reached), 0)
    left = np.where(fresh > 0, np.maximum(reached - first, 0), 0)
    needed_first = np.where(fresh > 0, first, _FAR)
    span = np.maximum.reduceat(last, option_start) - np.minimum.reduceat(needed_first, option_start)
    kept = np.maximum.reduceat(left, option_start)

    keeps = np.zeros(len(options), dtype=bool)
    if keep and options[-1] > 1:
        # The same options once more, with halos kept; one tile stays as it is.
        again = option[options[option] > 1]
        twice = np.concatenate([np.arange(len(option)), np.flatnonzero(options[option] > 1)])
        several = np.flatnonzero(options > 1)
        option = np.concatenate([option, len(options) + np.searchsorted(several, again)])
        new = np.concatenate([fresh, new[twice[len(fresh) :]]])
        own, tile = own[twice], tile[twice]
        keeps = np.concatenate([keeps, np.ones(len(several), dtype=bool)])
        options, span = np.concatenate([options, options[several]]), np.concatenate([span, span[several]])
        kept = np.concatenate([np.zeros_like(kept), kept[several]])
    else:
        new, kept = fresh, np.zeros_like(kept)
    classes, number, starts = _classes(option, tile, options, np.hstack([new, own]))
    return AxisPlan(
        counts=options,
        keeps=keeps,
        starts=starts,
        number=number,
        new=new[classes],
        own=own[classes],
        kept=kept,
        span=np.maximum(span, 0),
        largest=np.maximum.reduceat(new[classes], starts),
    )


def _needs(tensors: GroupTensors, tile: Ints, tiles: Ints, axis: int) -> tuple[Ints, Ints, Ints]:
    """First and past-the-last needed index of every tensor for every tile (0, 0 where none), and own lengths."""
    position = {name: i for i, name in enumerate(tensors.names)}
    first = np.full((len(tile), len(tensors.names)), _FAR, dtype=np.int64)
    last = np.zeros_like(first)
    own = np.empty((len(tile), len(tensors.outputs)), dtype=np.int64)
    for i, output in enumerate(tensors.outputs):
        extent = (tensors.layers[output].P, tensors.layers[output].Q)[axis]
        size = -(-extent // tiles)
        begin = np.minimum(tile * size, extent)
        end = np.minimum(begin + size, extent)
        own[:, i] = end - begin
        first[:, output] = np.where(end > begin, begin, _FAR)
        last[:, output] = np.where(end > begin, end, 0)
    for made in range(tensors.num_made - 1, -1, -1):
        layer = tensors.layers[made]
        kernel, extent = ((layer.R, layer.H), (layer.S, layer.W))[axis]
        stride, dilation, pad = layer.stride[axis], layer.dilation[axis], layer.pad[axis]
        begin = np.maximum(first[:, made] * stride - pad, 0)
        end = np.minimum((last[:, made] - 1) * stride - pad + dilation * (kernel - 1) + 1, extent)
        wanted = (last[:, made] > 0) & (end > begin)
        begin, end = np.where(wanted, begin, _FAR), np.where(wanted, end, 0)
        for name in layer.input_tensors:
            i = position[name]
            first[:, i] = np.minimum(first[:, i], begin)
            last[:, i] = np.maximum(last[:, i], end)
    return np.where(last > 0, first, 0), last, own


def _classes(option: Ints, tile: Ints, options: Ints, lengths: Ints) -> tuple[Ints, Ints, Ints]:
    """Group the tiles of each option: representative tiles, tiles per class, first class of each option.

    Tiles are compared through one random 64-bit sum; that equal sums mean equal lengths is checked.
    """
    place = np.where(tile == 0, 0, np.where(tile == options[option] - 1, 2, 1))
    weights = np.random.default_rng(len(tile)).integers(1, 1 << 40, lengths.shape[1])
    digest = (lengths @ weights) & ((1 << 40) - 1)
    key = (option * 3 + place) << 40 | digest
    _, classes, where, number = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    assert np.array_equal(lengths[classes][where], lengths), "two different tiles share a digest"
    starts = np.searchsorted(option[classes], np.arange(len(options)))
    return classes, number, starts
