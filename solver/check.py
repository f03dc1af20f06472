"""The command ``solve check``: run a written design through both readings of the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from costmodel import Design, DesignError
from costmodel.compare import COMPARED, compare
from costmodel.execute import ExecutionError
from solver.command_line import EXIT_BAD_INPUT, PlainCommand
from solver.export import design_from_json, with_written_precision
from specs import SpecError, describe, load
from specs.study import Study

EXIT_DIFFERS = 1

HELP = """Check a design that `solve --out` or `solve --json` wrote, in two ways that share no code.

It is priced again by the plain reading of the cost model, and executed tile by tile on random integers with explicit
buffers: that fails if anything is read that is not in a buffer, if a buffer overflows, or if one word of the output
differs from a direct computation of the network. DRAM bytes, MACs and buffer peaks of both must agree exactly.
Executing takes about as many steps as the network has MACs: seconds for small networks, minutes for large ones.
"""
EPILOG = """
\b
Exit codes:
    0  both readings agree, and the design costs what the file says
    1  they do not
    2  bad input
"""


class CheckError(Exception):
    """A design file that cannot be checked; ``str()`` is one line."""


@click.command("solve check", cls=PlainCommand, help=HELP, epilog=EPILOG)
@click.argument("file", metavar="DESIGN.json", type=click.Path(path_type=Path))
@click.option(
    "--spec", type=click.Path(path_type=Path), metavar="SPEC",
    help="The study, if it is no longer where it was when the design was written.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Of the random inputs and weights.")
def check(file: Path, spec: Path | None, seed: int) -> int:
    """Check one design file; returns the exit code."""
    try:
        written = _read(file)
        study = with_written_precision(_study(file, written, spec), written)
        design = design_from_json(study, written)
        compared = compare(study, design, seed)
    except (CheckError, SpecError) as error:
        click.echo(str(error), err=True)
        return EXIT_BAD_INPUT
    except DesignError as error:
        click.echo(f"{file}: {error}", err=True)
        return EXIT_BAD_INPUT
    except ExecutionError as error:
        click.echo(f"{file}: the design does not run: {error}", err=True)
        return EXIT_DIFFERS
    differ = [one for one in compared if not one.agrees]
    for one in differ:
        click.echo(f"{one.what}: priced {one.evaluated}, executed {one.executed}", err=True)
    differ_from_file = _file_differs(study, design, written)
    for line in differ_from_file:
        click.echo(f"{file}: {line}", err=True)
    if differ or differ_from_file:
        return EXIT_DIFFERS
    numbers = len(compared) // len(COMPARED)
    click.echo(
        f"{numbers} group{'s' * (numbers != 1)} of {study.network.name} executed on random integers (seed {seed}):\n"
        f"every word of the output is right, and {', '.join(name.replace('_', ' ') for name in COMPARED)}\n"
        "are what the design costs, group by group"
    )
    return 0


def _read(file: Path) -> dict[str, Any]:
    try:
        written = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckError(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise CheckError(f"{file}: is not a JSON file") from None
    if not isinstance(written, dict) or not written.get("groups"):
        raise CheckError(f"{file}: holds no design")
    return written


def _study(file: Path, written: dict[str, Any], spec: Path | None) -> Study:
    """Load the study that the design was made for, and see that it is still the same."""
    origin = written.get("spec")
    stated = origin if isinstance(origin, dict) else {}
    if spec is None and not isinstance(stated.get("file"), str):
        raise CheckError(f"{file}: does not say which study it was made for: give it with --spec")
    overrides = stated.get("overrides")
    study = load(spec or stated["file"], overrides=overrides if isinstance(overrides, dict) else {})
    if json.loads(json.dumps(describe(study))) != written.get("settings"):
        raise CheckError(f"{file}: was made for another version of {spec or stated['file']}: solve it again")
    return study


def _file_differs(study: Study, design: Design, written: dict[str, Any]) -> list[str]:
    """Say where the file's totals are not what the design costs."""
    from costmodel import evaluate

    cost, totals = evaluate(study, design), written.get("totals")
    now = {"energy_j": cost.energy_j, "latency_s": cost.latency_s, "dram_bytes": cost.mean("dram_bytes")}
    stated = totals if isinstance(totals, dict) else {}
    return [
        f"totals.{name} is {stated.get(name)}, but the design costs {value}"
        for name, value in now.items()
        if stated.get(name) != value
    ]
