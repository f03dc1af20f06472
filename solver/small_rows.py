"""A row with large numbers as several with small ones, so that a solver with tolerances decides it to the last unit.

The same digits as in `solver.model.add_exact_limit` (docs/solver.md has the proof), for solvers that read names.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST = 2**24
"""Sums of |coefficient| stay near this: times a tolerance of 1e-9 that is far below one unit."""


@dataclass(frozen=True)
class SmallRows:
    """Rows ``sum of number * column <= limit`` by column name, and the integer columns from 0 that they need."""

    rows: tuple[tuple[dict[str, int], int], ...]
    carries: dict[str, int]


def small_rows(numbers: dict[str, int], limit: int) -> SmallRows:
    """Split ``sum of number * column <= limit`` over 0/1 columns; carries come with the most they need."""
    base = max(2, MOST // (len(numbers) + 1))
    rows: list[tuple[dict[str, int], int]] = []
    carries: dict[str, int] = {}
    carried: dict[str, int] = {}
    while sum(map(abs, numbers.values())) > MOST:
        low = {name: number % base for name, number in numbers.items() if number % base}
        carry = f"carry{len(carries)}"
        most = (sum(low.values()) + sum(carries[name] for name in carried)) // base + 1
        rows.append((low | carried | {carry: -base}, limit % base))
        carries[carry] = most
        carried = {carry: 1}
        numbers = {name: number // base for name, number in numbers.items() if number // base}
        limit //= base
    rows.append((numbers | carried, limit))
    return SmallRows(tuple(rows), carries)
