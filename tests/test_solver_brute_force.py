"""The solver finds exactly what brute force finds: without budgets, under budgets, and when nothing keeps them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from brute_force import brute_force, total_of, undominated_totals
from brute_force_space import group_designs, listed_hardware, searched_mappings
from costmodel.design import Hardware
from costmodel.evaluate import group_cost
from costmodel.hardware import prices
from costmodel.selection import UNFIT, price_cells
from costmodel.table import build_table
from outcomes import check_outcome, chunks
from random_instances import KINDS, conv, draw_budgets, instance, small_study
from random_networks import random_study
from solver import solve
from specs.network import Network, TensorShape
from specs.study import (
    GOALS,
    LAST_GOALS,
    Dram,
    Fusion,
    Goal,
    SeparateBuffers,
    SharedBuffer,
    Study,
    Tiling,
)
from specs.templates import accelerator

SUMS: tuple[Goal, ...] = ("energy", "latency", "bandwidth")
SEEDS = range(200)
SEEDS_PER_TEST = 10
LONG_SEEDS = range(10_000, 12_000)


def check_with_baseline(study: Study, label: str) -> None:
    """Compare CP-SAT on its own, without bounds before it, and both optima without fusion."""
    result = solve(study, use_bounds=False)
    check_outcome(study, result.best, f"{label}, CP-SAT alone")
    alone = replace(study, fusion=replace(study.fusion, max_layers=1))
    assert result.layer_by_layer is not None
    check_outcome(alone, result.layer_by_layer, f"{label}, layer by layer")
    if result.design is None:
        assert result.layer_by_layer_same_hardware is None, label
        return
    assert result.layer_by_layer_same_hardware is not None
    check_outcome(
        only_hardware(alone, result.design.hardware),
        result.layer_by_layer_same_hardware,
        f"{label}, layer by layer on the same hardware",
    )


def only_hardware(study: Study, hardware: Hardware) -> Study:
    """The study with one hardware point alone."""
    accelerators = tuple(
        replace(
            spec,
            clock_hz=(hardware.clock_hz,),
            numbers=tuple((key, (hardware.array.numbers.get(key, listed[0]),)) for key, listed in spec.numbers),
        )
        for spec in study.accelerators
        if spec.template == hardware.template
    )
    if hardware.shared:
        buffers: SeparateBuffers | SharedBuffer = SharedBuffer((hardware.feature_bytes,))
    else:
        buffers = SeparateBuffers((hardware.feature_bytes,), (hardware.weight_bytes,))
    only = replace(study, accelerators=accelerators, buffers=buffers, dram=(hardware.dram,))
    assert list(listed_hardware(only)) == [hardware]
    return only


def _free(study: Study) -> int | None:
    """The optimum without budgets, among the same designs."""
    return min((total.objective(study) for total in undominated_totals(study)), default=None)


def check_seed(seed: int) -> str:
    """Compare goals without budgets, then one goal under budgets; return the kind of budgets."""
    study, label = instance(seed), f"seed {seed}"
    for goal in (*SUMS, random.Random(seed).choice(["edp", "area", "throughput"])):
        asked = replace(study, goal=goal)
        check_outcome(asked, solve(asked, baseline=False).best, label)
    kind, budgeted = draw_budgets(random.Random(f"budgets {seed}"), study, KINDS[seed % 3])
    check_outcome(budgeted, solve(budgeted, baseline=False).best, label)
    check_with_baseline(budgeted, label)
    status, objective, _ = brute_force(budgeted)
    if kind == "infeasible":
        assert status == "infeasible"
    elif kind == "binding":
        assert objective is not None
        assert objective > _free(budgeted)
    else:
        assert objective == _free(budgeted)
    return kind


@pytest.mark.parametrize("seeds", chunks(SEEDS, SEEDS_PER_TEST), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_solver_finds_what_brute_force_finds(seeds: range) -> None:
    kinds = Counter(check_seed(seed) for seed in seeds)
    assert kinds["infeasible"] >= 3
    assert kinds["binding"] >= 1


@pytest.mark.long
@pytest.mark.parametrize("seeds", chunks(LONG_SEEDS, 100), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_solver_finds_what_brute_force_finds_at_length(seeds: range) -> None:
    kinds = Counter(check_seed(seed) for seed in seeds)
    assert kinds["infeasible"] >= 30
    assert kinds["binding"] >= 20


@pytest.mark.parametrize("seeds", chunks(range(120), 20), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_budgets_per_time_and_lists_of_goals(seeds: range) -> None:
    """Where time is a divisor, slower may be better: brute force has to keep more, so the studies are smaller."""
    for seed in seeds:
        rng = random.Random(f"rated {seed}")
        study = random_study(rng, max_layers=rng.choice([1, 2, 3]))
        study = replace(study, tiling=Tiling((1, 2), (1,), (1, 2), (1, 2)), accelerators=study.accelerators[:1])
        if seed % 4 == 0:  # a memory that takes long for little energy: wasting time with it would save power
            study = replace(study, dram=(Dram("slow", 8_000, rng.choice([50_000_000, 200_000_000])),))
        _, study = draw_budgets(rng, study, KINDS[seed % 3], rated=True)
        if seed % 8 == 0:
            study = replace(study, goal="power")
        if seed % 2:
            goals = rng.sample(GOALS, 3)
            study = replace(study, goal=goals[0], then=tuple(goals[1:]))
            study = replace(study, then=study.then if study.goal not in LAST_GOALS else ())
            study = replace(study, then=tuple(g for i, g in enumerate(study.then) if i or g not in LAST_GOALS))
        result = solve(study, baseline=False, use_bounds=seed % 3 > 0)
        check_outcome(study, result.best, f"rated {seed}")
        _, _, best = brute_force(study)
        if result.design is not None and best is not None:
            assert total_of(study, result.design).objectives(study) == total_of(study, best).objectives(study), seed


def _deep(seed: int) -> Study:
    """Layers of many channels in little buffers, where the inputs' cuts pay on some hardware and not on other."""
    rng = random.Random(f"deep {seed}")
    side, channels = rng.randint(3, 6), rng.randint(16, 40)
    sizes = (256, 512, 768, 1024, 1536, 2048, 4096, 8192)
    layer = conv("a", ("x",), rng.randint(10, 30), channels, side, R=rng.choice([1, 3]))
    study = small_study(
        Network("deep", (("x", TensorShape(channels, side, side)),), (layer,), ("a",)),
        rng.choice(SUMS),
    )
    return replace(
        study,
        accelerators=(
            rng.choice(
                [
                    accelerator("vwa", blocks=1, rows=(1, 3), taps=1, double_buffer=rng.random() < 0.5),
                    accelerator("eyeriss", rows=3, cols=2),
                    accelerator("systolic", rows=2, cols=(2, 4)),
                ]
            ),
        ),
        buffers=rng.choice(
            [
                SharedBuffer(tuple(sorted(rng.sample(sizes, 4)))),
                SeparateBuffers(tuple(sorted(rng.sample(sizes, 3))), tuple(sorted(rng.sample(sizes, 2)))),
            ]
        ),
        tiling=Tiling((1, 2), (1,), (1, 2, 4), (1, 2, 4)),
        fusion=Fusion(overlap=("recompute",)),
    )


