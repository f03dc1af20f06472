"""Steps of a group along one axis, for every tile count at once; `plain_regions` says the same in words.

What is read under a kernel that moves over a map with zeros put in (``upsample``) are the rows between them.

Rows and columns are independent: what a tile makes is a rectangle, so a plan per axis is enough and sums
over tiles are sums over pairs (row class, column class). Steps of one option that agree in the lengths of
every tensor form a *class*; the first and the last step always stand alone, because they differ in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from costmodel.kept import is_kept_map
from costmodel.template import Ints
from costmodel.works import signature
from specs.network import BESIDE, Layer, Network

_FAR = np.int64(1) << 40
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class GroupTensors:
    """The tensors of a group by position: made ones first (in layer order), then those read from outside.

    Attributes
    ----------
    layers, updates
        Those that run tile by tile, and those that run after the last tile.
    places
        Where in the group's list the ones that run tile by tile stand.
    reads
        For each layer the positions of the tensors it reads, and whether at its outputs' own positions. A mask or a
        view of a map that the group makes is that map.
    outputs
        Maps that are cut into tiles: what leaves, as a map or a mask, and what is summed over.
    pixel_bytes : (tensor,)
        Bytes of one position: of a map with its mask, of none where a reduction sums.
    leave_bytes : (output,)
        Those of them that leave.
    kept
        Layers whose map is kept for the backward pass.
    """

    layers: tuple[Layer, ...]
    updates: tuple[Layer, ...]
    places: tuple[int, ...]
    names: tuple[str, ...]
    reads: tuple[tuple[tuple[int, bool], ...], ...]
    outputs: tuple[int, ...]
    pixel_bytes: Ints
    leave_bytes: Ints
    kept: frozenset[str]
    signatures: tuple[Layer, ...]

    @property
    def num_made(self) -> int:
        return len(self.layers)

    @cached_property
    def last_reader(self) -> tuple[int, ...]:
        """Position of the last layer that reads each tensor; one past the end if it leaves the group."""
        last = {tensor: step for step, reads in enumerate(self.reads) for tensor, _ in reads}
        return tuple(
            len(self.layers) if tensor in self.outputs else last.get(tensor, 0) for tensor in range(len(self.names))
        )


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
    network: Network, layers: tuple[Layer, ...], activation_bytes: int, pinned: frozenset[str]
) -> GroupTensors:
    updates = tuple(layer for layer in layers if layer.op == "update")
    kept = frozenset(layer.copy_of for layer in layers if layer.op == "keep")
    places = tuple(i for i, layer in enumerate(layers) if layer.op not in BESIDE)
    layers = () if is_kept_map(layers) else tuple(layer for layer in layers if layer.op not in BESIDE)
    made = {layer.name: i for i, layer in enumerate(layers)}
    read = [
        n for n in dict.fromkeys(n for layer in layers for n in layer.input_tensors) if network.maker[n] not in made
    ]
    position = made | {name: len(made) + i for i, name in enumerate(read)}
    leaving = leaving_bytes(network, layers, activation_bytes, kept)
    whole = [made_bytes(layer, activation_bytes) for layer in layers]
    whole += [network.tensors[name].pixel_bytes(activation_bytes) for name in read]
    outputs = tuple(i for i, (layer, some) in enumerate(zip(layers, leaving, strict=True)) if some or layer.reduces)
    return GroupTensors(
        layers=layers,
        updates=updates,
        places=places,
        names=(*made, *read),
        reads=tuple(
            tuple(
                (made[network.maker[n]] if network.maker[n] in made else position[n], here) for n, here in layer.reads
            )
            for layer in layers
        ),
        outputs=outputs,
        pixel_bytes=np.array(whole, dtype=np.int64),
        leave_bytes=np.array([leaving[i] for i in outputs], dtype=np.int64),
        kept=kept,
        signatures=tuple(signature(layer, pinned) for layer in layers),
    )


def made_bytes(layer: Layer, activation_bytes: int) -> int:
    """Bytes of one position of what a layer makes, its mask included; a reduction makes no map."""
    whole = 0 if layer.reduces else layer.output.pixel_bytes(activation_bytes)
    return whole + (layer.mask.pixel_bytes(activation_bytes) if layer.mask_bits else 0)


def leaving_bytes(
    network: Network, layers: tuple[Layer, ...], activation_bytes: int, kept: frozenset[str]
) -> list[int]:
    """Of what each layer of a group makes, the bytes of one position that something outside needs.

    ``kept`` are those whose map is kept for the backward pass.
    """
    inside = {layer.name for layer in layers}
    found = []
    for layer in layers:
        of_map, of_mask = network.readers[layer.name]
        needed = layer.name in network.outputs or layer.name in kept or not of_map <= inside
        map_leaves = needed and not layer.reduces
        mask_bytes = layer.mask.pixel_bytes(activation_bytes) if of_mask - inside else 0
        found.append(map_leaves * layer.output.pixel_bytes(activation_bytes) + mask_bytes)
    return found


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


class _Window(NamedTuple):
    """A layer along an axis: output and input extent, stride, padding before, rows that a kernel spans, upsampling."""

    extent: int
    input_extent: int
    stride: int
    pad: int
    span: int
    upsample: int

    def first(self, row: Ints) -> Ints:
        """First input row under an output row; below zero where it lies in the padding."""
        return -((self.pad - row * self.stride) // self.upsample)

    def end(self, end: Ints) -> Ints:
        """One past the last input row under the output rows before ``end``."""
        return ((end - 1) * self.stride - self.pad + self.span - 1) // self.upsample + 1


def _windows(tensors: GroupTensors, axis: int) -> list[_Window]:
    return [
        _Window(
            (layer.P, layer.Q)[axis],
            (layer.H, layer.W)[axis],
            layer.stride[axis],
            layer.pad[axis],
            layer.dilation[axis] * ((layer.R, layer.S)[axis] - 1) + 1,
            layer.upsample[axis],
        )
        for layer in tensors.layers
    ]


def _without_halos(tensors: GroupTensors, tiles: Ints, axis: int) -> _Part:
    """Each tile makes and loads all it needs."""
    option = np.repeat(np.arange(len(tiles)), tiles)
    tile = np.arange(len(option)) - np.repeat(np.cumsum(tiles) - tiles, tiles)
    windows = _windows(tensors, axis)
    first = np.full((len(tile), len(tensors.names)), _FAR, dtype=np.int64)
    last = np.zeros_like(first)
    own = np.empty((len(tile), len(tensors.outputs)), dtype=np.int64)
    for i, output in enumerate(tensors.outputs):
        extent = windows[output].extent
        size = -(-extent // tiles[option])
        begin = np.minimum(tile * size, extent)
        end = np.minimum(begin + size, extent)
        own[:, i] = end - begin
        first[:, output] = np.where(end > begin, begin, _FAR)
        last[:, output] = np.where(end > begin, end, 0)
    for made in range(tensors.num_made - 1, -1, -1):
        window = windows[made]
        begin = np.maximum(window.first(first[:, made]), 0)
        end = np.minimum(window.end(last[:, made]), window.input_extent)
        wanted = (last[:, made] > 0) & (end > begin)
        begin, end = np.where(wanted, begin, _FAR), np.where(wanted, end, 0)
        for i, at_outputs in tensors.reads[made]:
            first[:, i] = np.minimum(first[:, i], first[:, made] if at_outputs else begin)
            last[:, i] = np.maximum(last[:, i], last[:, made] if at_outputs else end)
    new = np.where(last > 0, last - first, 0)
    return _Part(tiles, option, new, np.zeros_like(new), new, own, first)


def _ends(tensors: GroupTensors, tiles: Ints, step: Ints, axis: int, clip: bool) -> Ints:
    """One past the last row of each tensor that exists after a step: (entry, tensor); with ``clip``, inside the map."""
    windows = _windows(tensors, axis)
    ends = np.full((len(step), len(tensors.names)), -_FAR, dtype=np.int64)
    for output in tensors.outputs:
        extent = windows[output].extent
        ends[:, output] = np.minimum(extent, (step + 1) * -(-extent // tiles))
    for made in range(tensors.num_made - 1, -1, -1):
        window = windows[made]
        if clip:
            ends[:, made] = np.minimum(ends[:, made], window.extent)
        end = np.minimum(window.end(ends[:, made]), window.input_extent if clip else _FAR)
        for i, at_outputs in tensors.reads[made]:
            ends[:, i] = np.maximum(ends[:, i], ends[:, made] if at_outputs else end)
    return ends


def _early_steps(tensors: GroupTensors, tiles: Ints, axis: int) -> Ints:
    """At least as many steps as there are before the first output in a stepwise start: (option,).

    As long as nothing is clipped, m steps back lower the end of every output by at least m times the smallest part of
    one, and that of a tensor by this number over the upsampling between the two, rounded down.
    """
    ends = _ends(tensors, tiles, np.full_like(tiles, -1), axis, clip=False)
    windows = _windows(tensors, axis)
    upsampling = np.ones(len(tensors.names), dtype=np.int64)
    for made in range(tensors.num_made - 1, -1, -1):
        for i, at_outputs in tensors.reads[made]:
            between = upsampling[made] * (1 if at_outputs else windows[made].upsample)
            upsampling[i] = max(upsampling[i], between)
    extents = np.array([windows[t].extent for t in tensors.outputs])
    smallest = (-(-extents[:, None] // tiles)).min(axis=0)
    early: Ints = np.maximum(0, -(-(ends * upsampling).max(axis=1) // smallest))
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
    windows = _windows(tensors, axis)
    lowest = np.full_like(reached, _FAR)
    made = before.copy()
    outputs = set(tensors.outputs)
    for v in range(tensors.num_made - 1, -1, -1):
        if v not in outputs:
            made[:, v] = np.maximum(before[:, v], lowest[:, v])
        busy = made[:, v] < final[:, v]
        needed = np.where(busy, np.maximum(windows[v].first(made[:, v]), 0), _FAR)
        needed_here = np.where(busy, made[:, v], _FAR)
        for i, at_outputs in tensors.reads[v]:
            lowest[:, i] = np.minimum(lowest[:, i], needed_here if at_outputs else needed)
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
