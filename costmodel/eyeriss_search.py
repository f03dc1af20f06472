"""The best row-stationary mapping of a tile, in plain integers and for many tiles at once.

Both look at all mappings of `costmodel.eyeriss_space`; of equally good ones the first there is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from costmodel.eyeriss_counts import Mapping, ceil_div, count
from costmodel.eyeriss_nest import Nest, Ranking
from costmodel.eyeriss_space import P_, Q_, R_, T_, A, B, D, E, H, L, Space, compute_fronts
from costmodel.template import Ints, Preference, Tile, Tiles, TileWorks, is_channelwise, loop_bounds

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
        key = rank.key(nest.work_of(counts, rank))
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
        many = fronts(nest.space(C, e, rank), [nest.filters(channels) for channels, _ in members])
        alike: dict[bytes, list[int]] = {}
        for number, (_, where) in enumerate(members):
            alike.setdefault(np.stack([flat.images[where], flat.rows[where], flat.cols[where]]).tobytes(), []).append(
                number
            )
        for numbers in alike.values():
            channels = [members[number][0] for number in numbers]
            mappings = _Mappings.of(nest, channels, C, [many[number] for number in numbers])
            where = np.stack([members[number][1] for number in numbers], axis=1)  # (tile, member)
            block = max(1, _BLOCK // mappings.front.shape[1])
            for begin in range(0, len(where), block):
                at = where[begin : begin + block]
                tiles_at = at[:, 0]
                found[:, :, at] = _price(
                    nest, rank, preferences, mappings, flat.images[tiles_at], flat.rows[tiles_at], flat.cols[tiles_at]
                )
    return [TileWorks(*(column.reshape(shape) for column in works)) for works in found]


_BLOCK = 2**16
"""Tiles x mappings looked at together: they stay in a processor's cache."""


class _Mappings(NamedTuple):
    """Fronts for several numbers of output channels beside each other.

    Attributes
    ----------
    front : (10, mapping)
    starts
        Where each front begins.
    which : (mapping,)
        Which front a mapping is of.
    channels, groups, mac_groups : (front,)
        Output channels of a tile, the groups they lie in, and how many of these follow each other in the array.
    input_channels
        Of a group.
    """

    front: Ints
    starts: NDArray[np.intp]
    which: NDArray[np.intp]
    channels: Ints
    groups: Ints
    mac_groups: Ints
    input_channels: int

    @classmethod
    def of(cls, nest: Nest, channels: list[int], input_channels: int, found: list[Ints]) -> _Mappings:
        bounds = [loop_bounds(nest.layer, many, input_channels) for many in channels]
        groups = np.array([one.groups for one in bounds], dtype=np.int64)
        lengths = np.array([front.shape[1] for front in found])
        return cls(
            front=np.concatenate(found, axis=1),
            starts=np.cumsum(lengths) - lengths,
            which=np.repeat(np.arange(len(found)), lengths),
            channels=np.array(channels, dtype=np.int64),
            groups=groups,
            mac_groups=np.ones_like(groups) if is_channelwise(nest.layer) else groups,
            input_channels=bounds[0].C,
        )

    def first_least(self, first: Ints, second: Ints) -> NDArray[np.intp]:
        """The mapping of each front that is least by two numbers, the earliest of equals: (tile, front)."""
        if len(self.starts) == 1:
            ties = first == first.min(axis=1, keepdims=True)
            earliest: NDArray[np.intp] = np.where(ties, second, _WORST).argmin(axis=1)[:, None]
            return earliest
        second = np.where(self._least(first), second, _WORST)
        number = np.arange(second.shape[1])
        return np.minimum.reduceat(np.where(self._least(second), number, len(number)), self.starts, axis=1)

    def _least(self, values: Ints) -> NDArray[np.bool_]:
        least: NDArray[np.bool_] = values == np.minimum.reduceat(values, self.starts, axis=1)[:, self.which]
        return least


