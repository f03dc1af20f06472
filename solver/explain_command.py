"""The command ``solve explain``: which budgets conflict or bind, by how much, and what the design is limited by."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

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
from solver.explanation import Explanation
from solver.export import json_text
from solver.interrupt import run_interruptibly
from solver.progress import live_line
from specs.study import Study

HELP = """Say why the answer to the study in SPEC is what it is. Every statement is proven, or said to be undecided.

No design keeps the budgets: a minimal set of budgets that exclude each other (without any one of them there is a
design), and for each of them the least limit that would be enough with all other budgets kept.

There is a best design: which budgets keep it from being better, how much better it would be without each, from which
limit on it is better, and down to which limit it stays as good; and how far it is from what nothing can undercut:
compulsory DRAM traffic, peak compute, DRAM bandwidth.
"""
EPILOG = """
\b
Examples:
  solve explain specs/studies/mobilenet_v2_edge.yaml
  solve explain --budget latency=10ms --budget area=2mm2 study.yaml
  solve explain --time-limit "10 min" --json study.yaml | jq .relaxations

\b
Exit codes:
    0  explained, also if the study is proven infeasible
    2  bad input: one line for each problem
    4  something was not decided in the time given; the report says what
  130  interrupted, after printing what was known
"""


@click.command("solve explain", cls=PlainCommand, help=HELP, epilog=EPILOG, context_settings={"max_content_width": 100})
@click.argument("spec", type=click.Path(path_type=Path))
@study_options
@click.option(
    "--time-limit", callback=waiting_time, metavar="TIME", help='For all questions together: seconds, or as "2 min".'
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the report.")
def explain(
    spec: Path,
    goal: str | None,
    budgets: Sequence[tuple[str, str]],
    settings: Sequence[tuple[str, str]],
    no_fusion: bool,
    time_limit: float | None,
    workers: int | None,
    as_json: bool,
) -> int:
    """Explain one study; returns the exit code."""
    overrides = overrides_of(goal, budgets, settings, no_fusion)
    stop = threading.Event()
    found = _explain(load_study(spec, overrides), stop, time_limit, workers)
    if as_json:
        from solver.explain_export import explanation_object

        origin = {"spec": {"file": str(spec), "overrides": overrides.values}}
        click.echo(json_text(explanation_object(found) | origin))
    else:
        from solver.explain_report import report

        click.echo(report(found))
    if stop.is_set():
        click.echo("interrupted: this is what was known by then", err=True)
        return EXIT_INTERRUPTED
    return EXIT_UNDECIDED if found.undecided else 0


def _explain(study: Study, stop: threading.Event, time_limit: float | None, workers: int | None) -> Explanation:
    """Explain in a thread, so that the terminal stays alive and Ctrl-C is heard."""

    def work() -> Explanation:
        from solver.explaining import explain

        return explain(study, time_limit=time_limit, workers=workers, on_progress=show, stop=stop)

    with live_line(study, stop) as show:
        return run_interruptibly(work, stop)
