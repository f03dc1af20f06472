"""Least costs: what a fused group costs at the very least at a hardware point, without pricing its tilings.

docs/solver.md has the proofs. Floating point is used for sums of non-negative numbers alone; its
relative error stays far below `_MARGIN`, by which every bound is lowered.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from costmodel.beside_maps import finish, kept_bytes
from costmodel.candidates import Family
from costmodel.extents import Extents
from costmodel.legal import image_counts, mappings, pinned_layers
from costmodel.products import Floats, block_rows, product
from costmodel.selection import Cells, PriceGrid
from costmodel.sweeps import Share
from costmodel.template import Ints
from costmodel.works import CYCLES, Works, signature
from specs.network import Layer
from specs.study import Goal, Study

_MARGIN = 1e-9
MOST_TILE_SIZES = 2**27
"""Tile sizes x arrays up to which rates are looked for among all tiles that exist."""

_KEPT_TILE_SIZES = 2**23
"""Tile sizes x arrays up to which the works of all tiles are kept for the groups that are priced later."""


def num_tile_sizes(study: Study, family: Family) -> int:
    """Works that `LeastCosts` needs: every tile of every different layer on every array."""
    pinned = pinned_layers(study)
    layers = {signature(layer, pinned) for layer in study.network.layers}
    sizes_of_share = {size for images in image_counts(study) for size, _ in Share(study, images).sizes}
    return (
        sum((layer.P + 1) * (layer.Q + 1) for layer in layers)
        * len(family.arrays)
        * len(sizes_of_share)
        * len(mappings(study))
    )


class LeastCosts:
    """Least costs of groups of several layers on a family.

    Everything a group must do at least is added up: the elements that every layer computes, each at the
    cheapest rate that any tile of any size has; what it must load and store; all weights once. Weights that
    no buffer of the point's size can hold stream once per tile, and the least number of tiles follows from
    the feature buffer.
    """

    def __init__(self, family: Family, extents: Extents, works: Iterable[Works], grid: PriceGrid) -> None:
        study = extents.study
        self._extents, self._family, self._grid, self._goal = extents, family, grid, study.goal
        self._batch = study.batch
        self._elements = extents.made_elements.astype(np.float64) * study.batch
        self._elements[~extents.made] = 0
        layers = study.network.layers
        pinned = pinned_layers(study)
        signatures = [signature(layer, pinned) for layer in layers]
        tiled = {signature(layer, pinned) for layer in layers if layer.op != "update"}
        sizes_of_share = {size for images in image_counts(study) for size, _ in Share(study, images).sizes}
        tables = [(work, m) for work in works for m in sizes_of_share]
        kept = num_tile_sizes(study, family) <= _KEPT_TILE_SIZES
        rates = {
            layer: np.min(
                [_rates(_whole(work, layer, m, kept), layer.K * m, grid, study.goal) for work, m in tables],
                axis=0,
            )
            for layer in (dict.fromkeys(s for s in signatures if s in tiled) if study.goal != "bandwidth" else ())
        }
        # Traffic is known without them.
        nothing = np.zeros((len(family.arrays), *grid.leakage_fj.shape))
        self._rates = np.stack([rates.get(layer, nothing) for layer in signatures])
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
        array_cost = product(self._elements, self._rates[:, array, feature, weight])
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


def _whole(work: Works, layer: Layer, images: int, kept: bool) -> Ints:
    return work.price_whole(layer, images).values if kept else work.whole_values(layer, images)


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


def _rates(works: Ints, elements: int, grid: PriceGrid, goal: Goal) -> Floats:
    """Least array cost per output element over all tiles: (array, feature size, weight size).

    ``works`` are those of tiles with so many ``elements`` (channels of all images) in every row and column.
    """
    rows, cols = np.arange(1, works.shape[0]), np.arange(1, works.shape[1])
    shape = (works.shape[2], *grid.leakage_fj.shape)
    area = (rows[:, None] * cols * float(elements)).reshape(-1, 1)
    rates = np.empty(shape)
    one = np.ones_like(grid.leakage_fj)
    buffers = (grid.feature_read_fj, grid.feature_write_fj, grid.weight_read_fj, grid.weight_write_fj)
    columns = (grid.leakage_fj, one, *buffers)
    price = np.stack(columns).astype(np.float64).reshape(len(columns), -1)
    for array in range(shape[0]):
        per_element = works[1:, 1:, array].reshape(len(area), -1) / area
        if goal == "energy":
            rates[array] = _least_product(per_element, price).reshape(shape[1:])
        else:
            rates[array] = per_element[:, CYCLES].min()
    return rates


def _least_product(left: Floats, right: Floats) -> Floats:
    """Column minima of ``left @ right`` (no entry negative), with little memory.

    The rows that are best in some column of ``right`` or of ``left`` beat most others in every entry; those
    are dropped first.
    """
    corners = left[np.concatenate([product(left, right[:, [0, -1]]).argmin(axis=0), left.argmin(axis=0)])]
    for corner in np.unique(corners, axis=0):
        left = left[(left < corner).any(axis=1)]
    left = np.concatenate([corners, left])
    block = block_rows(right)
    parts = (left[i : i + block] @ right for i in range(0, len(left), block))
    least: Floats = np.min([part.min(axis=0) for part in parts], axis=0)
    return least
