"""The output folder: tried out before a long solve, written file by file, each whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


class OutputError(Exception):
    """A folder that results cannot be written to; ``str()`` is one line."""


def check_writable(folder: Path, names: tuple[str, ...]) -> None:
    """Check by trying that files of these names can be written; leaves no trace.

    Raises
    ------
    OutputError
        If the path is a file, a folder on the way cannot be made, or a name is taken by a folder.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file, not a folder")
    for name in names:
        if (folder / name).is_dir():
            raise OutputError(f"{folder / name} is a folder; a file of that name is to be written")
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = _beside(folder / names[0])
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise OutputError(f"{folder} cannot be written to: {error.strerror}") from None
    finally:
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that no reader, and no crash, ever sees a part of it.

    Raises
    ------
    OutputError
        If it cannot be written; what was there before then still is.
    """
    part = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def remove(path: Path) -> None:
    """Remove a file if it is there.

    Raises
    ------
    OutputError
        If it is there and stays.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be removed: {error.strerror}") from None
