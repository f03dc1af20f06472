"""Least costs, least visits and the choices of what stays, over training steps: never above what a design does."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from brute_force_space import group_designs
from costmodel.beside_maps import finish
from costmodel.candidates import Family
from costmodel.evaluate import _weight_peak, group_cost
from costmodel.extents import extents
from costmodel.groups import layer_indices
from costmodel.hardware import hardware_points, mapping_terms, prices
from costmodel.least import LeastCosts
from costmodel.legal import DesignError
from costmodel.plain_regions import RegionPlan
from costmodel.plain_sweep import fused_sweep, shares
from costmodel.pricing import FamilyPricer
from costmodel.residency import residency_options
from costmodel.selection import UNFIT, price_cells
from costmodel.table import build_table, price_rows, table_frame
from random_training_instances import training_instance
from specs.study import Goal, SharedBuffer, Study
from test_costmodel_training_table import small_training_study


@pytest.mark.parametrize("goal", ["energy", "latency", "bandwidth"])
@pytest.mark.parametrize("seed", range(30))
def test_no_group_costs_less_than_its_least_cost(seed: int, goal: Goal) -> None:
    """But for those that are priced whatever their least cost: one layer, or a gradient with its update."""
    study = replace(small_training_study(random.Random(seed)), goal=goal)
    if len(study.network.layers) > 16:
        study = training_instance(f"least {seed}")
    frame = table_frame(study)
    sizes = extents(study, [frame.lattice.groups[group] for group in frame.members])
    for family, _ in frame.families:
        pricer = FamilyPricer(study, family, frame.plans)
        pricer.price(range(len(frame.members)), lambda: None)
        least = LeastCosts(family, sizes, list(pricer.works.values()), pricer.grid)
        feature, weight = (cells.ravel() for cells in np.indices(pricer.grid.leakage_fj.shape))
        for array in range(len(family.arrays)):
            cheapest = pricer.cheapest(array, feature, weight)
            assert (least.at(array, feature, weight)[~frame.alone] <= cheapest[~frame.alone]).all()


@pytest.mark.parametrize("seed", range(40))
def test_visits_hold_and_move_at_least_what_extents_say(seed: int) -> None:
    rng, study = random.Random(seed), training_instance(f"extents {seed}")
    study = replace(study, goal="energy")
    frame = table_frame(study)
    sizes = extents(study, [frame.lattice.groups[group] for group in frame.members])
    hardware = rng.choice(list(hardware_points(study)))
    live = sizes.live_bytes(hardware.array) * study.batch
    for number, group in enumerate(frame.members):
        if frame.alone[number]:
            continue
        names = tuple(study.network.layers[i].name for i in layer_indices(frame.lattice.groups[group]))
        layers = [study.network.layer(name) for name in names]
        designs = list(group_designs(study, names, ("fastest",)))
        for design in rng.sample(designs, min(10, len(designs))):
            plan, terms = RegionPlan(study.network, layers, design), mapping_terms(study, hardware, "fastest")
            visits = fused_sweep(study, hardware, design, plan, terms).visits
            assert sum(visit.live_bytes for visit in visits) >= live[number]
            assert sum(visit.load_bytes for visit in visits) >= study.batch * sizes.load_bytes[number]
            assert sum(visit.store_bytes for visit in visits) == study.batch * sizes.store_bytes[number]
            images = shares(study, design)
            for layer, made in zip(study.network.layers, sizes.made_elements[number].tolist(), strict=True):
                if layer.name in plan.made:
                    rows, cols = (
                        sum(step.new[layer.name][1] - step.new[layer.name][0] for step in steps)
                        for steps in (plan.rows, plan.cols)
                    )
                    assert sum(images) * layer.K * rows * cols >= study.batch * made


@pytest.mark.parametrize("seed", range(60))
def test_no_choice_of_what_stays_is_better_than_the_options(seed: int) -> None:
    """D3 where weights and sums stream: of any choice that fits, some option that fits costs no more of anything."""
    rng, study = random.Random(seed), training_instance(f"stays {seed}")
    frame = table_frame(replace(study, goal="energy"))
    several = np.flatnonzero(~frame.alone)
    if not len(several):
        return
    layer_set = frame.lattice.groups[frame.members[rng.choice(several.tolist())]]
    names = tuple(study.network.layers[i].name for i in layer_indices(layer_set))
    designs = [one for one in group_designs(study, names, ("fastest",)) if not one.resident]
    layers = [study.network.layer(name) for name in names]
    tiled = tuple(layer for layer in layers if layer.op != "update")
    for hardware in rng.sample(points := list(hardware_points(study)), min(2, len(points))):
        family = Family(hardware.template, hardware.double_buffer, hardware.clock_hz, hardware.dram, (hardware.array,))
        options = residency_options(study, family, tiled, finish(study, layers).room_bytes)
        masks = [option.mask for option in options]
        for design in rng.sample(designs, min(3, len(designs))):
            found = {}
            for stays in product([False, True], repeat=len(tiled)):
                kept = frozenset(layer.name for layer, stay in zip(tiled, stays, strict=True) if stay)
                if not all(study.network.layer(name).has_weights for name in kept):
                    continue
                mask = sum(1 << i for i, stay in enumerate(stays) if stay)
                one = replace(design, resident=kept)
                for option in options:
                    if option.mask == mask:
                        assert int(option.need_bytes[0]) == _weight_peak(study, hardware, layers, one)
                found[mask] = _totals(study, hardware, one)
            for mask, totals in found.items():
                if totals is not None:
                    better = [found[one] for one in masks if found[one] is not None]
                    assert any(
                        all(a <= b for a, b in zip(one, totals, strict=True)) for one in better if one is not None
                    ), (names, mask)
    assert isinstance(study.buffers, SharedBuffer) or study.buffers.weight_bytes


def _totals(study: Study, hardware: object, group: object) -> tuple[int, int, int] | None:
    try:
        cost = group_cost(study, hardware, prices(study, hardware), group)  # type: ignore[arg-type]
    except DesignError:
        return None
    return cost.energy_fj, cost.cycles, cost.dram_bytes


@pytest.mark.parametrize("seed", range(16))
def test_the_cheapest_of_a_group_is_the_least_of_all_its_candidates(seed: int) -> None:
    """Candidates that are left out where one total matters (D5) are cheapest nowhere, though weights and sums stream.

    Beside them the candidates of the same study with several goals, of which dominance alone leaves some out (D4).
    """
    goals: tuple[Goal, ...] = ("energy", "latency", "bandwidth")
    study = replace(training_instance(f"cheapest {seed}"), goal=goals[seed % 3])
    several = replace(study, goal="energy", then=("latency", "bandwidth"))
    if not study.weighs_energy:
        several = replace(several, goal="latency", then=("bandwidth",))
    column = {"energy": "energy_fj", "latency": "cycles", "bandwidth": "dram_bytes"}[study.goal]
    every, table = build_table(several), build_table(study)
    least: dict[tuple[int, int], int] = {}
    for family in every.families:
        for array, points in enumerate(family.points):
            priced = price_rows(every, family, array, points)
            costs = getattr(priced, column)
            costs = costs if costs.ndim == 2 else costs[:, None]
            best = np.minimum.reduceat(np.where(priced.fits, costs, UNFIT), family.starts)
            for row, number in enumerate(family.classes.tolist()):
                least |= {(number, point): int(cost) for point, cost in zip(points, best[row], strict=True)}
    for family in table.families:
        assert family.cheapest is not None
        for array, points in enumerate(family.points):
            cells = price_cells(study, [table.points[point] for point in points])
            for row, number in enumerate(family.classes.tolist()):
                found = family.cheapest[row, array][cells].tolist()
                for point, cost in zip(points, found, strict=True):
                    assert cost == least.pop((number, point), UNFIT)
    assert all(cost >= UNFIT for cost in least.values())
