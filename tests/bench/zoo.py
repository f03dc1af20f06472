"""Time to proof over the networks in specs/studies/bench; prints tables, or writes docs/benchmarks.md.

    python tests/bench/zoo.py [--write] [--runs N] [--time-limit SECONDS] [NETWORK ...]

Not part of the test run. Every study has over 1,000 hardware points for each of two accelerators. A row is one process
from a validated study to the result, layer-by-layer baselines included. Times depend on the machine; ratios within
one table are what to compare.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from one_run import ROOT, run

STUDIES = ROOT / "specs" / "studies" / "bench"
GOALS = ("energy", "latency", "bandwidth", "edp")
TIGHT = 1.1
"""Tight budgets: so many times what the other goal needs at least."""

HEAD = (
    "| network | layers | groups | points | goal | budget | table s | bounds s | CP-SAT s | total s | MB | saved "
    "by fusion | result |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def cases(name: str, runs: int, limit: float | None) -> Iterator[str]:
    """Rows of one network: every goal, without a budget and with a tight one on latency (on energy for latency)."""
    options = {"time_limit": limit} if limit else {}
    least: dict[str, int] = {}
    for goal in GOALS:
        found = [run(STUDIES / f"{name}.yaml", {"goal": goal}, **options) for _ in range(runs)]
        if found[0]["status"] == "optimal":
            least[goal] = found[0]["objective"]
        yield row(name, goal, "", found)
    for goal in GOALS:
        limited, unit = ("energy", "nJ") if goal == "latency" else ("latency", "ns")
        if limited not in least:
            continue  # nothing to be tight about
        budget = f"{round(TIGHT * least[limited] / 10**6)} {unit}"
        overrides = {"goal": goal, f"budgets.{limited}": budget}
        found = [run(STUDIES / f"{name}.yaml", overrides, **options) for _ in range(runs)]
        yield row(name, goal, f"{limited} {TIGHT} x least", found)


def row(name: str, goal: str, budget: str, runs: list[dict[str, Any]]) -> str:
    first = runs[0]
    table, bounds, cpsat, total = (
        statistics.median(one[key] for one in runs) for key in ("table", "bounds", "cpsat", "total")
    )
    saved = "" if first["saving"] is None else f"{100 * first['saving']:.1f} %"
    result = first["status"] if first["status"] != "feasible" else f"gap {100 * (first['gap'] or 1):.2g} %"
    return (
        f"| {name} | {first['layers']} | {first['groups']:,} | {first['points']:,} | {goal} | {budget} | {table:.2f} "
        f"| {bounds:.2f} | {cpsat:.2f} | **{total:.2f}** | {max(one['memory'] for one in runs):.0f} | {saved} "
        f"| {result} |"
    )


def stamp() -> str:
    def installed(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "from a checkout"

    packages = ", ".join(f"{name} {installed(name)}" for name in ("laminate", "numpy", "ortools"))
    return f"{packages}, Python {platform.python_version()}, {os.cpu_count()} cores ({platform.machine()})."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", help="names in specs/studies/bench; all by default")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--runs", type=int, default=3, help="of which the median is shown")
    parser.add_argument("--time-limit", type=float, help="seconds for each run")
    arguments = parser.parse_args()
    names = arguments.networks or sorted(path.stem for path in STUDIES.glob("*.yaml"))
    lines = [HEAD]
    print(HEAD)
    for name in names:
        for line in cases(name, arguments.runs, arguments.time_limit):
            lines.append(line)
            print(line, flush=True)
        if arguments.write:
            write(lines, arguments.runs, arguments.time_limit)


def write(lines: list[str], runs: int, time_limit: float | None) -> None:
    """Write what is known so far."""
    limit = f" Each run had {time_limit:g} s." if time_limit else ""
    text = (
        "# Benchmarks\n\nMade by `python tests/bench/zoo.py --write`; do not edit by hand.\n\n"
        "From a validated study (`specs/studies/bench`) to the proven result over every listed hardware point of\n"
        "both accelerators within the area budget, with the layer-by-layer optimum on its own best hardware and\n"
        f"on the same hardware. Median of {runs} runs; memory: sum of the processes' peaks.{limit}\n"
        "Targets: 3 s for a network, 6 s for GoogLeNet.\n\n" + "\n".join(lines) + f"\n\n{stamp()}\n"
    )
    (ROOT / "docs" / "benchmarks.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
