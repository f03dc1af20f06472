"""The live line: what it says, and that it is drawn on a terminal and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from made_results import chain_study
from solver.progress import LiveLine, live_line
from solver.result import Progress

ROOT = Path(__file__).parent.parent


def line_of(progress: Progress, stop: bool = False) -> str:
    event = threading.Event()
    if stop:
        event.set()
    line = LiveLine(replace(chain_study(), goal="latency"), event)
    line.update(progress)
    return line.line()


def test_the_line_tells_phase_best_bound_gap_and_time() -> None:
    progress = Progress("fused: CP-SAT", best=2 * 10**12, bound=19 * 10**11)
    assert line_of(progress) == "   0 s  fused: CP-SAT  best 2.000 ms  bound 1.900 ms  gap 5 %"


def test_the_line_counts() -> None:
    assert line_of(Progress("pricing groups", done=1200, total=3933)) == "   0 s  pricing groups  1,200/3,933"


def test_the_line_says_that_an_interrupt_was_heard() -> None:
    assert line_of(Progress("starting"), stop=True) == "   0 s  stopping (Ctrl-C again gives up)  starting"


def test_nothing_is_drawn_when_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with live_line(chain_study(), threading.Event()) as show:
        show(Progress("bounds", best=1))
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals of POSIX")
@pytest.mark.parametrize(("terminal", "drawn"), [("xterm", True), ("dumb", False)])
def test_a_terminal_gets_the_line_and_stdout_stays_clean(terminal: str, drawn: bool) -> None:
    code = (
        "import threading, time\n"
        "from made_results import chain_study\n"
        "from solver.progress import live_line\n"
        "from solver.result import Progress\n"
        "with live_line(chain_study(), threading.Event()) as show:\n"
        "    show(Progress('the phase'))\n"
        "    time.sleep(0.6)\n"
    )
    master, slave = os.openpty()
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=slave,
        env=environment | {"PYTHONPATH": paths, "TERM": terminal},
        check=True,
    )
    os.close(slave)
    seen = b""
    try:
        while chunk := os.read(master, 65536):
            seen += chunk
    except OSError:
        pass  # how Linux says that the other end is closed
    os.close(master)
    assert ran.stdout == b""
    assert (b"0 s  the phase" in seen) is drawn
