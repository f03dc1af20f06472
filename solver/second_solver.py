"""HiGHS as a second solver: it reads model.mps from disk and must come to what CP-SAT said.

HiGHS counts in doubles and with tolerances. So whatever it chooses is rounded and put into the rows in Python
integers. The row that asks for less than the best cost comes in small numbers, so that tolerances cannot decide it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from solver.mps import Program, Row
from solver.plain_model import PlainModel, cost_limit
from solver.small_rows import small_rows

TOLERANCE = 1e-9
"""For feasibility, integrality and reduced costs; HiGHS takes none below 1e-10."""
EXACT = 2**53
"""Doubles hold every integer up to this."""
INSTALL = "pip install 'laminate[certify]'"

_PROGRAM = Path(__file__).with_name("highs_process.py")

Found = Literal["confirmed", "differs", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """What the second solver says.

    Attributes
    ----------
    found
        ``differs`` if it contradicts the claim, ``undecided`` if its time was up or its tolerances too coarse.
    lines
        What was checked, or what went wrong.
    """

    solver: str
    found: Found
    lines: tuple[str, ...]


class _Ended(Exception):
    """A check after which there is nothing left to check."""

    def __init__(self, found: Found, line: str) -> None:
        super().__init__(line)
        self.found: Found = found


@dataclass(frozen=True)
class _Answer:
    """What HiGHS answered; its solution as columns of the model."""

    solver: str
    status: str
    value: float | None
    chosen: frozenset[int]

    @property
    def infeasible(self) -> bool:
        return self.status == "Infeasible"


def is_installed() -> bool:
    return find_spec("highspy") is not None


def check_with_highs(file: Path, model: PlainModel, best: int | None, seconds: float | None = None) -> Verdict:
    """Solve the file, and again with a row that asks for less than the best cost.

    Parameters
    ----------
    model
        What the file should hold; solutions are checked in it exactly.
    best
        The optimum that is claimed, in the model's unit; None if it is claimed that nothing is feasible.
    seconds
        For each of the two runs.
    """
    name, program = "HiGHS", model.program
    lines: list[str] = []
    try:
        if program.largest() > EXACT:
            raise _Ended("undecided", "numbers above 2^53, which doubles cannot hold: it was not asked")
        first = _ask(file, model, seconds)
        name = first.solver
        if best is None:
            _is_infeasible(first, model, None)
            lines.append("model.mps is infeasible")
        else:
            if program.value(first.chosen) > best and _ask(file, model, seconds, _at_most(program, best)).infeasible:
                raise _Ended("differs", f"no solution of model.mps costs as little as the claimed {best}")
            lines.append(_is_optimum(first, model, best))
            row = _at_most(program, best - 1)
            _is_infeasible(_ask(file, model, seconds, row), model, row)
            lines.append(f"with the row objective <= {best - 1} it is infeasible")
    except _Ended as ended:
        return Verdict(name, ended.found, (*lines, str(ended)))
    return Verdict(name, "confirmed", tuple(lines))


def _at_most(program: Program, cost: int) -> Row:
    return cost_limit(program.costs, program.offset, cost)


def _ask(file: Path, model: PlainModel, seconds: float | None, row: Row | None = None) -> _Answer:
    """Run HiGHS once, perhaps with one more row: its large numbers are split, so that they are decided exactly."""
    names = model.program.columns
    small = small_rows({names[column]: number for column, number in row.terms}, row.limit) if row else None
    question = {
        "file": str(file),
        "tolerance": TOLERANCE,
        "seconds": seconds,
        "rows": small.rows if small else [],
        "carries": small.carries if small else {},
    }
    command = [sys.executable, "-P", str(_PROGRAM)]
    ran = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True, check=False)
    if ran.returncode:
        raise _Ended("undecided", f"it did not run: {(ran.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    said: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    index = {name: i for i, name in enumerate(names)}
    if said["columns"] != len(names) or not all(name in index for name in said["ones"]):
        raise _Ended("differs", f"{file} does not hold the model ({said['status']})")
    chosen = frozenset(index[name] for name in said["ones"])
    return _Answer(f"HiGHS {said['version']}", said["status"], said["value"], chosen)


def _is_optimum(answer: _Answer, model: PlainModel, best: int) -> str:
    """Say that the file's optimum is the claimed one."""
    if answer.infeasible:
        raise _Ended("differs", f"model.mps is infeasible, but an optimum of {best} is claimed")
    if answer.value is None:
        raise _Ended("undecided", f'no optimum: "{answer.status}"')
    cost, broken = model.program.value(answer.chosen), model.program.broken(answer.chosen)
    if abs(answer.value - best) >= 0.5 + TOLERANCE * model.span or (cost < best and not broken):
        raise _Ended("differs", f"the optimum of model.mps is {answer.value:.17g}, the claimed one {best}")
    if broken or cost > best:
        what = f"breaks row {broken[0]}" if broken else f"costs {cost}, not {best}"
        raise _Ended("undecided", f"its solution, rounded, {what}: its tolerances are too coarse")
    return f"the optimum of model.mps is {cost}, as claimed; its solution keeps every row exactly"


def _is_infeasible(answer: _Answer, model: PlainModel, row: Row | None) -> None:
    if answer.infeasible:
        return
    if answer.value is None:
        raise _Ended("undecided", f'not proven infeasible: "{answer.status}"')
    broken = model.program.broken(answer.chosen)
    if broken or (row is not None and not row.holds(answer.chosen)):
        raise _Ended("undecided", "it cannot prove that nothing is better: its tolerances are too coarse")
    cost = model.program.value(answer.chosen)
    raise _Ended("differs", f"model.mps has a solution that costs {cost}, which is claimed not to exist")
