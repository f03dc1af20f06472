"""What a design costs, as plain values."""

from __future__ import annotations

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
    """What a design costs: per group, and in total."""

    groups: tuple[GroupCost, ...]
    period_fs: int
    area_um2: int

    @property
    def energy_fj(self) -> int:
        return sum(group.energy_fj for group in self.groups)

    @property
    def cycles(self) -> int:
        return sum(group.cycles for group in self.groups)

    @property
    def latency_fs(self) -> int:
        return self.cycles * self.period_fs

    @property
    def dram_bytes(self) -> int:
        return sum(group.dram_bytes for group in self.groups)
