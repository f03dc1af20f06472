"""What each step of an executed group makes, holds and stores along one axis, from the indices that layers touch.

Written apart from the regions that are priced (`regions`, `plain_regions`) and in other terms: sets of indices, and
what later steps will still touch. A mistake in one of the two shows when a design is executed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from costmodel.buffers import Index, indices
from costmodel.design import GroupDesign
from specs.network import MASK, Layer, Network

NONE = range(0)


@dataclass(frozen=True)
class TensorSteps:
    """One tensor along one axis; every list has one entry per step.

    Attributes
    ----------
    new
        What a step makes or loads.
    lasting
        What is held in this step and was there before it or is there after it.
    passing
        The rest of what the step makes or loads: gone after the step.
    stored
        What leaves for DRAM, of an output.
    span
        From the first to the last index that any step makes or loads.
    """

    new: list[Index]
    lasting: list[Index]
    passing: list[Index]
    stored: list[Index]
    span: Index


@dataclass(frozen=True)
class AxisSteps:
    """All tensors of a group along one axis."""

    count: int
    tensors: dict[str, TensorSteps]


@dataclass(frozen=True)
class GroupTensors:
    """What a group makes and reads.

    Attributes
    ----------
    made
        Layers that go over positions, in order. A layer's map and its mask are made, held and given up together.
    outside
        Tensors that are loaded, each by the name it is read by: maps, masks, views.
    outputs
        Layers whose positions are cut into tiles: what they make leaves, or they are reductions.
    leaving
        Maps and masks that leave.
    """

    made: tuple[str, ...]
    outside: tuple[str, ...]
    outputs: tuple[str, ...]
    leaving: tuple[str, ...]

    @property
    def every(self) -> tuple[str, ...]:
        return self.made + self.outside


def source(network: Network, made: Collection[str], name: str) -> str:
    """Where a group finds a tensor that it reads: at the layer that makes it in the group, or by itself."""
    return network.maker[name] if network.maker[name] in made else name


def tensors_of(network: Network, layers: list[Layer]) -> GroupTensors:
    made = tuple(layer.name for layer in layers if layer.op != "update")
    outside = [n for layer in layers for n in layer.input_tensors if source(network, made, n) == n and n not in made]
    leaving, outputs = [], []
    for layer in layers:
        maps, masks = (not readers <= set(made) for readers in network.readers[layer.name])
        left = [layer.name] * (maps or layer.name in network.outputs) + [layer.name + MASK] * masks
        leaving += left
        if left or layer.reduces:
            outputs.append(layer.name)
    return GroupTensors(made, tuple(dict.fromkeys(outside)), tuple(outputs), tuple(leaving))


def operands_of(layer: Layer) -> list[tuple[tuple[str, ...], bool]]:
    """Each operand, and whether it is read at the outputs' own positions."""
    under_kernel = len(layer.operands) - layer.pixelwise
    return [(operand, i >= under_kernel) for i, operand in enumerate(layer.operands)]


