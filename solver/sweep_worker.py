"""A further process of a sweep: questions of one space from standard input, pickled answers to standard output."""

from __future__ import annotations

import pickle
import sys

from solver.session import Session
from solver.sweep_run import ask


def main() -> None:
    """Answer with one core: the caller starts one process a core."""
    asked, time_limit = pickle.load(sys.stdin.buffer)
    studies = [question.study for _, question in asked]
    session = Session(studies[0], 1, questions=studies)
    for number, question in asked:
        pickle.dump((number, ask(session, question, time_limit=time_limit)), sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
