"""Least costs: what a fused group costs at the very least at a hardware point, without pricing its tilings.

docs/solver.md has the proofs. Floating point is used for sums of non-negative numbers alone; its
relative error stays far below `_MARGIN`, by which every bound is lowered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from costmodel.beside_maps import finish, kept_bytes
from costmodel.candidates import Family
from costmodel.design import period_fs
from costmodel.extents import Extents
from costmodel.hardware import terms_at
from costmodel.legal import image_counts, mappings, pinned_layers
from costmodel.products import Floats, product
from costmodel.selection import Cells, PriceGrid
from costmodel.sweeps import Share
from costmodel.template import Ints, TileSizes, TileWorks
from costmodel.works import signature
from specs.network import Layer
from specs.study import Goal, Study

_MARGIN = 1e-9


class LeastCosts:
    """Least costs of groups of several layers on a family.

    Everything a group must do at least is added up: the elements that every layer computes, each at the
    cheapest rate that any tile of any size has; what it must load and store; all weights once. Weights that
    no buffer of the point's size can hold stream once per tile, and the least number of tiles follows from
    the feature buffer.
    """

    def __init__(self, family: Family, extents: Extents, grid: PriceGrid) -> None:
        study = extents.study
        self._extents, self._family, self._grid, self._goal = extents, family, grid, study.goal
        self._batch = study.batch
        own = len(study.network.inputs)
        positions = extents.positions[:, own : own + len(study.network.layers)]
        self._positions = np.where(extents.made, positions, 0).astype(np.float64) * study.batch
        layers = study.network.layers
        self._rates = _rates(study, family, grid)
        sizes = np.array([kept_bytes(study, layer) for layer in layers], dtype=np.int64)
        self._weights = extents.made @ np.where([layer.reduces for layer in layers], 0, sizes)
        self._ends = _ends(extents)
        self._streamed = _streamed(extents, sizes, grid)
        self._loads = extents.load_bytes[:, None] * self._batch
        self._stores = extents.store_bytes[:, None] * self._batch
        self._visits = self._least_visits()

    def keep(self, arrays: NDArray[np.bool_]) -> None:
        """Go on with some of the family's arrays."""
        self._rates = self._rates[:, arrays]

    def _least_visits(self) -> Ints:
        """Least number of tiles, over all images, with which a group can fit: (group, feature size)."""
        live = self._extents.live_bytes(self._family.arrays[0])[:, None] * self._batch
        room = (self._extents.load_bytes + self._extents.store_bytes)[:, None] * self._batch
        if not self._family.double_buffer:
            room = np.zeros_like(room)
        capacity = self._grid.feature_bytes
        return np.where(live <= capacity, 1, np.maximum(2, -(-(live + room) // capacity)))

    def at(self, array: int, feature: Cells, weight: Cells) -> Ints:
        """Least costs for the goal at cells of the price grid: (group, cell); latencies in cycles."""
        streamed = self._streamed[:, feature if self._grid.shared else weight]
        weights = self._weights[:, None] + streamed * (self._visits[:, feature] - 1)
        dram = self._loads + self._stores + weights + self._ends[:, :1]
        if self._goal == "bandwidth":
            return dram
        array_cost = product(self._positions, self._rates[:, array, feature, weight])
        if self._goal == "latency":
            return np.maximum((array_cost * (1 - _MARGIN)).astype(np.int64), self._family.dram_cycles(dram))
        cost = array_cost + self._outside(dram, weights, feature, weight)
        cost *= 1 - _MARGIN
        lowered: Ints = cost.astype(np.int64)
        return lowered

    def _outside(self, dram: Ints, weights: Ints, feature: Cells, weight: Cells) -> Floats:
        """Energy of DRAM and of what passes between it and the buffers."""
        grid = self._grid
        cost: Floats = dram * np.float64(self._family.dram.fj_per_byte)
        for amount, price in ((self._loads, grid.feature_write_fj), (self._stores, grid.feature_read_fj)):
            cost += amount * price[feature, weight].astype(np.float64)
        cost += (weights + self._ends[:, 1:2]) * grid.weight_write_fj[feature, weight].astype(np.float64)
        cost += self._ends[:, 2:] * grid.weight_read_fj[feature, weight].astype(np.float64)
        return cost


def _rates(study: Study, family: Family, grid: PriceGrid) -> Floats:
    """Least array cost per output position, whatever the tiles: (layer, array, feature size, weight size)."""
    layers, pinned = study.network.layers, pinned_layers(study)
    images = tuple(sorted({size for many in image_counts(study) for size, _ in Share(study, many).sizes}))
    terms = [terms_at(study, period_fs(family.clock_hz), one, family.skip_zeros) for one in mappings(study)]
    prices = work_prices(grid, study.goal)
    shape = (len(family.arrays), *grid.leakage_fj.shape)
    rates: dict[Layer, Floats] = {}
    for layer in layers:
        of = signature(layer, pinned)
        if of in rates:
            continue
        if study.goal == "bandwidth" or layer.op == "update":  # traffic is known without them; updates are ends
            rates[of] = np.zeros(shape)
            continue
        sizes = TileSizes(images, of.K, of.C // of.G)
        found = np.stack([array.least_rates(of, sizes, prices, terms) for array in family.arrays])
        rates[of] = found.reshape(shape)
    return np.stack([rates[signature(layer, pinned)] for layer in layers])


def work_prices(grid: PriceGrid, goal: Goal) -> Floats:
    """Price of each quantity of `TileWorks` at every pair of buffer sizes: (quantity, price); for latency of cycles."""
    columns: tuple[Ints, ...]
    if goal == "energy":
        columns = (
            grid.leakage_fj,
            np.ones_like(grid.leakage_fj),
            grid.feature_read_fj,
            grid.feature_write_fj,
            grid.weight_read_fj,
            grid.weight_write_fj,
        )
    else:
        columns = tuple(np.full_like(grid.leakage_fj, name == "cycles") for name in TileWorks._fields)
    return np.stack(columns).astype(np.float64).reshape(len(columns), -1)


def _ends(extents: Extents) -> Ints:
    """DRAM bytes, bytes written to and read from the weight buffer after the last tile: (group, 3)."""
    layers = extents.study.network.layers
    last = [i for i, layer in enumerate(layers) if layer.reduces or layer.op == "update"]
    known: dict[bytes, tuple[int, int, int]] = {}
    found = []
    for made in extents.made[:, last]:
        key = made.tobytes()
        if key not in known:
            end = finish(extents.study, [layers[i] for i, is_made in zip(last, made, strict=True) if is_made])
            known[key] = end.moved.total, end.weight_write_bytes, end.weight_read_bytes
        found.append(known[key])
    return np.array(found, dtype=np.int64)


def _streamed(extents: Extents, sizes: Ints, grid: PriceGrid) -> Ints:
    """Least weight bytes that cannot stay on chip: (group, weight size), or (group, shared size)."""
    columns = []
    for capacity in (grid.feature_bytes if grid.shared else grid.weight_bytes).tolist():
        fits = sizes <= capacity
        columns.append(extents.made @ (sizes * ~fits) + np.maximum(0, extents.made @ (sizes * fits) - capacity))
    return np.stack(columns, axis=1)
