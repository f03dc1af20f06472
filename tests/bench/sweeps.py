"""What a sweep costs beside a single solve: 50 values of one budget, each proven.

    python tests/bench/sweeps.py [--write] [NETWORK ...]

Not part of the test run. Both sides run one after the other, each with all cores; the ratio is what to compare. The
target is a ratio of 3.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUDIES = ROOT / "specs" / "studies" / "bench"
NETWORKS = ("alexnet", "mobilenet_v2", "resnet18")
POINTS = 50
HEAD = (
    "| network | goal | varied | values | single s | sweep s | ratio | optimal | infeasible |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def rows(name: str) -> list[str]:
    """SRAM over its whole range, and latency from a little above its least to twice that."""
    from solver import solve
    from specs import load

    study = load(STUDIES / f"{name}.yaml")
    fastest = solve(replace(study, goal="latency"), baseline=False).objective
    assert fastest is not None
    return [row(name, "sram", 64 * 1024, 1024 * 1024), row(name, "latency", fastest * 101 // 100, 2 * fastest)]


def row(name: str, budget: str, low: int, high: int) -> str:
    from solver import solve, what_if
    from solver.vary import read_varied
    from specs import load

    spec = STUDIES / f"{name}.yaml"
    study, unit = load(spec), {"sram": "B", "latency": "fs"}[budget]
    text = f"{low} {unit}:{high} {unit}:{POINTS}"
    middle = read_varied(budget, text).values[POINTS // 2]
    begin = time.perf_counter()
    solve(load(spec, {f"budgets.{budget}": middle}), baseline=False)
    single = time.perf_counter() - begin
    begin = time.perf_counter()
    found = what_if(study, {budget: text}, details=False)
    sweep = time.perf_counter() - begin
    statuses = [answer["status"] for answer in found.answers]
    return (
        f"| {name} | {study.goal} | {budget} | {len(statuses)} | {single:.2f} | {sweep:.2f} | **{sweep / single:.2f}** "
        f"| {statuses.count('optimal')} | {statuses.count('infeasible')} |"
    )


def main() -> None:
    from zoo import stamp

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("networks", nargs="*", help="names in specs/studies/bench")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks_sweeps.md")
    arguments = parser.parse_args()
    lines = [HEAD]
    print(HEAD)
    for name in arguments.networks or NETWORKS:
        for line in rows(name):
            lines.append(line)
            print(line, flush=True)
    if arguments.write:
        text = (
            "# Sweeps\n\nMade by `python tests/bench/sweeps.py --write`; do not edit by hand.\n\n"
            "`solve whatif` over 50 values of one budget, each proven, against one solve in the middle of the range.\n"
            "Target: a ratio of 3.\n\n" + "\n".join(lines) + f"\n\n{stamp()}\n"
        )
        (ROOT / "docs" / "benchmarks_sweeps.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
    main()