def test_cuts_of_input_channels_are_taken_where_they_pay() -> None:
    taken = 0
    for seed in range(40):
        study = _deep(seed)
        found = solve(study, baseline=False).best
        check_outcome(study, found, f"deep {seed}")
        taken += found.design is not None and found.design.groups[0].input_splits > 1
        _check_every_point(study)
        kind, budgeted = draw_budgets(random.Random(seed), study, KINDS[seed % 3])
        check_outcome(budgeted, solve(budgeted, baseline=False, use_bounds=seed % 2 == 0).best, f"deep {seed}, {kind}")
    assert taken >= 10


def _check_every_point(study: Study) -> None:
    """Compare what the one layer of a study costs at best on every hardware point, not only on the best."""
    least: dict[Hardware, int] = {}
    for total in undominated_totals(study):
        hardware, value = total.design.hardware, total.objective(study)
        value //= hardware.period_fs if study.goal == "latency" else 1
        least[hardware] = min(value, least.get(hardware, value))
    found = {}
    table = build_table(study)
    for family in table.families:
        assert family.cheapest is not None
        for array, points in enumerate(family.points):
            listed = [table.points[p] for p in points]
            found |= dict(zip(listed, family.cheapest[0, array][price_cells(study, listed)].tolist(), strict=True))
    assert {hardware: cost for hardware, cost in found.items() if cost < UNFIT} == least


def _crossed(rng: random.Random) -> Study:
    """Two chains a-b and c-d whose large inputs cross: fusing {a, d} and {b, c} is cheapest, and cannot run."""
    wide, narrow = rng.randint(4, 10), rng.randint(1, 2)
    layers = (
        conv("a", ("x",), narrow, wide, R=rng.choice([1, 3])),
        conv("c", ("y",), narrow, wide, R=rng.choice([1, 3])),
        conv("b", ("a", "y"), 1, narrow + wide),
        conv("d", ("c", "x"), 1, narrow + wide),
    )
    shape = TensorShape(wide, 4, 4)
    network = Network("crossed", (("x", shape), ("y", shape)), layers, ("b", "d"))
    return replace(
        small_study(network, rng.choice(["energy", "bandwidth"]), feature_bytes=512),
        tiling=Tiling((1, 2), (1,), (1,), (1,)),
        fusion=Fusion(max_layers=rng.choice([2, 2, 3])),
    )


@pytest.mark.parametrize("seed", range(20))
def test_groupings_that_wait_for_each_other_are_not_chosen(seed: int) -> None:
    study = _crossed(random.Random(seed))
    study = draw_budgets(random.Random(seed), study, KINDS[seed % 3])[1] if seed >= 10 else study
    check_outcome(study, solve(study, baseline=False).best, f"crossed {seed}")
    check_with_baseline(study, f"crossed {seed}")


def test_groupings_that_wait_for_each_other_would_be_cheaper() -> None:
    cheaper = 0
    for seed in range(20):
        study = _crossed(random.Random(seed))
        (hardware,) = listed_hardware(study)
        price, waiting = prices(study, hardware), 0
        for names in (("a", "d"), ("c", "b")):
            costs = [
                group_cost(study, hardware, price, group)
                for group in group_designs(study, names, searched_mappings(study))
            ]
            waiting += min(cost.energy_fj if study.goal == "energy" else cost.dram_bytes for cost in costs)
        best = brute_force(study)[1]
        assert best is not None
        cheaper += waiting < best
    assert cheaper >= 15
