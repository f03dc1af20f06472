"""Steps of a group along one axis, for every tile count at once; `plain_regions` says the same in words.

Rows and columns are independent: what a tile makes is a rectangle, so a plan per axis is enough and sums
over tiles are sums over pairs (row class, column class). Steps of one option that agree in the lengths of
every tensor form a *class*; the first and the last step always stand alone, because they differ in time.
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
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class GroupTensors:
    """The tensors of a group by position: made ones first (in layer order), then those read from outside."""

    layers: tuple[Layer, ...]
    names: tuple[str, ...]
    outputs: tuple[int, ...]
    channels: Ints
    signatures: tuple[Layer, ...]

    @property
    def num_made(self) -> int:
        return len(self.layers)

    @cached_property
    def inputs(self) -> tuple[tuple[int, ...], ...]:
        """Positions of the tensors that each layer reads."""
        position = {name: i for i, name in enumerate(self.names)}
        return tuple(tuple(position[name] for name in layer.input_tensors) for layer in self.layers)

    @cached_property
    def last_reader(self) -> tuple[int, ...]:
        """Position of the last layer that reads each tensor; one past the end if it leaves the group."""
        last = {name: step for step, layer in enumerate(self.layers) for name in layer.input_tensors}
        leaving = {self.names[t] for t in self.outputs}
        return tuple(len(self.layers) if name in leaving else last.get(name, 0) for name in self.names)


@dataclass(frozen=True)
class AxisPlan:
    """Lengths along one axis for every option: tile count, whether halos are kept, whether the start is stepwise.

    Attributes
    ----------
    counts, keeps, stepwise : (option,)
        One tile has nothing to keep; a stepwise start is an option only where it holds less.
    starts, steps : (option,)
        First class of each option, and its number of steps.
    option : (class,)
    number : (class,)
        Steps in each class.
    new, line, passing : (class, tensor)
        What a step makes or loads; what it holds throughout; what it makes or loads for itself alone.
    store : (class, output)
    span : (option, tensor)
        From the first to the last row that any step needs.
    """

    counts: Ints
    keeps: Bools
    stepwise: Bools
    starts: Ints
    steps: Ints
    option: Ints
    number: Ints
    new: Ints
    line: Ints
    passing: Ints
    store: Ints
    span: Ints

    @cached_property
    def ends(self) -> Ints:
        """Last class of each option."""
        return np.append(self.starts[1:], len(self.number)) - 1


def group_tensors(
    network: Network, layers: tuple[Layer, ...], outputs: tuple[str, ...], pinned: frozenset[str]
) -> GroupTensors:
    made = [layer.name for layer in layers]
    read = [n for n in dict.fromkeys(n for layer in layers for n in layer.input_tensors) if n not in made]
    names = (*made, *read)
    return GroupTensors(
        layers=layers,
        names=names,
        outputs=tuple(made.index(name) for name in outputs),
        channels=np.array([network.tensors[name].channels for name in names], dtype=np.int64),
        signatures=tuple(signature(layer, pinned) for layer in layers),
    )


@dataclass(frozen=True)
class _Part:
    """Options of one way to start, one row for each step of each option, in order."""

    counts: Ints
    option: Ints
    new: Ints
    line: Ints
    passing: Ints
    store: Ints
    begin: Ints

    def most_held(self) -> Ints:
        """Most that any step holds: (option, tensor)."""
        most: Ints = np.maximum.reduceat(self.line + self.passing, self.first_steps())
        return most

    def first_steps(self) -> Ints:
        return np.searchsorted(self.option, np.arange(len(self.counts)))

    def pick(self, options: Bools) -> _Part:
        steps = options[self.option]
        option = (np.cumsum(options) - 1)[self.option[steps]]
        columns = (self.new[steps], self.line[steps], self.passing[steps], self.store[steps], self.begin[steps])
        return _Part(self.counts[options], option, *columns)


def axis_plan(tensors: GroupTensors, counts: tuple[int, ...], keep: bool, axis: int) -> AxisPlan:
    """Plan all tile counts of one axis (0: rows, 1: columns); with ``keep``, also with kept halos."""
    tiles = np.array(counts, dtype=np.int64)
    parts, flags = [_without_halos(tensors, tiles, axis)], [(False, False)]
    several = tiles[tiles > 1]
    if keep and len(several):
        at_once = _with_halos(tensors, several, np.zeros_like(several), axis)
        parts.append(at_once)
        flags.append((True, False))
        early = _early_steps(tensors, several, axis)
        if early.any():
            stepwise = _with_halos(tensors, several, early, axis)
            less: Bools = np.asarray((stepwise.most_held() < at_once.most_held()).any(axis=1))
            if less.any():
                parts.append(stepwise.pick(less))
                flags.append((True, True))
    sizes = [len(part.counts) for part in parts]
    offsets = np.cumsum([0, *sizes[:-1]])
    option = np.concatenate([part.option + offset for part, offset in zip(parts, offsets, strict=True)])
    new, line, passing, store, begin = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("new", "line", "passing", "store", "begin")
    )
    first = np.searchsorted(option, np.arange(sum(sizes)))
    end = np.maximum.reduceat(np.where(new > 0, begin + new, 0), first)
    span = end - np.minimum.reduceat(np.where(new > 0, begin, _FAR), first)
    steps = np.diff(np.append(first, len(option)))
    classes, number, starts = _classes(option, first, steps, np.hstack([new, line, passing, store]))
    return AxisPlan(
        counts=np.concatenate([part.counts for part in parts]),
        keeps=np.repeat([keeps for keeps, _ in flags], sizes),
        stepwise=np.repeat([stepwise for _, stepwise in flags], sizes),
        starts=starts,
        steps=steps,
        option=option[classes],
        number=number,
        new=new[classes],
        line=line[classes],
        passing=passing[classes],
        store=store[classes],
        span=np.maximum(span, 0),
    )


def _extents(tensors: GroupTensors, axis: int) -> list[tuple[int, int, int, int, int, int]]:
    """Of each layer along an axis: output extent, input extent, kernel, stride, dilation, padding before."""
    return [
        (
            (layer.P, layer.Q)[axis],
            (layer.H, layer.W)[axis],
            (layer.R, layer.S)[axis],
            layer.stride[axis],
            layer.dilation[axis],
            layer.pad[axis],
        )
        for layer in tensors.layers
    ]


def _without_halos(tensors: GroupTensors, tiles: Ints, axis: int) -> _Part:
    """Each tile makes and loads all it needs."""
    option = np.repeat(np.arange(len(tiles)), tiles)
    tile = np.arange(len(option)) - np.repeat(np.cumsum(tiles) - tiles, tiles)
    extents = _extents(tensors, axis)
    first = np.full((len(tile), len(tensors.names)), _FAR, dtype=np.int64)
    last = np.zeros_like(first)
    own = np.empty((len(tile), len(tensors.outputs)), dtype=np.int64)
    for i, output in enumerate(tensors.outputs):
        extent = extents[output][0]
        size = -(-extent // tiles[option])
        begin = np.minimum(tile * size, extent)
        end = np.minimum(begin + size, extent)
        own[:, i] = end - begin
        first[:, output] = np.where(end > begin, begin, _FAR)
        last[:, output] = np.where(end > begin, end, 0)
    for made in range(tensors.num_made - 1, -1, -1):
        _, extent, kernel, stride, dilation, pad = extents[made]
        begin = np.maximum(first[:, made] * stride - pad, 0)
        end = np.minimum((last[:, made] - 1) * stride - pad + dilation * (kernel - 1) + 1, extent)
        wanted = (last[:, made] > 0) & (end > begin)
        begin, end = np.where(wanted, begin, _FAR), np.where(wanted, end, 0)
        for i in tensors.inputs[made]:
            first[:, i] = np.minimum(first[:, i], begin)
            last[:, i] = np.maximum(last[:, i], end)
    new = np.where(last > 0, last - first, 0)
    return _Part(tiles, option, new, np.zeros_like(new), new, own, first)


def _ends(tensors: GroupTensors, tiles: Ints, step: Ints, axis: int, clip: bool) -> Ints:
    """One past the last row of each tensor that exists after a step: (entry, tensor); with ``clip``, inside the map."""
    extents = _extents(tensors, axis)
    ends = np.full((len(step), len(tensors.names)), -_FAR, dtype=np.int64)
    for output in tensors.outputs:
        extent = extents[output][0]
        ends[:, output] = np.minimum(extent, (step + 1) * -(-extent // tiles))
    for made in range(tensors.num_made - 1, -1, -1):
        extent, input_extent, kernel, stride, dilation, pad = extents[made]
        if clip:
            ends[:, made] = np.minimum(ends[:, made], extent)
        end = (ends[:, made] - 1) * stride - pad + dilation * (kernel - 1) + 1
        for i in tensors.inputs[made]:
            ends[:, i] = np.maximum(ends[:, i], np.minimum(end, input_extent if clip else _FAR))
    return ends


def _early_steps(tensors: GroupTensors, tiles: Ints, axis: int) -> Ints:
    """At least as many steps as there are before the first output in a stepwise start: (option,).

    Every step back lowers the end of every tensor by at least the smallest part of an output, as long as
    nothing is clipped.
    """
    ends = _ends(tensors, tiles, np.full_like(tiles, -1), axis, clip=False).max(axis=1)
    extents = np.array([(tensors.layers[t].P, tensors.layers[t].Q)[axis] for t in tensors.outputs])
    smallest = (-(-extents[:, None] // tiles)).min(axis=0)
    early: Ints = np.maximum(0, -(-ends // smallest))
    return early


def _with_halos(tensors: GroupTensors, tiles: Ints, early: Ints, axis: int) -> _Part:
    """Every row is made once and kept until its last reader made what needs it."""
    steps = tiles + early
    option = np.repeat(np.arange(len(tiles)), steps)
    step = np.arange(len(option)) - np.repeat(np.cumsum(steps) - steps, steps) - early[option]
    reached = np.maximum(_ends(tensors, tiles[option], step, axis, clip=True), 0)
    if early.any():
        begun = (step >= 0) | reached.any(axis=1)
        option, step, reached = option[begun], step[begun], reached[begun]
    starts = np.searchsorted(option, np.arange(len(tiles)))
    is_first = np.zeros(len(option), dtype=bool)
    is_first[starts] = True
    before = np.where(is_first[:, None], 0, np.roll(reached, 1, axis=0))
    final = reached[np.append(starts[1:], len(option)) - 1][option]
    extents = _extents(tensors, axis)
    lowest = np.full_like(reached, _FAR)
    made = before.copy()
    outputs = set(tensors.outputs)
    for v in range(tensors.num_made - 1, -1, -1):
        if v not in outputs:
            made[:, v] = np.maximum(before[:, v], lowest[:, v])
        _, _, _, stride, _, pad = extents[v]
        busy = made[:, v] < final[:, v]
        needed = np.where(busy, np.maximum(made[:, v] * stride - pad, 0), _FAR)
        for i in tensors.inputs[v]:
            lowest[:, i] = np.minimum(lowest[:, i], needed)
    read = slice(tensors.num_made, None)
    made[:, read] = np.maximum(before[:, read], lowest[:, read])
    new = np.maximum(reached - made, 0)
    lowest_next = np.where(np.roll(is_first, -1)[:, None], _FAR, np.roll(lowest, -1, axis=0))
    stays = np.where(new > 0, np.maximum(reached - np.maximum(made, lowest_next), 0), 0)
    line = np.maximum(before - lowest, 0) + stays
    return _Part(tiles, option, new, line, new - stays, new[:, list(tensors.outputs)], made)


def _classes(option: Ints, first: Ints, steps: Ints, lengths: Ints) -> tuple[Ints, Ints, Ints]:
    """Group the steps of each option: representative steps, steps per class, first class of each option.

    Steps are compared through one random 64-bit sum; that equal sums mean equal lengths is checked.
    """
    place = np.ones_like(option)
    place[first + steps - 1] = 2
    place[first] = 0
    weights = np.random.default_rng(len(option)).integers(1, 1 << 40, lengths.shape[1])
    digest = (lengths @ weights) & ((1 << 40) - 1)
    key = (option * 3 + place) << 40 | digest
    _, classes, where, number = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    assert np.array_equal(lengths[classes][where], lengths), "two different steps share a digest"
    starts = np.searchsorted(option[classes], np.arange(len(first)))
    return classes, number, starts
