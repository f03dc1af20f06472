"""Training steps with choices: rows of the table, classes, legal groups and lattices against plain readings."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from costmodel.design import GroupDesign, Hardware
from costmodel.evaluate import group_cost
from costmodel.groups import group_lattice, layer_indices
from costmodel.hardware import prices
from costmodel.kept import activation_bytes, charge, decides_only, map_bytes
from costmodel.legal import DesignError
from costmodel.table import CandidateTable, build_table
from random_choices import choice_instance
from random_networks import random_study
from specs.network import Layer, Network
from specs.study import Study
from test_costmodel_forced import _paths
from test_costmodel_table_equals_evaluate import sampled
from training_graphs import Group, groupings


def _study(seed: int) -> Study:
    study, _ = choice_instance(f"table {seed}", most_prices=10**9)
    return replace(study, buffers=random_study(random.Random(seed)).buffers)


def _charged(study: Study, hardware: Hardware, group: GroupDesign) -> tuple[int, int, int] | None:
    """What a row of a group must say: energy, cycles and DRAM bytes with what maps that are kept cost."""
    layers = [study.network.layer(name) for name in group.layers]
    price = prices(study, hardware)
    stored, cycles = _moved(study, hardware, layers)
    energy = stored * (price.dram_fj + price.feature_read_fj) + cycles * price.leakage_fj_per_cycle
    if decides_only(layers):
        return energy, cycles, stored
    try:
        cost = group_cost(study, hardware, price, group)
    except DesignError:
        return None
    return cost.energy_fj + energy, cost.cycles + cycles, cost.dram_bytes + stored


def _moved(study: Study, hardware: Hardware, layers: list[Layer]) -> tuple[int, int]:
    """Bytes, and cycles for them, that are charged: to who reads a kept map, off who stores it."""
    names = {layer.name for layer in layers}
    if any(layer.op == "use" for layer in layers):
        maps, sign = [map_bytes(study, layers[0])] if len(layers) == 2 else [], 1
    else:
        maps = [map_bytes(study, one) for one in layers if one.op == "keep" and one.copy_of in names]
        sign = -1
    cycles = [one * hardware.clock_hz // hardware.dram.bytes_per_s for one in maps]
    return sign * sum(maps), sign * sum(cycles)


def _agrees(table: CandidateTable, rng: random.Random, samples: int) -> int:
    fitted, study = 0, table.study
    for group, hardware, fits, found, kept in sampled(table, rng, samples):
        expected = _charged(study, hardware, group)
        if expected is None or not fits:
            assert expected is None or group.input_splits > 1 or not fits
            continue
        assert found == expected, (group, hardware)
        assert kept == activation_bytes(study, [study.network.layer(name) for name in group.layers])
        fitted += 1
    return fitted


@pytest.mark.parametrize("seed", range(40))
def test_rows_cost_what_groups_cost_with_the_charge(seed: int) -> None:
    study = _study(seed)
    _agrees(build_table(study), random.Random(seed), samples=40)


@pytest.mark.parametrize("seed", range(40))
def test_groups_of_a_class_leave_as_many_bytes(seed: int) -> None:
    table = build_table(_study(seed))
    for group, one in enumerate(table.group_class):
        layers = [table.study.network.layers[i] for i in layer_indices(table.lattice.groups[group])]
        assert table.kept_bytes[one] == activation_bytes(table.study, layers), table.group_layers(group)


def test_the_charge_is_what_moves() -> None:
    for seed in range(20):
        table = build_table(_study(seed))
        for group in range(len(table.lattice.groups)):
            layers = [table.study.network.layer(name) for name in table.group_layers(group)]
            for hardware in table.points[:2]:
                found = charge(table.study, layers, hardware.clock_hz, hardware.dram.bytes_per_s)
                assert (found.num_bytes, found.cycles) == _moved(table.study, hardware, layers)


def _expected(network: Network, max_layers: int) -> set[frozenset[Group]]:
    """Groupings of a network with choices, from those without the layers that only decide.

    A layer that says "kept" stands alone or with its forward layer; one that says "used" alone, or with what is made
    again and nobody else.
    """
    decide = {layer.name for layer in network.layers if layer.op in ("keep", "use")}
    bare = replace(network, layers=tuple(layer for layer in network.layers if layer.name not in decide))
    forward = {layer.name for layer in bare.layers if layer.phase == "forward"}
    again = {layer.name for layer in bare.layers if layer.copy_of}
    found = {
        grouping
        for grouping in groupings(bare, max_layers)
        if all(not (group & again and group & forward) for group in grouping)
    }
    for layer in network.layers:
        if layer.op == "keep":
            joined = {frozenset(g | {layer.name} if layer.copy_of in g else g for g in one) for one in found}
            found = {one | {frozenset([layer.name])} for one in found} | joined
        elif layer.op == "use":
            partner = frozenset(layer.waits_for)
            joined = {one - {partner} | {partner | {layer.name}} for one in found if partner in one}
            found = {one | {frozenset([layer.name])} for one in found} | joined
    return found


@pytest.mark.parametrize("seed", range(25))
def test_paths_are_all_groupings_with_all_that_may_be_said(seed: int) -> None:
    study, _ = choice_instance(f"paths {seed}", most_prices=10**9, most_layers=9)
    network, max_layers = study.network, study.fusion.max_layers
    lattice = group_lattice(network, max_layers)
    assert lattice.complete
    assert _paths(network, lattice) == _expected(network, max_layers)
