"""Keep or recompute: what groups say of an activation must agree between the forward and the backward pass.

A path through the lattice does not know what was said before, so it may neither keep an activation nor make it again.
Such paths bound designs from below like any other; to become designs they are put right here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from costmodel.table import CandidateTable


@dataclass(frozen=True)
class Link:
    """One activation: the layers that decide about it, and the two groups of which just one is in every design.

    All as layer sets; ``dropped`` says that it is not kept, ``read`` that it was.
    """

    maker: int
    keep: int
    again: int
    use: int

    @property
    def dropped(self) -> int:
        return self.keep

    @property
    def read(self) -> int:
        return self.again | self.use


@dataclass(frozen=True)
class Links:
    """All activations that may be recomputed, and where each layer set stands among the groups."""

    links: tuple[Link, ...]
    place: dict[int, int]

    @classmethod
    def of(cls, table: CandidateTable) -> Links:
        network = table.study.network
        bit = {name: 1 << i for name, i in network.index.items()}
        uses = {layer.copy_of: layer for layer in network.layers if layer.op == "use"}
        links = tuple(
            Link(bit[maker], bit[keeper], bit[uses[maker].waits_for[0]], bit[uses[maker].name])
            for maker, keeper in network.keepers.items()
        )
        return cls(links, {layers: i for i, layers in enumerate(table.lattice.groups)} if links else {})

    def pairs(self) -> list[tuple[int, int]]:
        """For each activation the numbers of the two groups of which just one is chosen."""
        return [(self.place[link.dropped], self.place[link.read]) for link in self.links]

    def agree(self, groups: Sequence[int]) -> bool:
        """Whether some groups (numbers) are a design as far as activations go."""
        chosen = set(groups)
        return all((dropped in chosen) != (read in chosen) for dropped, read in self.pairs())

    def put_right(self, groups: Sequence[int], sets: Sequence[int], keep: bool) -> list[int]:
        """Change groups as little as possible so that they agree.

        With ``keep`` the backward pass decides, otherwise nothing that the forward pass did not keep is read.

        Parameters
        ----------
        groups
            Numbers of groups that cover every layer.
        sets
            The layers of every group.
        """
        chosen = [sets[group] for group in groups]
        for link in self.links:
            dropped, read = link.dropped in chosen, link.read in chosen
            if dropped != read:
                continue
            if dropped and keep:  # it is read: so its maker keeps it
                chosen.remove(link.dropped)
                chosen = [one | link.keep if one & link.maker else one for one in chosen]
            elif dropped:
                chosen.remove(link.read)
                chosen += [link.again, link.use]
            else:  # kept and made again: once is enough
                chosen = [one & ~link.keep for one in chosen]
                chosen.append(link.keep)
        return [self.place[one] for one in chosen]
