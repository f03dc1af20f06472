"""One published fact beside what this project computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Row:
    """One comparison.

    Parameters
    ----------
    quantity
        What is compared, without its unit.
    published, ours
        Both in ``unit``.
    target
        Largest difference that counts as met, or None: shown for information, without a verdict.
    relative
        Whether difference and target are per cent of the published value, or in ``unit``.
    side
        ``either``: ours may differ in both directions; ``above`` (``below``): it must not be larger
        (smaller) than published by more than the target, and may be as small (large) as it likes.
    source
        Where the published value stands, when the module's docstring does not say it for all rows.
    """

    quantity: str
    published: float
    ours: float
    unit: str = ""
    target: float | None = 0.0
    relative: bool = True
    side: Literal["either", "above", "below"] = "either"
    source: str = ""

    @property
    def difference(self) -> float:
        if self.relative:
            return 100 * (self.ours / self.published - 1)
        return self.ours - self.published

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        limited = {"either": abs(self.difference), "above": self.difference, "below": -self.difference}
        return limited[self.side] <= self.target
