"""Energies inside a vectorwise array."""

from __future__ import annotations

from typing import NamedTuple

from costmodel.technology import add_fj, mac_fj
from costmodel.template import Terms


class ArrayPrices(NamedTuple):
    """In fJ: a MAC, an addition, an accumulator's read and write, a move to the next block."""

    mac_fj: int
    add_fj: int
    accumulation_fj: int
    pixel_hop_fj: int
    sum_hop_fj: int


def array_prices(terms: Terms) -> ArrayPrices:
    technology, precision = terms.technology, terms.precision
    return ArrayPrices(
        mac_fj=mac_fj(technology, max(precision.activation, precision.weight), precision.floating),
        add_fj=add_fj(technology, precision.activation, precision.floating),
        accumulation_fj=round(1000 * technology.spad_pj_per_bit * 2 * precision.partial_sum),
        pixel_hop_fj=round(1000 * technology.hop_pj_per_bit * precision.activation),
        sum_hop_fj=round(1000 * technology.hop_pj_per_bit * precision.partial_sum),
    )
