"""A training step as a design runs it: what is kept is read itself, what is made again is a layer like others."""

from __future__ import annotations

from dataclasses import replace

from costmodel.design import Design
from costmodel.kept import decided, running
from specs.network import Layer, Network
from specs.study import Study


def as_run(study: Study, design: Design) -> tuple[Study, Design]:
    """Leave out of a study's step what only offers a choice, and of the design what only says which was made."""
    network = study.network
    if not decided(network):
        return study, design
    runs = {name for group in design.groups for name in running(network, group.layers)}
    groups = tuple(replace(group, layers=running(network, group.layers)) for group in design.groups)
    layers = tuple(_as_run(network, layer, runs) for layer in network.layers if layer.name in runs)
    return replace(study, network=replace(network, layers=layers)), replace(design, groups=groups)


def _as_run(network: Network, layer: Layer, runs: set[str]) -> Layer:
    """Let a layer read kept maps themselves; what is made again is made like the first time, of the same words."""

    def read(name: str) -> str:
        maker = network.maker[name]
        return name if maker not in network.index or maker in runs else network.layer(maker).copy_of

    operands = tuple(tuple(map(read, operand)) for operand in layer.operands)
    if layer.copy_of:
        first = network.layer(layer.copy_of)
        return replace(layer, operands=operands, relu=first.relu, phase="forward")
    return replace(layer, operands=operands)
