"""Tile regions for the plain reading: which rows and columns each tile of a group needs, computes and keeps."""

from __future__ import annotations

from costmodel.design import GroupDesign
from specs.network import Layer
from specs.study import Study

Interval = tuple[int, int]  # first, one past the last
EMPTY: Interval = (0, 0)


class RegionPlan:
    """Which rows and columns of every tensor each tile of a group needs, computes anew and keeps."""

    def __init__(self, study: Study, layers: list[Layer], group: GroupDesign) -> None:
        network = study.network
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
        self.rows = [self._needs(i, group.tile_rows, axis=0) for i in range(group.tile_rows)]
        self.cols = [self._needs(i, group.tile_cols, axis=1) for i in range(group.tile_cols)]
        keep_rows = group.overlap != "recompute"
        keep_cols = group.overlap == "cache-all"
        self.new_rows = [self._new(self.rows, i, keep_rows) for i in range(group.tile_rows)]
        self.new_cols = [self._new(self.cols, i, keep_cols) for i in range(group.tile_cols)]

    def own(self, name: str, tile: int, tiles: int, axis: int) -> Interval:
        """The part of an output that tile number ``tile`` is responsible for."""
        shape = self.network.tensors[name]
        extent = shape.rows if axis == 0 else shape.cols
        size = -(-extent // tiles)
        first = min(extent, tile * size)
        return (first, min(extent, first + size))

    def _needs(self, tile: int, tiles: int, axis: int) -> dict[str, Interval]:
        """Backwards through the group: the interval of each tensor that one tile needs."""
        needs: dict[str, Interval] = {
            name: self.own(name, tile, tiles, axis) if name in self.outputs else EMPTY for name in self.made
        }
        needs |= dict.fromkeys(self.read, EMPTY)
        for layer in reversed(self.layers):
            wanted = _input_interval(layer, needs[layer.name], axis)
            for name in layer.input_tensors:
                needs[name] = _hull(needs[name], wanted)
        return needs

    def _new(self, needs: list[dict[str, Interval]], tile: int, keep: bool) -> dict[str, Interval]:
        """The part of each need that no earlier tile left behind."""
        if not keep or tile == 0:
            return needs[tile]
        new = {}
        for name, (first, last) in needs[tile].items():
            reached = max(earlier[name][1] for earlier in needs[:tile])
            new[name] = (max(first, reached), last) if max(first, reached) < last else EMPTY
        return new

    def kept_bytes(self, study: Study, channels: dict[str, int]) -> int:
        """Room for halos that stay between tiles, reserved for the whole group."""
        act = study.precision.activation_bytes
        total = 0
        for name in [*self.made, *self.read]:
            if self.group.overlap != "recompute":
                width = max(n[name][1] for n in self.cols) - min(
                    (n[name][0] for n in self.cols if length(n[name])), default=0
                )
                total += channels[name] * self._kept(self.rows, name) * max(0, width) * act
            if self.group.overlap == "cache-all":
                height = max(length(n[name]) for n in self.new_rows)
                total += channels[name] * height * self._kept(self.cols, name) * act
        return total

    @staticmethod
    def _kept(needs: list[dict[str, Interval]], name: str) -> int:
        """Most rows (or columns) of a tensor that a tile leaves for the next."""
        kept = 0
        for i in range(len(needs) - 1):
            reached = max(n[name][1] for n in needs[: i + 1])
            if length(needs[i + 1][name]):
                kept = max(kept, reached - needs[i + 1][name][0])
        return kept


def length(interval: Interval) -> int:
    return interval[1] - interval[0]


def _hull(a: Interval, b: Interval) -> Interval:
    if not length(a):
        return b
    if not length(b):
        return a
    return (min(a[0], b[0]), max(a[1], b[1]))


def _input_interval(layer: Layer, out: Interval, axis: int) -> Interval:
    """Input rows (columns) under an interval of output rows (columns), clipped at the map's border."""
    if not length(out):
        return EMPTY
    kernel, extent = ((layer.R, layer.H), (layer.S, layer.W))[axis]
    stride, dilation, pad = layer.stride[axis], layer.dilation[axis], layer.pad[axis]
    first = max(0, out[0] * stride - pad)
    last = min(extent, (out[1] - 1) * stride - pad + dilation * (kernel - 1) + 1)
    return (first, last) if first < last else EMPTY
