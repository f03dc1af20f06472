"""The oracle that the solver is compared with: by hand, and against plainer enumerations."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import permutations, product

import pytest

from brute_force import Option, Total, brute_force, undominated
from brute_force_groups import possible_groupings, set_partitions
from brute_force_space import group_designs, listed_hardware
from costmodel.design import ORDERS_ALONE, STARTS, Design, GroupDesign, Order
from costmodel.evaluate import group_cost
from costmodel.hardware import prices
from costmodel.legal import DesignError, check_design
from costmodel.template import PREFERENCES
from random_instances import KINDS, conv, draw_budgets, instance, network_of, small_study
from random_networks import random_study
from specs.study import (
    GOALS,
    OVERLAPS,
    Budgets,
    Fusion,
    Study,
    Tiling,
)
from specs.templates import accelerator


def test_traffic_of_two_layers_by_hand() -> None:
    network = network_of(2, conv("a", ("x",), 3, 2), conv("b", ("a",), 1, 3))
    # Input 2 x 16, output 1 x 16, weights 6 + 3; apart, the 3 x 16 between them go out and come back.
    fused = small_study(network, "bandwidth")
    assert brute_force(fused)[:2] == ("optimal", 32 + 16 + 9)
    assert brute_force(replace(fused, fusion=Fusion(max_layers=1)))[:2] == ("optimal", 32 + 16 + 9 + 2 * 48)


def test_time_and_energy_of_one_layer_by_hand() -> None:
    network = network_of(1, conv("a", ("x",), 1, 1))
    # 16 MACs take 16 cycles; 16 + 16 + 1 bytes at half a byte per cycle take 66.
    cycles = 16 + 66
    assert brute_force(small_study(network, "latency"))[:2] == ("optimal", cycles * 10**6)
    # Smallest SRAM: 1.5 and 2 pJ per 8 bytes, 1 uW (1 fJ in a ns); a MAC takes 0.3 pJ, a byte of DRAM 64 pJ.
    read, write = 188, 250
    feature = (16 + 16) * (read + write)  # pixels come in and are read, outputs are written and go out
    weights = 16 * read + 1 * write  # one per MAC
    sums = 16 * 576  # each MAC reads and writes its accumulator: 64 bits at 9 fJ
    energy = 16 * 300 + sums + feature + weights + 33 * 64_000 + cycles * 2
    assert brute_force(small_study(network, "energy"))[:2] == ("optimal", energy)


def test_budgets_by_hand() -> None:
    network = network_of(1, conv("a", ("x",), 1, 1))
    two = accelerator("vwa", blocks=1, rows=(1, 2), taps=1, clock_hz=10**9, double_buffer=False)
    study = replace(small_study(network, "latency"), accelerators=(two,))
    areas = [prices(study, hardware).area_um2 for hardware in listed_hardware(study)]

    def answer(**limits: int) -> int | None:
        return brute_force(replace(study, budgets=Budgets(**limits)))[1]

    assert answer() == (8 + 66) * 10**6
    assert answer(pes=2) == (8 + 66) * 10**6
    assert answer(pes=1) == (16 + 66) * 10**6
    assert answer(area_um2=areas[1] - 1) == answer(area_um2=areas[0]) == (16 + 66) * 10**6
    assert answer(area_um2=areas[0] - 1) is None
    assert answer(latency_fs=(8 + 66) * 10**6) == (8 + 66) * 10**6
    assert answer(latency_fs=(8 + 66) * 10**6 - 1) is None
    assert answer(pes=1, latency_fs=(8 + 66) * 10**6) is None
    assert answer(sram_bytes=512) is not None
    assert answer(sram_bytes=511) is None


def test_nothing_fits_by_hand() -> None:
    # Whole maps of 8 x 16 in and 8 x 16 out fit 256 bytes to the last one; 9 channels do not.
    fits, too_large = (network_of(c, conv("a", ("x",), c, c)) for c in (8, 9))
    assert brute_force(small_study(fits, "energy"))[0] == "optimal"
    assert brute_force(small_study(too_large, "energy")) == ("infeasible", None, None)


def test_groupings_by_hand() -> None:
    chain = network_of(1, *(conv(n, (r,), 1, 1) for n, r in ("ax", "ba", "cb", "dc")))
    assert len(list(possible_groupings(chain, 4))) == 8  # cut or not between any two
    assert len(list(possible_groupings(chain, 1))) == 1
    assert len(list(possible_groupings(chain, 2))) == 5
    # c reads a and b, b reads a: a and c without b would have to wait for b.
    residual = network_of(1, conv("a", ("x",), 1, 1), conv("b", ("a",), 1, 1), conv("c", ("a", "b"), 1, 2))
    assert len(list(possible_groupings(residual, 3))) == 4
    # All layers share x, so any blocks hang together; {a, d} and {b, c} wait for each other.
    crossed = network_of(
        1,
        conv("a", ("x",), 1, 1),
        conv("b", ("a", "x"), 1, 2),
        conv("c", ("x",), 1, 1),
        conv("d", ("c", "x"), 1, 2),
    )
    assert len(list(possible_groupings(crossed, 4))) == 15 - 1
    # d reads b and c alone: {a, d} hangs together through nothing.
    diamond = network_of(
        1, conv("a", ("x",), 1, 1), conv("b", ("a",), 1, 1), conv("c", ("a",), 1, 1), conv("d", ("b", "c"), 1, 2)
    )
    found = {frozenset(grouping) for grouping in possible_groupings(diamond, 4)}
    assert not any({"ad", "abd", "acd"} & {"".join(block) for block in grouping} for grouping in found)
    # d apart: abc, ab|c, ac|b, bc|a, a|b|c; d with b, c or both: bd|c|a, bd|ac, cd|b|a, cd|ab, bcd|a; and all four.
    assert len(found) == 11


def test_undominated_options_are_those_that_nothing_equals_or_beats() -> None:
    rng = random.Random(0)
    for _ in range(200):
        options = [Option(*(rng.randint(0, 4) for _ in range(3)), ()) for _ in range(rng.randint(0, 12))]
        plain = {
            a for a in options if not any(b != a and all(y <= x for x, y in zip(a, b, strict=True)) for b in options)
        }
        kept = undominated(options)
        assert len(kept) == len(set(kept))
        assert set(kept) == plain


@pytest.mark.parametrize("seed", range(12))
def test_oracle_finds_what_all_products_hold(seed: int) -> None:
    """No front, no memory: every product of every way to run every group."""
    rng = random.Random(seed)
    study = replace(random_study(rng, max_layers=2), tiling=Tiling((1, 2), (1,), (1, 2), (1,)))
    totals = []
    for hardware in listed_hardware(study):
        price = prices(study, hardware)
        for grouping in possible_groupings(study.network, study.fusion.max_layers):
            for groups in product(*(group_designs(study, names, ("fastest", "frugal")) for names in grouping)):
                try:
                    costs = [group_cost(study, hardware, price, group) for group in groups]
                except DesignError:
                    continue
                latency = sum(cost.cycles for cost in costs) * hardware.period_fs
                energy, traffic = sum(cost.energy_fj for cost in costs), sum(cost.dram_bytes for cost in costs)
                sizes = (price.area_um2, hardware.sram_bytes, hardware.array.pes)
                totals.append(Total(energy, latency, traffic, *sizes, Design(hardware, groups)))
    asked = [replace(study, goal=goal) for goal in GOALS]
    asked += [draw_budgets(rng, study, kind)[1] for kind in KINDS for _ in range(5)]
    for one in asked:
        best = min((total.objective(one) for total in totals if total.keeps(one.budgets)), default=None)
        assert brute_force(one)[1] == best


def _alone(study: Study, name: str) -> GroupDesign:
    """The plainest way to run a layer alone."""
    kept = frozenset({name}) if study.network.layer(name).has_weights else frozenset()
    return GroupDesign((name,), 1, 1, study.fusion.overlap[0], kept, "weight-stationary")


def _is_accepted(study: Study, design: Design) -> bool:
    try:
        check_design(study, design)
    except DesignError:
        return False
    return True


@pytest.mark.parametrize("seed", range(40))
def test_oracle_tries_the_ways_that_the_rules_allow(seed: int) -> None:
    """Of random ways to run a group, those that `check_design` accepts are those that the oracle tries."""
    study, rng = instance(seed), random.Random(seed)
    hardware = next(listed_hardware(study))
    orders: tuple[Order, ...] = ("fused", *ORDERS_ALONE)
    for grouping in possible_groupings(study.network, study.fusion.max_layers):
        several = [names for names in grouping if len(names) > 1]
        if len(several) > 1:
            continue
        for names in several or grouping:
            tried = set(group_designs(study, names, ("fastest", "frugal")))
            drawn = set(rng.sample(sorted(tried, key=repr), min(20, len(tried))))
            for _ in range(100):
                odd = len(names) == 1 or rng.random() < 0.2
                drawn.add(
                    GroupDesign(
                        names,
                        rng.randint(1, 5),
                        rng.randint(1, 3),
                        rng.choice(OVERLAPS),
                        frozenset(name for name in names if rng.random() < 0.5),
                        rng.choice(orders) if odd else "fused",
                        rng.choice([1, 1, 2, 3, 4, 6]) if odd else 1,
                        rng.randint(1, study.batch) if rng.random() < 0.9 else study.batch + 1,
                        rng.choice([1, 1, 2, 3]) if odd else 1,
                        rng.choice(STARTS),
                        rng.choice(PREFERENCES),
                    )
                )
            for group in sorted(drawn, key=repr):
                groups = tuple(group if other == names else _alone(study, other[0]) for other in grouping)
                assert _is_accepted(study, Design(hardware, groups)) == (group in tried), group


@pytest.mark.parametrize("seed", range(40))
def test_oracle_tries_the_groupings_that_the_rules_allow(seed: int) -> None:
    """Partitions that `check_design` accepts in some order are those that the oracle tries, in an accepted order."""
    study = random_study(random.Random(seed), max_layers=4)
    hardware = next(listed_hardware(study))

    def accepts(grouping: tuple[tuple[str, ...], ...]) -> bool:
        fused = [GroupDesign(names, overlap=study.fusion.overlap[0]) for names in grouping]
        groups = tuple(_alone(study, g.layers[0]) if len(g.layers) == 1 else g for g in fused)
        return _is_accepted(study, Design(hardware, groups))

    tried = list(possible_groupings(study.network, study.fusion.max_layers))
    assert all(accepts(grouping) for grouping in tried)
    partitions = set_partitions([layer.name for layer in study.network.layers])
    accepted = [blocks for blocks in partitions if any(accepts(order) for order in permutations(blocks))]
    assert {frozenset(blocks) for blocks in accepted} == {frozenset(grouping) for grouping in tried}
    assert len(accepted) == len(tried)
