"""The command ``solve compare``: fused against layer by layer on every accelerator of a study."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from solver.command_line import (
    EXIT_BAD_INPUT,
    EXIT_INTERRUPTED,
    EXIT_UNDECIDED,
    Overrides,
    PlainCommand,
    load_study,
    overrides_of,
    study_options,
    waiting_time,
)
from solver.compare_files import CSV_FILE, EXIT_INFEASIBLE, JSON_FILE, PICTURE_FILE, write_files
from solver.compare_training_command import compare_training_command
from solver.comparison import Comparison
from solver.export import json_text
from solver.files import check_writable
from solver.interrupt import run_interruptibly
from solver.progress import live_line
from specs.study import SeparateBuffers, SharedBuffer, Study

HELP = """Compare fused with layer by layer on every accelerator of the study in SPEC: each template alone, both sides
at their proven best, each on its own best hardware; and layer by layer on the hardware of the fused design. With --at,
a second table gives all of them the same buffers. Several entries of one template count as one accelerator.

Energy, latency, DRAM traffic, area and energy-delay product, what fusion saves, and how well each side is proven. An
accelerator that cannot be solved has its reason in the table; the others are not affected.

A study that trains a network (mode: training) is compared with inference of the same network instead: on the hardware
that is best for inference, for a training step, and for one of each, with energy and latency of every phase of a step.
"""
EPILOG = """
\b
Examples:
  solve compare specs/studies/mobilenet_v2_edge.yaml
  solve compare --at "feature=128 KiB, weight=64 KiB" --out out/compared study.yaml
  solve compare --goal latency --set "accelerators=[vwa, eyeriss, systolic]" study.yaml
  solve compare specs/studies/alexnet_training.yaml
  solve compare --json study.yaml | jq '.own_best_hardware[] | {template, saving}'

\b
Exit codes:
    0  compared: at least one accelerator has a design
    2  bad input: one line for each problem, nothing is written
    3  proven infeasible on every accelerator
    4  no design was found in the time given
  130  interrupted, after printing what was known
"""


def given_buffers(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Read ``feature=SIZE, weight=SIZE`` or ``shared=SIZE`` into the text of a study's ``buffers``."""
    if value is None:
        return None
    pairs = [tuple(map(str.strip, part.partition("=")[::2])) for part in value.split(",")]
    if sorted(name for name, _ in pairs) not in (["feature", "weight"], ["shared"]) or not all(s for _, s in pairs):
        message = f'must be such as "feature=128 KiB, weight=64 KiB" or "shared=256 KiB", not "{value}".'
        raise click.BadParameter(message)
    return "{" + ", ".join(f"{name}: {size}" for name, size in pairs) + "}"


@click.command("solve compare", cls=PlainCommand, help=HELP, epilog=EPILOG, context_settings={"max_content_width": 100})
@click.argument("spec", type=click.Path(path_type=Path))
@study_options
@click.option(
    "--at", callback=given_buffers, metavar="BUFFERS",
    help='Also compare with these buffers: "feature=128 KiB, weight=64 KiB" or "shared=256 KiB".',
)  # fmt: skip
@click.option(
    "--time-limit", callback=waiting_time, metavar="TIME", help='For each accelerator: seconds, or as in "2 min".'
)
@click.option(
    "--out", "folder", type=click.Path(path_type=Path), metavar="DIR",
    help=f"Also write {JSON_FILE}, {CSV_FILE} and {PICTURE_FILE} into this folder.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the tables.")
def compare(
    spec: Path,
    goal: str | None,
    budgets: Sequence[tuple[str, str]],
    settings: Sequence[tuple[str, str]],
    no_fusion: bool,
    at: str | None,
    time_limit: float | None,
    workers: int | None,
    folder: Path | None,
    as_json: bool,
) -> int:
    """Compare the accelerators of one study; returns the exit code."""
    overrides = overrides_of(goal, budgets, settings, no_fusion)
    stop = threading.Event()
    study = load_study(spec, overrides)
    if study.mode == "training" and not study.mix:
        if at is not None:
            raise click.UsageError("--at compares accelerators, but a study with mode: training compares workloads.")
        options = {"time_limit": time_limit, "workers": workers}
        return compare_training_command(spec, study, overrides, stop, folder, as_json, options)
    if study.fusion.max_layers == 1:
        click.echo(f"{spec}: there is nothing to compare: fusion is off", err=True)
        return EXIT_BAD_INPUT
    given = None if at is None else _given(spec, overrides, at)
    if folder is not None:
        check_writable(folder, (JSON_FILE, CSV_FILE, PICTURE_FILE))
    found = _compare(study, stop, at=given, time_limit=time_limit, workers=workers)
    if not stop.is_set() and all(entry.result is None for entry in found.entries):
        for failure in dict.fromkeys(f"{entry.template}: {entry.failure}" for entry in found.entries):
            click.echo(f"{spec}: {failure}", err=True)
        return EXIT_BAD_INPUT
    _print_and_write(found, {"spec": {"file": str(spec), "overrides": overrides.values}}, as_json, folder)
    if stop.is_set():
        click.echo("interrupted: this is what was known by then", err=True)
        return EXIT_INTERRUPTED
    return _exit_code(found)


def _given(spec: Path, overrides: Overrides, at: str) -> SeparateBuffers | SharedBuffer:
    """Read given buffers as the study's reader does, after all other options."""
    again = Overrides()
    for key, text in overrides.values.items():
        if key.partition(".")[0] != "buffers":
            again.add(key, text, f"--set {key}")
    again.add("buffers", at, "--at")
    return load_study(spec, again).buffers


def _compare(study: Study, stop: threading.Event, **options: Any) -> Comparison:
    """Compare in a thread, so that the terminal stays alive and Ctrl-C is heard."""

    def work() -> Comparison:
        from solver.comparing import compare_fusion

        return compare_fusion(study, on_progress=show, stop=stop, **options)

    with live_line(study, stop) as show:
        return run_interruptibly(work, stop)


def _print_and_write(found: Comparison, origin: dict[str, Any], as_json: bool, folder: Path | None) -> None:
    from solver.compare_export import comparison_object
    from solver.compare_report import csv_text, report

    made = comparison_object(found) | origin
    click.echo(json_text(made) if as_json else report(found))
    if folder is None:
        return
    drawn = any(entry["saving"] is not None for entry in made["own_best_hardware"] + made["on_given_buffers"])
    write_files(folder, made, csv_text(found), _picture(made) if drawn else None)


def _picture(made: dict[str, Any]) -> bytes:
    from plots.compare import compared_bars
    from plots.pictures import image

    return image(compared_bars(made), "png")


def _exit_code(found: Comparison) -> int:
    outcomes = [entry.fused for entry in found.entries]
    if any(outcome is not None and outcome.design is not None for outcome in outcomes):
        return 0
    infeasible = all(outcome is not None and outcome.status == "infeasible" for outcome in outcomes)
    return EXIT_INFEASIBLE if infeasible else EXIT_UNDECIDED
