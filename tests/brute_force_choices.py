"""The optimum of a tiny training step in which activations may be recomputed, by trying every subset of them.

For each subset the plain training step is built in which its activations are made again before the backward pass reads
them; `brute_force`'s parts run it in every way. Nothing is known here of the layers by which the project's own network
says what is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import combinations, product
from typing import NamedTuple

from brute_force import Option, Status, Total, _priced, admitted
from brute_force_groups import Names, legal_blocks, made_by, needs
from brute_force_space import group_designs, listed_hardware, searched_mappings
from costmodel.design import Design, GroupDesign
from costmodel.hardware import prices
from specs.network import Layer, Network
from specs.study import Budgets, Study


class Way(NamedTuple):
    """One way to run some groups, and the bytes that they leave in DRAM for the backward pass."""

    energy_fj: int
    cycles: int
    dram_bytes: int
    kept_bytes: int
    groups: tuple[GroupDesign, ...]


class Chosen(NamedTuple):
    """A whole design of the plain step in which some activations are made again."""

    total: Total
    kept_bytes: int
    again: Names


def subsets(names: Names) -> Iterator[Names]:
    for number in range(len(names) + 1):
        yield from combinations(names, number)


def made_again(step: Network, names: Names) -> Network:
    """The plain training step in which the backward pass makes some activations again and reads those."""

    def seen(layer: Layer) -> Layer:
        if layer.phase == "forward":
            return layer
        operands = tuple(tuple(f"{n}:again" if n in names else n for n in one) for one in layer.operands)
        return replace(layer, operands=operands)

    early = [layer for layer in step.layers if layer.phase == "forward" or layer.op == "loss"]
    late = [layer for layer in step.layers if layer not in early]
    again = [
        replace(layer, name=f"{layer.name}:again", phase="backward", mask_bits=0, relu=False)
        for layer in step.layers
        if layer.name in names
    ]
    return replace(step, layers=(*early, *again, *map(seen, late)))


def kept_bytes(study: Study, group: Names) -> int:
    """Bytes of maps and masks, of all images, that a group leaves in DRAM for the backward pass."""
    network, total = study.network, 0
    for layer in network.layers:
        if layer.name not in group or layer.phase != "forward":
            continue
        read = {
            name
            for other in network.layers
            if other.name not in group and other.phase != "forward"
            for name in other.input_tensors
            if made_by(network, name) == layer.name
        }
        places = study.batch * layer.P * layer.Q
        if any(not name.endswith(":mask") for name in read) and not layer.reduces:
            total += places * layer.K * study.precision.activation_bytes
        if any(name.endswith(":mask") for name in read):
            total += places * -(-layer.K * layer.mask_bits // 8)
    return total


def legal_groups(network: Network, max_layers: int, again: Names) -> list[Names]:
    """Legal groups of the plain step; what is made again is made in no group with a layer of the forward pass."""
    forward = {layer.name for layer in network.layers if layer.phase == "forward"}
    copies = {f"{name}:again" for name in again}
    return [
        block for block in legal_blocks(network, max_layers) if copies.isdisjoint(block) or forward.isdisjoint(block)
    ]


def undominated(ways: list[Way]) -> list[Way]:
    """Drop ways that another one equals or beats in all four numbers."""
    kept: list[Way] = []
    for way in sorted(ways, key=lambda way: way[:4]):
        if not any(k.cycles <= way.cycles and k[2] <= way[2] and k[3] <= way[3] for k in kept):
            kept.append(way)
    return kept


@lru_cache(maxsize=8)
def every_choice(study: Study, step: Network, names: Names, mappings: Names) -> tuple[Chosen, ...]:
    """Every design worth looking at: for each subset made again, on each hardware point."""
    found = []
    for again in subsets(names):
        plain = replace(study, network=made_again(step, again))
        blocks = legal_groups(plain.network, plain.fusion.max_layers, again)
        designs = {block: list(group_designs(plain, block, mappings)) for block in blocks}
        leaves = {block: kept_bytes(plain, block) for block in blocks}
        for hardware in listed_hardware(plain):
            price = prices(plain, hardware)
            fitting = {
                block: undominated(
                    [_way(one, leaves[block]) for one in admitted(plain, _priced(plain, hardware, ways), False)]
                )
                for block, ways in designs.items()
            }
            for way in _whole(plain.network, fitting):
                total = Total(
                    way.energy_fj,
                    way.cycles * hardware.period_fs,
                    way.dram_bytes,
                    price.area_um2,
                    hardware.feature_bytes + hardware.weight_bytes,
                    hardware.array.pes,
                    Design(hardware, way.groups),
                )
                found.append(Chosen(total, way.kept_bytes, again))
    return tuple(found)


def _way(option: Option, kept: int) -> Way:
    return Way(*option[:3], kept, option.groups)


def _then(a: Way, b: Way) -> Way:
    """One after the other."""
    energy_fj, cycles, dram_bytes = a.energy_fj + b.energy_fj, a.cycles + b.cycles, a.dram_bytes + b.dram_bytes
    return Way(energy_fj, cycles, dram_bytes, a.kept_bytes + b.kept_bytes, a.groups + b.groups)


def _whole(network: Network, fitting: dict[Names, list[Way]]) -> list[Way]:
    """Run whatever can run next, until everything ran."""
    needed = {block: set().union(*(needs(network)[name] for name in block)) - set(block) for block in fitting}
    reached: dict[frozenset[str], list[Way]] = {frozenset(): [Way(0, 0, 0, 0, ())]}
    for number in range(len(network.layers)):
        for done in [ran for ran in reached if len(ran) == number]:
            ways = undominated(reached.pop(done))
            for block, own in fitting.items():
                if needed[block] <= done and done.isdisjoint(block):
                    more = [_then(a, b) for a, b in product(ways, own)]
                    reached.setdefault(done.union(block), []).extend(more)
    return undominated(reached.get(frozenset(layer.name for layer in network.layers), []))


def brute_force_choices(study: Study, step: Network, names: Names) -> tuple[Status, int | None, Chosen | None]:
    """Find the optimum over all subsets of ``names`` that may be made again."""
    plain = replace(study, network=step, goal="energy", then=(), budgets=Budgets())
    choices = every_choice(plain, step, names, searched_mappings(study))
    limit = study.budgets.activation_bytes
    feasible = [one for one in choices if one.total.keeps(study.budgets) and (limit is None or one.kept_bytes <= limit)]
    if not feasible:
        return "infeasible", None, None
    best = min(feasible, key=lambda one: one.total.objective(study))
    return "optimal", best.total.objective(study), best
