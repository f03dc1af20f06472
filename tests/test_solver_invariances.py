"""What must not change an optimum, and what may change it in one direction only."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from brute_force_groups import is_legal_group
from brute_force_space import group_designs, listed_hardware
from costmodel.evaluate import group_cost
from costmodel.hardware import prices
from costmodel.legal import DesignError
from costmodel.template import PREFERENCES
from random_networks import TECHNOLOGY, random_study, with_goal
from solver import Result, solve
from specs.network import Layer, Network, TensorShape
from specs.study import GOALS, Budgets, Dram, Fusion, Goal, SeparateBuffers, SharedBuffer, Study, Tiling
from specs.templates import accelerator


def _study(seed: int, max_layers: int = 4) -> Study:
    """A random study that has a design: its largest buffers hold everything."""
    study = random_study(random.Random(seed), max_layers)
    if isinstance(study.buffers, SharedBuffer):
        return replace(study, buffers=SharedBuffer((study.buffers.shared_bytes[0], 65536)))
    feature, weight = study.buffers.feature_bytes[0], study.buffers.weight_bytes[0]
    return replace(study, buffers=SeparateBuffers((feature, 32768), (weight, 32768)))


def _budgeted(study: Study, seed: int) -> Study:
    """Budgets on latency and energy around what the optimum needs, some of them out of reach."""
    rng = random.Random(seed)
    cost = solve(study, baseline=False, workers=1).cost
    assert cost is not None
    return with_goal(
        study,
        study.goal,
        latency_fs=int(cost.latency_fs * rng.uniform(0.6, 1.1)),
        energy_fj=int(cost.energy_fj * rng.uniform(0.95, 1.2)),
    )


def _answer(result: Result) -> tuple[str, int | None, int | None]:
    return result.status, result.objective, result.bound


def _objective(study: Study) -> int | None:
    """The optimum, or None if nothing keeps the budgets."""
    result = solve(study, baseline=False, workers=1)
    assert result.status in ("optimal", "infeasible")
    assert result.objective == result.bound or result.objective is None
    return result.objective


def _no_worse(objective: int | None, than: int | None) -> bool:
    return than is None or (objective is not None and objective <= than)


@pytest.mark.parametrize("seed", range(20))
def test_bounds_and_workers_change_no_answer(seed: int) -> None:
    study = replace(_study(seed), goal=GOALS[seed % 3])
    for asked in (study, _budgeted(study, seed)):
        bounded = solve(asked, baseline=False, workers=1)
        assert bounded.status in ("optimal", "infeasible")
        assert _answer(solve(asked, baseline=False, workers=1, use_bounds=False)) == _answer(bounded)
        assert _answer(solve(asked, baseline=False, workers=2)) == _answer(bounded)


@pytest.mark.parametrize("seed", range(20))
def test_a_looser_budget_is_never_worse(seed: int) -> None:
    study = _budgeted(replace(_study(seed), goal=GOALS[seed % 3]), seed)
    limits = study.budgets
    assert limits.latency_fs is not None
    assert limits.energy_fj is not None
    tight = _objective(study)
    for looser in (
        replace(limits, latency_fs=limits.latency_fs * 11 // 10),
        replace(limits, energy_fj=limits.energy_fj * 11 // 10),
        replace(limits, energy_fj=None),
        replace(limits, latency_fs=None),
        Budgets(),
    ):
        assert _no_worse(_objective(replace(study, budgets=looser)), tight)


@pytest.mark.parametrize("seed", range(20))
def test_more_choice_is_never_worse(seed: int) -> None:
    study = _budgeted(replace(_study(seed), goal=GOALS[seed % 3]), seed) if seed % 2 else _study(seed)
    study = replace(study, fusion=replace(study.fusion, max_layers=2))
    buffers = study.buffers
    if isinstance(buffers, SharedBuffer):
        more: SeparateBuffers | SharedBuffer = SharedBuffer((*buffers.shared_bytes, 8192))
    else:
        more = SeparateBuffers((*buffers.feature_bytes, 8192), (512, *buffers.weight_bytes))
    objective = _objective(study)
    alone = _objective(replace(study, fusion=replace(study.fusion, max_layers=1)))
    assert _no_worse(objective, alone)
    wider = (
        replace(study, buffers=more),
        replace(study, accelerators=(*study.accelerators, accelerator("vwa", blocks=3, rows=4, clock_hz=250_000_000))),
        replace(study, dram=(*study.dram, Dram("more", 100_000, 3_000_000_000))),
        replace(study, fusion=replace(study.fusion, max_layers=3)),
        replace(study, fusion=replace(study.fusion, overlap=("recompute", "cache-rows", "cache-all"))),
        replace(study, tiling=Tiling((1, 2, 3, 4), (1, 2, 4), (1, 2, 4))),
    )
    for study_with_more in wider:
        assert _no_worse(_objective(study_with_more), objective)


def _renamed(network: Network) -> Network:
    new = {name: f"t{len(network.tensors) - i}" for i, name in enumerate(network.tensors)}
    layers = tuple(
        replace(
            layer, name=new[layer.name], operands=tuple(tuple(new[n] for n in operand) for operand in layer.operands)
        )
        for layer in network.layers
    )
    inputs = tuple((new[name], shape) for name, shape in network.inputs)
    return Network("renamed", inputs, layers, tuple(new[name] for name in network.outputs))


def _reordered(network: Network, rng: random.Random) -> Network:
    """The same layers in another topological order, if there is one."""
    known, left, layers = {name for name, _ in network.inputs}, list(network.layers), []
    while left:
        layer = rng.choice([layer for layer in left if known.issuperset(layer.input_tensors)])
        left.remove(layer)
        layers.append(layer)
        known.add(layer.name)
    outputs = tuple(layer.name for layer in layers if layer.name in network.outputs)
    return replace(network, layers=tuple(layers), outputs=outputs)


@pytest.mark.parametrize("seed", range(20))
def test_names_change_nothing(seed: int) -> None:
    study = replace(_study(seed), goal=GOALS[seed % 3])
    assert _objective(replace(study, network=_renamed(study.network))) == _objective(study)


@pytest.mark.parametrize("seed", range(40))
def test_the_order_of_layers_in_the_file_changes_nothing_where_buffers_are_large(seed: int) -> None:
    # Where they are tight it may: a group runs its layers in that order, which decides what is alive at once.
    study = random_study(random.Random(seed), max_layers=6)
    study = replace(study, goal=GOALS[seed % 3], buffers=SeparateBuffers((1 << 20,), (1 << 16,)))
    other = _reordered(study.network, random.Random(seed))
    assert _objective(replace(study, network=other)) == _objective(study)


# A grouping that no run of the file gives


def _two_branches(goal: Goal) -> Study:
    """a1-a2 and b1-b2 read the same input; the file holds them as a1, b1, a2, b2."""

    def conv(name: str, reads: str, K: int, C: int) -> Layer:
        return Layer(name, "conv", ((reads,),), 1, K, C, 8, 8, 8, 8, 3, 3, pad=(1, 1, 1, 1))

    layers = (conv("a1", "x", 12, 2), conv("b1", "x", 16, 2), conv("a2", "a1", 2, 12), conv("b2", "b1", 2, 16))
    return Study(
        name="two_branches",
        network=Network("two_branches", (("x", TensorShape(2, 8, 8)),), layers, ("a2", "b2")),
        accelerators=(accelerator("vwa", blocks=2, rows=4),),
        buffers=SeparateBuffers((1400,), (1024,)),
        technology=TECHNOLOGY,
        dram=(Dram("DDR3", 560_000, 800_000_000),),
        goal=goal,
        fusion=Fusion(max_layers=4),
        tiling=Tiling((1, 2), (1,), (1, 2)),
    )


def _runs(names: tuple[str, ...]) -> Iterator[list[tuple[str, ...]]]:
    """Every way to cut a list into runs."""
    if not names:
        yield []
    for length in range(1, len(names) + 1):
        for rest in _runs(names[length:]):
            yield [names[:length], *rest]


def _cheapest(study: Study, names: tuple[str, ...]) -> int | None:
    """The cheapest way to run a group on the study's one hardware point."""
    (hardware,) = listed_hardware(study)
    costs = []
    for group in group_designs(study, names, PREFERENCES):
        try:
            cost = group_cost(study, hardware, prices(study, hardware), group)
        except DesignError:
            continue
        in_units = {"energy": cost.energy_fj, "latency": cost.cycles * hardware.period_fs, "bandwidth": cost.dram_bytes}
        costs.append(in_units[study.goal])
    return min(costs, default=None)


@pytest.mark.parametrize("goal", ["energy", "latency", "bandwidth"])
def test_groups_need_not_follow_each_other_in_the_file(goal: Goal) -> None:
    study = _two_branches(goal)
    names = tuple(layer.name for layer in study.network.layers)
    # All four layers depend on none or one of the others, so a set of them is convex; only connection matters.
    ancestors = {"a1": set[str](), "b1": set[str](), "a2": {"a1"}, "b2": {"b1"}}
    of_runs = []
    for grouping in _runs(names):
        if all(is_legal_group(study.network, ancestors, group) for group in grouping):
            costs = [_cheapest(study, group) for group in grouping]
            if None not in costs:
                of_runs.append(sum(cost for cost in costs if cost is not None))
    result = solve(study, baseline=False, workers=1)
    assert result.design is not None
    assert result.status == "optimal"
    assert {group.layers for group in result.design.groups} == {("a1", "a2"), ("b1", "b2")}
    assert of_runs
    assert result.objective is not None
    assert result.objective < min(of_runs)
