"""The space of a tiny study, enumerated from the text of the rules by plain loops: hardware, groupings, ways to run.

Written apart from the cost model's own enumerations, which the tests compare with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from graphlib import CycleError, TopologicalSorter
from itertools import combinations, product
from math import ceil

from costmodel.design import GroupDesign, Hardware
from costmodel.eyeriss import EyerissShape
from costmodel.plain_regions import RegionPlan, Step
from costmodel.systolic import SystolicShape
from costmodel.template import ArrayShape
from costmodel.vwa import VwaShape
from specs.network import Layer, Network
from specs.study import AcceleratorSpec, SharedBuffer, Study

Names = tuple[str, ...]


# Hardware


def listed_hardware(study: Study) -> Iterator[Hardware]:
    """Every hardware point that the study's lists describe."""
    if isinstance(study.buffers, SharedBuffer):
        sizes = [(capacity, 0) for capacity in study.buffers.shared_bytes]
    else:
        sizes = [(f, w) for f in study.buffers.feature_bytes for w in study.buffers.weight_bytes]
    for spec in study.accelerators:
        for array in _arrays(spec):
            for clock_hz, dram, (feature_bytes, weight_bytes) in product(spec.clock_hz, study.dram, sizes):
                yield Hardware(
                    spec.template,
                    array,
                    clock_hz,
                    spec.double_buffer,
                    dram,
                    feature_bytes,
                    weight_bytes,
                    isinstance(study.buffers, SharedBuffer),
                )


def _arrays(spec: AcceleratorSpec) -> list[ArrayShape]:
    """Arrays made here from the numbers by name; the templates' own `array_shape` is not used."""
    makers: dict[str, Callable[..., ArrayShape]] = {"vwa": VwaShape, "eyeriss": EyerissShape, "systolic": SystolicShape}
    keys = [key for key, _ in spec.numbers]
    listed = product(*(values for _, values in spec.numbers))
    return [makers[spec.template](**dict(zip(keys, values, strict=True)), pins=spec.mapping) for values in listed]


# Groupings


def possible_groupings(network: Network, max_layers: int) -> Iterator[tuple[Names, ...]]:
    """Every way to cut the layers into groups that can run one after another, in an order in which they can."""
    ancestors = _ancestors(network)
    for blocks in set_partitions([layer.name for layer in network.layers]):
        if all(len(block) <= max_layers and is_legal_group(network, ancestors, block) for block in blocks):
            order = _running_order(network, blocks)
            if order is not None:
                yield order


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


def _ancestors(network: Network) -> dict[str, set[str]]:
    """For each layer, all layers that it depends on."""
    ancestors: dict[str, set[str]] = {}
    for layer in network.layers:
        direct = {name for name in layer.input_tensors if name in ancestors}
        ancestors[layer.name] = direct.union(*(ancestors[name] for name in direct))
    return ancestors


def is_legal_group(network: Network, ancestors: dict[str, set[str]], block: Names) -> bool:
    """Whether layers hang together through tensors they touch, and no path between them leaves the group."""
    touched = {name: {name, *network.layer(name).input_tensors} for name in block}
    reached = {block[0]}
    while more := [n for n in block if n not in reached and any(touched[n] & touched[r] for r in reached)]:
        reached |= set(more)
    if len(reached) < len(block):
        return False
    between = [n for n in ancestors if n not in block and ancestors[n] & set(block)]
    return not any(ancestors[name] & set(between) for name in block)


def _running_order(network: Network, blocks: list[Names]) -> tuple[Names, ...] | None:
    """Put blocks in an order in which they can run, or None if two of them wait for each other."""
    block_of = {name: block for block in blocks for name in block}
    needs = {
        block: {block_of[t] for n in block for t in network.layer(n).input_tensors if t in block_of} - {block}
        for block in blocks
    }
    try:
        return tuple(TopologicalSorter(needs).static_order())
    except CycleError:
        return None


# Ways to run a group


def group_designs(study: Study, names: Names, mappings: Names) -> Iterator[GroupDesign]:
    """Every way to run a group that the study allows; modes that do the same on a tile grid all come."""
    network = study.network
    leaving = [
        network.tensors[name]
        for name in names
        if name in network.outputs or any(reader not in names for reader in network.consumers[name])
    ]
    grids = product(
        _tile_counts(max(shape.rows for shape in leaving), study.tiling.row_splits),
        _tile_counts(max(shape.cols for shape in leaving), study.tiling.column_splits),
        study.fusion.overlap,
        _image_counts(study.batch),
    )
    for tile_rows, tile_cols, overlap, images in grids:
        keeps_halo = (overlap != "recompute" and tile_rows > 1) or (overlap == "cache-all" and tile_cols > 1)
        for start, mapping in product(("at-once", "stepwise") if keeps_halo else ("at-once",), mappings):
            run = partial(
                GroupDesign, names, tile_rows, tile_cols, overlap, images=images, start=start, mapping=mapping
            )
            if start == "stepwise" and not _holds_less(study, run(order="fused")):
                continue
            if len(names) > 1:
                weighted = [name for name in names if network.layer(name).has_weights]
                for number in range(len(weighted) + 1):
                    for resident in combinations(weighted, number):
                        yield run(frozenset(resident))
            else:
                yield from _layer_designs(study, network.layer(names[0]), run, keeps_halo)


