"""Steps for the plain reading: which rows and columns each step of a group makes, loads, keeps and stores.

Rows and columns are planned alike and apart: a tile is a step of the one times a step of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from costmodel.design import GroupDesign
from specs.network import Layer, Network

Interval = tuple[int, int]  # first, one past the last
EMPTY: Interval = (0, 0)


@dataclass(frozen=True)
class Step:
    """One step along one axis; all by tensor name, lengths in rows (or columns).

    Attributes
    ----------
    new
        What the step makes or loads.
    line
        What is there from earlier steps or stays for later ones: it is held for the whole step.
    passing
        What is made or loaded and used in this step alone.
    store
        Outputs that leave.
    """

    new: dict[str, Interval]
    line: dict[str, int]
    passing: dict[str, int]
    store: dict[str, int]


class RegionPlan:
    """Row steps and column steps of a group."""

    def __init__(self, network: Network, layers: list[Layer], group: GroupDesign) -> None:
        self.network, self.layers, self.group = network, layers, group
        inside = {layer.name for layer in layers}
        self.made = [layer.name for layer in layers]
        self.read = [
            name for name in dict.fromkeys(n for layer in layers for n in layer.input_tensors) if name not in inside
        ]
        self.outputs = [
            layer.name
            for layer in layers
            if layer.name in network.outputs or any(c not in inside for c in network.consumers[layer.name])
        ]
        keep_rows = group.overlap != "recompute" and group.tile_rows > 1
        keep_cols = group.overlap == "cache-all" and group.tile_cols > 1
        self.rows = self._steps(group.tile_rows, keep_rows, axis=0)
        self.cols = self._steps(group.tile_cols, keep_cols, axis=1)

    def span_cols(self, name: str) -> int:
        """Columns of a tensor from the first to the last that any step needs."""
        used = [step.new[name] for step in self.cols if length(step.new[name])]
        return max(last for _, last in used) - min(first for first, _ in used) if used else 0

    def holds_less_than(self, other: RegionPlan) -> bool:
        """Whether on some axis some tensor's largest hold is smaller than in another plan of the same group."""
        pairs = [(self.rows, other.rows), (self.cols, other.cols)]
        return any(most_held(mine, n) < most_held(theirs, n) for mine, theirs in pairs for n in [*self.made, *self.read])

    def _steps(self, tiles: int, keep: bool, axis: int) -> list[Step]:
        if not keep:
            return [self._step_alone(i, tiles, axis) for i in range(tiles)]
        first = 0
        if self.group.start == "stepwise":
            while any(end > 0 for end in self._ends(first - 1, tiles, axis).values()):
                first -= 1
        return self._steps_kept([self._ends(i, tiles, axis) for i in range(first, tiles)], axis)

    # Without kept halos

    def _step_alone(self, tile: int, tiles: int, axis: int) -> Step:
        """Everything a tile needs is made or loaded anew."""
        own = {name: self._own(name, tile, tiles, axis) for name in self.outputs}
        needs = {name: own.get(name, EMPTY) for name in [*self.made, *self.read]}
        for layer in reversed(self.layers):
            wanted = input_interval(layer, needs[layer.name], axis)
            for name in layer.input_tensors:
                needs[name] = _hull(needs[name], wanted)
        return Step(
            new=needs,
            line=dict.fromkeys(needs, 0),
            passing={name: length(interval) for name, interval in needs.items()},
            store={name: length(interval) for name, interval in own.items()},
        )

    def _own(self, name: str, tile: int, tiles: int, axis: int) -> Interval:
        """The part of an output that tile number ``tile`` is responsible for."""
        extent = self._extent(name, axis)
        size = -(-extent // tiles)
        first = min(extent, tile * size)
        return (first, min(extent, first + size))

    # With kept halos

    def _ends(self, step: int, tiles: int, axis: int) -> dict[str, int]:
        """One past the last row of each tensor that exists after a step; below zero long before the first row."""
        wanted: dict[str, list[int]] = {name: [] for name in [*self.made, *self.read]}
        for name in self.outputs:
            extent = self._extent(name, axis)
            wanted[name].append(min(extent, (step + 1) * -(-extent // tiles)))
        ends: dict[str, int] = {}
        for layer in reversed(self.layers):
            end = ends[layer.name] = min(self._extent(layer.name, axis), max(wanted[layer.name]))
            for name in layer.input_tensors:
                wanted[name].append(last_input(layer, end, axis))
        for name in self.read:
            ends[name] = min(self._extent(name, axis), max(wanted[name]))
        return ends

    def _steps_kept(self, ends: list[dict[str, int]], axis: int) -> list[Step]:
        """Every row is made or loaded once, and kept until its last reader made what needs it."""
        count = len(ends)
        new: dict[str, list[Interval]] = {}
        line: dict[str, list[int]] = {}
        passing: dict[str, list[int]] = {}
        for name in [*reversed(self.made), *self.read]:
            reached = [0] + [max(0, end[name]) for end in ends]
            lowest = self._lowest_needed(name, new, count, axis)
            new[name], line[name], passing[name] = [], [], []
            for i in range(count):
                before, after = reached[i], reached[i + 1]
                first = before if name in self.outputs else max(before, lowest[i])
                fresh = (int(first), after) if first < after else EMPTY
                kept = max(0, before - lowest[i])
                stays = max(0, fresh[1] - max(fresh[0], lowest[i + 1]))
                new[name].append(fresh)
                line[name].append(int(kept + stays))
                passing[name].append(int(length(fresh) - stays))
        names = [*self.made, *self.read]
        return [
            Step(
                new={n: new[n][i] for n in names},
                line={n: line[n][i] for n in names},
                passing={n: passing[n][i] for n in names},
                store={n: length(new[n][i]) for n in self.outputs},
            )
            for i in range(count)
        ]

    def _lowest_needed(self, name: str, new: dict[str, list[Interval]], count: int, axis: int) -> list[float]:
        """For each step, and past the last: the first row of a tensor that readers need then or later."""
        lowest: list[float] = [inf] * (count + 1)
        for layer in self.layers:
            if name not in layer.input_tensors:
                continue
            for i in range(count - 1, -1, -1):
                later = [new[layer.name][j] for j in range(i, count) if length(new[layer.name][j])]
                if later:
                    lowest[i] = min(lowest[i], max(0, first_input(layer, later[0][0], axis)))
        return lowest

    def _extent(self, name: str, axis: int) -> int:
        shape = self.network.tensors[name]
        return shape.rows if axis == 0 else shape.cols


def most_held(steps: list[Step], name: str) -> int:
    """Most rows (or columns) of a tensor held in a step."""
    return max(step.line[name] + step.passing[name] for step in steps)


def length(interval: Interval) -> int:
    return interval[1] - interval[0]


def _hull(a: Interval, b: Interval) -> Interval:
    if not length(a):
        return b
    if not length(b):
        return a
    return (min(a[0], b[0]), max(a[1], b[1]))


def first_input(layer: Layer, row: int, axis: int) -> int:
    """First input row (column) under an output row; below zero where it lies in the padding."""
    return row * layer.stride[axis] - layer.pad[axis]


def last_input(layer: Layer, end: int, axis: int) -> int:
    """One past the last input row (column) under the output rows before ``end``."""
    kernel = (layer.R, layer.S)[axis]
    return first_input(layer, end - 1, axis) + layer.dilation[axis] * (kernel - 1) + 1


def input_interval(layer: Layer, out: Interval, axis: int) -> Interval:
    """Input rows (columns) under an interval of output rows (columns), clipped at the map's border."""
    if not length(out):
        return EMPTY
    first = max(0, first_input(layer, out[0], axis))
    last = min((layer.H, layer.W)[axis], last_input(layer, out[1], axis))
    return (first, last) if first < last else EMPTY
