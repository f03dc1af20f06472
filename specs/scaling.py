"""Carrying prices from one process node to another."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from specs.study import Technology, WordCost

Units = tuple[tuple[int, WordCost], ...]


@dataclass(frozen=True)
class NodeFactors:
    """Energy and area of one circuit at different nodes.

    Parameters
    ----------
    energy
        By node in nm: energy of the circuit, relative, at the node's supply voltage.
    area
        By node in nm: area of the circuit, relative.
    """

    energy: dict[int, float]
    area: dict[int, float]

    def covers(self, node_nm: int) -> bool:
        return min(self.energy) <= node_nm <= max(self.energy)

    def factor(self, quantity: Literal["energy", "area"], start_nm: int, end_nm: int) -> float:
        """Say what a value at one node is to be multiplied with at another."""
        table = self.energy if quantity == "energy" else self.area
        return _interpolate(table, end_nm) / _interpolate(table, start_nm)

    def scale(self, technology: Technology, name: str, node_nm: int) -> Technology:
        """Scale every energy and area of a technology; leakage, which the factors do not cover, stays."""
        energy = self.factor("energy", technology.node_nm, node_nm)
        area = self.factor("area", technology.node_nm, node_nm)

        def units(prices: Units) -> Units:
            return tuple((bits, WordCost(p.energy_pj * energy, p.area_um2 * area)) for bits, p in prices)

        return replace(
            technology,
            name=name,
            node_nm=node_nm,
            mac=units(technology.mac),
            add=units(technology.add),
            float_mac=units(technology.float_mac),
            float_add=units(technology.float_add),
            spad_pj_per_bit=technology.spad_pj_per_bit * energy,
            spad_um2_per_bit=technology.spad_um2_per_bit * area,
            hop_pj_per_bit=technology.hop_pj_per_bit * energy,
            sram=tuple(
                replace(p, read_pj=p.read_pj * energy, write_pj=p.write_pj * energy, area_mm2=p.area_mm2 * area)
                for p in technology.sram
            ),
        )


def _interpolate(table: dict[int, float], node_nm: int) -> float:
    """Read a table at a node, on a straight line in log-log space between its neighbours."""
    if node_nm in table:
        return table[node_nm]
    above = min(other for other in table if other > node_nm)
    below = max(other for other in table if other < node_nm)
    share = math.log(above / node_nm) / math.log(above / below)
    return math.exp((1 - share) * math.log(table[above]) + share * math.log(table[below]))
