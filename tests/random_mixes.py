"""Random mixes of tiny networks, and their optimum by trying everything."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import ceil
from typing import NamedTuple

from brute_force import Total, _undominated_totals
from brute_force_space import searched_mappings
from costmodel.design import Hardware
from random_instances import instance, prices_to_find
from random_networks import random_network
from specs.mix import alone, joined
from specs.study import Budgets, Goal, Study, Workload

WEIGHTS = (Fraction(1), Fraction(2), Fraction(1, 2), Fraction(7, 10), Fraction(5, 4))
MIX_GOALS: tuple[Goal, ...] = ("energy", "latency", "bandwidth", "edp", "area", "power")
SUMS = ("latency_fs", "energy_fj", "dram_bytes")
RATES = ("power_nw", "dram_bytes_per_s")


class MixTotal(NamedTuple):
    """One hardware point with a design of each network: totals of one mix, exactly."""

    parts: tuple[Total, ...]
    energy_fj: Fraction
    latency_fs: Fraction
    dram_bytes: Fraction
    area_um2: int

    @property
    def power_nw(self) -> int:
        return ceil(self.energy_fj * 10**9 / self.latency_fs)

    @property
    def dram_bytes_per_s(self) -> int:
        return ceil(self.dram_bytes * 10**15 / self.latency_fs)

    def of_goal(self, goal: Goal) -> Fraction | int:
        named: dict[str, Fraction | int] = {"energy": self.energy_fj, "bandwidth": self.dram_bytes}
        named |= {"edp": self.energy_fj * self.latency_fs, "area": self.area_um2, "power": self.power_nw}
        return named.get(goal, self.latency_fs)

    def keeps(self, study: Study) -> bool:
        limits = [(getattr(self, name), getattr(study.budgets, name)) for name in SUMS]
        limits.append((self.energy_fj * 10**9 / self.latency_fs, study.budgets.power_nw))
        limits.append((self.dram_bytes * 10**15 / self.latency_fs, study.budgets.dram_bytes_per_s))
        own = zip(self.parts, study.mix, strict=True)
        within = all(limit is None or value <= limit for value, limit in limits)
        return within and all(total.keeps(workload.budgets) for total, workload in own)


def mix_of(seed: int) -> Study:
    """A mix of two or three networks with one study's hardware, without budgets; few enough designs to try."""
    rng = random.Random(seed)
    while True:
        study = instance(rng.randrange(10**6))
        members = [(f"n{i}", random_network(rng, 3)) for i in range(rng.choice([2, 2, 3]))]
        workloads = [Workload(name, rng.choice(WEIGHTS), len(network.layers)) for name, network in members]
        mixed = replace(study, network=joined(members), mix=tuple(workloads))
        if sum(prices_to_find(alone(mixed, i)) for i in range(len(members))) <= 1500:
            return mixed


def mix_totals(study: Study) -> list[MixTotal]:
    """Every hardware point with every design worth looking at of each network there."""
    by_point: list[dict[Hardware, list[Total]]] = []
    for number in range(len(study.mix)):
        one = replace(alone(study, number), goal="energy", then=(), budgets=Budgets())
        found: dict[Hardware, list[Total]] = defaultdict(list)
        for total in _undominated_totals(one, searched_mappings(replace(study, goal="energy")), _slowness_pays(study)):
            found[total.design.hardware].append(total)
        by_point.append(found)
    return [
        _mixed(study, parts)
        for hardware in by_point[0]
        for parts in product(*(found.get(hardware, []) for found in by_point))
    ]


def _mixed(study: Study, parts: tuple[Total, ...]) -> MixTotal:
    weighted = list(zip((workload.weight for workload in study.mix), parts, strict=True))
    energy, latency, traffic = (
        sum((weight * getattr(total, name) for weight, total in weighted), Fraction(0))
        for name in ("energy_fj", "latency_fs", "dram_bytes")
    )
    return MixTotal(parts, energy, latency, traffic, parts[0].area_um2)


def _slowness_pays(study: Study) -> bool:
    limits = [study.budgets, *(workload.budgets for workload in study.mix)]
    return "power" in (study.goal, *study.then) or any(
        limit.power_nw is not None or limit.dram_bytes_per_s is not None for limit in limits
    )


def with_budgets(rng: random.Random, study: Study, totals: list[MixTotal], rated: bool) -> Study:
    """Limit totals of single networks and of the mix near what some design needs."""
    reference, names = rng.choice(totals), SUMS + RATES * rated
    workloads = list(study.mix)
    for number in rng.sample(range(len(workloads)), rng.randint(0, len(workloads))):
        name = rng.choice(names)
        limit = getattr(reference.parts[number], name) * rng.choice([80, 95, 100, 100, 110]) // 100
        workloads[number] = replace(workloads[number], budgets=Budgets(**{name: limit}))
    limits: dict[str, int] = {}
    if rng.random() < 0.6 or not any(workload.budgets != Budgets() for workload in workloads):
        name = rng.choice(names)
        limits[name] = int(getattr(reference, name) * Fraction(rng.choice([90, 100, 100, 110]), 100))
    return replace(study, mix=tuple(workloads), budgets=Budgets(**limits))
