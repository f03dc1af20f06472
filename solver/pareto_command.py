"""The command ``solve pareto``: every best compromise between two goals, each proven."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from solver.command_line import (
    EXIT_INTERRUPTED,
    EXIT_UNDECIDED,
    PlainCommand,
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
from specs.study import Study

if TYPE_CHECKING:
    from solver.pareto import Front

EXIT_INFEASIBLE = 3
GOALS = ("energy", "latency", "bandwidth", "area")
CSV_FILE, JSON_FILE, PICTURE = "pareto.csv", "pareto.json", "pareto"
MOST_ROWS = 40

HELP = """Find every best compromise between two goals of the study in SPEC: the designs that no other betters in one
goal without being worse in the other, all of them, each proven, within the study's budgets.

Goals are energy, latency, bandwidth (DRAM bytes) and area. Points come from the best of the first goal to the best of
the second; when the time is up, those found so far are the beginning of the front, and it is said where it goes on.
"""
EPILOG = """
\b
Examples:
  solve pareto specs/studies/alexnet_eyeriss.yaml --goals energy,latency
  solve pareto --goals energy,area --budget latency=40ms --out out/front study.yaml
  solve pareto --goals latency,bandwidth --json study.yaml | jq '.points[].totals.latency_s'

\b
Exit codes:
    0  at least one point; complete, or it is said where it goes on
    2  bad input: one line for each problem, nothing is written
    3  proven infeasible
    4  no point was found in the time given
  130  interrupted, after printing the points found
"""


def _two_goals(context: click.Context, option: click.Parameter, text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if len(names) != 2 or len(set(names)) != 2 or not set(names) <= set(GOALS):
        raise click.BadParameter(f'must be two of {", ".join(GOALS)}, such as energy,latency, not "{text}".')
    return names


@click.command("solve pareto", help=HELP, epilog=EPILOG, cls=PlainCommand, context_settings={"max_content_width": 100})
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--goals", callback=_two_goals, metavar="FIRST,SECOND", required=True, help="The two goals.")
@study_options
@click.option("--time-limit", callback=waiting_time, metavar="TIME", help="For the whole front.")
@click.option(
    "--out", "folder", type=click.Path(path_type=Path), metavar="DIR",
    help=f"Also write {JSON_FILE}, {CSV_FILE} and {PICTURE}.png into this folder.",
)  # fmt: skip
@click.option("--plots", "picture", type=click.Choice(CHOICES), help="Format of the picture; needs --out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def pareto(
    spec: Path,
    goals: tuple[Any, Any],
    goal: str | None,
    budgets: Sequence[tuple[str, str]],
    settings: Sequence[tuple[str, str]],
    no_fusion: bool,
    workers: int | None,
    time_limit: float | None,
    folder: Path | None,
    picture: str | None,
    as_json: bool,
) -> int:
    """Find one front; returns the exit code."""
    if picture is not None and folder is None:
        raise click.UsageError("--plots needs --out, the folder to write to.")
    stop = threading.Event()
    if goal is not None:
        raise click.UsageError("--goal and --goals contradict each other.")
    study = load_study(spec, overrides_of(None, budgets, settings, no_fusion))
    if folder is not None:
        check_writable(folder, (JSON_FILE, CSV_FILE))
    found = _find(study, goals, stop, workers, time_limit)
    if found is None:
        click.echo("interrupted before any point was found", err=True)
        return EXIT_INTERRUPTED
    _print(found, as_json)
    if folder is not None:
        _write(found, folder, picture or FORMATS[0])
    if stop.is_set():
        return EXIT_INTERRUPTED
    return 0 if found.points else EXIT_INFEASIBLE if found.status == "infeasible" else EXIT_UNDECIDED


class _LeftError(Exception):
    """The wish to stop came while the table was being built."""


def _find(
    study: Study, goals: tuple[Any, Any], stop: threading.Event, workers: int | None, time_limit: float | None
) -> Front | None:
    """Find the front in a thread, so that Ctrl-C is heard; None if that came before there was anything."""
    deadline = None if time_limit is None else time.perf_counter() + time_limit

    def stopped() -> bool:
        return stop.is_set() or (deadline is not None and time.perf_counter() > deadline)

    def work(show: Callable[[Progress], None]) -> Front | None:
        from solver.pareto import Front, front
        from solver.session import Session

        def on_table(phase: str, done: int, total: int) -> None:
            if stopped():
                raise _LeftError
            show(Progress(phase, done=done, total=total))

        def left() -> float | None:
            return None if deadline is None else max(0.0, deadline - time.perf_counter())

        session = Session(study, workers, on_table)
        try:
            return front(session, study, goals, lambda number: show(Progress(f"{number} points")), stopped, stop, left)
        except _LeftError:
            return None if stop.is_set() else Front(study, goals, (), False, "unknown")

    with live_line(study, stop) as show:
        return run_interruptibly(lambda: work(show), stop)


def _print(found: Front, as_json: bool) -> None:
    from solver.export import json_text
    from solver.pareto_report import as_object, text

    click.echo(json_text(as_object(found)) if as_json else text(found, MOST_ROWS))


def _write(found: Front, folder: Path, picture: str) -> None:
    """Write the points, and the picture if there are any; an older picture never stays."""
    from solver.export import json_text
    from solver.pareto_report import as_object, csv_rows

    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(csv_rows(found))
    written = [folder / JSON_FILE, folder / CSV_FILE]
    write_whole(written[0], (json_text(as_object(found)) + "\n").encode())
    write_whole(written[1], lines.getvalue().encode())
    for suffix in FORMATS:
        remove(folder / f"{PICTURE}.{suffix}")
    if found.points and picture in FORMATS:
        from plots.pareto import pareto_front
        from plots.pictures import image

        written.append(folder / f"{PICTURE}.{picture}")
        write_whole(written[-1], image(pareto_front(found), picture))
    click.echo(f"written: {', '.join(map(str, written))}", err=True)
