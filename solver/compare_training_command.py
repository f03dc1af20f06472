"""``solve compare`` of a study that trains a network: inference against training."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import click

from solver.command_line import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_UNDECIDED, Overrides
from solver.compare_files import CSV_FILE, EXIT_INFEASIBLE, JSON_FILE, PICTURE_FILE, write_files
from solver.export import json_text
from solver.files import check_writable
from solver.interrupt import run_interruptibly
from solver.progress import live_line
from solver.training_comparison import TrainingComparison
from solver.training_questions import NotComparableError, trained_network
from specs.study import Study


def compare_training_command(
    spec: Path,
    study: Study,
    overrides: Overrides,
    stop: threading.Event,
    folder: Path | None,
    as_json: bool,
    options: dict[str, Any],
) -> int:
    """Compare, print and write; returns the exit code."""
    from solver.training_compare_export import comparison_object
    from solver.training_compare_report import csv_text, report

    try:
        trained_network(study)
    except NotComparableError as error:
        click.echo(f"{spec}: {error}", err=True)
        return EXIT_BAD_INPUT
    if folder is not None:
        check_writable(folder, (JSON_FILE, CSV_FILE, PICTURE_FILE))
    found = _compare(study, stop, options)
    if not stop.is_set() and all(made.result is None for made in found.made_for):
        for failure in dict.fromkeys(made.failure for made in found.made_for):
            click.echo(f"{spec}: {failure}", err=True)
        return EXIT_BAD_INPUT
    made = comparison_object(found) | {"spec": {"file": str(spec), "overrides": overrides.values}}
    click.echo(json_text(made) if as_json else report(found))
    if folder is not None:
        write_files(folder, made, csv_text(found), _picture(made))
    if stop.is_set():
        click.echo("interrupted: this is what was known by then", err=True)
        return EXIT_INTERRUPTED
    return _exit_code(found)


def _compare(study: Study, stop: threading.Event, options: dict[str, Any]) -> TrainingComparison:
    """Compare in a thread, so that the terminal stays alive and Ctrl-C is heard."""

    def work() -> TrainingComparison:
        from solver.comparing_training import compare_training

        return compare_training(study, on_progress=show, stop=stop, **options)

    with live_line(study, stop) as show:
        return run_interruptibly(work, stop)


def _picture(made: dict[str, Any]) -> bytes | None:
    from plots.compare_training import training_bars
    from plots.pictures import image
    from plots.style import NothingToDrawError

    try:
        return image(training_bars(made)[0], "png")
    except NothingToDrawError:
        return None


def _exit_code(found: TrainingComparison) -> int:
    outcomes = [made.best for made in found.made_for]
    if any(outcome is not None and outcome.design is not None for outcome in outcomes):
        return 0
    infeasible = all(outcome is not None and outcome.status == "infeasible" for outcome in outcomes)
    return EXIT_INFEASIBLE if infeasible else EXIT_UNDECIDED
