"""Prices of layers are valid whatever was wished, cuts hold for every grouping, and bounds never exceed the optimum."""

from __future__ import annotations

import random

import numpy as np
import pytest

from costmodel.groups import group_lattice
from costmodel.layer_sets import predecessors
from costmodel.table import NO_COST
from random_networks import random_network
from solver.cover import Cover, units_of
from solver.cuts import Cuts
from solver.groupings import LatticeGroupings
from solver.master import Master
from solver.wide import WideGroupings
from wide_networks import heads


def _partitions(groups: tuple[int, ...], layers: int) -> list[list[int]]:
    """Every choice of groups that runs each layer once, also such that wait for each other."""
    if not layers:
        return [[]]
    lowest = layers & -layers
    return [
        [number, *rest]
        for number, group in enumerate(groups)
        if group & lowest and group & ~layers == 0
        for rest in _partitions(groups, layers & ~group)
    ]


def _costs(rng: random.Random, number: int, points: int) -> np.ndarray:
    bits = rng.choice([2, 10, 40, 52])
    costs = [[rng.randint(0, 2**bits) * rng.choice([1, 6]) for _ in range(points)] for _ in range(number)]
    return np.array([[int(NO_COST) if rng.random() < 0.1 else cost for cost in row] for row in costs], dtype=np.int64)


@pytest.mark.parametrize("seed", range(60))
def test_prices_are_valid_whatever_is_wished(seed: int) -> None:
    rng = random.Random(seed)
    network = random_network(rng, max_layers=8)
    groups = group_lattice(network, rng.randint(1, 6)).groups
    cover = Cover(groups, len(network.layers))
    cost = _costs(rng, len(groups), 3)
    size = 2 ** rng.choice([3, 20, 50, 62])
    wished = np.array([[rng.randint(-size, size) for _ in range(3)] for _ in network.layers], dtype=np.int64)
    for prices, reduced in (cover.valid(wished, cost), cover.valid(cover.shares(cost), cost)):
        for point in range(3):
            for number in range(len(groups)):
                together = sum(int(prices[layer, point]) for layer in cover.layers(number))
                assert together <= int(cost[number, point])
                assert int(reduced[number, point]) == int(cost[number, point]) - together


@pytest.mark.parametrize("seed", range(40))
def test_units_lose_nothing(seed: int) -> None:
    rng = random.Random(seed)
    cost = _costs(rng, 7, 4)
    units = units_of(cost, 9)
    fine = units.fine(cost)
    fits = cost < NO_COST
    assert (units.coarse(fine)[fits] == cost[fits]).all()
    assert (units.coarse(fine - 1)[fits] <= cost[fits]).all()
    assert (fine[~fits] == NO_COST).all()
    assert (fine[cost < NO_COST] <= 2**58).all()


@pytest.mark.parametrize("seed", range(30))
def test_cuts_hold_for_every_grouping(seed: int) -> None:
    rng = random.Random(seed)
    network = heads(3, 2) if seed % 3 == 0 else random_network(rng, max_layers=8)
    groups = group_lattice(network, 4).groups
    cover = Cover(groups, len(network.layers))
    cuts = Cuts(cover)
    for _ in range(4):
        some = np.array(sorted(rng.sample(range(len(groups)), min(len(groups), rng.randint(1, 9)))))
        cuts.add_violated(some, np.array([rng.choice([0.25, 0.5, 1.0]) for _ in some]))
    for partition in _partitions(groups, (1 << len(network.layers)) - 1):
        for counts, limit in zip(cuts.counts, cuts.limits, strict=True):
            assert sum(int(counts[number]) for number in partition) <= limit


@pytest.mark.parametrize("seed", range(60))
def test_bounds_without_lattice_lie_below_those_with_it(seed: int) -> None:
    rng = random.Random(seed)
    network = heads(3, 2) if seed % 3 == 0 else random_network(rng, max_layers=9)
    lattice = group_lattice(network, rng.randint(2, 5))
    part = group_lattice(network, lattice.groups[-1].bit_count(), max_steps=0)
    groups = np.arange(len(lattice.groups))
    allowed = np.ones(len(groups), dtype=bool)
    exact = LatticeGroupings(lattice, groups, allowed)
    wide = WideGroupings(part, groups, allowed, predecessors(network))
    best = _costs(rng, len(groups), 5)
    shortest = exact.reached(best)
    least, reached = wide.bounds(best)
    assert (least <= shortest).all()
    assert (reached >= shortest).all()
    for point in range(5):
        column = best[:, [point]]
        found = wide.found(column)
        if found is not None:
            assert found.cost == sum(int(column[group, 0]) for group in found.groups)
            assert found.least <= shortest[point] <= found.cost
        if shortest[point] < NO_COST:
            assert (wide.around(column) <= exact.around(column)).all()
        priced = np.array([rng.random() < 0.5 for _ in groups])
        upper = int(shortest[point])
        floor, wanted = wide.visit(column, priced, upper)
        assert not (wanted & priced).any()
        assert wanted.any() or floor[0] >= upper
        through = exact.around(column)[~priced] + column[~priced, 0]
        assert int(floor[0]) <= int(np.minimum(through, NO_COST).min(initial=NO_COST))


@pytest.mark.parametrize(("cut", "expected"), [(False, 3000), (True, 4000)])
def test_cuts_close_gaps(cut: bool, expected: int) -> None:
    """Twice three layers of which pairs cost as much as layers alone: a pair and a layer each, not 1.5 pairs."""
    pairs = [1 << i | 1 << j for first in (0, 3) for i in range(first, first + 3) for j in range(first, i)]
    cover = Cover([1 << i for i in range(6)] + pairs, 6)
    master = Master(cover, lambda: False)
    wish = master.solve(np.full(len(cover.groups), 1000, dtype=np.int64), cut)
    paid = sum(float(p) * limit for p, limit in zip(wish.penalties, master.cuts.limits, strict=True))
    assert wish.prices.sum() - paid == pytest.approx(expected)


def test_five_layers_need_three_groups_of_two() -> None:
    pairs = [1 << i | 1 << j for i in range(5) for j in range(i)]
    master = Master(Cover([1 << i for i in range(5)] + pairs, 5), lambda: False)
    wish = master.solve(np.full(15, 1000, dtype=np.int64), cut=False)
    paid = sum(float(p) * limit for p, limit in zip(wish.penalties, master.cuts.limits, strict=True))
    assert wish.prices.sum() - paid == pytest.approx(3000)
