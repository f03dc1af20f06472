"""Isomorphic groups: classes of groups that cost the same, of which one member is priced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from costmodel.groups import layer_indices
from costmodel.template import Ints
from costmodel.works import signature
from specs.network import BESIDE, Layer, Network


def group_classes(
    network: Network,
    groups: Sequence[int],
    pinned: frozenset[str] = frozenset(),
    workload_of: Sequence[int] | None = None,
) -> tuple[Ints, list[int]]:
    """Sort groups (layer sets) into classes that cost the same: class of each group, and one member of each class.

    Two groups are of one class if their layers agree in order, loop bounds, wiring and which outputs leave, and are
    of the same workload (of each layer, which; by default all of one).
    """
    signatures: dict[Layer, int] = {}
    number = [signatures.setdefault(signature(layer, pinned), len(signatures)) for layer in network.layers]
    tensors = {name: i for i, name in enumerate(network.tensors)}
    widths = [(shape.channels, shape.bits) for shape in network.tensors.values()]
    # Of each tensor read: itself, the map it is of, and the layer that makes that.
    reads = [
        [_read(network, tensors, name) for operand in layer.operands for name in operand] for layer in network.layers
    ]
    # A number for the signature with the operands' sizes: so keys need no brackets.
    sizes = [tuple(map(len, layer.operands)) for layer in network.layers]
    kinds: dict[tuple[int, tuple[int, ...]], int] = {}
    kind = [kinds.setdefault(pair, len(kinds)) for pair in zip(number, sizes, strict=True)]
    made = [tensors[layer.name] for layer in network.layers]
    readers = [[_set_of(network, names) for names in network.readers[layer.name]] for layer in network.layers]
    leaves = [layer.name in network.outputs for layer in network.layers]
    gradients = [network.index[layer.waits_for[0]] if layer.op in BESIDE else None for layer in network.layers]
    late = _set_of(network, (layer.name for layer in network.layers if layer.phase != "forward"))
    classes: dict[tuple[int, ...], int] = {}
    members: list[int] = []
    group_class = np.empty(len(groups), dtype=np.int64)
    for group, layer_set in enumerate(groups):
        label: dict[int, int] = {}
        key = [workload_of[(layer_set & -layer_set).bit_length() - 1]] if workload_of else []
        for i in layer_indices(layer_set):
            key.append(kind[i])
            for tensor, whole, maker in reads[i]:
                # Of a map that the group makes, a mask or a view is the map.
                tensor = whole if layer_set & maker else tensor
                known = label.setdefault(tensor, len(label))
                key.append(known)
                if known == len(label) - 1:
                    key += widths[tensor]
            key.append(label.setdefault(made[i], len(label)))
            key += (leaves[i] or readers[i][0] & ~layer_set != 0, readers[i][1] & ~layer_set != 0)
            key.append(readers[i][0] & ~layer_set & late != 0)
            gradient = gradients[i]
            if gradient is not None:
                key.append(label[made[gradient]] if layer_set >> gradient & 1 else -1)
        found = classes.setdefault(tuple(key), len(members))
        if found == len(members):
            members.append(group)
        group_class[group] = found
    return group_class, members


def _read(network: Network, tensors: dict[str, int], name: str) -> tuple[int, int, int]:
    maker = network.maker[name]
    return tensors[name], tensors[maker], 1 << network.index[maker] if maker in network.index else 0


def _set_of(network: Network, names: Iterable[str]) -> int:
    return sum(1 << network.index[name] for name in names)
