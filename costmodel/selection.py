"""Keep the candidates that some hardware point could choose, when a single total matters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from costmodel.candidates import NO_CAP, Candidates, Family
from costmodel.design import Hardware
from costmodel.hardware import PriceList
from costmodel.products import Floats, product
from costmodel.technology import PriceError
from costmodel.template import Ints
from specs.study import Goal, SharedBuffer, Study

UNFIT = np.int64(2) ** 61

_BLOCK_CELLS = 2**18
"""Costs computed at once: they stay in a processor's cache."""

Cells = NDArray[np.intp]
Numbers = Ints | Floats


@dataclass(frozen=True)
class PriceGrid:
    """Prices of a family over all listed buffer sizes: feature sizes x weight sizes.

    A shared scratchpad is a grid of its sizes x one column, where both kinds of access use its prices.
    """

    shared: bool
    feature_bytes: Ints
    weight_bytes: Ints
    feature_read_fj: Ints
    feature_write_fj: Ints
    weight_read_fj: Ints
    weight_write_fj: Ints
    leakage_fj: Ints


def price_grid(study: Study, family: Family) -> PriceGrid:
    """Prices over (feature size, weight size); every array is (feature size, weight size)."""
    buffers = study.buffers
    shared = isinstance(buffers, SharedBuffer)
    feature = sorted(buffers.shared_bytes if isinstance(buffers, SharedBuffer) else buffers.feature_bytes)
    weight = [0] if isinstance(buffers, SharedBuffer) else sorted(buffers.weight_bytes)
    template, clock, double_buffer = family.template, family.clock_hz, family.double_buffer
    price = PriceList(study).of
    grid = [
        [price(Hardware(template, family.arrays[0], clock, double_buffer, family.dram, f, w, shared)) for w in weight]
        for f in feature
    ]

    def column(name: str) -> Ints:
        return np.array([[getattr(price, name) for price in row] for row in grid], dtype=np.int64)

    return PriceGrid(
        shared=shared,
        feature_bytes=np.array(feature, dtype=np.int64),
        weight_bytes=np.array(weight, dtype=np.int64),
        feature_read_fj=column("feature_read_fj"),
        feature_write_fj=column("feature_write_fj"),
        weight_read_fj=column("weight_read_fj"),
        weight_write_fj=column("weight_write_fj"),
        leakage_fj=column("leakage_fj_per_cycle"),
    )


