"""The plain training step that a design runs: what it keeps and what it makes again is settled.

A kept map is the one that its forward layer stores; the backward pass then reads that.
"""

from __future__ import annotations

from dataclasses import replace

from costmodel.design import Design, GroupDesign
from specs.network import Layer, Network
from specs.study import Study

_DECIDE = frozenset({"keep", "use"})


def settled(study: Study, design: Design) -> tuple[Study, tuple[GroupDesign, ...]]:
    """A study without choices, and the design's groups in it."""
    network = study.network
    if not network.keepers:
        return study, design.groups
    run = {name for group in design.groups for name in group.layers}
    layers = [layer for layer in network.layers if layer.name in run and layer.op not in _DECIDE]
    shown = {layer.name: layer.copy_of for layer in network.layers if layer.copy_of and layer.name not in run}
    plain = replace(network, layers=tuple(_reading(layer, shown) for layer in layers))
    groups = tuple(replace(group, layers=_running(network, group)) for group in design.groups)
    return replace(study, network=plain), groups


def _reading(layer: Layer, shown: dict[str, str]) -> Layer:
    """A layer that reads some maps under other names."""
    return replace(layer, operands=tuple(tuple(shown.get(name, name) for name in one) for one in layer.operands))


def _running(network: Network, group: GroupDesign) -> tuple[str, ...]:
    return tuple(name for name in group.layers if network.layer(name).op not in _DECIDE)
