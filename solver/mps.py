"""Integer programs over 0/1 columns: exact sums in Python integers, and the free MPS format that every solver reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

OBJECTIVE_ROW = "objective"


@dataclass(frozen=True)
class Row:
    """``sum of coefficient * column <= limit`` (sense L) or ``== limit`` (sense E); columns by their index."""

    name: str
    sense: Literal["L", "E"]
    terms: tuple[tuple[int, int], ...]
    limit: int

    def holds(self, chosen: Collection[int]) -> bool:
        """Whether the row holds, exactly, if the chosen columns are 1 and all others 0."""
        total = sum(coefficient for column, coefficient in self.terms if column in chosen)
        return total == self.limit if self.sense == "E" else total <= self.limit


@dataclass(frozen=True)
class Program:
    """Minimise ``offset + sum of cost * column`` over 0/1 columns under rows."""

    name: str
    columns: tuple[str, ...]
    costs: tuple[int, ...]
    offset: int
    rows: tuple[Row, ...]

    def value(self, chosen: Collection[int]) -> int:
        """The objective, exactly, if the chosen columns are 1 and all others 0."""
        return self.offset + sum(self.costs[column] for column in chosen)

    def broken(self, chosen: Collection[int]) -> list[str]:
        """Names of the rows that do not hold, decided exactly."""
        ones = set(chosen)
        return [row.name for row in self.rows if not row.holds(ones)]

    def largest(self) -> int:
        """The largest absolute number in the program; doubles hold every integer up to 2^53."""
        numbers = [*self.costs, self.offset]
        for row in self.rows:
            numbers += [row.limit, *(coefficient for _, coefficient in row.terms)]
        return max(map(abs, numbers), default=0)


def mps_text(program: Program, comments: Sequence[str] = ()) -> str:
    """Write a program in free MPS format, comments first.

    The objective's constant is the negated right side of the objective row, as is the custom.
    """
    lines = [f"* {comment}".rstrip() for comment in comments]
    lines += [f"NAME {program.name}", "ROWS", f" N {OBJECTIVE_ROW}"]
    lines += [f" {row.sense} {row.name}" for row in program.rows]
    lines += ["COLUMNS", " MARKER 'MARKER' 'INTORG'", *_columns(program), " MARKER 'MARKER' 'INTEND'", "RHS"]
    if program.offset:
        lines.append(f" RHS {OBJECTIVE_ROW} {-program.offset}")
    lines += [f" RHS {row.name} {row.limit}" for row in program.rows if row.limit]
    lines += ["BOUNDS", *(f" BV BND {column}" for column in program.columns), "ENDATA"]
    return "\n".join(lines) + "\n"


def _columns(program: Program) -> Iterator[str]:
    """Every column's entries together, as the format demands; a cost is stated even if it is 0."""
    entries: list[list[str]] = [
        [f" {column} {OBJECTIVE_ROW} {cost}"] for column, cost in zip(program.columns, program.costs, strict=True)
    ]
    for row in program.rows:
        for column, coefficient in row.terms:
            if coefficient:
                entries[column].append(f" {program.columns[column]} {row.name} {coefficient}")
    for lines in entries:
        yield from lines
