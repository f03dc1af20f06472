"""What the operands of a row-stationary nest are: widths and energies at each network, for both directions.

A weight gradient is the convolution's nest mirrored: sums of dW stand where filters stood (p*q*S' of them in a
spad), words of dY where partial sums stood (p of them in a spad), X where X stood.
"""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.eyeriss_counts import ArrayPrices
from specs.study import Precision


@dataclass(frozen=True)
class Roles:
    """How counts of a mapping turn into bits, bytes and energy.

    Attributes
    ----------
    filter_bits
        Over the filter network for each word of `Counts.filter_words`; ``filter_read_bytes`` and
        ``filter_write_bytes`` at the weight buffer.
    visit_bits
        Over the partial-sum network, one way, for each of an output's B * folds visits; ``visit_read_bytes`` and
        ``visit_write_bytes`` at the feature buffer, ``output_read_bytes`` and ``output_write_bytes`` once more.
    mac_fj, delivery_fj
        A MAC with its spads; a word's way to (from) one PE of the filter network.
    move_fj, visit_fj, output_fj
        Of an output: each of its H * folds moves, of its B * folds visits, and once.
    """

    filter_bits: int
    filter_read_bytes: int
    filter_write_bytes: int
    visit_bits: int
    visit_read_bytes: int
    visit_write_bytes: int
    output_read_bytes: int
    output_write_bytes: int
    mac_fj: int
    delivery_fj: int
    move_fj: int
    visit_fj: int
    output_fj: int

    @property
    def filter_bytes(self) -> int:
        return self.filter_read_bytes + self.filter_write_bytes

    @property
    def visit_bytes(self) -> int:
        return self.visit_read_bytes + self.visit_write_bytes


def convolution_roles(prices: ArrayPrices, precision: Precision, bias: bool) -> Roles:
    """Sums go out at each visit and come back but before the first; the last leaves as an output."""
    sums = precision.partial_sum_bytes
    return Roles(
        filter_bits=precision.weight,
        filter_read_bytes=precision.weight_bytes,
        filter_write_bytes=0,
        visit_bits=precision.partial_sum,
        visit_read_bytes=sums,
        visit_write_bytes=sums,
        output_read_bytes=-sums,
        output_write_bytes=precision.activation_bytes - sums,
        mac_fj=prices.mac_with_spads,
        delivery_fj=prices.filter_spad + prices.filter_hop,
        move_fj=prices.psum_hop,
        visit_fj=0,
        output_fj=-prices.psum_hop,
    )


def gradient_roles(prices: ArrayPrices, precision: Precision, bias: bool) -> Roles:
    """Sums go in and out; a dY word goes to the R'*r PEs of H = B*(R'*r + 1) at each visit, and never back.

    A MAC reads X, dY and its sum and writes the sum. A PE's sum is read once as it joins those of its neighbours.
    """
    deliver_fj = prices.ifmap_spad + prices.ifmap_hop
    return Roles(
        filter_bits=2 * precision.partial_sum,
        filter_read_bytes=precision.partial_sum_bytes,
        filter_write_bytes=precision.partial_sum_bytes,
        visit_bits=precision.activation,
        visit_read_bytes=precision.activation_bytes,
        visit_write_bytes=0,
        output_read_bytes=0,
        output_write_bytes=0,
        mac_fj=prices.mac + 2 * prices.ifmap_spad + 2 * prices.psum_spad,
        delivery_fj=prices.psum_spad + prices.psum_hop,
        move_fj=deliver_fj,
        visit_fj=-deliver_fj,
        output_fj=int(bias) * prices.add,
    )
