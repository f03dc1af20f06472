"""The files of a comparison, whichever kind it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from solver.export import json_text
from solver.files import remove, write_whole

JSON_FILE, CSV_FILE, PICTURE_FILE = "compare.json", "compare.csv", "compare.png"
EXIT_INFEASIBLE = 3


def write_files(folder: Path, made: dict[str, Any], csv_text: str, picture: bytes | None) -> None:
    """Write object, table and picture; an older picture never stays beside them."""
    remove(folder / PICTURE_FILE)
    contents = {JSON_FILE: (json_text(made) + "\n").encode(), CSV_FILE: csv_text.encode()}
    if picture is not None:
        contents[PICTURE_FILE] = picture
    for name, content in contents.items():
        write_whole(folder / name, content)
    click.echo(f"written: {', '.join(str(folder / name) for name in contents)}", err=True)
