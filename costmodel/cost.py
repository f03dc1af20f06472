"""What a design costs, as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class GroupCost:
    """What one group costs; energies by where they are spent."""

    macs: int
    compute_cycles: int
    cycles: int
    dram_read_bytes: int
    dram_write_bytes: int
    feature_read_bytes: int
    feature_write_bytes: int
    weight_read_bytes: int
    weight_write_bytes: int
    feature_peak_bytes: int
    weight_peak_bytes: int
    mac_fj: int
    spad_fj: int
    network_fj: int
    feature_fj: int
    weight_fj: int
    dram_fj: int
    leakage_fj: int

    @property
    def array_fj(self) -> int:
        return self.mac_fj + self.spad_fj + self.network_fj

    @property
    def energy_fj(self) -> int:
        return self.array_fj + self.feature_fj + self.weight_fj + self.dram_fj + self.leakage_fj

    @property
    def dram_bytes(self) -> int:
        return self.dram_read_bytes + self.dram_write_bytes


@dataclass(frozen=True)
class Cost:
    """What a design costs: per group, and in total.

    Totals are integers of ``num_mixes`` runs of the whole study, so that every network of a mix runs a whole number
    of times in them; without a mix that is one run.

    Attributes
    ----------
    groups
        Each of one run.
    runs
        How often each group runs in the totals; once where it is empty.
    activation_bytes
        What stays in DRAM from the forward to the backward pass of a training step.
    """

    groups: tuple[GroupCost, ...]
    period_fs: int
    area_um2: int
    runs: tuple[int, ...] = ()
    num_mixes: int = 1
    activation_bytes: int = 0

    def total(self, part: str) -> int:
        """Sum up a part of the groups' costs (``dram_fj``, ``cycles``, ...) over all their runs."""
        runs = self.runs or (1,) * len(self.groups)
        return sum(number * int(getattr(group, part)) for number, group in zip(runs, self.groups, strict=True))

    def mean(self, part: str) -> int | float:
        """The same for one mix: without one, a whole number."""
        total = self.total(part)
        return total if self.num_mixes == 1 else total / self.num_mixes

    def once(self, groups: Iterable[int]) -> Cost:
        """What one run of some of the groups costs."""
        return Cost(tuple(self.groups[i] for i in groups), self.period_fs, self.area_um2)

    @property
    def energy_fj(self) -> int:
        return self.total("energy_fj")

    @property
    def cycles(self) -> int:
        return self.total("cycles")

    @property
    def latency_fs(self) -> int:
        return self.cycles * self.period_fs

    @property
    def dram_bytes(self) -> int:
        return self.total("dram_bytes")

    @property
    def energy_j(self) -> float:
        """Of one mix."""
        return self.energy_fj / (10**15 * self.num_mixes)

    @property
    def latency_s(self) -> float:
        """Of one mix, its networks one after another."""
        return self.latency_fs / (10**15 * self.num_mixes)
