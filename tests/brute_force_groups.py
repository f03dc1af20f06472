"""Groups and groupings of a tiny network, enumerated from the text of the rules by plain loops.

Written apart from the cost model's own enumerations, which the tests compare with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import combinations

from specs.network import Network

Names = tuple[str, ...]
MANY_LAYERS = 7
"""Networks of more layers have too many partitions to look at each."""


def possible_groupings(network: Network, max_layers: int) -> Iterator[tuple[Names, ...]]:
    """Every way to cut the layers into groups that can run one after another, in an order in which they can."""
    ancestors = _ancestors(network)
    legal = set(legal_blocks(network, max_layers))
    names = [layer.name for layer in network.layers]
    partitions = set_partitions(names) if len(names) <= MANY_LAYERS else _covers(names, legal)
    for blocks in partitions:
        if legal.issuperset(blocks):
            order = _running_order(ancestors, blocks)
            if order is not None:
                yield order


def legal_blocks(network: Network, max_layers: int) -> list[Names]:
    """Every legal group of a network."""
    ancestors, names = _ancestors(network), [layer.name for layer in network.layers]
    sizes = range(1, min(max_layers, len(names)) + 1)
    return [block for n in sizes for block in combinations(names, n) if is_legal_group(network, ancestors, block)]


def set_partitions(names: list[str]) -> Iterator[list[Names]]:
    """Every partition of a list; blocks keep the list's order."""
    if not names:
        yield []
        return
    *rest, last = names
    for blocks in set_partitions(rest):
        yield [*blocks, (last,)]
        for i, block in enumerate(blocks):
            yield [*blocks[:i], (*block, last), *blocks[i + 1 :]]


def _covers(names: list[str], legal: set[Names]) -> Iterator[list[Names]]:
    """Every partition of a list into legal groups."""
    if not names:
        yield []
        return
    for block in sorted(block for block in legal if block[0] == names[0] and set(block) <= set(names)):
        for blocks in _covers([name for name in names if name not in block], legal):
            yield [block, *blocks]


def made_by(network: Network, tensor: str) -> str:
    """The layer or network input whose map, or whose mask, a tensor is or is a part of."""
    views = dict(network.views)
    while tensor in views:
        tensor = views[tensor].parent
    return tensor.removesuffix(":mask")


def needs(network: Network) -> dict[str, set[str]]:
    """For each layer, the layers that come before it: makers of what it reads, and of sums that it waits for."""
    names = {layer.name for layer in network.layers}
    return {
        layer.name: ({made_by(network, tensor) for tensor in layer.input_tensors} & names) | set(layer.waits_for)
        for layer in network.layers
    }


def leaves_group(network: Network, name: str, group: Names) -> bool:
    """Whether something outside a group needs a layer's map or mask."""
    outside = [layer for layer in network.layers if layer.name not in group]
    return name in network.outputs or any(
        made_by(network, tensor) == name for layer in outside for tensor in layer.input_tensors
    )


def _ancestors(network: Network) -> dict[str, set[str]]:
    """For each layer, all layers that it depends on."""
    ancestors: dict[str, set[str]] = {}
    for name, direct in needs(network).items():
        ancestors[name] = direct.union(*(ancestors[one] for one in direct))
    return ancestors


def is_legal_group(network: Network, ancestors: dict[str, set[str]], block: Names) -> bool:
    """Whether layers may run together, hang together, and no path between them leaves the group."""
    if len(block) > 1 and any(_runs_apart(network, name, block) for name in block):
        return False
    touched = {name: _touched(network, name) for name in block}
    reached = {block[0]}
    while more := [n for n in block if n not in reached and any(touched[n] & touched[r] for r in reached)]:
        reached |= set(more)
    if len(reached) < len(block):
        return False
    between = [n for n in ancestors if n not in block and ancestors[n] & set(block)]
    return not any(ancestors[name] & set(between) for name in block)


def _touched(network: Network, name: str) -> set[str]:
    """What hangs a layer to others: tensors that it reads, their makers, its own name; of an update, its gradient."""
    layer = network.layer(name)
    if layer.op == "update":
        return {layer.waits_for[0] + "'s sums"}
    makers = {made_by(network, tensor) for tensor in layer.input_tensors} - set(dict(network.inputs))
    # A maker touches its readers, but readers of different views or masks of one map do not touch each other.
    pairs = {f"{maker} to {name}" for maker in makers}
    pairs |= {f"{name} to {other.name}" for other in network.layers if name in _makers(network, other.name)}
    return {f"tensor {tensor}" for tensor in layer.input_tensors} | pairs | {name + "'s sums"}


def _makers(network: Network, name: str) -> set[str]:
    return {made_by(network, tensor) for tensor in network.layer(name).input_tensors}


def _runs_apart(network: Network, name: str, block: Names) -> bool:
    """Whether a layer cannot run with the others of a block: for sums, for reshaped words, as an update."""
    layer, views = network.layer(name), dict(network.views)
    if layer.op == "update":
        return layer.waits_for[0] not in block or any(one in block for one in layer.waits_for[1:])
    if any(one in block for one in layer.waits_for):
        return True
    for tensor in layer.input_tensors:
        reshaped = False
        while tensor in views:
            reshaped |= views[tensor].reshaped
            tensor = views[tensor].parent
        if reshaped and made_by(network, tensor) in block:
            return True
    return False


def _running_order(ancestors: dict[str, set[str]], blocks: list[Names]) -> tuple[Names, ...] | None:
    """Put blocks in an order in which they can run, or None if two of them wait for each other."""
    block_of = {name: block for block in blocks for name in block}
    waits = {block: {block_of[one] for name in block for one in ancestors[name]} - {block} for block in blocks}
    try:
        return tuple(TopologicalSorter(waits).static_order())
    except CycleError:
        return None
