"""One row of a layer table."""

from __future__ import annotations

from dataclasses import dataclass

WEIGHTED = frozenset({"conv", "dwconv", "fc"})


@dataclass(frozen=True)
class Row:
    """One layer of a table. K and C are totals; ``pad`` is the four numbers as the table writes them."""

    name: str
    op: str
    inputs: tuple[str, ...]
    G: int
    K: int
    C: int
    H: int
    W: int
    P: int
    Q: int
    R: int
    S: int
    stride: int
    pad: tuple[int, int, int, int]
    params: int
    macs: int

    @property
    def weights(self) -> int:
        return self.K * (self.C // self.G) * self.R * self.S if self.op in WEIGHTED else 0

    @property
    def extra_words(self) -> int:
        """Published words per output channel beside the weights: 0, 1 (bias) or 2 (batch-norm scale and shift)."""
        words, rest = divmod(self.params - self.weights, self.K)
        if rest or words not in (0, 1, 2):
            raise ValueError(f"{self.name}: {self.params} parameters do not fit its shape")
        return words
