"""The live line of a running solve on stderr: phase, best, bound, gap and time."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from solver.quantities import bound_text, objective_text, percent_at_most
from solver.result import Progress
from specs.study import Study


class LiveLine:
    """The latest `Progress` as one line; rich asks for it a few times a second, from its own thread."""

    def __init__(self, study: Study, stop: threading.Event) -> None:
        self.study, self.stop = study, stop
        self.begin = time.perf_counter()
        self.latest = Progress("starting")

    def update(self, progress: Progress) -> None:
        """Remember where the solve stands; may be called from any thread, and draws nothing."""
        self.latest = progress

    def __rich__(self) -> Text:
        return Text(self.line(), no_wrap=True, overflow="ellipsis")

    def line(self) -> str:
        """Return the line as plain text."""
        now, goal, mixes = self.latest, self.study.goal, self.study.num_mixes
        parts = [f"{time.perf_counter() - self.begin:4.0f} s"]
        if self.stop.is_set():
            parts.append("stopping (Ctrl-C again gives up)")
        parts.append(now.phase)
        if now.total:
            parts.append(f"{now.done:,}/{now.total:,}")
        if now.best is not None:
            parts.append(f"best {objective_text(goal, now.best, mixes)}")
        if now.bound is not None:
            parts.append(f"bound {bound_text(goal, now.bound, mixes)}")
        if now.best and now.bound is not None:
            parts.append(f"gap {percent_at_most((now.best - now.bound) / now.best)}")
        return "  ".join(parts)


@contextmanager
def live_line(study: Study, stop: threading.Event) -> Iterator[Callable[[Progress], None]]:
    """Show the line while the body runs, if stderr is a terminal that can; else show nothing.

    Yields what to call with each `Progress`.
    """
    line = LiveLine(study, stop)
    console = Console(stderr=True)
    if not sys.stderr.isatty() or console.is_dumb_terminal:
        yield line.update
        return
    with Live(line, console=console, transient=True, redirect_stdout=False, redirect_stderr=False):
        yield line.update
