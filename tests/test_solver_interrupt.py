"""Ctrl-C: the best design so far and its gap; a second one ends at once."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tiny_study import python

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

WAITING = """
import sys, time
import solver
from made_results import chain_study, solved
from solver.cli import main

def solve(study, *, stop, **options):
    print("solving", file=sys.stderr, flush=True)
    {wait}
    return solved(chain_study(), gap=0.25)

solver.solve = solve
main({args!r})
"""


def interrupted(spec: Path, number: int, times: int, wait: str) -> tuple[int, str, str]:
    """Send a signal to a running solve; return its exit code, stdout and stderr."""
    process = python(WAITING.format(wait=wait, args=["--json", str(spec)]))
    assert process.stderr is not None
    assert process.stderr.readline() == "solving\n"
    for already in range(times):
        time.sleep(0.5 * already)
        process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    return process.returncode, stdout, stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_prints_the_best_design_and_its_gap(spec: Path, number: int) -> None:
    code, stdout, stderr = interrupted(spec, number, 1, "assert stop.wait(20)")
    assert (code, stderr) == (130, "interrupted: this is what was known by then\n")
    made = json.loads(stdout)
    assert made["status"] == "feasible"
    assert made["gap"] == pytest.approx(0.25)


def test_a_second_interrupt_gives_up_at_once(spec: Path) -> None:
    code, stdout, stderr = interrupted(spec, signal.SIGINT, 2, "time.sleep(60)")
    assert (code, stdout, stderr) == (130, "", "interrupted twice: gave up without a result\n")
