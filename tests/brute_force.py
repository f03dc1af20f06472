"""The optimum of a tiny study, by trying everything.

The solver's tests compare with this. It reads `costmodel.evaluate` for the price of a group and nothing else of
the cost model's search: hardware points, groupings, tilings, residencies, orders and channel cuts are enumerated
a second time, in `brute_force_space`, from the text of the rules. No step drops a design for being unlikely; the one
shortcut is exact: on fixed hardware costs add up, so a way to run some groups that another way equals or beats in
energy, cycles *and* DRAM bytes can never be the only optimum, whatever the goal and the budgets; where
costs count per time, only another way of equal cycles is taken for better.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import ceil
from typing import Any, Literal, NamedTuple

from brute_force_groups import MANY_LAYERS, Names, legal_blocks, needs, possible_groupings
from brute_force_space import CONSTANTS, SUMS, WEIGHTED, group_designs, listed_hardware, searched_mappings
from costmodel.design import Design, GroupDesign, Hardware
from costmodel.evaluate import evaluate, group_cost
from costmodel.hardware import prices
from costmodel.legal import DesignError
from specs.study import Budgets, Fusion, Goal, SharedBuffer, Study, Tiling

Status = Literal["optimal", "infeasible"]


class Option(NamedTuple):
    """One way to run some groups on some hardware point: what it costs, and the groups."""

    energy_fj: int
    cycles: int
    dram_bytes: int
    groups: tuple[GroupDesign, ...]


class Total(NamedTuple):
    """One whole design: every number that a goal or a budget looks at."""

    energy_fj: int
    latency_fs: int
    dram_bytes: int
    area_um2: int
    sram_bytes: int
    pes: int
    design: Design

    def objective(self, study: Study) -> int:
        return self.of_goal(study.goal)

    def objectives(self, study: Study) -> tuple[int, ...]:
        """What all goals make least of, to be compared one after another."""
        return tuple(map(self.of_goal, (study.goal, *study.then)))

    def of_goal(self, goal: Goal) -> int:
        return {
            "energy": self.energy_fj,
            "latency": self.latency_fs,
            "throughput": self.latency_fs,
            "bandwidth": self.dram_bytes,
            "edp": self.energy_fj * self.latency_fs,
            "area": self.area_um2,
            "power": ceil(Fraction(self.energy_fj * 10**9, self.latency_fs)),
        }[goal]

    @property
    def power_nw(self) -> int:
        return self.of_goal("power")

    @property
    def dram_bytes_per_s(self) -> int:
        """Average over the run, rounded up."""
        return ceil(Fraction(self.dram_bytes * 10**15, self.latency_fs))

    def keeps(self, budgets: Budgets) -> bool:
        """Whether no limit is exceeded; limits are inclusive."""
        names = ("area_um2", "sram_bytes", "pes", "latency_fs", "energy_fj", "dram_bytes")
        limits = [(getattr(self, name), getattr(budgets, name)) for name in names]
        limits.append((Fraction(self.energy_fj * 10**9, self.latency_fs), budgets.power_nw))
        limits.append((Fraction(self.dram_bytes * 10**15, self.latency_fs), budgets.dram_bytes_per_s))
        return all(limit is None or value <= limit for value, limit in limits)


def brute_force(study: Study) -> tuple[Status, int | None, Design | None]:
    """Find the optimum of a study by trying everything.

    Parameters
    ----------
    study
        A tiny one: about five layers, a few tile counts, a handful of hardware points.

    Returns
    -------
    tuple
        ``("optimal", objective, design)`` with the objective in fJ, fs or bytes, or ``("infeasible", None, None)``.
        The design was costed once more as a whole, by `evaluate`, with every rule checked.
    """
    feasible = [total for total in undominated_totals(study) if total.keeps(study.budgets)]
    if not feasible:
        return "infeasible", None, None
    best = min(feasible, key=lambda total: total.objectives(study))
    assert total_of(study, best.design) == best
    return "optimal", best.objective(study), best.design


def total_of(study: Study, design: Design) -> Total:
    """Cost a design as a whole, by `evaluate`; raises `DesignError` if it does not exist or fit."""
    cost = evaluate(study, design)
    hardware = design.hardware
    return Total(
        cost.energy_fj,
        cost.latency_fs,
        cost.dram_bytes,
        cost.area_um2,
        hardware.feature_bytes + hardware.weight_bytes,
        hardware.array.pes,
        design,
    )


def undominated_totals(study: Study) -> tuple[Total, ...]:
    """Every design worth looking at, on every hardware point the study lists, whatever the goal and the budgets.

    On each hardware point these are the designs of which no other one there is as good in energy, latency and
    traffic; of equals one stays.
    """
    plain = replace(study, goal="energy", then=(), budgets=Budgets())
    return _undominated_totals(plain, searched_mappings(study), slowness_pays(study))


def slowness_pays(study: Study) -> bool:
    """Whether energy or traffic count per time, so that more cycles may be better."""
    limits = study.budgets
    return limits.power_nw is not None or limits.dram_bytes_per_s is not None or "power" in (study.goal, *study.then)


@lru_cache(maxsize=8)
def _undominated_totals(study: Study, mappings: Names, slow: bool) -> tuple[Total, ...]:
    blocks = legal_blocks(study.network, study.fusion.max_layers)
    ways = {names: list(group_designs(study, names, mappings)) for names in blocks}
    totals = []
    for hardware in listed_hardware(study):
        price = prices(study, hardware)
        fitting = {
            names: undominated(admitted(study, _priced(study, hardware, ways[names]), slow), slow) for names in ways
        }
        whole = _whole(study, fitting, slow)
        totals += [
            Total(
                option.energy_fj,
                option.cycles * hardware.period_fs,
                option.dram_bytes,
                price.area_um2,
                hardware.feature_bytes + hardware.weight_bytes,
                hardware.array.pes,
                Design(hardware, option.groups),
            )
            for option in undominated(whole, slow)
        ]
    return tuple(totals)


def _whole(study: Study, fitting: dict[Names, list[Option]], slow: bool) -> list[Option]:
    """Ways to run the whole network: by every grouping, or in large networks by whatever can run next."""
    network = study.network
    if len(network.layers) <= MANY_LAYERS:
        groupings = possible_groupings(network, study.fusion.max_layers)
        return [option for grouping in groupings for option in _combined([fitting[names] for names in grouping], slow)]
    needed = {block: set().union(*(needs(network)[name] for name in block)) - set(block) for block in fitting}
    reached: dict[frozenset[str], list[Option]] = {frozenset(): [Option(0, 0, 0, ())]}
    for number in range(len(network.layers)):
        for done in [ran for ran in reached if len(ran) == number]:
            options = undominated(reached.pop(done), slow)
            for block in fitting:
                if needed[block] <= done and done.isdisjoint(block):
                    reached.setdefault(done.union(block), []).extend(_followed(options, fitting[block]))
    return reached.get(frozenset(layer.name for layer in network.layers), [])


def _priced(study: Study, hardware: Hardware, ways: list[GroupDesign]) -> list[Option]:
    """Price every way to run a group; those that do not fit the buffers are left out."""
    price, known = prices(study, hardware), _known(replace(study, **_UNPRICED)).setdefault(hardware, {})
    for group in ways:
        if group not in known:
            try:
                cost = group_cost(study, hardware, price, group)
            except DesignError:
                known[group] = None
            else:
                known[group] = Option(cost.energy_fj, cost.cycles, cost.dram_bytes, (group,))
    return [option for group in ways if (option := known[group]) is not None]


@lru_cache(maxsize=1)
def _known(study: Study) -> dict[Hardware, dict[GroupDesign, Option | None]]:
    """What was priced before; None where it does not fit."""
    return {}


_UNPRICED: dict[str, Any] = {
    "goal": "energy",
    "budgets": Budgets(),
    "fusion": Fusion(),
    "tiling": Tiling(),
    "accelerators": (),
    "buffers": SharedBuffer((1,)),
    "dram": (),
}
"""Keys of a study that say what is listed and asked; a group on given hardware costs the same whatever they are."""


def admitted(study: Study, options: list[Option], slow: bool) -> list[Option]:
    """Options of a group on one hardware point that the rules admit.

    With cut input channels a layer alone has to move fewer DRAM bytes than in every way without that fits. Where
    slowness pays, a group of several layers streams no more weights than it has to: of the choices that fit and
    differ in nothing else, those that stream least, weights or sums.
    """
    uncut = [option.dram_bytes for option in options if option.groups[0].input_splits == 1]
    kept = [o for o in options if o.groups[0].input_splits == 1 or not uncut or o.dram_bytes < min(uncut)]
    if not slow:
        return kept
    least: dict[GroupDesign, list[tuple[int, int]]] = {}
    for option in kept:
        least.setdefault(_but_for_weights(option), []).append(_streamed(study, option.groups[0]))
    return [
        option
        for option in kept
        if option.groups[0].order != "fused"
        or not any(
            weights <= own[0] and sums <= own[1] and (weights, sums) != own
            for own in [_streamed(study, option.groups[0])]
            for weights, sums in least[_but_for_weights(option)]
        )
    ]


def _but_for_weights(option: Option) -> GroupDesign:
    return replace(option.groups[0], resident=frozenset())


def _streamed(study: Study, group: GroupDesign) -> tuple[int, int]:
    """Bytes of weights and constants, and of sums, of layers that do not keep them."""
    precision = study.precision
    streaming = [study.network.layer(name) for name in group.layers if name not in group.resident]
    weights = sum(layer.weight_words * precision.weight_bytes for layer in streaming if layer.op in WEIGHTED)
    constants = sum(layer.weight_words for layer in streaming if layer.op in CONSTANTS)
    sums = sum(layer.weight_words for layer in streaming if layer.op in SUMS)
    return weights + constants * precision.partial_sum_bytes, sums * precision.partial_sum_bytes


def _combined(parts: list[list[Option]], slow: bool) -> list[Option]:
    """Run one option of each part, one after the other."""
    done = [Option(0, 0, 0, ())]
    for part in parts:
        done = undominated(_followed(done, part), slow)
    return done


def _followed(done: list[Option], part: list[Option]) -> list[Option]:
    return [
        Option(a.energy_fj + b.energy_fj, a.cycles + b.cycles, a.dram_bytes + b.dram_bytes, a.groups + b.groups)
        for a, b in product(done, part)
    ]


def undominated(options: list[Option], slow: bool = False) -> list[Option]:
    """Drop options that another one equals or beats in all three costs; of equals the first stays.

    With ``slow``, more cycles may be better: only options of equal cycles are compared.
    """
    kept: list[Option] = []
    # A dominator has no larger cost tuple, so it comes first.
    for option in sorted(options, key=lambda option: option[:3]):
        if not any(
            (k.cycles == option.cycles if slow else k.cycles <= option.cycles) and k.dram_bytes <= option.dram_bytes
            for k in kept
        ):
            kept.append(option)
    return kept
