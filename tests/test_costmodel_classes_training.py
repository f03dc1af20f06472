"""Groups of a training step that are priced as one cost the same, however they are run."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from brute_force_space import group_designs, listed_hardware
from costmodel.classes import group_classes
from costmodel.design import GroupDesign, Hardware
from costmodel.evaluate import group_cost
from costmodel.groups import group_lattice, layer_indices
from costmodel.hardware import prices
from costmodel.legal import DesignError
from random_instances import conv, network_of
from random_training_instances import training_instance
from specs.network import Network
from specs.study import Study
from specs.training import training_step


def _cost(study: Study, hardware: Hardware, group: GroupDesign) -> object:
    try:
        return group_cost(study, hardware, prices(study, hardware), group)
    except DesignError:
        return None


def _classes(network: Network, max_layers: int) -> list[list[tuple[str, ...]]]:
    """Groups of each class with more than one."""
    groups = group_lattice(network, max_layers).groups
    classes: dict[int, list[tuple[str, ...]]] = {}
    for group, number in zip(groups, group_classes(network, groups)[0].tolist(), strict=True):
        classes.setdefault(number, []).append(tuple(network.layers[i].name for i in layer_indices(group)))
    return [members for members in classes.values() if len(members) > 1]


def _twice(rng: random.Random, network: Network) -> Network:
    """The same layers twice, side by side over the same input, so that most groups have a twin; not in every detail."""
    again = []
    inputs = dict(network.inputs)
    for layer in network.layers:
        operands = tuple(tuple(n if n in inputs else f"{n}'" for n in operand) for operand in layer.operands)
        again.append(replace(layer, name=f"{layer.name}'", operands=operands))
        if layer.op in ("conv", "dwconv") and rng.random() < 0.3:
            again[-1] = replace(again[-1], batch_norm=not layer.batch_norm, bias=True)
    return replace(
        network,
        layers=(*network.layers, *again),
        outputs=(*network.outputs, *(f"{name}'" for name in network.outputs)),
    )


@pytest.mark.parametrize("seed", range(40))
def test_members_of_a_class_cost_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr("random_training.training_step", lambda network: training_step(_twice(rng, network)))
    monkeypatch.setattr("random_training_instances.MOST_LAYERS", 30)
    monkeypatch.setattr("random_training_instances.prices", lambda study: 0)
    study = training_instance(f"twice {seed}")
    hardware = rng.choice(list(listed_hardware(study)))
    for members in _classes(study.network, min(3, study.fusion.max_layers)):
        first, *others = rng.sample(members, min(4, len(members)))
        designs = list(group_designs(study, first, ("fastest", "frugal")))
        for design in rng.sample(designs, min(6, len(designs))):
            cost = _cost(study, hardware, design)
            for names in others:
                renamed = dict(zip(first, names, strict=True))
                other = replace(design, layers=names, resident=frozenset(renamed[name] for name in design.resident))
                assert _cost(study, hardware, other) == cost, (first, names, design)


def test_an_update_with_batch_norm_is_no_update_without() -> None:
    first = replace(conv("a", ("x",), 2, 2), bias=True, batch_norm=True)
    network = training_step(network_of(2, first, replace(conv("b", ("a",), 2, 2), bias=True)))
    classes = _classes(network, 2)
    assert not any({("a:update",), ("b:update",)} <= set(members) for members in classes)
    assert not any({("a:wgrad", "a:update"), ("b:wgrad", "b:update")} <= set(members) for members in classes)
