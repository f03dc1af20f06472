"""What the forward pass keeps in DRAM for the backward pass, and whether it is made again instead.

Keeping a map costs the DRAM bytes that store it. These are charged to the pair (``u:again``, ``u:use``), which stands
for a kept map, and taken off the group that stores it: both are in a design or neither, so sums over designs stay
what they are, and a group costs nearly the same whether it keeps a map or not (docs/solver.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from specs.network import BESIDE, Layer, Network
from specs.study import Study


def decided(network: Network) -> bool:
    """Whether activations may be recomputed."""
    return any(layer.op == "keep" for layer in network.layers)


def decides_only(layers: Sequence[Layer]) -> bool:
    """Whether a group runs nothing: it says that a map is kept, or is not."""
    return all(layer.op in ("keep", "use") for layer in layers) or is_kept_map(layers)


def is_kept_map(layers: Sequence[Layer]) -> bool:
    """Whether a group stands for a map that was kept."""
    return len(layers) == 2 and layers[1].op == "use"


def running(network: Network, names: Sequence[str]) -> tuple[str, ...]:
    """Names of a group's layers but for those that only say that a map is kept."""
    return tuple(name for name in names if network.layer(name).op != "keep")


def kept_in(network: Network, names: Sequence[str]) -> tuple[str, ...]:
    """The maps that a group keeps though they could be made again, by their makers' names."""
    return tuple(network.layer(name).copy_of for name in names if network.layer(name).op == "keep")


def made_again(network: Network, names: Iterable[str]) -> tuple[str, ...]:
    """Which activations some layers make again, by their first makers' names."""
    layers = map(network.layer, names)
    return tuple(layer.copy_of for layer in layers if layer.copy_of and layer.op not in BESIDE)


def map_bytes(study: Study, layer: Layer) -> int:
    """Bytes of a layer's map, of all images."""
    return layer.P * layer.Q * layer.output.pixel_bytes(study.precision.activation_bytes) * study.batch


@dataclass(frozen=True)
class Charge:
    """DRAM bytes that stand elsewhere than where they move, and cycles for them."""

    num_bytes: int
    cycles: int


def charge(study: Study, layers: Sequence[Layer], clock_hz: int, bytes_per_s: int) -> Charge:
    """What a group is charged for maps that it stands for, less what it stores for others to be charged for.

    Cycles are rounded down: what a group stores takes no fewer.
    """
    if is_kept_map(layers):
        num_bytes = map_bytes(study, layers[0])
        return Charge(num_bytes, num_bytes * clock_hz // bytes_per_s)
    runs = {layer.name for layer in layers}
    stored = [map_bytes(study, layer) for layer in layers if layer.op == "keep" and layer.copy_of in runs]
    return Charge(-sum(stored), -sum(one * clock_hz // bytes_per_s for one in stored))


def activation_bytes(study: Study, layers: Sequence[Layer]) -> int:
    """Bytes of maps and masks, of all images, that a group leaves in DRAM for the backward pass."""
    network, act = study.network, study.precision.activation_bytes
    if is_kept_map(layers):
        return map_bytes(study, layers[0])
    inside, total = {layer.name for layer in layers}, 0
    for layer in layers:
        if layer.phase != "forward" or layer.op in BESIDE:
            continue
        of_map, of_mask = network.readers[layer.name]
        if any(network.layer(name).phase != "forward" for name in of_map - inside) and not layer.reduces:
            total += map_bytes(study, layer)
        if of_mask - inside:
            total += layer.P * layer.Q * layer.mask.pixel_bytes(act) * study.batch
    return total