def window(layer: Layer, made: range, axis: int) -> tuple[int, int]:
    """First and last index of the input that some outputs touch, also outside the map.

    Of an upsampled input these are indices of real rows, not of the zeros between them.
    """
    kernel = (layer.R, layer.S)[axis]
    first = made[0] * layer.stride[axis] - layer.pad[axis]
    last = made[-1] * layer.stride[axis] - layer.pad[axis] + layer.dilation[axis] * (kernel - 1)
    return -(-first // layer.upsample[axis]), last // layer.upsample[axis]


def touched(layer: Layer, made: range, axis: int, own: bool = False) -> range:
    """Indices of the input from the first to the last that some outputs touch; what lies outside the map is padding.

    With ``own`` the outputs' own positions: an operand that is read pixel by pixel.
    """
    if not made or own:
        return made or NONE
    first, last = window(layer, made, axis)
    extent = (layer.H, layer.W)[axis]
    return range(max(0, first), max(max(0, first), min(extent, last + 1)))


def axis_steps(network: Network, layers: list[Layer], group: GroupDesign, axis: int) -> AxisSteps:
    """Work out the steps of one axis (0: rows, 1: columns) of a group."""
    tensors = tensors_of(network, layers)
    layers = [layer for layer in layers if layer.name in tensors.made]
    count = (group.tile_rows, group.tile_cols)[axis]
    keeps = count > 1 and group.overlap in (("cache-rows", "cache-all"), ("cache-all",))[axis]
    if keeps:
        return _kept(network, layers, tensors, count, group.start == "stepwise", axis)
    return _anew(network, layers, tensors, count, axis)


def _extents(network: Network, axis: int) -> dict[str, int]:
    return {name: (shape.rows, shape.cols)[axis] for name, shape in network.tensors.items()}


def _responsible(extent: int, count: int, step: int) -> range:
    """The part of an output that a step is responsible for: the parts are equal, the last ones perhaps smaller."""
    size = -(-extent // count)
    return range(min(extent, step * size), min(extent, step * size + size))


def _cover(a: range, b: range) -> range:
    """The smallest interval that holds two."""
    if not a or not b:
        return a or b
    return range(min(a[0], b[0]), max(a[-1], b[-1]) + 1)


def _anew(network: Network, layers: list[Layer], tensors: GroupTensors, count: int, axis: int) -> AxisSteps:
    """Nothing is kept: each step makes and loads all it needs."""
    extents = _extents(network, axis)
    needs: list[dict[str, range]] = []
    for step in range(count):
        need = dict.fromkeys(tensors.every, NONE)
        for name in tensors.outputs:
            need[name] = _responsible(extents[name], count, step)
        for layer in reversed(layers):
            for name, own in _read(network, tensors, layer):
                need[name] = _cover(need[name], touched(layer, need[layer.name], axis, own))
        needs.append(need)
    steps = {}
    for name in tensors.every:
        new = [need[name] for need in needs]
        stored = [_responsible(extents[name], count, s) if name in tensors.outputs else NONE for s in range(count)]
        steps[name] = _tensor_steps(new, [set() for _ in new], stored)
    return AxisSteps(count, steps)


def _kept(
    network: Network, layers: list[Layer], tensors: GroupTensors, count: int, stepwise: bool, axis: int
) -> AxisSteps:
    """Each index is made or loaded once, and held as long as a later step touches it."""
    extents = _extents(network, axis)

    def reaches(step: int) -> dict[str, int]:
        """How far each tensor must be after a step, one past the last index; zero or less: nothing yet."""
        reach = dict.fromkeys(tensors.every, -(1 << 60))
        for name in tensors.outputs:
            size = -(-extents[name] // count)
            reach[name] = min(extents[name], (step + 1) * size)
        for layer in reversed(layers):
            end = reach[layer.name]
            _, last = window(layer, range(end - 1, end), axis)
            for name, own in _read(network, tensors, layer):
                reach[name] = min(extents[name], max(reach[name], end if own else last + 1))
        return reach

    first = 0
    while stepwise and any(end > 0 for end in reaches(first - 1).values()):
        first -= 1
    numbers = range(first, count)
    ends = [reaches(step) for step in numbers]
    made: dict[str, list[range]] = {}
    steps: dict[str, TensorSteps] = {}
    readers: dict[str, list[tuple[Layer, bool]]] = {name: [] for name in tensors.every}
    for layer in layers:
        for name, own in _read(network, tensors, layer):
            readers[name].append((layer, own))
    for name in (*reversed(tensors.made), *tensors.outside):  # readers first
        ahead = _touched_from(readers[name], made, len(numbers), axis)
        done, new = 0, []
        for step, end in enumerate(ends):
            start = done if name in tensors.outputs else max(done, ahead[step])
            done = max(done, end[name])
            new.append(range(start, max(start, done)))
        made[name] = new
        lasting = []
        there: set[int] = set()
        for step, fresh in enumerate(new):
            kept = {i for i in there if i >= ahead[step]}
            there = kept | {i for i in fresh if i >= ahead[step + 1]}
            lasting.append(kept | there)
        steps[name] = _tensor_steps(new, lasting, new if name in tensors.outputs else [NONE] * len(new))
    return AxisSteps(len(numbers), steps)


def _read(network: Network, tensors: GroupTensors, layer: Layer) -> list[tuple[str, bool]]:
    """What a layer reads, and whether at its outputs' own positions."""
    return [(source(network, tensors.made, n), own) for operand, own in operands_of(layer) for n in operand]


def _touched_from(readers: list[tuple[Layer, bool]], made: dict[str, list[range]], count: int, axis: int) -> list[int]:
    """For each step, and after the last, the first index that readers touch in it or later."""
    nearest = [1 << 60]
    for step in reversed(range(count)):
        now = [touched(v, made[v.name][step], axis, own).start for v, own in readers if made[v.name][step]]
        nearest.append(min([nearest[-1], *now]))
    return nearest[::-1]


def _tensor_steps(new: list[range], lasting: list[set[int]], stored: list[range]) -> TensorSteps:
    span = NONE
    for fresh in new:
        span = _cover(span, fresh)
    return TensorSteps(
        new=[indices(fresh) for fresh in new],
        lasting=[indices(sorted(held)) for held in lasting],
        passing=[indices([i for i in fresh if i not in held]) for fresh, held in zip(new, lasting, strict=True)],
        stored=[indices(leaving) for leaving in stored],
        span=indices(span),
    )


def held_lengths(steps: AxisSteps) -> dict[str, int]:
    """The most that a step holds of each tensor."""
    return {
        name: int(np.max([len(a) + len(b) for a, b in zip(t.lasting, t.passing, strict=True)]))
        for name, t in steps.tensors.items()
    }
