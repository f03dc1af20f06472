"""A further pricing process: reads (study, families) from standard input, writes the priced families."""

from __future__ import annotations

import contextlib
import pickle
import sys

from costmodel.pricing import price_share


def main() -> None:
    # Anything printed by accident must not mix with the answer.
    answer, sys.stdout = sys.stdout.buffer, sys.stderr
    study, families = pickle.load(sys.stdin.buffer)
    priced = pickle.dumps(price_share(study, families, lambda phase, done, total: None), protocol=5)
    with contextlib.suppress(BrokenPipeError):  # the caller may have left meanwhile
        answer.write(priced)
        answer.flush()


if __name__ == "__main__":
    main()
