"""The totals that goals and budgets look at, as integers per candidate row that add up over groups.

Energy (fJ), latency (cycles, or fs where it is the goal) and DRAM bytes are sums as they stand. An average power of
at most P holds if and only if ``energy - P * latency <= 0``, and a DRAM bandwidth likewise: sums again, whose
summands may be negative. Every layer is run by exactly one group, so adding a constant per layer to the summands and
its multiple to the limit changes nothing, and makes them what the rest of the solver expects: not negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np

from costmodel import Cost, Design
from costmodel.evaluate import workloads
from costmodel.hardware import Prices
from costmodel.table import NO_COST, CandidateTable, FamilyTable, PricedRows
from costmodel.technology import PriceError
from costmodel.template import Ints
from specs.study import Budgets, Goal, Study

LARGEST_SUM = 2**58
SUMS = ("latency", "energy", "bandwidth")
RATES = ("power", "dram_bandwidth")


@dataclass(frozen=True)
class Total:
    """What a budget speaks of: a sum or a rate, of the whole study or (``workload``) of one network of a mix."""

    name: str
    workload: int | None = None

    @property
    def is_rate(self) -> bool:
        return self.name in RATES

    def __str__(self) -> str:
        return self.name if self.workload is None else f"{self.name}_of_{self.workload}"


def limits_of(budgets: Budgets) -> dict[str, int]:
    """The budgets on totals that are stated, by the total's name, in base units."""
    stated = {
        "latency": budgets.latency_fs,
        "energy": budgets.energy_fj,
        "bandwidth": budgets.dram_bytes,
        "activation_memory": budgets.activation_bytes,
        "power": budgets.power_nw,
        "dram_bandwidth": budgets.dram_bytes_per_s,
    }
    return {name: limit for name, limit in stated.items() if limit is not None}


def all_limits(study: Study, budgets: Budgets) -> dict[Total, int]:
    """The limits on the whole study, in ``budgets``, and those on each network of its mix."""
    limits = {Total(name): limit for name, limit in limits_of(budgets).items()}
    for number, workload in enumerate(study.mix):
        limits |= {Total(name, number): limit for name, limit in limits_of(workload.budgets).items()}
    return limits


@dataclass(frozen=True)
class Rate:
    """A limit per time at one point as a limit on a sum of ``times * amount - per_cycle * cycles`` over rows.

    The amount is energy in fJ or DRAM bytes. ``per_layer`` is added for each layer that a row runs.

    Attributes
    ----------
    is_exact
        Otherwise ``per_cycle`` is rounded up: every design that keeps the limit keeps this one.
    """

    times: int
    per_cycle: int
    per_layer: int
    num_layers: int
    is_exact: bool

    @property
    def limit(self) -> int:
        return self.per_layer * self.num_layers

    def of(self, amount: Ints, cycles: Ints, layers: Ints) -> Ints:
        """Summands of rows, not negative: see `rate` for their size."""
        return self.times * amount - self.per_cycle * cycles + self.per_layer * layers

    def of_row(self, amount: int, cycles: int, layers: int) -> int:
        """The summand of one row, of any size."""
        return self.times * amount - self.per_cycle * cycles + self.per_layer * layers


