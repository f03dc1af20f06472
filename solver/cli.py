"""The command ``solve``: from a study file to a proven design, a report, and files.

This is the roof: the one place that knows the solver, the terminal and the plots. What takes long to import
(OR-tools, matplotlib) is imported where it is used, after the study is known to be valid.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from solver.command_line import (
    EXIT_BAD_INPUT,
    EXIT_INTERRUPTED,
    PlainCommand,
    load_study,
    overrides_of,
    study_options,
    waiting_time,
)
from solver.export import DESIGN_FILE, design_object, json_text, package_version, write_design
from solver.files import check_writable, write_whole
from solver.interrupt import run_interruptibly
from solver.picture_files import CHOICES, PICTURE_FILES, PICTURES, picture_names, remove_pictures
from solver.progress import live_line
from solver.report import report
from solver.result import Result, Status
from solver.statements import verdict
from specs.errors import closest
from specs.study import Study

EXIT_CODES: dict[Status, int] = {"optimal": 0, "feasible": 0, "infeasible": 3, "unknown": 4}

COMMANDS = {
    "whatif": ("solver.whatif_command", "whatif"),
    "pareto": ("solver.pareto_command", "pareto"),
    "check": ("solver.check", "check"),
    "certify": ("solver.certify", "certify"),
    "explain": ("solver.explain_command", "explain"),
    "compare": ("solver.compare_command", "compare"),
}
"""Sub-commands by their first word: module and command, imported when it is asked for."""

HELP = """Find the accelerator, its array and buffer sizes, the fusion groups and the tiling that together are
best for the study in SPEC (a YAML file), and prove that no other design in the stated space is better.

A study with "mode: training" asks for a training step: forward and backward pass and the update of all weights.

The report goes to stdout: hardware, costs, fusion groups, what fusion saves against the best layer-by-layer
design, and in the last line what is proven. Ctrl-C ends early with the best design so far and its honest gap.
"""
EPILOG = """
\b
Examples:
  solve specs/studies/mobilenet_v2_edge.yaml
  solve --goal latency --budget area=3mm2 --budget "energy=5 mJ" study.yaml
  solve --set "buffers.feature=[64 KiB, 128 KiB]" --set batch=4 study.yaml
  solve --time-limit "2 min" --out out/edge --plots svg study.yaml
  solve --json study.yaml | jq .totals.energy_j

\b
Other commands, each with its own --help:
  solve whatif study.yaml --vary sram=64KiB:1MiB:x2    a budget or any key varied, all proven
  solve pareto study.yaml --goals energy,latency       every best compromise between two goals
  solve explain study.yaml          which budgets conflict or limit the optimum, and by how much
  solve compare study.yaml          fused and layer by layer on every accelerator of the study;
                                    of a study with mode: training, inference and training
  solve check out/edge/design.json  a written design, priced and executed again
  solve certify study.yaml          the proof as files that others can check

\b
Units (a space before the unit is optional):
  sizes B kB MB KiB MiB; times s ms us ns; energies J mJ uJ nJ; areas mm2 um2;
  frequencies Hz kHz MHz GHz; bandwidths B/s MB/s GB/s Gbit/s

\b
Exit codes:
    0  solved: the design is proven optimal, or the time was up and its gap is stated
    2  bad input: one line for each problem, nothing is written
    3  proven infeasible: no design in the stated space keeps the budgets
    4  no design was found in the time given
  130  interrupted, after printing the best design so far
"""


class SolveCommand(PlainCommand):
    """``solve SPEC``, or one of the commands below it, told by its first word."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **settings: Any) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        if words and words[0] in COMMANDS:
            module, name = COMMANDS[words[0]]
            return getattr(import_module(module), name).main(words[1:], *rest, **settings)
        meant = closest(words[0], COMMANDS) if words and words[0].isalpha() and not Path(words[0]).exists() else None
        if meant is not None:
            click.echo(f'solve: there is no command or study "{words[0]}"; did you mean "solve {meant}"?', err=True)
            sys.exit(EXIT_BAD_INPUT)
        return super().main(words, *rest, **settings)


@click.command("solve", cls=SolveCommand, help=HELP, epilog=EPILOG, context_settings={"max_content_width": 100})
@click.argument("spec", type=click.Path(path_type=Path))
@study_options
@click.option("--no-bounds", is_flag=True, help="Let CP-SAT prove everything alone: the same optimum, slower.")
@click.option(
    "--time-limit", callback=waiting_time, metavar="TIME", help='Stop after this time: seconds, or as in "2 min".'
)
@click.option(
    "--out", "folder", type=click.Path(path_type=Path), metavar="DIR",
    help=f"Also write {DESIGN_FILE} and {picture_names(None)[0]} into this folder.",
)  # fmt: skip
@click.option(
    "--plots", type=click.Choice(CHOICES),
    help=f"With --out: write all pictures in this format ({', '.join(PICTURES)}), or none.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the report.")
@click.version_option(package_version("laminate"), prog_name="laminate")
def main(
    spec: Path,
    goal: str | None,
    budgets: Sequence[tuple[str, str]],
    settings: Sequence[tuple[str, str]],
    no_fusion: bool,
    no_bounds: bool,
    time_limit: float | None,
    workers: int | None,
    folder: Path | None,
    plots: str | None,
    as_json: bool,
) -> int:
    """Solve one study; returns the exit code."""
    if plots is not None and folder is None:
        raise click.UsageError("--plots needs --out, the folder to write to.")
    pictures = picture_names(plots)
    overrides = overrides_of(goal, budgets, settings, no_fusion)
    stop = threading.Event()
    study = load_study(spec, overrides)
    if folder is not None:
        check_writable(folder, (DESIGN_FILE, *PICTURE_FILES))
    result = _solve(study, stop, time_limit=time_limit, workers=workers, use_bounds=not no_bounds)
    design = design_object(result) | {"spec": {"file": str(spec), "overrides": overrides.values}}
    _print(result, design, as_json)
    if folder is not None:
        _write(result, design, folder, pictures)
    if stop.is_set():
        click.echo("interrupted: this is what was known by then", err=True)
        return EXIT_INTERRUPTED
    return EXIT_CODES[result.status]


def _solve(study: Study, stop: threading.Event, **options: Any) -> Result:
    """Solve in a thread, so that the terminal stays alive and Ctrl-C is heard."""

    def work() -> Result:
        from solver import solve

        return solve(study, on_progress=show, stop=stop, baseline=study.fusion.max_layers > 1, **options)

    with live_line(study, stop) as show:
        return run_interruptibly(work, stop)


def _print(result: Result, design: dict[str, Any], as_json: bool) -> None:
    click.echo(json_text(design) if as_json else report(result))
    if as_json and result.design is None:
        click.echo(verdict(result), err=True)


def _write(result: Result, design: dict[str, Any], folder: Path, pictures: Sequence[str]) -> None:
    """Write the design and those pictures that have something to show; older pictures never stay beside it."""
    remove_pictures(folder)
    written = [write_design(design, folder)]
    if result.design is not None and pictures:
        from plots.pictures import picture

        for name in pictures:
            content = picture(name, result, design)
            if content is not None:
                write_whole(folder / name, content)
                written.append(folder / name)
    click.echo(f"written: {', '.join(map(str, written))}", err=True)


if __name__ == "__main__":
    main()
