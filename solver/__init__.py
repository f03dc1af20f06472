"""Which design is best, and why. ``solve`` is imported on first use: OR-tools takes a second to load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solver.result import Outcome, Progress, Result

if TYPE_CHECKING:
    from solver.optimise import solve

__all__ = ["Outcome", "Progress", "Result", "solve"]


def __getattr__(name: str) -> Any:
    if name == "solve":
        from solver.optimise import solve

        return solve
    raise AttributeError(name)
