"""Which way to look at groupings suits a lattice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from costmodel.groups import GroupLattice, in_turn
from costmodel.template import Ints
from solver.groupings import Bools, Groupings, LatticeGroupings
from solver.wide import WideGroupings
from specs.network import Network


def groupings_of(
    network: Network, lattice: GroupLattice, group_class: Ints, allowed: Bools, stop: Callable[[], bool]
) -> Groupings:
    """Shortest paths where the lattice has them all, also of layers alone in any order; else prices of layers."""
    alone = all(lattice.groups[group].bit_count() == 1 for group in np.flatnonzero(allowed).tolist())
    if lattice.complete or alone:
        return LatticeGroupings(lattice, group_class, allowed)
    return WideGroupings(lattice, group_class, allowed, in_turn(network), stop)
