"""Every legal fusion group of a network, grown layer by layer from the graph itself.

A group is legal if it is convex, connected through edges or shared inputs, not too large, and of no two layers that
stay apart. (An update has no neighbour but its own gradient, so it is alone or with it.) Every legal group of two
layers or more has a layer whose removal leaves a legal group (docs/solver.md has the proof), so growing
legal groups by one neighbour at a time finds them all, in time proportional to their number.
"""

from __future__ import annotations

from costmodel.layer_sets import ancestors, apart, counted, descendants, layer_indices, neighbours, predecessors
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
    before, adjacent, never = predecessors(network), neighbours(network), apart(network)
    above, below = ancestors(before), descendants(before)
    # Of each group of the current size: all it depends on, all that depends on it, all it touches, all apart from it.
    grown = {1 << i: (above[i], below[i], adjacent[i], never[i]) for i in range(len(before))}
    groups, counting = sorted(grown), counted(network)
    while grown:
        larger: dict[int, tuple[int, int, int, int]] = {}
        for group, (needed, needing, touched, barred) in grown.items():
            for i in layer_indices(touched & ~group & ~barred):
                one = group | 1 << i
                if one in larger or (one & counting).bit_count() > max_layers:
                    continue
                # A path that leaves the group and comes back must now end or begin at layer i.
                if (below[i] & needed | above[i] & needing) & ~one:
                    continue
                larger[one] = (needed | above[i], needing | below[i], touched | adjacent[i], barred | never[i])
            if len(groups) + len(larger) > most:
                raise TooWideError(
                    f"network {network.name} has more than {most} fusion groups of up to {max_layers} layers;"
                    " lower fusion.max_layers"
                )
        groups += sorted(larger)
        grown = larger
    return tuple(groups)
