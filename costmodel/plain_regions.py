"""Steps for the plain reading: which rows and columns each step of a group makes, loads, keeps and stores.

Rows and columns are planned alike and apart: a tile is a step of the one times a step of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf

from costmodel.design import GroupDesign
from specs.network import BESIDE, Layer, Network

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


@dataclass(frozen=True)
class FirstRows:
    """Of one tensor before each step, and after the last: the first row still needed, and the next to be made."""

    needed: list[float]
    made: list[float]


class RegionPlan:
    """Row steps and column steps of a group."""

    def __init__(self, network: Network, layers: list[Layer], group: GroupDesign) -> None:
        self.network, self.layers, self.group = network, [layer for layer in layers if layer.op not in BESIDE], group
        self.kept = {layer.copy_of for layer in layers if layer.op == "keep"}
        self.made = [layer.name for layer in self.layers]
        self.read: list[str] = []
        self.sources: dict[str, list[tuple[str, bool]]] = {name: [] for name in self.made}
        for layer in self.layers:
            for tensor, at_outputs in layer.reads:
                maker = network.maker[tensor]
                source = maker if maker in self.sources else tensor
                self.sources[layer.name].append((source, at_outputs))
                if source not in self.sources and source not in self.read:
                    self.read.append(source)
        self.outputs = [layer.name for layer in self.layers if layer.reduces or self.leaves(layer) != (False, False)]
        self.keep_rows = group.overlap != "recompute" and group.tile_rows > 1
        self.keep_cols = group.overlap == "cache-all" and group.tile_cols > 1
        self.rows = self._steps(group.tile_rows, self.keep_rows, axis=0)
        self.cols = self._steps(group.tile_cols, self.keep_cols, axis=1)

    def leaves(self, layer: Layer) -> tuple[bool, bool]:
        """Whether something outside needs a layer's map, and its mask."""
        of_map, of_mask = (
            any(name not in self.made for name in readers) for readers in self.network.readers[layer.name]
        )
        return not layer.reduces and (of_map or layer.name in self.kept or layer.name in self.network.outputs), of_mask

    def pixel_bytes(self, activation_bytes: int) -> dict[str, int]:
        """Bytes of one position of every tensor: of what is made, map and mask."""
        found = {name: self.network.tensors[name].pixel_bytes(activation_bytes) for name in self.read}
        for layer in self.layers:
            found[layer.name] = sum(self._parts(layer, activation_bytes))
        return found

    def leave_bytes(self, activation_bytes: int) -> dict[str, int]:
        """Bytes of one position of every output that leave as a map or a mask."""
        return {
            layer.name: sum(
                part * leaves
                for part, leaves in zip(self._parts(layer, activation_bytes), self.leaves(layer), strict=True)
            )
            for layer in self.layers
            if layer.name in self.outputs
        }

    def _parts(self, layer: Layer, activation_bytes: int) -> tuple[int, int]:
        """Bytes of one position of a layer's map, none where it only sums, and of its mask."""
        whole = 0 if layer.reduces else layer.K * activation_bytes
        return whole, -(-layer.K * layer.mask_bits // 8)

    def span_cols(self, name: str) -> int:
        """Columns of a tensor from the first to the last that any step needs."""
        used = [step.new[name] for step in self.cols if length(step.new[name])]
        return max(last for _, last in used) - min(first for first, _ in used) if used else 0

    def holds_less_than(self, other: RegionPlan) -> bool:
        """Whether on every axis that keeps halos some tensor's largest hold is smaller than in another plan."""
        axes = [(self.rows, other.rows)] * self.keep_rows + [(self.cols, other.cols)] * self.keep_cols
        names = [*self.made, *self.read]
        return bool(axes) and all(
            any(most_held(mine, n) < most_held(theirs, n) for n in names) for mine, theirs in axes
        )

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
            for name, at_outputs in self.sources[layer.name]:
                needs[name] = _hull(needs[name], needs[layer.name] if at_outputs else wanted)
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
            for name, at_outputs in self.sources[layer.name]:
                wanted[name].append(end if at_outputs else last_input(layer, end, axis))
        for name in self.read:
            ends[name] = min(self._extent(name, axis), max(wanted[name]))
        return ends

    def _steps_kept(self, ends: list[dict[str, int]], axis: int) -> list[Step]:
        """Every row is made or loaded once, and kept until its last reader made what needs it."""
        count = len(ends)
        reached = {name: [0] + [max(0, end[name]) for end in ends] for name in ends[0]}
        first = self._first_rows(reached, count, axis)
        steps = []
        for i in range(count):
            new: dict[str, Interval] = {}
            line: dict[str, int] = {}
            passing: dict[str, int] = {}
            for name, rows in reached.items():
                begin, end, lowest = first[name].made[i], rows[i + 1], first[name].needed
                new[name] = (int(begin), end) if begin < end else EMPTY
                kept = max(0, rows[i] - lowest[i])
                stays = max(0, new[name][1] - max(new[name][0], lowest[i + 1]))
                line[name] = int(kept + stays)
                passing[name] = int(length(new[name]) - stays)
            steps.append(Step(new, line, passing, {name: length(new[name]) for name in self.outputs}))
        return steps

    def _first_rows(self, reached: dict[str, list[int]], count: int, axis: int) -> dict[str, FirstRows]:
        """For each tensor and step, and past the last: the first row still needed, and the next one to be made."""
        first: dict[str, FirstRows] = {}
        for name in [*reversed(self.made), *self.read]:
            needed: list[float] = []
            readers = [(v, here) for v in self.layers for source, here in self.sources[v.name] if source == name]
            for i in range(count + 1):
                busy = [(v, first[v.name].made[i], here) for v, here in readers]
                rows = [
                    row if here else max(0, first_input(v, row, axis))
                    for v, row, here in busy
                    if row < reached[v.name][-1]
                ]
                needed.append(min(rows, default=inf))
            made = [
                before if name in self.outputs else max(before, lowest)
                for before, lowest in zip(reached[name], needed, strict=True)
            ]
            first[name] = FirstRows(needed, made)
        return first

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


def first_input(layer: Layer, row: float, axis: int) -> float:
    """First input row (column) under an output row; below zero where it lies in the padding."""
    return ceil((row * layer.stride[axis] - layer.pad[axis]) / layer.upsample[axis])


def last_input(layer: Layer, end: int, axis: int) -> int:
    """One past the last input row (column) under the output rows before ``end``."""
    kernel = (layer.R, layer.S)[axis]
    last = (end - 1) * layer.stride[axis] - layer.pad[axis] + layer.dilation[axis] * (kernel - 1)
    return last // layer.upsample[axis] + 1


def input_interval(layer: Layer, out: Interval, axis: int) -> Interval:
    """Input rows (columns) under an interval of output rows (columns), clipped at the map's border."""
    if not length(out):
        return EMPTY
    first = max(0, int(first_input(layer, out[0], axis)))
    last = min((layer.H, layer.W)[axis], last_input(layer, out[1], axis))
    return (first, last) if first < last else EMPTY