def searched_mappings(study: Study) -> Names:
    """What mappings are chosen by: time, and also energy where it matters."""
    limited = study.budgets.energy_fj is not None or study.budgets.power_nw is not None
    return ("fastest",) + ("frugal",) * (limited or bool({"energy", "edp", "power"} & {study.goal, *study.then}))


def _holds_less(study: Study, group: GroupDesign) -> bool:
    """Whether on every axis with kept halos a stepwise start holds fewer rows or columns of some tensor."""
    layers = [study.network.layer(name) for name in group.layers]
    early, late = (RegionPlan(study.network, layers, replace(group, start=start)) for start in ("stepwise", "at-once"))
    axes = []
    if group.overlap != "recompute" and group.tile_rows > 1:
        axes.append((early.rows, late.rows))
    if group.overlap == "cache-all" and group.tile_cols > 1:
        axes.append((early.cols, late.cols))

    def most(steps: list[Step], name: str) -> int:
        return max(step.line[name] + step.passing[name] for step in steps)

    return all(any(most(a, name) < most(b, name) for name in a[0].new) for a, b in axes)


def _layer_designs(
    study: Study, layer: Layer, run: Callable[..., GroupDesign], keeps_halo: bool
) -> Iterator[GroupDesign]:
    """Every order and every cut of a layer alone, whether it pays or not."""
    whole = frozenset([layer.name]) if layer.has_weights else frozenset()
    for splits in _channel_cuts(study.network, layer, study.tiling.channel_splits):
        yield run(whole, "weight-stationary", splits)
        if _is_channelwise(layer):
            continue
        yield run(frozenset(), "input-stationary", splits)
        yield run(whole, "input-stationary", splits)
        for inputs in _input_cuts(study.network, layer, study.tiling.input_splits):
            yield run(whole, "weight-stationary-spilling", splits, input_splits=inputs)
            yield run(whole, "weight-input-stationary-spilling", splits, input_splits=inputs)
            if not keeps_halo:
                yield run(whole, "weight-stationary", splits, input_splits=inputs)
                yield run(frozenset(), "output-stationary", splits, input_splits=inputs)
                yield run(frozenset(), "input-stationary-spilling", splits, input_splits=inputs)


def _input_cuts(network: Network, layer: Layer, allowed: tuple[int, ...] | None) -> list[int]:
    """Numbers of chunks, two or more, of one group's input channels, where every channel is read once."""
    if sum(network.tensors[name].channels for name in layer.input_tensors) != layer.C:
        return []
    channels = layer.C // layer.G
    return [n for n in range(2, channels + 1) if (allowed is None or n in allowed) and _leaves_none_empty(channels, n)]


def _image_counts(batch: int) -> list[int]:
    """Images that a tile may hold: every count that serves the batch in fewer tiles than the count below it."""
    return [n for n in range(1, batch + 1) if n == 1 or ceil(batch / n) < ceil(batch / (n - 1))]


def _is_channelwise(layer: Layer) -> bool:
    """Whether output channel k needs input channel k alone."""
    return layer.op in ("maxpool", "avgpool", "add") or (layer.G == layer.C and layer.G == layer.K)


def _tile_counts(extent: int, allowed: tuple[int, ...] | None) -> list[int]:
    """Numbers of tiles: each leaves no tile empty, and is 1 or allowed."""
    listed = [n for n in range(1, extent + 1) if allowed is None or n == 1 or n in allowed]
    return [n for n in listed if _leaves_none_empty(extent, n)]


def _leaves_none_empty(extent: int, parts: int) -> bool:
    """Whether ``parts`` equal parts, each rounded up, are all needed to cover ``extent``."""
    size = (extent + parts - 1) // parts
    return (parts - 1) * size < extent


def _channel_cuts(network: Network, layer: Layer, allowed: tuple[int, ...] | None) -> list[int]:
    """Numbers of chunks of output channels: 1, and what is allowed and cuts groups and operands cleanly."""
    read = sum(network.tensors[name].channels for name in layer.input_tensors)
    cuts = [1]
    for n in range(2, layer.K + 1):
        if allowed is not None and n not in allowed:
            continue
        if _is_channelwise(layer):
            clean = read == len(layer.operands) * layer.K and _leaves_none_empty(layer.K, n)
        elif layer.G > 1:
            clean = (
                read == layer.C
                and n % layer.G == 0
                and n <= layer.K
                and _leaves_none_empty(layer.K // layer.G, n // layer.G)
            )
        else:
            clean = _leaves_none_empty(layer.K, n)
        if clean:
            cuts.append(n)
    return cuts
