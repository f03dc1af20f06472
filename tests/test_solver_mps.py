"""Integer programs as text, their exact sums, and rows in small numbers; HiGHS against trying everything."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

import solver.small_rows
from solver.mps import Program, Row, mps_text
from solver.plain_model import PlainModel
from solver.second_solver import check_with_highs
from solver.small_rows import small_rows

SMALL = Program(
    "tiny", ("a", "b", "c"), (3, 0, -2), 10, (Row("one", "E", ((0, 1), (1, 1)), 1), Row("most", "L", ((2, 5),), 4))
)


def test_the_text_of_a_small_program() -> None:
    assert mps_text(SMALL, ["least of all", ""]).splitlines() == [
        "* least of all", "*", "NAME tiny", "ROWS", " N objective", " E one", " L most",
        "COLUMNS", " MARKER 'MARKER' 'INTORG'", " a objective 3", " a one 1", " b objective 0", " b one 1",
        " c objective -2", " c most 5", " MARKER 'MARKER' 'INTEND'",
        "RHS", " RHS objective -10", " RHS one 1", " RHS most 4",
        "BOUNDS", " BV BND a", " BV BND b", " BV BND c", "ENDATA",
    ]  # fmt: skip


def test_sums_are_exact_however_large() -> None:
    huge = 2**80
    program = Program("huge", ("a", "b"), (huge, 1), -1, (Row("row", "L", ((0, huge), (1, 1)), huge),))
    assert program.value({0, 1}) == huge
    assert program.broken({0, 1}) == ["row"]
    assert program.broken({0}) == []
    assert program.largest() == huge
    assert SMALL.broken({1, 2}) == ["most"]
    assert SMALL.broken(set()) == ["one"]


def _random_program(rng: random.Random, bits: int) -> Program:
    """Some columns, some rows that some choice keeps exactly, numbers of up to so many bits."""
    number = rng.randint(2, 7)
    columns = tuple(f"x{i}" for i in range(number))
    some = {i for i in range(number) if rng.random() < 0.5}
    rows = []
    for r in range(rng.randint(1, 3)):
        terms = tuple((i, rng.randint(0, 2 ** rng.choice([1, 8, bits]))) for i in range(number) if rng.random() < 0.8)
        total = sum(coefficient for i, coefficient in terms if i in some)
        rows.append(Row(f"r{r}", rng.choice(["L", "E"]), terms, total + rng.choice([0, 0, -1])))
    costs = tuple(rng.randint(-(2**bits), 2**bits) for _ in columns)
    return Program("random", columns, costs, rng.randint(-(2**bits), 2**bits), tuple(rows))


def _best(program: Program) -> int | None:
    everything = product([0, 1], repeat=len(program.columns))
    choices = ({i for i, x in enumerate(values) if x} for values in everything)
    return min((program.value(choice) for choice in choices if not program.broken(choice)), default=None)


@pytest.mark.parametrize("seed", range(4))
def test_highs_agrees_with_trying_everything_and_with_nothing_else(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    program = _random_program(rng, rng.choice([8, 16, 30]))
    if seed % 2:  # costs whose differences doubles with tolerances do not see
        program = replace(program, costs=tuple(rng.randint(0, 2**45) for _ in program.columns))
    model = PlainModel(program, 1, sum(map(abs, program.costs)))
    file = tmp_path / "model.mps"
    file.write_text(mps_text(program), encoding="utf-8")
    best = _best(program)
    assert check_with_highs(file, model, best).found == "confirmed", (seed, best)
    false = 0 if best is None else rng.choice([best - 1, best + 1, None])
    assert check_with_highs(file, model, false).found == "differs", (seed, best, false)


def test_numbers_that_doubles_cannot_hold_are_not_asked(tmp_path: Path) -> None:
    program = replace(SMALL, costs=(2**53 + 1, 0, 0))
    verdict = check_with_highs(tmp_path / "not there.mps", PlainModel(program, 1, 0), 10)
    assert verdict.found == "undecided"
    assert "2^53" in verdict.lines[-1]


@pytest.mark.parametrize("most", [2**3, 2**7, 2**24])
@pytest.mark.parametrize("seed", range(8))
def test_small_rows_allow_what_the_row_allows(seed: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver.small_rows, "MOST", most)
    rng = random.Random(seed)
    numbers = {f"x{i}": rng.randint(-1 if seed % 2 else 0, 2 ** rng.choice([1, 5, 31, 45])) for i in range(6)}
    limit = sum(number for number in numbers.values() if rng.random() < 0.5) + rng.choice([-1, 0, 1])
    split = small_rows(numbers, limit)
    for values in product([0, 1], repeat=len(numbers)):
        point = dict(zip(numbers, values, strict=True))
        for (row, end), carry in zip(split.rows[:-1], split.carries, strict=True):
            # The least carry that keeps the row; a larger one only makes the next row harder.
            total = sum(number * point[name] for name, number in row.items() if name != carry)
            point[carry] = max(0, -(-(total - end) // -row[carry]))
            assert point[carry] <= split.carries[carry]
        last, end = split.rows[-1]
        kept = sum(number * point[name] for name, number in last.items()) <= end
        assert kept == (sum(number * point[name] for name, number in numbers.items()) <= limit), (numbers, values)
