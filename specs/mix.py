"""Workload mixes: several networks side by side as one, and one of them taken out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specs.network import Layer, Network
from specs.study import Study

SEPARATOR = "/"
"""Between the name of a network of a mix and the name of a layer or an input."""


def joined(members: Sequence[tuple[str, Network]]) -> Network:
    """Put networks, each with the name it has in the mix, side by side into one that shares no tensor between them.

    Layers of each network follow each other, in the order of the networks.
    """
    prefixed = [_renamed(network, name + SEPARATOR) for name, network in members]
    return Network(
        name=" + ".join(name for name, _ in members),
        inputs=tuple(entry for network in prefixed for entry in network.inputs),
        layers=tuple(layer for network in prefixed for layer in network.layers),
        outputs=tuple(name for network in prefixed for name in network.outputs),
        source="; ".join(dict.fromkeys(network.source for _, network in members if network.source)),
        views=tuple(entry for network in prefixed for entry in network.views),
    )


def _renamed(network: Network, prefix: str) -> Network:
    def layer(one: Layer) -> Layer:
        operands = tuple(tuple(prefix + tensor for tensor in operand) for operand in one.operands)
        waits_for = tuple(prefix + name for name in one.waits_for)
        return replace(one, name=prefix + one.name, operands=operands, waits_for=waits_for)

    return replace(
        network,
        inputs=tuple((prefix + name, shape) for name, shape in network.inputs),
        layers=tuple(map(layer, network.layers)),
        outputs=tuple(prefix + name for name in network.outputs),
        views=tuple((prefix + name, replace(view, parent=prefix + view.parent)) for name, view in network.views),
    )


def alone(study: Study, workload: int) -> Study:
    """The study of one network of a mix by itself, under its own budgets; names keep their prefix."""
    of = study.workload_of
    layers = tuple(layer for i, layer in enumerate(study.network.layers) if of[i] == workload)
    made = {layer.name for layer in layers}
    read = {tensor for layer in layers for tensor in layer.input_tensors}
    network = Network(
        name=study.mix[workload].name,
        inputs=tuple((name, shape) for name, shape in study.network.inputs if name in read),
        layers=layers,
        outputs=tuple(name for name in study.network.outputs if name in made),
        source=study.network.source,
        views=tuple((name, view) for name, view in study.network.views if study.network.maker[name] in made),
    )
    hardware = replace(
        study.mix[workload].budgets,
        area_um2=study.budgets.area_um2,
        sram_bytes=study.budgets.sram_bytes,
        pes=study.budgets.pes,
    )
    return replace(study, network=network, mix=(), budgets=hardware, mode=study.mix[workload].mode)


def each_its_own(names: Sequence[str]) -> list[str]:
    """Number the second and further ones of equal names: ``a, a-2, a-3``."""
    given: list[str] = []
    for name in names:
        number = 1
        while (own := name if number == 1 else f"{name}-{number}") in given:
            number += 1
        given.append(own)
    return given
