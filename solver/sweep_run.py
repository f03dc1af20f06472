"""Run a sweep: questions about one space share a table, different spaces go to different cores."""

from __future__ import annotations

import pickle
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

from costmodel.groups import TooWideError
from costmodel.processes import start
from costmodel.technology import PriceError
from solver.optimise import available_cores
from solver.result import Progress, Result
from solver.session import Session, space_of
from solver.sweep import Question, answer, failure, in_halves
from solver.sweep_log import SweepLog

Report = Callable[[Progress], None]
Answered = tuple[int, Result | PriceError | TooWideError]


class SweepStoppedError(Exception):
    """The wish to stop came before everything was answered."""


def run_sweep(
    questions: Sequence[Question],
    log: SweepLog,
    stop: threading.Event,
    report: Report = lambda _: None,
    workers: int | None = None,
    time_limit: float | None = None,
) -> dict[str, Session]:
    """Answer every question that the log does not answer yet; each answer is in the log when the next one is asked.

    Parameters
    ----------
    workers
        Cores to use; all by default.
    time_limit
        Seconds for each question.

    Returns
    -------
    dict
        The session by key of the question where one was made in this process, for further questions.

    Raises
    ------
    SweepStoppedError
        If ``stop`` was set before the end. What was answered is in the log.
    """
    cores = workers or available_cores()
    waiting = [question for question in questions if question.key not in log.answers]
    done = len(questions) - len(waiting)
    spaces = _by_space(waiting)
    sessions: dict[str, Session] = {}
    if len(spaces) == 1 or cores == 1:
        answered = _answers_here(waiting, spaces, sessions, stop, cores, time_limit, report)
    else:
        answered = _answers_elsewhere(waiting, spaces, stop, cores, time_limit)
    for number, found in answered:
        if stop.is_set():
            break
        question = waiting[number]
        log.add(answer(question, found) if isinstance(found, Result) else failure(question, found))
        done += 1
        report(Progress("answering", done=done, total=len(questions)))
    if stop.is_set():
        raise SweepStoppedError
    return sessions


def _by_space(waiting: Sequence[Question]) -> list[list[int]]:
    """Indices of the questions of each space, so ordered that each lies between known ones."""
    spaces: dict[Any, list[int]] = {}
    for i, question in enumerate(waiting):
        spaces.setdefault(space_of(question.study), []).append(i)
    return [[numbers[i] for i in in_halves(len(numbers))] for numbers in spaces.values()]


def _answers_here(
    waiting: Sequence[Question],
    spaces: list[list[int]],
    sessions: dict[str, Session],
    stop: threading.Event,
    cores: int,
    time_limit: float | None,
    report: Report,
) -> Iterator[Answered]:
    for numbers in spaces:

        def on_table(phase: str, done: int, total: int) -> None:
            if stop.is_set():
                raise SweepStoppedError
            report(Progress(phase, done=done, total=total))

        studies = [waiting[number].study for number in numbers]
        session = Session(studies[0], cores, on_table, studies)
        sessions |= {waiting[number].key: session for number in numbers}
        for number in numbers:
            yield number, ask(session, waiting[number], stop=stop, time_limit=time_limit)


def ask(session: Session, question: Question, **options: Any) -> Result | PriceError | TooWideError:
    """One answer, or why there is none."""
    try:
        return session.solve(question.study, **options)
    except (PriceError, TooWideError) as error:
        return error


def _answers_elsewhere(
    waiting: Sequence[Question], spaces: list[list[int]], stop: threading.Event, cores: int, time_limit: float | None
) -> Iterator[Answered]:
    """Let as many processes as there are cores answer one space after another."""
    todo: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
    for numbers in spaces:
        todo.put(numbers)
    answered: queue.SimpleQueue[Answered | BaseException | None] = queue.SimpleQueue()
    running: list[subprocess.Popen[bytes]] = []

    def work() -> None:
        """Feed one process after another until nothing is left."""
        try:
            while not stop.is_set():
                numbers = todo.get_nowait()
                process = _start([(number, waiting[number]) for number in numbers], time_limit)
                running.append(process)
                assert process.stdout is not None
                with process.stdout as stream:
                    for _ in numbers:
                        answered.put(_read(stream))
                process.wait()
        except queue.Empty:
            answered.put(None)
        except BaseException as error:
            answered.put(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(cores, len(spaces)))]
    for thread in threads:
        thread.start()
    left = len(threads)
    try:
        while left and not stop.is_set():
            try:
                found = answered.get(timeout=0.2)
            except queue.Empty:
                continue
            if isinstance(found, BaseException):
                raise found
            if found is None:
                left -= 1
            else:
                yield found
    finally:
        for process in running:
            process.kill()
        for thread in threads:
            thread.join()


def _start(asked: list[tuple[int, Question]], time_limit: float | None) -> subprocess.Popen[bytes]:
    """Start a fresh interpreter for some questions of one space, as in `costmodel.pricing`."""
    process = start("solver.sweep_worker")
    assert process.stdin is not None
    process.stdin.write(pickle.dumps((asked, time_limit)))
    process.stdin.close()
    return process


def _read(stream: IO[bytes]) -> Answered:
    try:
        found: Answered = pickle.load(stream)
    except EOFError:
        raise RuntimeError("a process of the sweep ended without its answer") from None
    return found
