"""Which design is best, and why. Functions are imported on first use: OR-tools takes a second to load."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from solver.result import Outcome, Progress, Result

if TYPE_CHECKING:
    from solver.asking import front, what_if
    from solver.comparing import compare
    from solver.explaining import explain
    from solver.optimise import solve

__all__ = ["Outcome", "Progress", "Result", "compare", "explain", "front", "solve", "what_if"]

_MODULES = {
    "compare": "solver.comparing",
    "explain": "solver.explaining",
    "front": "solver.asking",
    "solve": "solver.optimise",
    "what_if": "solver.asking",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(name)
