"""The studies of docs/results.md: every network on each accelerator with each memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from specs import load
from specs.study import Study

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = ROOT / "specs" / "networks"
STUDY = Path(__file__).with_name("study.yaml")
ACCELERATORS = {
    "vwa": "[{template: vwa, blocks: [4, 8, 16], rows: [7, 14], taps: 3, clock: 500 MHz, double_buffer: true}]",
    "eyeriss": "[{template: eyeriss, rows: [8, 12, 16], cols: [8, 14], clock: 200 MHz, double_buffer: true}]",
}
MEMORIES = {
    "DDR3": "{type: DDR3, bandwidth: 6.4 GB/s}",
    "LPDDR4": "{type: LPDDR4, bandwidth: 12.8 GB/s}",
}


@dataclass(frozen=True)
class Case:
    """One row: a network on an accelerator with a memory."""

    network: str
    accelerator: str
    memory: str

    def __str__(self) -> str:
        return f"{self.network} on {self.accelerator} with {self.memory}"

    def study(self) -> Study:
        overrides = {
            "network": str(NETWORKS / f"{self.network}.yaml"),
            "accelerators": ACCELERATORS[self.accelerator],
            "dram": MEMORIES[self.memory],
        }
        return load(STUDY, overrides=overrides)

    def digest(self) -> str:
        """A digest of everything that the proven result depends on: the cost model, the case and its files."""
        made = hashlib.sha256(f"{self} {ACCELERATORS[self.accelerator]} {MEMORIES[self.memory]}".encode())
        sources = [*(ROOT / "costmodel").glob("*.py"), *(ROOT / "specs" / "technologies").glob("*.yaml")]
        for path in [*sorted(sources), STUDY, NETWORKS / f"{self.network}.yaml"]:
            made.update(path.read_bytes())
        return made.hexdigest()[:16]


def network_names() -> list[str]:
    return sorted(path.stem for path in NETWORKS.glob("*.yaml"))


def cases(networks: Sequence[str]) -> Iterator[Case]:
    """Every case of some networks, one network after another."""
    for network in networks:
        for accelerator in ACCELERATORS:
            for memory in MEMORIES:
                yield Case(network, accelerator, memory)
