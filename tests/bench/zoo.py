"""Time to proof over the networks in specs/studies/bench; prints a table, or writes docs/benchmarks.md.

    python tests/bench/zoo.py [--write] [--max-layers N] [NETWORK ...]

Not part of the test run. Every study has over 1,000 hardware points for each of two accelerators. A row is
one process from a validated study to the result, layer-by-layer baselines included; the median of three
runs is shown. Times depend on the machine; ratios within one table are what to compare.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUDIES = ROOT / "specs" / "studies" / "bench"
RUNS = 3

ONE_RUN = """
import json, resource, sys
from specs import load
from solver import solve
overrides = {"fusion.max_layers": sys.argv[2]} if sys.argv[2] else {}
result = solve(load(sys.argv[1], overrides=overrides))
seconds, space = result.seconds, result.space
own = result.layer_by_layer
print(json.dumps({
    "status": result.status, "layers": len(result.study.network.layers), "points": space.hardware_points,
    "groups": space.groups, "max_layers": result.study.fusion.max_layers,
    "table": seconds.table, "bounds": seconds.bounds, "cpsat": seconds.cpsat, "total": seconds.total,
    "saving": 1 - result.objective / own.objective if own and own.objective else None,
    "memory": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
               + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024,
}))
"""


def run(study: Path, max_layers: str) -> dict[str, float | str | None]:
    """Solve one study in a process of its own."""
    import json

    command = [sys.executable, "-c", ONE_RUN, str(study), max_layers]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return json.loads(answer.stdout)  # type: ignore[no-any-return]


def row(name: str, runs: list[dict[str, float | str | None]]) -> str:
    first = runs[0]
    median = {key: statistics.median(float(r[key] or 0) for r in runs) for key in ("table", "bounds", "cpsat", "total")}
    return (
        f"| {name} | {first['layers']} | {first['max_layers']} | {first['groups']:,} | {first['points']:,} "
        f"| {median['table']:.2f} | {median['bounds']:.2f} | {median['cpsat']:.2f} | **{median['total']:.2f}** "
        f"| {max(float(r['memory'] or 0) for r in runs):.0f} | {100 * float(first['saving'] or 0):.1f} % "
        f"| {first['status']} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", help="names in specs/studies/bench; all by default")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--max-layers", default="", help="replace fusion.max_layers")
    parser.add_argument("--runs", type=int, default=RUNS)
    arguments = parser.parse_args()
    names = arguments.networks or sorted(path.stem for path in STUDIES.glob("*.yaml"))
    lines = [
        "| network | layers | max. fused | groups | hardware points | table s | bounds s | CP-SAT s | total s | MB "
        "| energy saved by fusion | status |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        runs = [run(STUDIES / f"{name}.yaml", arguments.max_layers) for _ in range(arguments.runs)]
        lines.append(row(name, runs))
        print(lines[-1], flush=True)
    if arguments.write:
        text = (
            "# Benchmarks\n\nMade by `python tests/bench/zoo.py --write`; do not edit by hand.\n\n"
            "Least energy over every listed hardware point of both accelerators (studies in `specs/studies/bench`),\n"
            "from a validated study to the proven result, with the layer-by-layer optimum on its own best hardware\n"
            f"and on the same hardware. Median of {arguments.runs} runs; memory is the sum of the processes' peaks.\n\n"
            + "\n".join(lines)
            + f"\n\nlaminate {version('laminate')}, Python {platform.python_version()}, numpy {version('numpy')}, "
            f"ortools {version('ortools')}, {os.cpu_count()} cores ({platform.machine()}).\n"
        )
        (ROOT / "docs" / "benchmarks.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
