"""The plain reading: what a design costs, one group after another, one tile after another.

Nothing here is shared with the candidate table that feeds the solver, apart from the accelerators' own
tile formulas: regions (`plain_regions`), live tensors, traffic and time (`plain_sweep`) are written out a
second time, to be checked by eye. Lengths are rows and columns, sizes bytes, time array cycles, energy fJ.
"""

from __future__ import annotations

from dataclasses import fields

from costmodel.chunks import Chunks, cut_channels
from costmodel.cost import Cost, GroupCost
from costmodel.design import Design, GroupDesign, Hardware
from costmodel.hardware import Prices, prices
from costmodel.legal import DesignError, check_design
from costmodel.plain_regions import RegionPlan
from costmodel.plain_sweep import Sweep, add_works, all_visits, one_image, sweep_cycles, weight_bytes
from specs.network import Layer
from specs.study import Study


def evaluate(study: Study, design: Design) -> Cost:
    """Cost a design.

    Raises
    ------
    DesignError
        If the groups do not cover the network once, cannot run in their order, use a tiling that does not
        exist, or need more than a buffer holds. Budgets are not looked at.
    """
    check_design(study, design)
    price = prices(study, design.hardware)
    costs = tuple(group_cost(study, design.hardware, price, group) for group in design.groups)
    return Cost(groups=costs, period_fs=design.hardware.period_fs, area_um2=price.area_um2)


def group_cost(study: Study, hardware: Hardware, price: Prices, group: GroupDesign) -> GroupCost:
    """Cost one legal group; raises `DesignError` if it does not fit.

    Weight-stationary chunks run one after another, all else is one sweep.
    """
    network, layers = study.network, [study.network.layer(name) for name in group.layers]
    chunks = cut_channels(network, layers[0], group.channel_splits) if len(layers) == 1 else None
    plan = RegionPlan(study, layers, group)
    if group.order == "weight-stationary":
        assert chunks is not None
        sweeps = [(number, one_image(study, hardware, group, plan, chunks, size)) for size, number in chunks.sizes]
    else:
        sweeps = [(1, one_image(study, hardware, group, plan, chunks, None))]
    parts = [(number, _sweep_cost(study, hardware, price, group, sweep)) for number, sweep in sweeps]
    feature_peak = max(cost.feature_peak_bytes for _, cost in parts)
    weight_peak = _weight_peak(study, hardware, layers, group, chunks)
    _check_fits(hardware, group, feature_peak, weight_peak)
    sums = {field.name: sum(n * getattr(cost, field.name) for n, cost in parts) for field in fields(GroupCost)}
    return GroupCost(**(sums | {"feature_peak_bytes": feature_peak, "weight_peak_bytes": weight_peak}))


def _check_fits(hardware: Hardware, group: GroupDesign, feature_peak: int, weight_peak: int) -> None:
    name = "+".join(group.layers)
    if hardware.shared:
        if feature_peak + weight_peak > hardware.feature_bytes:
            raise DesignError(
                f"group {name} needs {feature_peak + weight_peak} bytes of the shared buffer's {hardware.feature_bytes}"
            )
    elif feature_peak > hardware.feature_bytes:
        raise DesignError(f"group {name} needs {feature_peak} bytes of the feature buffer's {hardware.feature_bytes}")
    elif weight_peak > hardware.weight_bytes:
        raise DesignError(f"group {name} needs {weight_peak} bytes of the weight buffer's {hardware.weight_bytes}")


def _weight_peak(
    study: Study, hardware: Hardware, layers: list[Layer], group: GroupDesign, chunks: Chunks | None
) -> int:
    """Resident weights (of a weight-stationary layer: one chunk's), and room for one layer that streams."""
    if group.order == "weight-stationary":
        assert chunks is not None
        return chunks.largest * layers[0].filter_words * study.precision.weight_bytes
    resident = sum(weight_bytes(study, layer) for layer in layers if layer.name in group.resident)
    copies = 2 if hardware.double_buffer else 1
    array = hardware.array
    chunk_words = []
    for layer in layers:
        if layer.has_weights and layer.name not in group.resident:
            input_channels = array.channel_chunk(layer) if group.order == "output-stationary" else layer.C // layer.G
            sizes = [size for size, _ in chunks.sizes] if chunks else [layer.K]
            chunk_words.append(max(array.weight_chunk_words(layer, size, input_channels) for size in sizes))
    return resident + copies * max(chunk_words, default=0) * study.precision.weight_bytes


def _sweep_cost(study: Study, hardware: Hardware, price: Prices, group: GroupDesign, sweep: Sweep) -> GroupCost:
    """Add up one sweep over all images; weights that stay are loaded with the first tile."""
    tiles = all_visits(study, group, sweep)
    work = add_works([tile.work for tile in tiles])
    loads = sum(tile.load_bytes for tile in tiles)
    stores = sum(tile.store_bytes for tile in tiles)
    weights = sweep.resident_bytes + sum(tile.stream_bytes for tile in tiles)
    feature_read, feature_write = work.feature_read_bytes + stores, work.feature_write_bytes + loads
    cycles = sweep_cycles(hardware, sweep, tiles)
    room = 0
    if hardware.double_buffer and len(tiles) * sweep.chunks_per_tile > 1:
        room = max(tile.store_room_bytes for tile in tiles)
        if not sweep.streams_input and len(tiles) > 1:
            room += max(tile.load_bytes for tile in tiles)
    return GroupCost(
        macs=sum(tile.macs for tile in tiles),
        compute_cycles=work.cycles,
        cycles=cycles,
        dram_read_bytes=loads + weights,
        dram_write_bytes=stores,
        feature_read_bytes=feature_read,
        feature_write_bytes=feature_write,
        weight_read_bytes=work.weight_read_bytes,
        weight_write_bytes=weights,
        feature_peak_bytes=max(tile.live_bytes for tile in tiles) + group.images * sweep.reserved_bytes + room,
        weight_peak_bytes=0,
        array_fj=work.array_fj,
        feature_fj=feature_read * price.feature_read_fj + feature_write * price.feature_write_fj,
        weight_fj=work.weight_read_bytes * price.weight_read_fj + weights * price.weight_write_fj,
        dram_fj=(loads + weights + stores) * price.dram_fj,
        leakage_fj=cycles * price.leakage_fj_per_cycle,
    )
