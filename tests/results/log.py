"""Rows kept as JSON Lines: appended one by one, and read again by a run that continues."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.results.cases import Case

Rows = dict[Case, dict[str, Any]]


def read(path: Path, wanted: Iterable[Case]) -> Rows:
    """The latest row of each wanted case that is still true; a line cut off by a kill does not count."""
    rows: Rows = {}
    digests = {case: case.digest() for case in wanted}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        case = Case(row["network"], row["accelerator"], row["memory"])
        if digests.get(case) == row["digest"]:
            rows[case] = row
    return rows


def append(path: Path, row: dict[str, Any]) -> None:
    """Add a row and see that it is on disk; a line that was cut off stays a line of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cut_off = path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" * cut_off + json.dumps(row) + "\n")
        file.flush()
        os.fsync(file.fileno())
