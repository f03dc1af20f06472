"""Fixtures shared by the tests of the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import solver
from solver.result import Result
from specs.study import Study
from tiny_study import Stub, write_study


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """The path of a tiny study."""
    return write_study(tmp_path)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Replace `solve`; the list that is returned fills with the arguments of each call."""

    def install(answer: Callable[[Study], Result]) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = []

        def solve(study: Study, **options: Any) -> Result:
            calls.append({"study": study, **options})
            return answer(study)

        monkeypatch.setattr(solver, "solve", solve)
        return calls

    return install
