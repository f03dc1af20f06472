"""Groups need not be runs of consecutive layers, and on some networks the best grouping is none of runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brute_force_groups import possible_groupings
from brute_force_space import group_designs, listed_hardware, searched_mappings
from costmodel.evaluate import group_cost
from costmodel.hardware import prices
from solver import solve
from specs.network import Network, TensorShape
from specs.study import Goal
from wide_networks import conv, study_of

Grouping = tuple[tuple[str, ...], ...]


def _interleaved() -> Network:
    """Two chains whose layers take turns in the file: fusing each chain keeps its wide middle on the chip."""
    layers = (
        conv("a0", ("x",), 1, 8),
        conv("b0", ("y",), 1, 8),
        conv("a1", ("a0",), 8, 1),
        conv("b1", ("b0",), 8, 1),
    )
    shape = TensorShape(1, 4, 4)
    return Network("interleaved", (("x", shape), ("y", shape)), layers, ("a1", "b1"))


@pytest.mark.parametrize("max_layers", [2, 4])
@pytest.mark.parametrize("goal", ["energy", "bandwidth"])
def test_a_grouping_that_is_not_contiguous_beats_every_one_that_is(goal: Goal, max_layers: int) -> None:
    study = study_of(_interleaved(), goal, max_layers)
    names = [layer.name for layer in study.network.layers]

    def contiguous(grouping: Grouping) -> bool:
        return all(list(group) == names[names.index(group[0]) :][: len(group)] for group in grouping)

    best: dict[bool, int] = {}
    for hardware in listed_hardware(study):
        price = prices(study, hardware)

        def cheapest(group: tuple[str, ...], hardware: object = hardware, price: object = price) -> int:
            ways = group_designs(study, group, searched_mappings(study))
            costs = [group_cost(study, hardware, price, way) for way in ways]  # type: ignore[arg-type]
            return min(cost.energy_fj if goal == "energy" else cost.dram_bytes for cost in costs)

        for grouping in possible_groupings(study.network, max_layers):
            is_contiguous = contiguous(grouping)
            cost = sum(cheapest(group) for group in grouping)
            best[is_contiguous] = min(best.get(is_contiguous, cost), cost)
    found = solve(study, baseline=False)
    assert found.status == "optimal"
    assert found.objective == best[False] < best[True]
    assert found.design is not None
    assert not contiguous(tuple(group.layers for group in found.design.groups))


def test_the_same_network_in_another_order_has_the_same_optimum() -> None:
    study = study_of(_interleaved(), "bandwidth", 2)
    a0, b0, a1, b1 = study.network.layers
    other = replace(study, network=replace(study.network, layers=(a0, a1, b0, b1)))
    assert solve(other, baseline=False).objective == solve(study, baseline=False).objective
