"""How time and memory grow with layers and with hardware points; prints tables, or writes docs/benchmarks_growth.md.

    python tests/bench/growth.py [--write] [--time-limit SECONDS] [--only layers points alone]

Not part of the test run. Goal energy, no budgets, no baselines; each row is one process from a validated study to the
result. Studies and the chain of convolutions are written to a temporary folder.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from one_run import ROOT, run
from zoo import stamp

NETWORKS = ROOT / "specs" / "networks"
DEPTHS = ("resnet18", "resnet34", "resnet50_v1", "resnet101", "resnet152")
CHAIN_LAYERS = 1000
SHAPES = ((64, 56), (128, 28), (256, 14))
"""Channels and rows of the chain's maps, in equal parts of it; 3x3 and 1x1 convolutions take turns."""

HEAD = (
    "| network | layers | groups | points | table s | bounds s | CP-SAT s | total s | MB | result |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)
ALONE_HEAD = (
    "| network | layers | points | with bounds s | CP-SAT alone s | ratio | result |\n|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Hardware:
    """Numbers of hardware points: arrays of each of two templates, sizes of each of two buffers."""

    arrays: int
    feature: int
    weight: int

    @property
    def points(self) -> int:
        return 2 * self.arrays * self.feature * self.weight

    def yaml(self) -> str:
        """The study's keys."""
        per_row = next(n for n in (5, 4, 2, 1) if self.arrays % n == 0)
        first = [4 * (i + 1) for i in range(per_row)]
        second = [7 * (i + 1) for i in range(self.arrays // per_row)]
        return (
            "accelerators:\n"
            f"  - {{template: vwa, blocks: {first}, rows: {second}, taps: 3}}\n"
            f"  - {{template: eyeriss, rows: {[rows + 2 for rows in first]}, cols: {second}}}\n"
            f"buffers: {{feature: [{_sizes(self.feature)}], weight: [{_sizes(self.weight)}]}}\n"
        )


HUNDRED = Hardware(2, 5, 5)
GROWING = (HUNDRED, Hardware(5, 10, 10), Hardware(10, 20, 25), Hardware(20, 50, 50))
FEW, SOME = Hardware(1, 2, 1), Hardware(2, 4, 4)


def _sizes(count: int) -> str:
    """So many sizes from 16 KiB to 1 MiB, each larger by the same factor, in whole KiB."""
    return ", ".join(f"{round(16 * 64 ** (i / max(1, count - 1)))} KiB" for i in range(count))


def chain_yaml(layers: int) -> str:
    """A chain of convolutions of a few repeating shapes."""
    lines = [f"name: chain{layers}", f"inputs: {{input: [{SHAPES[0][0]}, {SHAPES[0][1]}, {SHAPES[0][1]}]}}", "layers:"]
    source = "input"
    for i in range(layers):
        channels = SHAPES[i * len(SHAPES) // layers][0]
        stride = 2 if i and SHAPES[(i - 1) * len(SHAPES) // layers][0] != channels else 1
        kernel = 3 if i % 2 == 0 or stride == 2 else 1
        name = f"c{i + 1}"
        lines.append(
            f"  - {{name: {name}, op: conv, inputs: [{source}], K: {channels}, R: {kernel}, S: {kernel}, "
            f"stride: {stride}, pad: {kernel // 2}}}"
        )
        source = name
    return "\n".join(lines) + "\n"


class Bench:
    """Writes studies into a folder, and runs them under one time limit."""

    def __init__(self, folder: Path, limit: float) -> None:
        self.folder, self.limit = folder, limit

    def chain(self, layers: int) -> Path:
        path = self.folder / f"chain{layers}.yaml"
        path.write_text(chain_yaml(layers), encoding="utf-8")
        return path

    def solve(self, network: Path, hardware: Hardware, more: str = "", **options: Any) -> dict[str, Any]:
        """Solve the network on the hardware; what is asked beside stands in ``more``."""
        study = self.folder / "study.yaml"
        study.write_text(f"network: {network}\n{hardware.yaml()}{more}", encoding="utf-8")
        return run(study, {}, limit=self.limit, baseline=False, **options)

    def layers(self) -> Iterator[str]:
        """More and more layers on a hundred points."""
        yield HEAD
        for name in DEPTHS:
            yield row(name, HUNDRED, self.solve(NETWORKS / f"{name}.yaml", HUNDRED))
        yield row(f"chain of {CHAIN_LAYERS:,}", HUNDRED, self.solve(self.chain(CHAIN_LAYERS), HUNDRED))

    def points(self) -> Iterator[str]:
        """More and more points for one network."""
        yield HEAD
        for hardware in GROWING:
            yield row("resnet18", hardware, self.solve(NETWORKS / "resnet18.yaml", hardware))

    def alone(self) -> Iterator[str]:
        """With bounds and without, on small problems."""
        yield ALONE_HEAD
        coarse = "tiling: {row_splits: [1, 2, 4, 8], column_splits: 1, channel_splits: [1, 4], input_splits: 1}\n"
        for layers, hardware in ((8, FEW), (16, FEW), (32, FEW), (16, SOME), (32, SOME)):
            network = self.chain(layers)
            found = [self.solve(network, hardware, coarse, use_bounds=bounds) for bounds in (True, False)]
            yield alone_row(f"chain of {layers}", layers, hardware, *found)


def row(name: str, hardware: Hardware, one: dict[str, Any]) -> str:
    """One solve; of one that was ended from outside only that is known."""
    if "error" in one:
        return f"| {name} | | | {hardware.points:,} | | | | | | {one['error']} |"
    times = " | ".join(f"{one[key]:.2f}" for key in ("table", "bounds", "cpsat"))
    return (
        f"| {name} | {one['layers']:,} | {one['groups']:,} | {one['points']:,} | {times} | **{one['total']:.2f}** "
        f"| {one['memory']:.0f} | {result(one)} |"
    )


def alone_row(name: str, layers: int, hardware: Hardware, bounded: dict[str, Any], alone: dict[str, Any]) -> str:
    """One problem solved twice; a ratio to a run that did not end is one to what it had taken by then."""
    times = [f"{one['total']:.2f}" if "error" not in one else "" for one in (bounded, alone)]
    ratio = ""
    if "error" not in bounded and "error" not in alone:
        sign = "" if alone["status"] == "optimal" else "over "
        ratio = f"{sign}{alone['total'] / bounded['total']:.1f}"
        same = alone["status"] != "optimal" or alone["objective"] == bounded["objective"]
        assert same, "two proofs, two optima"
    return f"| {name} | {layers} | {hardware.points:,} | {' | '.join(times)} | {ratio} | {result(alone)} |"


def result(one: dict[str, Any]) -> str:
    if "error" in one:
        return str(one["error"])
    if one["status"] != "feasible":
        return str(one["status"])
    return "no bound" if one["gap"] is None else f"gap {100 * one['gap']:.2g} %"


TITLES = {
    "layers": "More layers, {points} hardware points",
    "points": "More hardware points, ResNet-18",
    "alone": "Bounds against CP-SAT alone, coarse tilings",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks_growth.md")
    parser.add_argument("--time-limit", type=float, default=300, help="seconds for each run")
    parser.add_argument("--only", nargs="+", choices=list(TITLES), default=list(TITLES), help="some of the tables")
    arguments = parser.parse_args()
    sections = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), arguments.time_limit)
        for name in arguments.only:
            lines = [f"## {TITLES[name].format(points=HUNDRED.points)}", ""]
            print(lines[0] + "\n")
            for line in getattr(bench, name)():
                lines.append(line)
                print(line, flush=True)
            print()
            sections.append("\n".join(lines))
    if arguments.write:
        write(sections, arguments.time_limit)


def write(sections: list[str], limit: float) -> None:
    text = (
        "# How time grows\n\nMade by `python tests/bench/growth.py --write`; do not edit by hand.\n\n"
        "Least energy, no budgets, both accelerators, no baselines; from a validated study to the result, each in a\n"
        f"process of its own with a limit of {limit:g} s. Memory: sum of the processes' peaks. The chain is made of\n"
        "convolutions of three sizes of maps, 3x3 and 1x1 in turn.\n\n" + "\n\n".join(sections) + f"\n\n{stamp()}\n"
    )
    (ROOT / "docs" / "benchmarks_growth.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