def price_cells(study: Study, points: Sequence[Hardware]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where hardware points stand in their family's price grid: indices of their feature and weight sizes."""
    buffers = study.buffers
    sizes = buffers.shared_bytes if isinstance(buffers, SharedBuffer) else buffers.feature_bytes
    feature = np.searchsorted(sorted(sizes), [point.feature_bytes for point in points])
    if isinstance(buffers, SharedBuffer):
        return feature, np.zeros(len(points), dtype=np.intp)
    return feature, np.searchsorted(sorted(buffers.weight_bytes), [point.weight_bytes for point in points])


@dataclass(frozen=True)
class Cheapest:
    """The rows of one group that are cheapest somewhere, and what the cheapest costs everywhere.

    ``best`` is (array, feature size, weight size), UNFIT where nothing fits; latencies are in cycles.
    """

    rows: Candidates
    best: Ints


def cheapest_somewhere(rows: Candidates, family: Family, grid: PriceGrid, goal: Goal, in_order: bool) -> Cheapest:
    """Keep the candidates of one group that are cheapest for ``goal`` on some array with some buffers.

    With one total to minimise and none limited, a group's cost adds to the others', so on each hardware
    point only its cheapest fitting candidate can be part of an optimum; of equals the first is kept. ``in_order`` says
    that what streams falls from kind to kind, be it weights or sums.
    """
    counts, unit_prices = _exact(_counts(rows, family, goal), _unit_prices(grid, goal))
    best = np.full((rows.cycles.shape[1], *grid.leakage_fj.shape), UNFIT, dtype=np.int64)
    kept: set[int] = set()
    for some, columns in _worth_trying(rows, grid, in_order):
        least, first = _first_cheapest(rows, some, counts, unit_prices, grid, columns)
        best[:, :, columns] = least.astype(np.int64)
        kept.update(some[np.unique(first[least < UNFIT])].tolist())
    return Cheapest(rows.pick(np.array(sorted(kept), dtype=np.intp)), best)


def _first_cheapest(
    rows: Candidates, some: Cells, counts: Numbers, unit_prices: Numbers, grid: PriceGrid, columns: Cells
) -> tuple[Numbers, Cells]:
    """Least cost of some rows, and the first row that has it: (array, feature size, weight size).

    Block by block: later ones are looked at closely only where they are cheaper.
    """
    shape = (counts.shape[1], *unit_prices.shape[1:2], len(columns))
    least = np.full(shape, UNFIT, dtype=counts.dtype)
    first = np.zeros(shape, dtype=np.intp)
    block = max(1, _BLOCK_CELLS // least.size)
    for begin in range(0, len(some), block):
        cost = _costs(rows, some[begin : begin + block], counts, unit_prices, grid, columns)
        lower = cost.min(axis=0)
        cheaper = np.nonzero(lower < least)
        if len(cheaper[0]):
            at = np.ravel_multi_index(cheaper, shape)
            first[cheaper] = begin + cost.reshape(len(cost), -1)[:, at].argmin(axis=0)
            least[cheaper] = lower[cheaper]
    return least, first


def _exact(counts: Ints, unit_prices: Ints) -> tuple[Numbers, Numbers]:
    """Choose numbers in which sums of products are exact: floating point below 2^53 (faster), or integers.

    Raises
    ------
    PriceError
        If a candidate could cost 2^61 or more.
    """
    most = int(counts.max(axis=(0, 1)).astype(object) @ unit_prices.max(axis=(1, 2)).astype(object))
    if most >= UNFIT:
        raise PriceError(f"a group could cost {most} fJ, cycles or bytes, too much to add up: lower the batch")
    if most < 2**53:
        return counts.astype(np.float64), unit_prices.astype(np.float64)
    return counts, unit_prices


def _costs(
    rows: Candidates, some: Cells, counts: Numbers, unit_prices: Numbers, grid: PriceGrid, columns: Cells
) -> Numbers:
    """Costs of some rows on columns of the grid, UNFIT where unfit: (row, array, feature size, weight size)."""
    chosen, priced = counts[some], unit_prices[:, :, columns]
    cost = product(chosen.reshape(-1, len(priced)), priced.reshape(len(priced), -1))
    cost = cost.reshape(*chosen.shape[:2], *priced.shape[1:])
    if grid.shared:
        unfit = (rows.feature_need[some] + rows.weight_need[some])[:, :, None] > grid.feature_bytes
        cost[unfit] = UNFIT
        _cap(cost, rows, some, grid, columns)
        return cost
    cost[rows.feature_need[some][:, :, None] > grid.feature_bytes] = UNFIT
    too_heavy = rows.weight_need[some][:, :, None] > grid.weight_bytes[columns]
    if too_heavy.any():
        cost.transpose(0, 1, 3, 2)[too_heavy] = UNFIT
    _cap(cost, rows, some, grid, columns)
    return cost


def _cap(cost: Numbers, rows: Candidates, some: Cells, grid: PriceGrid, columns: Cells) -> None:
    """Set costs where rows are no candidates in spite of fitting to UNFIT; few rows have such places."""
    capped = np.flatnonzero(((rows.feature_cap[some] < NO_CAP) | (rows.weight_cap[some] < NO_CAP)).any(axis=1))
    if len(capped):
        above = rows.feature_cap[some[capped], :, None] <= grid.feature_bytes  # (row, array, feature size)
        beside = rows.weight_cap[some[capped], :, None] <= grid.weight_bytes[columns]  # (row, array, weight size)
        cost[capped] = np.where(above[:, :, :, None] | beside[:, :, None, :], UNFIT, cost[capped])


def _worth_trying(
    rows: Candidates, grid: PriceGrid, in_order: bool
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Weight sizes that can share one look, with the rows that are worth it.

    A fused group's kinds come in order of falling streamed bytes, once for each number of images in a tile and
    each way to choose mappings, and all its costs rise with those: of such kinds that fit an array's weight buffer,
    only the last can be best. Where weights and sums stream, less of the one may be more of the other.
    """
    everything = np.arange(len(rows))
    columns = np.arange(len(grid.weight_bytes))
    if grid.shared or not in_order or rows.kinds[0].order != "fused":
        yield everything, columns
        return
    need = np.full((len(rows.kinds), rows.weight_need.shape[1]), UNFIT)
    need[rows.kind] = rows.weight_need
    fits = need[:, :, None] <= grid.weight_bytes  # (kind, array, weight size)
    images = np.zeros(len(rows.kinds), dtype=np.int64)
    images[rows.kind] = rows.images
    ways = [(number, kind.mapping) for number, kind in zip(images.tolist(), rows.kinds, strict=True)]
    wanted_by_column = [set[int]() for _ in columns]
    for way in set(ways):
        these = fits & np.array([one == way for one in ways])[:, None, None]
        last = np.where(these.any(axis=0), len(rows.kinds) - 1 - these[::-1].argmax(axis=0), -1)
        for wanted_kinds, kinds in zip(wanted_by_column, last.T.tolist(), strict=True):
            wanted_kinds.update(kinds)
    by_kinds: dict[frozenset[int], list[int]] = {}
    for column, wanted_kinds in enumerate(wanted_by_column):
        by_kinds.setdefault(frozenset(wanted_kinds - {-1}), []).append(column)
    for wanted, sharing in by_kinds.items():
        if wanted:
            is_wanted = np.zeros(len(rows.kinds), dtype=bool)
            is_wanted[list(wanted)] = True
            yield np.flatnonzero(is_wanted[rows.kind]), np.array(sharing)


def _counts(rows: Candidates, family: Family, goal: Goal) -> Ints:
    """What is priced of each row: (row, array, quantity), in the order of `_unit_prices`."""
    shape = rows.cycles.shape
    if goal == "latency":
        return rows.cycles[..., None]
    if goal == "bandwidth":
        return np.broadcast_to(rows.dram_bytes[:, None, None], (*shape, 1))
    fixed = rows.array_fj + (rows.dram_bytes * family.dram.fj_per_byte)[:, None]
    counts = np.empty((*shape, 6), dtype=np.int64)
    parts = (fixed, rows.feature_read, rows.feature_write, rows.weight_read, rows.weight_write, rows.cycles)
    for i, part in enumerate(parts):
        counts[..., i] = part
    return counts


def _unit_prices(grid: PriceGrid, goal: Goal) -> Ints:
    """Price of each quantity of `_counts`: (quantity, feature size, weight size)."""
    one = np.ones_like(grid.leakage_fj)
    if goal != "energy":
        return one[None]
    buffers = (grid.feature_read_fj, grid.feature_write_fj, grid.weight_read_fj, grid.weight_write_fj)
    return np.stack((one, *buffers, grid.leakage_fj))
