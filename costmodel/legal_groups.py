"""Every legal fusion group of a network, grown layer by layer from the graph itself.

A group is legal if it is convex, connected through edges or shared inputs, and not too large. Every legal group
of two layers or more has a layer whose removal leaves a legal group (docs/solver.md has the proof), so growing
legal groups by one neighbour at a time finds them all, in time proportional to their number.
"""

from __future__ import annotations

from costmodel.layer_sets import ancestors, descendants, layer_indices, neighbours, predecessors
from specs.network import Network

MOST_GROUPS = 100_000
"""Groups up to which their prices and bounds fit into memory and patience."""


class TooWideError(ValueError):
    """The network has more fusion groups than can be looked at."""


def legal_groups(network: Network, max_layers: int, most: int | None = None) -> tuple[int, ...]:
    """Find every legal group of up to ``max_layers`` layers, as layer sets; smaller groups first.

    Raises
    ------
    TooWideError
        If there are more than ``most`` groups (`MOST_GROUPS` by default).
    """
    most = MOST_GROUPS if most is None else most
    before, adjacent = predecessors(network), neighbours(network)
    above, below = ancestors(before), descendants(before)
    # Of each group of the current size: all that its layers depend on, all that depends on them, all it touches.
    grown = {1 << i: (above[i], below[i], adjacent[i]) for i in range(len(before))}
    groups = sorted(grown)
    for _ in range(1, max_layers):
        larger: dict[int, tuple[int, int, int]] = {}
        for group, (needed, needing, touched) in grown.items():
            for i in layer_indices(touched & ~group):
                one = group | 1 << i
                if one in larger:
                    continue
                # A path that leaves the group and comes back must now end or begin at layer i.
                if (below[i] & needed | above[i] & needing) & ~one:
                    continue
                larger[one] = (needed | above[i], needing | below[i], touched | adjacent[i])
            if len(groups) + len(larger) > most:
                raise TooWideError(
                    f"network {network.name} has more than {most} fusion groups of up to {max_layers} layers;"
                    " lower fusion.max_layers"
                )
        groups += sorted(larger)
        grown = larger
    return tuple(groups)
