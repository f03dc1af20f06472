"""What a row-stationary mapping of a weight gradient costs, from the counts of the convolution that it mirrors [R]."""

from __future__ import annotations

from costmodel.eyeriss_counts import ArrayPrices, Counts, Networks, ceil_div
from costmodel.template import TileWork
from specs.study import Precision


def gradient_work_of(
    counts: Counts, networks: Networks, prices: ArrayPrices, precision: Precision, bias: bool
) -> TileWork:
    """Price counts in mirrored roles (`costmodel.eyeriss_roles`).

    ``filter_words`` are sums read and written (one network, so one after the other), ``psum_write_words`` words of dY
    read: one per channel pass. ``psum_hops`` are H*folds - 1 an output, of which B*folds - 1 led to no PE.
    """
    c, act, sums = counts, precision.activation, precision.partial_sum
    outputs = c.psum_write_words - c.psum_read_words
    gradient_deliveries = c.psum_hops - c.psum_read_words
    summing = ceil_div(2 * c.filter_words * sums, networks.filter)
    gradients = ceil_div(c.psum_write_words * act, networks.psum)
    inputs, fill = (ceil_div(words * act, networks.ifmap) for words in (c.ifmap_words, c.fill_words))
    return TileWork(
        cycles=summing + max(inputs, fill + max(c.mac_cycles, gradients)),
        mac_fj=c.macs * prices.mac + outputs * int(bias) * prices.add,
        spad_fj=(2 * c.macs + c.ifmap_deliveries + gradient_deliveries) * prices.ifmap_spad
        + (2 * c.macs + c.filter_deliveries) * prices.psum_spad,
        network_fj=(c.ifmap_deliveries + gradient_deliveries) * prices.ifmap_hop
        + c.filter_deliveries * prices.psum_hop,
        feature_read_bytes=(c.ifmap_words + c.psum_write_words) * precision.activation_bytes,
        feature_write_bytes=0,
        weight_read_bytes=c.filter_words * precision.partial_sum_bytes,
        weight_write_bytes=c.filter_words * precision.partial_sum_bytes,
    )
