"""The best row-stationary mapping of a tile, in plain integers and for many tiles at once.

Both look at all mappings of `costmodel.eyeriss_space`; of equally good ones the first there is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from costmodel.eyeriss_counts import (
    ArrayPrices,
    Fold,
    Mapping,
    Networks,
    array_prices,
    ceil_div,
    count,
    window,
    work_of,
)
from costmodel.eyeriss_pins import Pinned
from costmodel.eyeriss_space import P_, Q_, R_, T_, A, B, D, E, H, L, Limits, Space, Widths, compute_fronts
from costmodel.template import Ints, Preference, Terms, Tile, Tiles, TileWork, TileWorks, is_channelwise, loop_bounds
from specs.network import Layer
from specs.study import Precision


@dataclass(frozen=True)
class Ranking:
    """By what mappings are compared: `Terms` without the technology's tables."""

    prefer: Preference
    precision: Precision
    prices: ArrayPrices
    feature_fj_per_byte: int
    weight_fj_per_byte: int
    leakage_fj_per_cycle: int

    def key(self, work: TileWork) -> tuple[int, int]:
        buffers = (work.feature_read_bytes + work.feature_write_bytes) * self.feature_fj_per_byte
        weights = work.weight_read_bytes * self.weight_fj_per_byte
        energy = work.array_fj + buffers + weights + work.cycles * self.leakage_fj_per_cycle
        return (work.cycles, energy) if self.prefer == "fastest" else (energy, work.cycles)


def ranking(terms: Terms) -> Ranking:
    return Ranking(
        terms.prefer,
        terms.precision,
        array_prices(terms.technology, terms.precision),
        terms.feature_fj_per_byte,
        terms.weight_fj_per_byte,
        terms.leakage_fj_per_cycle,
    )


@dataclass(frozen=True)
class Nest:
    """One layer on one array: how its kernel is folded, what bounds its mappings, what is prescribed."""

    layer: Layer
    fold: Fold
    limits: Limits
    networks: Networks
    pinned: Pinned

    def space(self, input_channels: int, rows: int, rank: Ranking) -> Space:
        """Mappings for tiles of up to the layer's P x Q outputs; a prescribed set is no wider than ``rows``."""
        layer, pinned, prices = self.layer, self.pinned, rank.prices
        widths: Widths = self.limits.set_widths(layer.P)
        if pinned.e:
            widths = (self.limits.width(min(pinned.e, rows)),)
        delivery = (prices.ifmap_spad + prices.ifmap_hop) * input_channels * self.fold.rows
        sums = 2 * rank.precision.partial_sum_bytes * rank.feature_fj_per_byte
        extremes = {(w, self._window_cols(w)) for w in (1, layer.Q)}
        if len({window_cols / w for w, window_cols in extremes}) == 1:
            extremes = {(1, self._window_cols(1))}
        return Space(
            self.limits,
            widths,
            input_channels,
            tuple(sorted((w * sums, w * prices.psum_hop, cols * delivery) for w, cols in extremes)),
            is_channelwise(layer),
            pinned.m,
            pinned.p,
            pinned.q,
            pinned.r,
            pinned.t,
        )

    def _window_cols(self, cols: int) -> int:
        return window(cols, self.layer.stride[1], self.layer.dilation[1], self.fold.cols)

    def filters(self, channels: int) -> int:
        """What the front is made for: output channels of one group, or channels each with its own filter."""
        return channels if is_channelwise(self.layer) else loop_bounds(self.layer, channels, 1).K


_fronts: dict[Space, dict[int, Ints]] = {}
_WORST = np.iinfo(np.int64).max

MOST_SPACES = 4096
"""Spaces remembered, each with some ten fronts of at most a few hundred mappings."""


def fronts(space: Space, num_filters: list[int]) -> list[Ints]:
    """Fronts of a space (`compute_fronts`), computed once for each number of filters."""
    known = _fronts.get(space)
    if known is None:
        if len(_fronts) >= MOST_SPACES:
            _fronts.clear()
        known = _fronts.setdefault(space, {})
    missing = [K for K in num_filters if K not in known]
    if missing:
        known.update(zip(missing, compute_fronts(space, missing), strict=True))
    return [known[K] for K in num_filters]


def best_mapping(nest: Nest, tile: Tile, rank: Ranking) -> Mapping:
    """Try every mapping that no other one replaces, and count each."""
    K = nest.filters(tile.channels)
    (front,) = fronts(nest.space(tile.input_channels, tile.rows, rank), [K])
    best: tuple[tuple[int, int], Mapping] | None = None
    for column in front.T.tolist():
        strips = ceil_div(tile.rows, column[E])
        mapping = Mapping(
            m=min(nest.pinned.m or K, K),
            n=min(nest.pinned.n or tile.images, tile.images),
            e=column[E] if nest.pinned.e else ceil_div(tile.rows, strips),
            **{letter: column[at] for letter, at in (("p", P_), ("q", Q_), ("r", R_), ("t", T_))},
            **{letter: column[at] for letter, at in (("A", A), ("B", B), ("D", D), ("H", H), ("L", L))},
        )
        counts = count(nest.layer, tile, nest.fold, mapping)
        key = rank.key(work_of(counts, nest.networks, rank.prices, rank.precision))
        if best is None or key < best[0]:
            best = key, mapping
    assert best is not None, "e = p = q = r = t = 1 always fits"
    return best[1]


