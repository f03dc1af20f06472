"""The log of a sweep: one JSON object a line, on the disk before the next question is asked."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from solver.files import OutputError


class SweepLog:
    """Answers by their question's key, those of an earlier run included.

    Parameters
    ----------
    path
        The file, or None to remember answers in memory alone. A last line that a crash cut off is dropped.

    Raises
    ------
    OutputError
        If the file cannot be read or holds something else.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.answers: dict[str, dict[str, Any]] = {}
        if path is None or not path.exists():
            return
        try:
            content = path.read_bytes()
        except OSError as error:
            raise OutputError(f"{path} cannot be read: {error.strerror}") from None
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.decode("utf-8", "replace").splitlines(), 1):
            try:
                found = json.loads(line)
                self.answers[found["key"]] = found
            except (ValueError, KeyError, TypeError):
                raise OutputError(f"{path}:{number}: is no line of a sweep; give another --out") from None
        if len(whole) < len(content):
            self._write(whole, "wb")

    def add(self, answer: dict[str, Any]) -> None:
        """Append one answer; it is on the disk when this returns.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        self.answers[answer["key"]] = answer
        if self._path is not None:
            self._write((json.dumps(answer, allow_nan=False) + "\n").encode(), "ab")

    def _write(self, content: bytes, mode: str) -> None:
        assert self._path is not None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open(mode) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {error.strerror}") from None