@dataclass(frozen=True)
class Largest:
    """The largest numbers of any row of one array with all its runs in a mix; of cycles also per layer that it runs."""

    cycles_per_layer: int
    cycles: int
    dram_bytes: int
    priced: tuple[tuple[str, int], ...]
    fixed_fj: int

    @classmethod
    def of(cls, family: FamilyTable, array: int, layers: Ints, runs: Ints) -> Largest:
        rows = family.rows
        cycles = rows.cycles[:, array] * runs
        counts = {
            "feature_read_fj": rows.feature_read[:, array],
            "feature_write_fj": rows.feature_write[:, array],
            "weight_read_fj": rows.weight_read[:, array],
            "weight_write_fj": rows.weight_write[:, array],
            "leakage_fj_per_cycle": rows.cycles[:, array],
        }
        fixed = rows.array_fj[:, array] + rows.dram_bytes * family.family.dram.fj_per_byte
        return cls(
            cycles_per_layer=int((-(-cycles // layers)).max()),
            cycles=int(cycles.max()),
            dram_bytes=int((rows.dram_bytes * runs).max()),
            priced=tuple((name, int((column * runs).max())) for name, column in counts.items()),
            fixed_fj=int((fixed * runs).max()),
        )

    def amount(self, name: str, prices: Prices) -> int:
        """At least the largest energy (for ``power``) or DRAM bytes of a row."""
        if name == "dram_bandwidth":
            return self.dram_bytes
        return self.fixed_fj + sum(most * int(getattr(prices, price)) for price, most in self.priced)


def exact_rate(table: CandidateTable, total: Total, limit: int, point: int, largest: Largest) -> Rate:
    """Write a limit per time as a limit on a sum of integers of any size.

    Parameters
    ----------
    total
        A rate.
    limit
        In nW for ``power``: fJ in 10^9 fs; in bytes per second for ``dram_bandwidth``: bytes in 10^15 fs.
    largest
        Of the rows of the point's array.
    """
    per = {"power": 10**9, "dram_bandwidth": 10**15}[total.name]
    amount = limit * table.points[point].period_fs
    shared = gcd(amount, per)
    per_cycle, times = amount // shared, per // shared
    study = table.study
    layers = len(study.network.layers) if total.workload is None else study.mix[total.workload].num_layers
    return Rate(times, per_cycle, per_cycle * largest.cycles_per_layer, layers, True)


def rate(exact: Rate, most: int, largest: Largest) -> Rate:
    """The same limit in 64 bits: as it is if all sums over a design stay below `LARGEST_SUM`, else a little wider.

    Parameters
    ----------
    most
        At least the largest amount of a row.

    Raises
    ------
    PriceError
        If not even the amounts themselves can be added up.
    """

    def sums(one: Rate) -> int:
        return (one.times * most + 2 * one.per_layer) * one.num_layers

    if sums(exact) < LARGEST_SUM:
        return exact
    times = exact.times
    while times > 1:
        times //= 2
        per_cycle = -(-exact.per_cycle * times // exact.times)
        wider = Rate(times, per_cycle, per_cycle * largest.cycles_per_layer, exact.num_layers, False)
        if sums(wider) < LARGEST_SUM:
            return wider
    raise PriceError("energies or DRAM bytes are too large to be added up under a limit per time")


def check_mix(table: CandidateTable) -> None:
    """See that totals of a mix can be added up in 64 bits.

    Raises
    ------
    PriceError
        If the networks run so often in `Study.num_mixes` mixes that they cannot.
    """
    if not table.study.mix:
        return
    num_layers = len(table.study.network.layers)
    for family in table.families:
        layers, runs = row_layers(table, family), row_runs(table, family, Total("energy"))
        for array, points in enumerate(family.points):
            largest = Largest.of(family, array, layers, runs)
            for point in points.tolist():
                cycles = largest.cycles * table.points[point].period_fs
                if max(cycles, largest.amount("power", table.point_prices[point])) * num_layers >= NO_COST:
                    raise PriceError(
                        "the weights of the mix are too far apart or too fine for its totals to be added up: "
                        f"its networks would run {', '.join(map(str, table.study.runs))} times"
                    )


def row_layers(table: CandidateTable, family: FamilyTable) -> Ints:
    """How many layers each row of a family runs."""
    sizes = np.zeros(table.num_classes, dtype=np.int64)
    sizes[table.group_class] = [group.bit_count() for group in table.lattice.groups]
    return family.per_row(sizes[family.classes])


def row_runs(table: CandidateTable, family: FamilyTable, total: Total) -> Ints:
    """How often each row counts in a total: its runs in the mix, or once if it is of the network in question."""
    classes = family.classes
    of_class = table.runs[classes] if total.workload is None else (table.workloads[classes] == total.workload) * 1
    return family.per_row(of_class)


def row_total(name: str, priced: PricedRows, rates: list[Rate], layers: Ints, runs: Ints) -> Ints:
    """One total of rows at points: (row, point); ``rates`` has one entry per point where the name is a rate's."""
    shape = priced.energy_fj.shape
    cycles, traffic = priced.cycles * runs, np.broadcast_to((priced.dram_bytes * runs)[:, None], shape)
    if name == "latency":
        return np.broadcast_to(cycles[:, None], shape)
    if name in ("bandwidth", "dram_bandwidth") and not rates:
        return traffic
    if name == "activation_memory":
        return np.broadcast_to((priced.kept_bytes * runs)[:, None], shape)
    energy = priced.energy_fj * runs[:, None] if (runs != 1).any() else priced.energy_fj
    if name == "energy" or not rates:
        return energy
    amount, counted = (energy if name == "power" else traffic), layers * (runs > 0)
    return np.stack([one.of(amount[:, i], cycles, counted) for i, one in enumerate(rates)], axis=1)


def no_cost(limit: int) -> int:
    """A limit that a 64-bit sum can be compared with."""
    return min(limit, int(NO_COST))


def objective_of(goal: Goal, cost: Cost) -> int:
    """What a goal makes least of, in its base unit: fJ, fs, bytes, fJ fs, um2 or nW (rounded up)."""
    if goal == "edp":
        return cost.energy_fj * cost.latency_fs
    if goal == "power":
        return -(-cost.energy_fj * 10**9 // cost.latency_fs)
    values = {"energy": cost.energy_fj, "bandwidth": cost.dram_bytes, "area": cost.area_um2}
    return values.get(goal, cost.latency_fs)


def keeps_all(study: Study, design: Design, cost: Cost, budgets: Budgets) -> bool:
    """Whether a design keeps ``budgets`` and those of every network of a mix."""
    if not keeps(cost, budgets):
        return False
    of = workloads(study, design)
    return all(
        keeps(cost.once(i for i, which in enumerate(of) if which == number), workload.budgets)
        for number, workload in enumerate(study.mix)
    )


def keeps(cost: Cost, budgets: Budgets) -> bool:
    """Whether a design keeps every budget on its totals, in integers of any size."""
    for name, limit in limits_of(budgets).items():
        if name == "power":
            kept = cost.energy_fj * 10**9 <= limit * cost.latency_fs
        elif name == "dram_bandwidth":
            kept = cost.dram_bytes * 10**15 <= limit * cost.latency_fs
        else:
            sums = {"latency": cost.latency_fs, "energy": cost.energy_fj, "bandwidth": cost.dram_bytes}
            kept = (sums | {"activation_memory": cost.activation_bytes})[name] <= limit
        if not kept:
            return False
    return True
