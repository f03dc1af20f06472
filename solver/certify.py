"""The command ``solve certify``: solve a study, write the proof down, and let others than CP-SAT check it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from costmodel.kept import decided
from solver.command_line import (
    EXIT_BAD_INPUT,
    EXIT_INTERRUPTED,
    EXIT_UNDECIDED,
    PlainCommand,
    load_study,
    overrides_of,
    study_options,
    waiting_time,
)
from solver.export import CERTIFICATE_FILE, DESIGN_FILE, MODEL_FILE, design_object, json_text, write_design
from solver.files import check_writable, remove, write_whole
from solver.interrupt import run_interruptibly
from solver.picture_files import PICTURE_FILES, remove_pictures
from solver.progress import live_line
from solver.result import Result
from solver.statements import verdict
from specs.study import Study

if TYPE_CHECKING:
    from solver.plain_model import PlainModel
    from solver.proof import Proof

EXIT_DIFFERS = 1

HELP = """Solve the study in SPEC and write a proof that others can check: the reduced model that any MIP solver reads
(model.mps), the deductions that led to it with the integer multipliers that prove them (certificate.json), and the
design (design.json).

Then others than CP-SAT check it. Plain Python prices every candidate again and computes the bound of every dropped
hardware point from its multipliers. HiGHS, if it is installed (pip install 'laminate[certify]'), must reach the same
optimum of model.mps, and must prove that nothing costs less.

Certificates speak of one sum over fusion groups: the goals energy, latency and bandwidth, in one precision, without
budgets on power and dram_bandwidth.
"""
EPILOG = """
\b
Examples:
  solve certify --out out/proof specs/studies/alexnet_eyeriss.yaml
  solve certify --goal latency --budget area=3mm2 study.yaml

\b
Exit codes:
    0  proven, and whoever checked it agrees; or HiGHS is missing, which is said
    1  a check contradicts the proof
    2  bad input: one line for each problem, nothing is written
    4  not proven (nothing is written), or a check could not decide
  130  interrupted; nothing is written if the study was not solved yet
"""


@click.command("solve certify", cls=PlainCommand, help=HELP, epilog=EPILOG, context_settings={"max_content_width": 100})
@click.argument("spec", type=click.Path(path_type=Path))
@study_options
@click.option(
    "--margin", type=click.FloatRange(0, 100), default=1.0, show_default=True, metavar="PERCENT",
    help="Leave in model.mps what could cost up to so much more than the optimum: more for another solver to decide.",
)  # fmt: skip
@click.option("--no-bounds", is_flag=True, help="No deductions: model.mps holds the whole problem. Small studies only.")
@click.option("--no-recheck", is_flag=True, help="Do not compute the dropped points' bounds again.")
@click.option("--time-limit", callback=waiting_time, metavar="TIME", help="For solving, and again for each check.")
@click.option(
    "--out", "folder", type=click.Path(path_type=Path), metavar="DIR", default=Path("out"), show_default=True,
    help="Where the three files go.",
)  # fmt: skip
def certify(
    spec: Path,
    goal: str | None,
    budgets: Sequence[tuple[str, str]],
    settings: Sequence[tuple[str, str]],
    no_fusion: bool,
    margin: float,
    no_bounds: bool,
    no_recheck: bool,
    time_limit: float | None,
    workers: int | None,
    folder: Path,
) -> int:
    """Certify one study; returns the exit code."""
    overrides = overrides_of(goal, budgets, settings, no_fusion)
    stop = threading.Event()
    study = load_study(spec, overrides)
    refusal = _not_certified(study)
    if refusal is not None:
        click.echo(f"{spec}: {refusal}", err=True)
        return EXIT_BAD_INPUT
    check_writable(folder, (CERTIFICATE_FILE, MODEL_FILE, DESIGN_FILE, *PICTURE_FILES))
    options = {"time_limit": time_limit, "workers": workers, "use_bounds": not no_bounds}
    options["margin"] = margin / 100
    origin = {"spec": {"file": str(spec), "overrides": overrides.values}}
    return _certify(study, folder, origin, stop, options, recheck=not no_recheck)


def _not_certified(study: Study) -> str | None:
    """Say why there is no certificate for a study: certificates speak of one sum over groups and its budgets."""
    if study.then or study.goal not in ("energy", "latency", "bandwidth"):
        hint = " (least latency is most throughput)" if study.goals == ("throughput",) else ""
        asked = ", ".join(study.goals)
        return f"goal must be energy, latency or bandwidth to be certified, not {asked}{hint}"
    if len(study.precision_choices) > 1:
        listed = len(study.precision_choices)
        return f"precision must be one to be certified, not one of {listed}: certify the study with each of them"
    if study.mix:
        return "a mix of networks cannot be certified yet: certify a study of each network"
    if study.budgets.activation_bytes is not None or decided(study.network):
        return "recompute and budgets on activation_memory cannot be certified yet: leave them out"
    if study.budgets.rates:
        return "budgets on power and dram_bandwidth cannot be certified yet: leave them out"
    return None


def _certify(
    study: Study, folder: Path, origin: dict[str, Any], stop: threading.Event, options: dict[str, Any], recheck: bool
) -> int:
    """Solve, write, check and report; returns the exit code."""
    result, proof = _solve(study, stop, options)
    if stop.is_set():
        click.echo("interrupted: nothing is written", err=True)
        return EXIT_INTERRUPTED
    if result.status not in ("optimal", "infeasible") or proof is None:
        click.echo(f"{study.name}: there is nothing to certify: {verdict(result)}", err=True)
        return EXIT_UNDECIDED
    from solver.certify_checks import points_again, second_solver
    from solver.certify_report import report
    from solver.plain_model import plain_model

    model = plain_model(proof)
    certificate = _write(result, proof, model, folder, origin)
    seconds: float | None = options["time_limit"]
    checks = [points_again(study, certificate, seconds)] if recheck else []
    checks.append(second_solver(folder / MODEL_FILE, model, result, seconds))
    click.echo(report(result, certificate, folder, checks))
    found = {check.found for check in checks}
    return EXIT_DIFFERS if "differs" in found else EXIT_UNDECIDED if "undecided" in found else 0


def _solve(study: Study, stop: threading.Event, options: dict[str, Any]) -> tuple[Result, Proof | None]:
    """Solve in a thread, so that Ctrl-C is heard, and keep the proof."""
    proofs: list[Proof] = []

    def work() -> Result:
        from solver import solve

        baseline = study.fusion.max_layers > 1
        return solve(study, on_progress=show, stop=stop, baseline=baseline, on_proof=proofs.append, **options)

    with live_line(study, stop) as show:
        result = run_interruptibly(work, stop)
    return result, proofs[0] if proofs else None


def _write(result: Result, proof: Proof, model: PlainModel, folder: Path, origin: dict[str, Any]) -> dict[str, Any]:
    """Write the files, the certificate last: it holds the others' hashes. No older one stays beside them."""
    from solver.certificate import certificate_object
    from solver.certify_report import mps_comments
    from solver.mps import mps_text

    remove(folder / CERTIFICATE_FILE)
    remove_pictures(folder)
    write_whole(folder / MODEL_FILE, mps_text(model.program, mps_comments(result, proof, model)).encode())
    write_design(design_object(result) | origin, folder)
    certificate = certificate_object(result, proof, model, folder) | origin
    write_whole(folder / CERTIFICATE_FILE, (json_text(certificate) + "\n").encode())
    return certificate
