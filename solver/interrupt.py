"""Ctrl-C that keeps what was found: the work runs in a thread, the main thread waits and listens."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_POLL_SECONDS = 0.2


class GaveUpError(Exception):
    """A second interrupt: the user does not want to wait for the work to stop."""


def run_interruptibly(work: Callable[[], T], stop: threading.Event) -> T:
    """Run ``work`` to its end; the first SIGINT or SIGTERM sets ``stop``, and the work is expected to return soon.

    Raises
    ------
    GaveUpError
        At the second signal. The work's thread is left to die with the process.
    BaseException
        What the work raised.
    """
    results: list[T] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def target() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    with _signals_set(stop):
        threading.Thread(target=target, name="solve", daemon=True).start()
        while not done.wait(_POLL_SECONDS):
            pass
    if errors:
        raise errors[0]
    return results[0]


@contextmanager
def _signals_set(stop: threading.Event) -> Iterator[None]:
    """Let signals set ``stop``, except those that the process was started to ignore."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise GaveUpError
        stop.set()

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    heard = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]
    try:
        for number in heard:
            signal.signal(number, on_signal)
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])
