"""The lattice of ideals that legal fusion groups step through.

An *ideal* is a set of layers that holds, with every layer, all layers it depends on: what can have run at
some moment. Where a network runs in too many orders to list every ideal, a part of them is listed: paths
through it are still groupings that can run, but not all of them. In training steps fewer orders are listed, but all
groupings (`costmodel/forced.py`). Sets of layers are Python integers, bit i
for layer i.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from costmodel.forced import forced_lattice, tail
from costmodel.ideals import every_ideal, some_ideals
from costmodel.layer_sets import counted, in_turn, is_connected, is_convex, layer_indices, neighbours, predecessors
from costmodel.legal_groups import TooWideError, legal_groups
from costmodel.steps import find_steps
from specs.network import Network

__all__ = [
    "GroupLattice",
    "Step",
    "TooWideError",
    "group_lattice",
    "in_turn",
    "is_connected",
    "is_convex",
    "layer_indices",
    "neighbours",
    "predecessors",
]

MOST_IDEALS = 60_000
MOST_STEPS = 1_000_000
"""Ideals and steps up to which the whole lattice is listed."""


@dataclass(frozen=True)
class Step:
    """Run ``group`` when ``before`` has run; then ``after`` has. All three index their lists."""

    before: int
    after: int
    group: int


@dataclass(frozen=True)
class GroupLattice:
    """Every legal group (as a layer set), ideals (smallest first), and every step between these ideals.

    Attributes
    ----------
    before, after, group : (step,)
        The steps, ordered by ``before``; see `Step`.
    complete
        Whether the paths are exactly the groupings that can run, each in one order or more.
    counted
        The layers that count towards the size of a group.
    """

    groups: tuple[int, ...]
    ideals: tuple[int, ...]
    before: NDArray[np.intp]
    after: NDArray[np.intp]
    group: NDArray[np.intp]
    complete: bool
    counted: int = -1

    def size(self, group: int) -> int:
        """Layers of a group that count."""
        return (self.groups[group] & self.counted).bit_count()

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        columns = (self.before.tolist(), self.after.tolist(), self.group.tolist())
        return tuple(Step(*one) for one in zip(*columns, strict=True))

    def with_ideals(self, network: Network, more: Sequence[int]) -> GroupLattice:
        """The lattice with further ideals and the steps to and from them; itself if it has them all."""
        if set(more) <= set(self.ideals):
            return self
        ideals = sorted({*self.ideals, *more}, key=lambda ideal: (ideal.bit_count(), ideal))
        steps = find_steps(ideals, self.groups, in_turn(network), None)
        assert steps is not None
        return GroupLattice(self.groups, tuple(ideals), *steps, complete=self.complete, counted=self.counted)


def group_lattice(network: Network, max_layers: int, max_steps: int | None = None) -> GroupLattice:
    """Find every legal group of up to ``max_layers`` layers; every ideal and step, or some where there are too many.

    With every ideal listed, a sequence of groups can run one after another if and only if it is a path of steps from
    the empty ideal to the full one, so paths are exactly the groupings whose graph of groups has no cycle. Of training
    steps, a complete lattice has only some sequences of each such grouping.

    Parameters
    ----------
    max_steps
        Steps up to which the lattice is complete; `MOST_STEPS` by default.

    Raises
    ------
    TooWideError
        If there are too many groups.
    """
    max_steps = MOST_STEPS if max_steps is None else max_steps
    groups = legal_groups(network, max_layers)
    if tail(network):
        forced = forced_lattice(network, groups, min(MOST_IDEALS, max_steps), max_steps)
        if forced is not None:
            return GroupLattice(groups, forced[0], *forced[1], complete=True, counted=counted(network))
        return _in_part(network, groups)
    needed = in_turn(network)
    ideals = every_ideal(needed, min(MOST_IDEALS, max_steps))
    steps = None if ideals is None else find_steps(ideals, groups, needed, max_steps)
    if ideals is not None and steps is not None:
        return GroupLattice(groups, ideals, *steps, complete=True)
    return _in_part(network, groups)


def _in_part(network: Network, groups: tuple[int, ...]) -> GroupLattice:
    """The lattice of some ideals."""
    needed = in_turn(network)
    ideals = some_ideals(network, needed)
    steps = find_steps(ideals, groups, needed, None)
    assert steps is not None
    return GroupLattice(groups, ideals, *steps, complete=False, counted=counted(network))