def _price(
    nest: Nest, rank: Ranking, preferences: Sequence[Preference], mappings: _Mappings, n: Ints, h: Ints, w: Ints
) -> Ints:
    """`count`, `work_of` and `Ranking.key` for arrays (tile, mapping); works of the best of each front.

    ``n``, ``h`` and ``w`` are the tiles' images, rows and columns. Shape (preference, quantity, tile, front).
    """
    layer, fold, precision, prices = nest.layer, nest.fold, rank.precision, rank.prices
    role = nest.roles(rank)
    front, which, C = mappings.front, mappings.which, mappings.input_channels
    loads = -(-n // np.minimum(nest.pinned.n, n)) if nest.pinned.n else np.ones_like(n)
    pixels = n * h * w
    step, span = step_and_span(layer.stride[0], layer.dilation[0], fold.rows)
    step_cols, span_cols = step_and_span(layer.stride[1], layer.dilation[1], fold.cols)
    channels = mappings.groups * (C * fold.passes)
    cols = n * ((w - 1) * step_cols + span_cols)
    filter_words = mappings.channels * (C * layer.R * layer.S)
    bias_words = mappings.channels * int(layer.bias)

    strips = -(-h[:, None] // front[E])
    pass_rows = (strips * (span - step) + (h * step)[:, None]) * (front[D] * channels[which])
    ifmap_words = pass_rows * cols[:, None]
    fill_bits = pass_rows * (loads * (span_cols * precision.activation))[:, None]
    loaded_words = strips * loads[:, None] * filter_words[which]
    psum_bits = pixels[:, None] * (front[B] * (mappings.channels * (fold.passes * role.visit_bits))[which])
    cycles = strips * (front[A] * (mappings.mac_groups * (fold.passes * fold.cols))[which])
    cycles *= (n * w)[:, None]
    np.maximum(cycles, -(-psum_bits // nest.networks.psum), out=cycles)
    cycles -= -fill_bits // nest.networks.ifmap
    np.maximum(cycles, -(ifmap_words * -precision.activation // nest.networks.ifmap), out=cycles)
    cycles -= -((loaded_words + bias_words[which]) * role.filter_bits) // nest.networks.filter

    visit_fj = role.visit_bytes * rank.feature_fj_per_byte + role.visit_fj
    delivery_fj = (prices.ifmap_spad + prices.ifmap_hop) * fold.rows
    sums_fj = (front[B] * visit_fj + front[H] * role.move_fj) * (mappings.channels * fold.passes)[which]
    energy = pixels[:, None] * sums_fj
    energy += (cols * h * delivery_fj)[:, None] * (front[L] * channels[which])
    energy += ifmap_words * (precision.activation_bytes * rank.feature_fj_per_byte)
    energy += loaded_words * (role.filter_bytes * rank.weight_fj_per_byte)
    energy += cycles * rank.leakage_fj_per_cycle
    best = np.stack(
        [mappings.first_least(*((cycles, energy) if p == "fastest" else (energy, cycles))) for p in preferences]
    )  # (preference, tile, front)

    at = np.arange(len(n))[:, None], best
    outputs = pixels[:, None] * mappings.channels
    delivered_words = filter_words * (h * loads)[:, None] + bias_words
    visits, moves = front[B, best] * fold.passes, front[H, best] * fold.passes
    array_fj = (
        outputs * (C * layer.R * layer.S * role.mac_fj + role.output_fj)
        + delivered_words * role.delivery_fj
        + (cols * h)[:, None] * channels * front[L, best] * delivery_fj
        + outputs * (moves * role.move_fj + visits * role.visit_fj)
    )
    filter_words_moved = loaded_words[at] + bias_words
    return np.stack(
        [
            cycles[at],
            array_fj,
            ifmap_words[at] * precision.activation_bytes
            + outputs * (visits * role.visit_read_bytes + role.output_read_bytes),
            outputs * (visits * role.visit_write_bytes + role.output_write_bytes),
            filter_words_moved * role.filter_read_bytes,
            filter_words_moved * role.filter_write_bytes,
        ],
        axis=1,
    )


def step_and_span(stride: int, dilation: int, taps: int) -> tuple[int, int]:
    """Input rows (columns) that one more output needs, and that one output needs; see `window`."""
    span = dilation * (taps - 1) + 1
    return min(stride, span), span
