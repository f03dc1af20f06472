"""Small random graphs with all that training steps have: sums that are waited for, masks, views, updates.

And what legal groups and groupings of them are, by the rules' words alone and with sets of names.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from hypothesis import strategies as st

from specs.network import MASK, Layer, Network, TensorShape, View

Group = frozenset[str]
SHAPE = TensorShape(1, 4, 4)


def layer(name: str, op: str, reads: tuple[str, ...] = (), waits_for: tuple[str, ...] = (), bits: int = 0) -> Layer:
    operands = tuple((one,) for one in reads)
    return Layer(name, op, operands, 1, 1, 1, 4, 4, 4, 4, mask_bits=bits, waits_for=waits_for)  # type: ignore[arg-type]


@st.composite
def training_graphs(draw: st.DrawFn, most: int = 9) -> Network:
    """Layers that read any maps, masks and views before them; reductions, who waits for them, updates."""
    tensors, layers = ["x", "y"], list[Layer]()
    views = list[tuple[str, View]]()
    sums, without_update = list[str](), list[str]()
    for i in range(draw(st.integers(1, most))):
        name = f"l{i}"
        kinds = ["dgrad"] * 3 + ["wgrad"] * 2 + ["moments", *["update"] * min(2, len(without_update))]
        kind = draw(st.sampled_from(kinds))
        waits = draw(st.lists(st.sampled_from(sums), max_size=1)) if sums else []
        if kind == "update":
            own = draw(st.sampled_from(without_update))
            without_update.remove(own)
            layers.append(layer(name, kind, (), (own, *(one for one in waits if one != own))))
            continue
        reads = tuple(draw(st.lists(st.sampled_from(tensors), min_size=1, max_size=3, unique=True)))
        if kind == "dgrad":
            often = draw(st.integers(0, 2)) == 0
            layers.append(layer(name, kind, reads, tuple(waits) if often else (), draw(st.integers(0, 1))))
            tensors.append(name)
            tensors += [name + MASK] * layers[-1].mask_bits
            for parent in draw(st.lists(st.sampled_from([name, *(v for v, _ in views)]), max_size=2, unique=True)):
                views.append((f"v{len(views)}", View(parent, 0, SHAPE, draw(st.booleans()))))
                tensors.append(views[-1][0])
            continue
        layers.append(layer(name, kind, reads))
        sums.append(name)
        without_update += [name] * (kind == "wgrad")
    return Network("training", (("x", SHAPE), ("y", SHAPE)), tuple(layers), (), views=tuple(views))


def needs(network: Network) -> dict[str, set[str]]:
    """For each layer, the layers whose maps, masks or sums it reads."""
    return {
        one.name: {network.maker[name] for name in one.input_tensors} & set(network.index) | set(one.waits_for)
        for one in network.layers
    }


def legal(network: Network, max_layers: int) -> set[Group]:
    """Legal groups: every set of layers is asked."""
    needed, names = needs(network), [one.name for one in network.layers]
    sets = (frozenset(group) for size in range(1, max_layers + 1) for group in combinations(names, size))
    return {group for group in sets if _is_legal(network, needed, group)}


def groupings(network: Network, max_layers: int) -> set[frozenset[Group]]:
    """All partitions into legal groups of which none wait for each other in a circle."""
    needed = needs(network)
    of = {one.name: [group for group in legal(network, max_layers) if one.name in group] for one in network.layers}

    def covers(left: list[str]) -> Iterator[frozenset[Group]]:
        if not left:
            yield frozenset()
        for group in of[left[0]] if left else ():
            if group <= set(left):
                yield from (rest | {group} for rest in covers([name for name in left if name not in group]))

    return {one for one in covers([one.name for one in network.layers]) if _can_run(needed, one)}


def _can_run(needed: dict[str, set[str]], grouping: frozenset[Group]) -> bool:
    left, done = set(grouping), set[str]()
    while ready := {group for group in left if all(needed[name] <= done | group for name in group)}:
        left -= ready
        done.update(*ready)
    return not left


def _is_legal(network: Network, needed: dict[str, set[str]], group: Group) -> bool:
    if len(group) > 1 and any(_bars(network, network.layer(name), group) for name in group):
        return False
    reached = {min(group)}
    while more := {b for a in reached for b in group - reached if _touch(network, network.layer(a), network.layer(b))}:
        reached |= more
    return reached == group and not any(
        name not in group and _reaches(needed, group, name) and any(_reaches(needed, {name}, one) for one in group)
        for name in needed
    )


def _bars(network: Network, one: Layer, group: Group) -> bool:
    """Whether a layer keeps a group of several from being legal."""
    if one.op == "update":
        return one.waits_for[0] not in group or bool(group & set(one.waits_for[1:]))
    if group & set(one.waits_for):
        return True
    views = dict(network.views)
    for tensor in one.input_tensors:
        while tensor in views:
            if views[tensor].reshaped and network.maker[tensor] in group:
                return True
            tensor = views[tensor].parent
    return False


def _touch(network: Network, a: Layer, b: Layer) -> bool:
    """Whether one reads of the other, both read the same, or one is the other's update."""
    if "update" in (a.op, b.op):
        return a.name in b.waits_for[:1] * (b.op == "update") or b.name in a.waits_for[:1] * (a.op == "update")
    made = {network.maker[name] for name in a.input_tensors}, {network.maker[name] for name in b.input_tensors}
    return a.name in made[1] or b.name in made[0] or bool(set(a.input_tensors) & set(b.input_tensors))


def _reaches(needed: dict[str, set[str]], sources: set[str] | Group, name: str) -> bool:
    """Whether a layer depends on some others."""
    return bool(needed[name] & sources) or any(_reaches(needed, sources, one) for one in needed[name])
