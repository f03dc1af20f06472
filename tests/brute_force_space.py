"""The space of a tiny study, enumerated from the text of the rules by plain loops: hardware and ways to run a group.

Written apart from the cost model's own enumerations, which the tests compare with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations, product
from math import ceil

from brute_force_groups import Names, leaves_group
from costmodel.design import GroupDesign, Hardware
from costmodel.eyeriss import EyerissShape
from costmodel.plain_regions import RegionPlan, Step
from costmodel.systolic import SystolicShape
from costmodel.template import ArrayShape
from costmodel.vwa import VwaShape
from specs.network import Layer, Network
from specs.study import AcceleratorSpec, SharedBuffer, Study

SUMS = ("wgrad", "moments", "normgrads")
"""Layers that sum over all positions."""
WEIGHTED = ("conv", "dwconv", "fc", "dgrad")
"""Layers that multiply with weights."""
CONSTANTS = ("norm", "dnorm")
"""Layers that read constants of channels, at partial-sum width."""

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
                    spec.skip_zeros,
                )


def _arrays(spec: AcceleratorSpec) -> list[ArrayShape]:
    """Arrays made here from the numbers by name; the templates' own `array_shape` is not used."""
    makers: dict[str, Callable[..., ArrayShape]] = {"vwa": VwaShape, "eyeriss": EyerissShape, "systolic": SystolicShape}
    keys = [key for key, _ in spec.numbers]
    listed = product(*(values for _, values in spec.numbers))
    return [makers[spec.template](**dict(zip(keys, values, strict=True)), pins=spec.mapping) for values in listed]


# Ways to run a group


def group_designs(study: Study, names: Names, mappings: Names) -> Iterator[GroupDesign]:
    """Every way to run a group that the study allows; modes that do the same on a tile grid all come."""
    network = study.network
    tiled = [network.layer(name) for name in names if network.layer(name).op != "update"]
    if not tiled:  # nothing is cut: parameters come and go, filter after filter
        for overlap, images, mapping in product(study.fusion.overlap, _image_counts(study.batch), mappings):
            yield GroupDesign(names, overlap=overlap, order="weight-stationary", images=images, mapping=mapping)
        return
    leaving = [layer for layer in tiled if layer.op in SUMS or leaves_group(network, layer.name, names)]
    grids = product(
        _tile_counts(max(layer.P for layer in leaving), study.tiling.row_splits),
        _tile_counts(max(layer.Q for layer in leaving), study.tiling.column_splits),
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
            if len(tiled) > 1:
                weighted = [layer.name for layer in tiled if layer.has_weights]
                for number in range(len(weighted) + 1):
                    for resident in combinations(weighted, number):
                        yield run(frozenset(resident))
            else:
                yield from _layer_designs(study, tiled[0], run, keeps_halo)


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
    if layer.op in SUMS:
        yield from _reduction_designs(study, layer, run)
        return
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


def _reduction_designs(study: Study, layer: Layer, run: Callable[..., GroupDesign]) -> Iterator[GroupDesign]:
    """Each piece of the sums stays until all tiles are summed, or all sums come and go with every tile."""
    whole = frozenset([layer.name])
    for splits in _channel_cuts(study.network, layer, study.tiling.channel_splits):
        yield run(whole, "weight-stationary", splits)
        if not _is_channelwise(layer):
            for inputs in _input_cuts(study.network, layer, study.tiling.input_splits):
                yield run(whole, "weight-stationary", splits, input_splits=inputs)
    if not _is_channelwise(layer):
        yield run(frozenset(), "input-stationary")


def _under_and_here(layer: Layer) -> tuple[list[str], list[str]]:
    """Different tensors under the kernel, and those at the outputs' own places."""
    number = len(layer.operands) - layer.pixelwise
    under = [name for operand in layer.operands[:number] for name in operand]
    return list(dict.fromkeys(under)), list(dict.fromkeys(name for one in layer.operands[number:] for name in one))


def _input_cuts(network: Network, layer: Layer, allowed: tuple[int, ...] | None) -> list[int]:
    """Numbers of chunks, two or more, of one group's input channels, where every channel is read once."""
    under, here = _under_and_here(layer)
    if sum(network.tensors[name].channels for name in under) != layer.C:
        return []
    if here and layer.op not in SUMS:  # a mask would come with the last chunk alone
        return []
    channels = layer.C // layer.G
    return [n for n in range(2, channels + 1) if (allowed is None or n in allowed) and _leaves_none_empty(channels, n)]


def _image_counts(batch: int) -> list[int]:
    """Images that a tile may hold: every count that serves the batch in fewer tiles than the count below it."""
    return [n for n in range(1, batch + 1) if n == 1 or ceil(batch / n) < ceil(batch / (n - 1))]


def _is_channelwise(layer: Layer) -> bool:
    """Whether output channel k needs input channel k alone."""
    return layer.op not in (*WEIGHTED, "wgrad") or (layer.G == layer.C and layer.G == layer.K)


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
    under, here = _under_and_here(layer)
    names = set(under + here) if _is_channelwise(layer) else set(under)
    read = sum(network.tensors[name].channels for name in names)
    cuts = [1]
    if any(len(operand) > 1 and any(network.tensors[t].bits for t in operand) for operand in layer.operands):
        return cuts  # the bits of several masks share no byte
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
