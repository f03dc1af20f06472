"""Time to proof of training steps; prints a table, or writes docs/benchmarks_training.md.

    python tests/bench/training.py [--write] [--runs N] [--batches 1 4 ...] [--goals energy ...]

Not part of the test run. A row is one process from a validated study to the result, layer-by-layer baselines included.
What takes longer than the target is run again with the target as its time limit: that row says what is left by then.
And again in a smaller space, with fewer cuts of channels: that row also says how much more its optimum costs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from one_run import ROOT, run
from zoo import HEAD, STUDIES, row, stamp

BATCHES = (1, 4, 16, 64)
GOALS = ("latency", "bandwidth", "energy")
TARGET = 20.0
"""Seconds."""

COARSE = {"tiling.channel_splits": "[1, 4, 16, 64]", "tiling.input_splits": "[1, 4, 16, 64]"}
"""A smaller space: channels of layers alone in fewer cuts."""


def cases(batches: list[int], goals: list[str], runs: int) -> Iterator[str]:
    """Rows of the table; every batch with every goal."""
    for batch in batches:
        for goal in goals:
            study, overrides = STUDIES / "training" / "resnet50.yaml", {"batch": str(batch), "goal": goal}
            found = [run(study, overrides) for _ in range(runs)]
            yield row(f"resnet50, batch {batch}", goal, "", found)
            if min(one["total"] for one in found) > TARGET:
                stopped, coarse = run(study, overrides, time_limit=TARGET), run(study, overrides | COARSE)
                yield row(f"resnet50, batch {batch}, {TARGET:g} s", goal, "", [stopped])
                more = 100 * (coarse["objective"] / found[0]["objective"] - 1)
                yield row(f"resnet50, batch {batch}, cuts 1, 4, 16, 64: {more:+.1f} %", goal, "", [coarse])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks_training.md")
    parser.add_argument("--runs", type=int, default=1, help="of which the median is shown")
    parser.add_argument("--batches", type=int, nargs="+", default=list(BATCHES), help="images in a step")
    parser.add_argument("--goals", nargs="+", default=list(GOALS), choices=GOALS)
    arguments = parser.parse_args()
    lines = [HEAD]
    print(HEAD)
    for line in cases(arguments.batches, arguments.goals, arguments.runs):
        lines.append(line)
        print(line, flush=True)
    if arguments.write:
        write(lines, arguments.runs)


def write(lines: list[str], runs: int) -> None:
    text = (
        "# Benchmark: training steps\n\nMade by `python tests/bench/training.py --write`; do not edit by hand.\n\n"
        "From a validated study (`specs/studies/bench/training`) to the proven result over every listed hardware\n"
        "point of both accelerators, with the layer-by-layer optimum on its own best hardware and on the same.\n"
        f"Median of {runs} runs; memory: sum of the processes' peaks. Target: {TARGET:g} s; what takes longer was run\n"
        "again with that time limit, and in a smaller space: channels of layers alone in 1, 4, 16 or 64 parts; its\n"
        "optimum costs so much more.\n\n" + "\n".join(lines) + f"\n\n{stamp()}\n"
    )
    (ROOT / "docs" / "benchmarks_training.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