def best_works(nest: Nest, tiles: Tiles, rank: Ranking, preferences: Sequence[Preference]) -> list[TileWorks]:
    """Work of many tiles under their best mappings, for each preference in place of the ranking's own.

    Empty tiles are no work.
    """
    shape = tiles.rows.shape
    flat = Tiles(*(column.ravel() for column in tiles))
    live = flat.images * flat.channels * flat.rows * flat.cols > 0
    found = np.zeros((len(preferences), len(TileWorks._fields), len(live)), dtype=np.int64)
    clipped = np.minimum(flat.rows, nest.pinned.e)  # 0 where e is free
    # One number for the three that decide the front; 0 for empty tiles.
    most_e, most_channels = int(clipped.max(initial=0)) + 1, int(flat.channels.max(initial=0)) + 1
    kinds = np.where(live, (flat.input_channels * most_e + clipped) * most_channels + flat.channels, 0)
    order = np.argsort(kinds, kind="stable")
    starts = np.flatnonzero(np.diff(kinds[order], prepend=-1))
    by_space: dict[tuple[int, int], list[tuple[int, Ints]]] = {}
    for where in np.split(order, starts[1:]):
        if live[where[0]]:
            first = int(where[0])
            space_at = int(flat.input_channels[first]), int(clipped[first])
            by_space.setdefault(space_at, []).append((int(flat.channels[first]), where))
    for (C, e), members in by_space.items():
        space = nest.space(C, e, rank)
        many = fronts(space, [nest.filters(channels) for channels, _ in members])
        for (channels, where), front in zip(members, many, strict=True):
            some = _Some(channels, C, flat.images[where], flat.rows[where], flat.cols[where])
            found[:, :, where] = _price(nest, rank, preferences, front, some)
    return [TileWorks(*(column.reshape(shape) for column in works)) for works in found]


class _Some(NamedTuple):
    """Tiles with the same output and input channels."""

    channels: int
    input_channels: int
    images: Ints
    rows: Ints
    cols: Ints


def _price(nest: Nest, rank: Ranking, preferences: Sequence[Preference], front: Ints, some: _Some) -> Ints:
    """`count`, `work_of` and `Ranking.key` for arrays (tile, mapping); works of the best.

    Shape (preference, quantity, tile).
    """
    layer, fold, precision, prices = nest.layer, nest.fold, rank.precision, rank.prices
    groups, _, C = loop_bounds(layer, some.channels, some.input_channels)
    mac_groups = 1 if is_channelwise(layer) else groups
    n, h, w = some.images, some.rows, some.cols
    loads = -(-n // np.minimum(nest.pinned.n, n)) if nest.pinned.n else np.ones_like(n)
    outputs = n * h * w * some.channels
    step, span = _step_and_span(layer.stride[0], layer.dilation[0], fold.rows)
    step_cols, span_cols = _step_and_span(layer.stride[1], layer.dilation[1], fold.cols)
    channels = groups * C * fold.passes
    channel_cols = n * channels * ((w - 1) * step_cols + span_cols)
    filter_words = some.channels * C * layer.R * layer.S
    bias_words = some.channels * int(layer.bias)

    strips = -(-h[:, None] // front[E])
    pass_rows = (strips * (span - step) + (h * step)[:, None]) * front[D]
    ifmap_words = pass_rows * channel_cols[:, None]
    fill_bits = pass_rows * (loads * (channels * span_cols * precision.activation))[:, None]
    filter_bits = strips * (loads * (filter_words * precision.weight))[:, None] + bias_words * precision.weight
    psum_bits = (outputs * (fold.passes * precision.partial_sum))[:, None] * front[B]
    cycles = strips * front[A] * (n * w * (mac_groups * fold.passes * fold.cols))[:, None]
    np.maximum(cycles, -(-psum_bits // nest.networks.psum), out=cycles)
    cycles -= -fill_bits // nest.networks.ifmap
    np.maximum(cycles, -(ifmap_words * -precision.activation // nest.networks.ifmap), out=cycles)
    cycles -= -filter_bits // nest.networks.filter

    sum_fj = 2 * precision.partial_sum_bytes * rank.feature_fj_per_byte
    delivery_fj = (prices.ifmap_spad + prices.ifmap_hop) * fold.rows
    energy = (outputs * fold.passes)[:, None] * (front[B] * sum_fj + front[H] * prices.psum_hop)
    energy += (channel_cols * h * delivery_fj)[:, None] * front[L]
    energy += ifmap_words * (precision.activation_bytes * rank.feature_fj_per_byte)
    energy += strips * (loads * (filter_words * precision.weight_bytes * rank.weight_fj_per_byte))[:, None]
    energy += cycles * rank.leakage_fj_per_cycle
    chosen = []
    for prefer in preferences:
        first, second = (cycles, energy) if prefer == "fastest" else (energy, cycles)
        ties = first == first.min(axis=1, keepdims=True)
        chosen.append(np.where(ties, second, _WORST).argmin(axis=1))
    best = np.stack(chosen)  # (preference, tile)

    at = np.arange(best.shape[1]), best
    loaded_words = filter_words * strips[at] * loads + bias_words
    delivered_words = filter_words * h * loads + bias_words
    sums_read = outputs * (front[B, best] * fold.passes - 1)
    array_fj = (
        outputs * (C * layer.R * layer.S * prices.mac_with_spads)
        + delivered_words * (prices.filter_spad + prices.filter_hop)
        + channel_cols * h * front[L, best] * delivery_fj
        + outputs * (front[H, best] * fold.passes - 1) * prices.psum_hop
    )
    return np.stack(
        [
            cycles[at],
            array_fj,
            ifmap_words[at] * precision.activation_bytes + sums_read * precision.partial_sum_bytes,
            sums_read * precision.partial_sum_bytes + outputs * precision.activation_bytes,
            loaded_words * precision.weight_bytes,
        ],
        axis=1,
    )


def _step_and_span(stride: int, dilation: int, taps: int) -> tuple[int, int]:
    """Input rows (columns) that one more output needs, and that one output needs; see `window`."""
    span = dilation * (taps - 1) + 1
    return min(stride, span), span
