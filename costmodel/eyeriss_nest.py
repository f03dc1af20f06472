"""One layer on one row-stationary array, and by what its mappings are compared."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.eyeriss_counts import ArrayPrices, Counts, Fold, Networks, array_prices, window, work_of
from costmodel.eyeriss_gradient import gradient_work_of
from costmodel.eyeriss_pins import Pinned
from costmodel.eyeriss_roles import Roles, convolution_roles, gradient_roles
from costmodel.eyeriss_space import Limits, Space, Widths
from costmodel.template import Preference, Terms, TileWork, is_channelwise, loop_bounds
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
        weights = (work.weight_read_bytes + work.weight_write_bytes) * self.weight_fj_per_byte
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

    def roles(self, rank: Ranking) -> Roles:
        make = gradient_roles if self.layer.reduces else convolution_roles
        return make(rank.prices, rank.precision, self.layer.bias)

    def work_of(self, counts: Counts, rank: Ranking) -> TileWork:
        if self.layer.reduces:
            return gradient_work_of(counts, self.networks, rank.prices, rank.precision, self.layer.bias)
        return work_of(counts, self.networks, rank.prices, rank.precision)

    def space(self, input_channels: int, rows: int, rank: Ranking) -> Space:
        """Mappings for tiles of up to the layer's P x Q outputs; a prescribed set is no wider than ``rows``."""
        layer, pinned, prices, role = self.layer, self.pinned, rank.prices, self.roles(rank)
        widths: Widths = self.limits.set_widths(layer.P)
        if pinned.e:
            widths = (self.limits.width(min(pinned.e, rows)),)
        delivery = (prices.ifmap_spad + prices.ifmap_hop) * input_channels * self.fold.rows
        visit = role.visit_bytes * rank.feature_fj_per_byte + role.visit_fj
        extremes = {(w, self._window_cols(w)) for w in (1, layer.Q)}
        if len({window_cols / w for w, window_cols in extremes}) == 1:
            extremes = {(1, self._window_cols(1))}
        return Space(
            self.limits,
            widths,
            input_channels,
            tuple(sorted((w * visit, w * role.move_fj, cols * delivery) for w, cols in extremes)),
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
