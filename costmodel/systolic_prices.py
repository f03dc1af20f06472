"""Energies inside a systolic array."""

from __future__ import annotations

from typing import NamedTuple

from costmodel.technology import add_fj, mac_fj
from costmodel.template import Terms


class ArrayPrices(NamedTuple):
    """In fJ: a MAC, an addition, and one access to / one move of a word of each kind."""

    mac_fj: int
    add_fj: int
    pixel_spad_fj: int
    weight_spad_fj: int
    sum_spad_fj: int
    pixel_hop_fj: int
    weight_hop_fj: int
    sum_hop_fj: int


def array_prices(terms: Terms) -> ArrayPrices:
    technology, precision = terms.technology, terms.precision
    spad, hop = 1000 * technology.spad_pj_per_bit, 1000 * technology.hop_pj_per_bit
    return ArrayPrices(
        mac_fj(technology, max(precision.activation, precision.weight), precision.floating),
        add_fj(technology, precision.activation, precision.floating),
        *(round(spad * bits) for bits in (precision.activation, precision.weight, precision.partial_sum)),
        *(round(hop * bits) for bits in (precision.activation, precision.weight, precision.partial_sum)),
    )
