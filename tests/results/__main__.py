"""Write docs/results.md: what fusion saves, over every network, accelerator and memory.

    python -m tests.results [--time-limit SECONDS] [NETWORK ...]

Not part of the test run: the whole zoo takes long. Each case is appended to docs/results.jsonl as soon as it is
solved, and a run that was killed continues where it stopped; cases whose files or cost model changed since are solved
again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from solver.files import write_whole
from tests.results import log
from tests.results.cases import ROOT, cases, network_names
from tests.results.report import report
from tests.results.solve_case import solved

DOCS = ROOT / "docs"


def main(arguments: list[str] | None = None) -> int:
    """Solve what is missing and write the page after every case; returns how many cases failed."""
    options = _options(arguments)
    every, wanted = list(cases(network_names())), list(cases(options.networks or network_names()))
    rows, failed = log.read(options.rows, every), 0
    for number, case in enumerate(wanted, 1):
        if case not in rows and not options.only_write:
            print(f"{number}/{len(wanted)} {case}", flush=True)
            try:
                rows[case] = solved(case, options.time_limit)
            except RuntimeError as error:
                failed += 1
                print(f"  failed: {error}", file=sys.stderr, flush=True)
                continue
            log.append(options.rows, rows[case])
            _write(options.page, rows, every)
    _write(options.page, rows, every)
    return failed


def _write(page: Path, rows: log.Rows, every: list[log.Case]) -> None:
    ordered = {case: rows[case] for case in every if case in rows}
    write_whole(page, report(ordered, len(every) - len(ordered)).encode())


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.results", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="names in specs/networks; all by default")
    parser.add_argument("--time-limit", type=float, default=300.0, help="seconds for each side (default: 300)")
    parser.add_argument("--rows", type=Path, default=DOCS / "results.jsonl", help="where rows are kept")
    parser.add_argument("--page", type=Path, default=DOCS / "results.md", help="the page to write")
    parser.add_argument(
        "--only-write", action="store_true", help="solve nothing, write the page from the rows there are"
    )
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.networks) - set(network_names()))
    if unknown:
        parser.error(f"there is no network {', '.join(unknown)}; there are {', '.join(network_names())}")
    return options


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
