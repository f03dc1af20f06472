"""Isomorphic groups: classes of groups that cost the same, of which one member is priced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.groups import layer_indices
from costmodel.template import Ints
from costmodel.works import signature
from specs.network import Layer, Network


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
    channels = [shape.channels for shape in network.tensors.values()]
    reads = [[tensors[name] for operand in layer.operands for name in operand] for layer in network.layers]
    # A number for the signature with the operands' sizes: so keys need no brackets.
    sizes = [tuple(map(len, layer.operands)) for layer in network.layers]
    kinds: dict[tuple[int, tuple[int, ...]], int] = {}
    kind = [kinds.setdefault(pair, len(kinds)) for pair in zip(number, sizes, strict=True)]
    made = [tensors[layer.name] for layer in network.layers]
    readers = [sum(1 << network.index[name] for name in network.consumers[layer.name]) for layer in network.layers]
    leaves = [layer.name in network.outputs for layer in network.layers]
    classes: dict[tuple[int, ...], int] = {}
    members: list[int] = []
    group_class = np.empty(len(groups), dtype=np.int64)
    for group, layer_set in enumerate(groups):
        label: dict[int, int] = {}
        key = [workload_of[(layer_set & -layer_set).bit_length() - 1]] if workload_of else []
        for i in layer_indices(layer_set):
            key.append(kind[i])
            for tensor in reads[i]:
                known = label.setdefault(tensor, len(label))
                key.append(known)
                if known == len(label) - 1:
                    key.append(channels[tensor])
            key.append(label.setdefault(made[i], len(label)))
            key.append(leaves[i] or readers[i] & ~layer_set != 0)
        found = classes.setdefault(tuple(key), len(members))
        if found == len(members):
            members.append(group)
        group_class[group] = found
    return group_class, members
