"""The command ``solve whatif``: the same study with a budget or a key varied, each variant proven."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from solver.command_line import (
    EXIT_INTERRUPTED,
    PlainCommand,
    assignments,
    load_study,
    overrides_of,
    study_options,
    waiting_time,
)
from solver.files import check_writable, remove, write_whole
from solver.interrupt import run_interruptibly
from solver.picture_files import CHOICES, FORMATS
from solver.progress import live_line
from solver.result import Progress
from solver.vary import EXAMPLE, FORMS, Varied, read_varied
from specs.study import Study

if TYPE_CHECKING:
    from solver.sweep import Question
    from solver.whatif import WhatIf

EXIT_UNDECIDED = 4
LOG_FILE, CSV_FILE, PICTURE = "whatif.jsonl", "whatif.csv", "whatif"

HELP = f"""Ask the study in SPEC again and again with one or more things varied, and prove every answer.

NAME is a budget (area, sram, pes, latency, energy, power, dram_bandwidth, dram_traffic, activation_memory) or any key
of the study (dotted: dram.bandwidth, batch). VALUES are {FORMS}.
With several --vary every combination is asked.

Where one budget varies, the values at which the best design changes are found exactly, also between the values
asked for; and for every answer the budgets without which the optimum were better.

With --out the answers are appended to {LOG_FILE} one by one: the same command goes on where it was stopped
(what lies between the values is found again).
"""
EPILOG = """
\b
Examples:
  solve whatif study.yaml --vary sram=64KiB:1MiB:x2
  solve whatif study.yaml --vary latency=10ms:40ms:7 --budget area=3mm2 --out out/latency
  solve whatif study.yaml --vary dram.bandwidth=3.2GB/s:25.6GB/s:x2 --vary batch=1,4
  solve whatif study.yaml --vary "precision.weight=8,16" --goal latency --json

\b
Exit codes:
    0  every variant was answered: proven optimal or infeasible (or its gap is stated)
    2  bad input: one line for each problem, nothing is asked
    4  for some variant no design was found in the time given, or it cannot be priced
  130  interrupted; what was answered is in --out
"""


def _varied(context: click.Context, option: click.Parameter, pairs: Sequence[str]) -> list[Varied]:
    split = assignments(EXAMPLE)(context, option, pairs)
    found = []
    for name, text in split:
        try:
            found.append(read_varied(name, text))
        except ValueError as error:
            raise click.BadParameter(f"{name} {error}.") from None
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise click.BadParameter("must name each thing once.")
    return found


@click.command("solve whatif", help=HELP, epilog=EPILOG, cls=PlainCommand, context_settings={"max_content_width": 100})
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--vary", "varied", callback=_varied, metavar="NAME=VALUES", multiple=True, required=True,
    help=f"What to vary and through which values, such as {EXAMPLE}; may be repeated.",
)  # fmt: skip
@study_options
@click.option("--no-details", is_flag=True, help="Only the answers: no changes between values, no binding budgets.")
@click.option(
    "--time-limit",
    callback=waiting_time,
    metavar="TIME",
    help="For each variant; as much again, in all, for what lies between.",
)
@click.option(
    "--out", "folder", type=click.Path(path_type=Path), metavar="DIR",
    help=f"Write {LOG_FILE} (as answers come), {CSV_FILE} and, of one budget, {PICTURE}.png into this folder.",
)  # fmt: skip
@click.option("--plots", "picture", type=click.Choice(CHOICES), help="Format of the picture; needs --out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def whatif(
    spec: Path,
    varied: list[Varied],
    goal: str | None,
    budgets: Sequence[tuple[str, str]],
    settings: Sequence[tuple[str, str]],
    no_fusion: bool,
    no_details: bool,
    time_limit: float | None,
    workers: int | None,
    folder: Path | None,
    picture: str | None,
    as_json: bool,
) -> int:
    """Sweep one study; returns the exit code."""
    if picture is not None and folder is None:
        raise click.UsageError("--plots needs --out, the folder to write to.")
    overrides = overrides_of(goal, budgets, settings, no_fusion)
    stop = threading.Event()
    for one in varied:
        overrides.add(one.key, one.values[0], f"--vary {one.name}")
    study = load_study(spec, overrides)
    for one in varied:
        del overrides.values[one.key]
    if folder is not None:
        check_writable(folder, (CSV_FILE,))
    asked = _questions(spec, overrides.values, study, varied)
    options = {"workers": workers, "time_limit": time_limit, "details": not no_details}
    found = _sweep(study, varied, asked, stop, folder, options)
    if found is None:
        return EXIT_INTERRUPTED
    _print(found, as_json)
    if folder is not None:
        _write(found, folder, picture or FORMATS[0])
    undecided = any(told["status"] in ("unknown", "error") for told in found.answers)
    return EXIT_UNDECIDED if undecided else 0


def _questions(spec: Path, overrides: dict[str, str], study: Study, varied: list[Varied]) -> list[Question]:
    from solver.sweep import questions

    return questions(spec, overrides, study, varied)


def _sweep(
    study: Study,
    varied: list[Varied],
    asked: list[Question],
    stop: threading.Event,
    folder: Path | None,
    options: dict[str, Any],
) -> WhatIf | None:
    """Ask in a thread, so that Ctrl-C is heard; None if it was."""
    from solver.sweep_run import SweepStoppedError
    from solver.whatif import answer_all

    log = None if folder is None else folder / LOG_FILE

    def work(show: Callable[[Progress], None]) -> WhatIf:
        return answer_all(study, varied, asked, log=log, stop=stop, on_progress=show, **options)

    try:
        with live_line(study, stop) as show:
            found = run_interruptibly(lambda: work(show), stop)
    except SweepStoppedError:
        found = None
    if found is None or stop.is_set():
        kept = "nothing was kept (give --out)" if log is None else f"{log} has what was answered: ask again to go on"
        click.echo(f"interrupted: {kept}", err=True)
        return None
    return found


def _print(found: WhatIf, as_json: bool) -> None:
    from solver.export import json_text
    from solver.whatif_report import as_object, text

    click.echo(json_text(as_object(found)) if as_json else text(found))


def _write(found: WhatIf, folder: Path, picture: str) -> None:
    """Write what the log does not hold, and the picture if there is a curve; an older picture never stays."""
    from solver.whatif_curve import curve_of
    from solver.whatif_report import as_csv

    written = [folder / LOG_FILE, folder / CSV_FILE]
    write_whole(folder / CSV_FILE, as_csv(found).encode())
    for suffix in FORMATS:
        remove(folder / f"{PICTURE}.{suffix}")
    curve = curve_of(found)
    if curve is not None and picture in FORMATS:
        from plots.pictures import image
        from plots.whatif import what_if as draw

        written.append(folder / f"{PICTURE}.{picture}")
        write_whole(written[-1], image(draw(curve), picture))
    click.echo(f"written: {', '.join(map(str, written))}", err=True)
