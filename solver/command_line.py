"""What is typed after ``solve``, read and checked: options that stand for keys of the study, and times."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from costmodel.groups import TooWideError
from costmodel.technology import PriceError
from solver.files import OutputError
from solver.interrupt import GaveUpError
from specs import SpecError, load
from specs.errors import Origin
from specs.study import Study
from specs.units import Dimension

EXIT_BAD_INPUT = 2
EXIT_UNDECIDED = 4
EXIT_INTERRUPTED = 130

_WAIT_UNITS = {"ms": Fraction(1, 1000), "s": Fraction(1), "min": Fraction(60), "h": Fraction(3600)}
_WAIT = Dimension("time", "90 s", "seconds", _WAIT_UNITS)


class PlainCommand(click.Command):
    """A command that says what is wrong in one line, without a usage text around it.

    Mistakes in a study, what cannot be priced or written, and a second Ctrl-C end every command in the same way.
    """

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (SpecError, OutputError) as error:
            click.echo(str(error), err=True)
        except (PriceError, TooWideError) as error:
            click.echo(f"{ctx.params.get('spec') or ctx.params.get('file')}: {error}", err=True)
        except GaveUpError:
            click.echo("interrupted twice: gave up without a result", err=True)
            os._exit(EXIT_INTERRUPTED)  # CP-SAT's threads still run and would crash an orderly exit
        return EXIT_BAD_INPUT

    def main(self, args: Sequence[str] | None = None, *_: Any, **settings: Any) -> Any:
        try:
            code: Any = super().main(args, **({"prog_name": self.name} | settings | {"standalone_mode": False}))
        except click.ClickException as error:
            message = " ".join(error.format_message().split())
            click.echo(f"{self.name}: {message} (see {self.name} --help)", err=True)
            code = error.exit_code
        except click.Abort:
            code = EXIT_INTERRUPTED
        sys.exit(code if isinstance(code, int) else 0)


def assignments(example: str) -> Callable[[click.Context, click.Parameter, Sequence[str]], list[tuple[str, str]]]:
    """Make a callback that splits every ``NAME=VALUE`` at its first equals sign."""

    def split(context: click.Context, option: click.Parameter, values: Sequence[str]) -> list[tuple[str, str]]:
        pairs = []
        for value in values:
            name, equals, text = value.partition("=")
            if not (name.strip() and equals and text.strip()):
                raise click.BadParameter(f'must be {option.metavar} such as {example}, not "{value}".')
            pairs.append((name.strip(), text.strip()))
        return pairs

    return split


def waiting_time(context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    """Read seconds, or a number with its unit (ms, s, min or h)."""
    if value is None:
        return None
    text = value.strip()
    try:
        return float(_WAIT.exact(f"{text} s" if text[-1:].isdigit() else text))
    except ValueError:
        message = f'must be a positive time such as 90, "90 s", "2 min" or "1 h", not "{value}".'
        raise click.BadParameter(message) from None


def study_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that `overrides_of` reads, which every command that solves a study has."""
    options = (
        click.option(
            "--goal", metavar="GOAL",
            help="What to make least of: energy, latency, bandwidth (DRAM bytes), edp, area, power; or most: throughput"
            ". A list such as [energy, area]: first, then second ...",
        ),
        click.option(
            "--budget", "budgets", callback=assignments("area=4mm2"), metavar="NAME=VALUE", multiple=True,
            help="An upper limit on area, sram, pes, latency, energy, power, dram_bandwidth, dram_traffic or (in"
            " training) activation_memory; may be repeated.",
        ),
        click.option(
            "--set", "settings", callback=assignments("batch=4"), metavar="KEY=VALUE", multiple=True,
            help="Replace any key of the study (dotted: buffers.feature); the value is YAML; may be repeated.",
        ),
        click.option("--no-fusion", is_flag=True, help="Run layer by layer: no fusion groups."),
        click.option(
            "--workers", type=click.IntRange(1, 1024), metavar="N", help="Threads of CP-SAT; by default one per core."
        ),
    )  # fmt: skip
    for option in reversed(options):  # as decorators, the last one written is applied first
        command = option(command)
    return command


class Overrides:
    """Keys of the study that options replace, each with the option that a problem is then blamed on."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._options: dict[str, str] = {}

    def add(self, key: str, text: str, option: str) -> None:
        """Note one replacement.

        Raises
        ------
        click.UsageError
            If two options replace the same key.
        """
        if key in self.values:
            first = self._options[key]
            raise click.UsageError(
                f"{option} is given twice." if first == option else f"{first} and {option} contradict each other."
            )
        self.values[key] = text
        self._options[key] = option

    def blame(self, error: SpecError) -> SpecError:
        """Return the error with each problem blamed on the option that was really typed."""
        typed = {f"--set {key}": option for key, option in self._options.items()}
        return SpecError(
            replace(problem, origin=Origin(typed[problem.origin.source])) if problem.origin.source in typed else problem
            for problem in error.problems
        )


def overrides_of(
    goal: str | None, budgets: Sequence[tuple[str, str]], settings: Sequence[tuple[str, str]], no_fusion: bool
) -> Overrides:
    """Collect what the options of `solve` replace in a study; ``--set`` comes first, narrower options after it."""
    found = Overrides()
    for key, text in settings:
        if no_fusion and key.split(".")[0] == "fusion":
            raise click.UsageError(f"--set {key} and --no-fusion contradict each other.")
        found.add(key, text, f"--set {key}")
    for name, text in budgets:
        found.add(f"budgets.{name}", text, f"--budget {name}")
    if goal is not None:
        found.add("goal", goal, "--goal")
    if no_fusion:
        found.add("fusion", "none", "--no-fusion")
    return found


def load_study(spec: Path, overrides: Overrides) -> Study:
    """Load a study with what the options replace.

    Raises
    ------
    SpecError
        With each problem blamed on the file or the option that it comes from.
    """
    try:
        return load(spec, overrides=overrides.values)
    except SpecError as error:
        raise overrides.blame(error) from None
