"""The oracle for training steps: what it tries is what the rules allow, and both of its enumerations agree."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

import brute_force
from brute_force import Total, undominated_totals
from brute_force_groups import legal_blocks, needs
from brute_force_space import group_designs, listed_hardware
from costmodel.design import ORDERS_ALONE, STARTS, Design, GroupDesign, Order
from costmodel.groups import group_lattice, layer_indices
from costmodel.legal import DesignError, check_design
from costmodel.template import PREFERENCES
from random_training import random_step
from random_training_instances import training_instance
from solver.space import _ways_to_run
from specs.study import OVERLAPS, Study


@pytest.mark.parametrize("seed", range(60))
def test_the_oracle_and_the_lattice_have_the_same_groups(seed: int) -> None:
    rng = random.Random(seed)
    network, most = random_step(rng, rng.choice([1, 2, 3])), rng.choice([1, 2, 3, 4])
    if len(network.layers) <= 18:
        found = group_lattice(network, most).groups
        listed = {tuple(network.layers[i].name for i in layer_indices(group)) for group in found}
        assert listed == set(legal_blocks(network, most))


@pytest.mark.parametrize("seed", range(40))
def test_the_oracle_tries_the_ways_that_the_rules_allow(seed: int) -> None:
    """Of random ways to run a group, those that `check_design` accepts are those that the oracle tries."""
    study, rng = training_instance(f"ways {seed}"), random.Random(seed)
    hardware = next(listed_hardware(study))
    orders: tuple[Order, ...] = ("fused", *ORDERS_ALONE)
    blocks = legal_blocks(study.network, study.fusion.max_layers)
    for names in rng.sample(blocks, min(20, len(blocks))):
        tried = set(group_designs(study, names, ("fastest", "frugal")))
        drawn = set(rng.sample(sorted(tried, key=repr), min(10, len(tried))))
        tiled = [name for name in names if study.network.layer(name).op != "update"]
        for _ in range(60 if tiled else 0):
            odd = len(tiled) == 1 or rng.random() < 0.2
            drawn.add(
                GroupDesign(
                    names,
                    rng.randint(1, 3),
                    rng.randint(1, 2),
                    rng.choice(OVERLAPS),
                    frozenset(name for name in names if rng.random() < 0.5),
                    rng.choice(orders) if odd else "fused",
                    rng.choice([1, 1, 2, 3, 4]) if odd else 1,
                    rng.randint(1, study.batch),
                    rng.choice([1, 1, 2, 3]) if odd else 1,
                    rng.choice(STARTS),
                    rng.choice(PREFERENCES),
                )
            )
        if not tiled:
            one = sorted(tried, key=repr)[0]
            odd_ways: list[dict[str, object]] = [{"order": "fused"}, {"channel_splits": 2}, {"input_splits": 2}]
            odd_ways += [{"start": "stepwise"}, {"tile_rows": 2}, {"resident": frozenset(names)}]
            drawn |= {replace(one, **way) for way in odd_ways}  # type: ignore[arg-type]
        for group in sorted(drawn, key=repr):
            assert _is_accepted(study, _around(study, hardware, group)) == (group in tried), group


def _around(study: Study, hardware: object, group: GroupDesign) -> Design:
    """A design with one group of interest and all other layers alone."""
    needed, done = needs(study.network), set[str]()
    left = [layer.name for layer in study.network.layers if layer.name not in group.layers]
    groups = []
    before = set(left) & _all_before(needed, group.layers)
    for name in left:
        if name in before:
            groups.append(_alone(study, name))
            done.add(name)
    groups.append(group)
    groups += [_alone(study, name) for name in left if name not in done]
    return Design(hardware, tuple(groups))  # type: ignore[arg-type]


def _all_before(needed: dict[str, set[str]], names: tuple[str, ...]) -> set[str]:
    found = set[str]()
    more = set(names)
    while more := {one for name in more for one in needed[name]} - found:
        found |= more
    return found


def _alone(study: Study, name: str) -> GroupDesign:
    kept = frozenset({name}) if study.network.layer(name).has_weights else frozenset()
    images = study.batch if study.network.layer(name).op == "update" else 1
    return GroupDesign((name,), 1, 1, study.fusion.overlap[0], kept, "weight-stationary", images=images)


def _is_accepted(study: Study, design: Design) -> bool:
    try:
        check_design(study, design)
    except DesignError:
        return False
    return True


def _numbers(totals: tuple[Total, ...]) -> set[tuple[object, ...]]:
    return {(total.design.hardware, total.energy_fj, total.latency_fs, total.dram_bytes) for total in totals}


def test_groupings_one_by_one_and_what_can_run_next_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    for seed in range(40):
        study = training_instance(f"both {seed}", most_prices=400)
        if 4 < len(study.network.layers) < 10 and study.fusion.max_layers > 1:
            found = []
            for many in (0, 20):
                brute_force._undominated_totals.cache_clear()
                monkeypatch.setattr("brute_force.MANY_LAYERS", many)
                found.append(_numbers(undominated_totals(study)))
            assert found[0] == found[1]
            compared += 1
    assert compared >= 8


@pytest.mark.parametrize("seed", range(20))
def test_ways_that_the_report_counts_are_those_that_the_oracle_tries(seed: int) -> None:
    """Without cuts of input channels, stepwise starts and choices among mappings."""
    study = training_instance(f"count {seed}")
    overlap = study.fusion.overlap[0]
    study = replace(study, fusion=replace(study.fusion, overlap=(overlap,)))
    images = len({-(-study.batch // parts) for parts in range(1, study.batch + 1)})
    grids = dict.fromkeys([(0, 0), (0, 1), (1, 0), (1, 1)], 1)
    for names in legal_blocks(study.network, min(3, study.fusion.max_layers)):
        tried = {
            replace(group, images=1) if study.network.layer(names[0]).op == "update" else group
            for group in group_designs(study, names, ("fastest",))
            if group.input_splits == 1 and group.start == "at-once"
        }
        indices = tuple(study.network.index[name] for name in names)
        assert _ways_to_run(study, indices, grids, images) == len(tried), names
