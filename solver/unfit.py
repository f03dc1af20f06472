"""Where no budget is to blame: the layers that fit none of the listed buffers in any group."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from costmodel.beside_maps import finish
from costmodel.candidates import NO_CAP
from costmodel.groups import layer_indices
from costmodel.table import CandidateTable, build_table, price_rows
from costmodel.technology import PriceError
from solver.explanation import Unfit
from specs.network import MASK, Layer, Network
from specs.study import Fusion, SeparateBuffers, SharedBuffer, Study


def layers_that_fit_nowhere(study: Study, table: CandidateTable | None) -> tuple[Unfit, ...]:
    """Layers that no hardware point runs, alone or in a group, with buffers that would do for each alone.

    There may be none: every layer may fit somewhere, and no point run them all.
    """
    if table is None:
        return ()
    runs = np.zeros(table.num_classes, dtype=bool)
    for family in table.families:
        for array, points in enumerate(family.points):
            fits = price_rows(table, family, array, points).fits.any(axis=1)
            runs[family.classes] |= np.maximum.reduceat(fits, family.starts)
    covered = {
        layer
        for group, layers in enumerate(table.lattice.groups)
        if runs[table.group_class[group]]
        for layer in layer_indices(layers)
    }
    names = [layer.name for i, layer in enumerate(study.network.layers) if i not in covered]
    return tuple(Unfit(name, _enough(study, name)) for name in names)


def _enough(study: Study, name: str) -> tuple[int, int] | None:
    """Buffer sizes, doubled from the largest listed as far as the technology's tables go, that fit a layer alone."""
    buffers = study.buffers
    shared = isinstance(buffers, SharedBuffer)
    feature = buffers.most_feature_bytes
    weight = 0 if isinstance(buffers, SharedBuffer) else max(buffers.weight_bytes)
    for _ in range(24):
        found = _needs(study, name, feature, weight, shared)
        if found is not None:
            return found
        feature, weight = 2 * feature, 2 * weight
    return None


def _needs(study: Study, name: str, feature: int, weight: int, shared: bool) -> tuple[int, int] | None:
    """What the way with the smallest need takes of such buffers, on the array that suits it best."""
    layer = study.network.layer(name)
    if layer.op == "update":
        copies = min(1 + spec.double_buffer for spec in study.accelerators)
        room = copies * finish(study, (layer,)).room_bytes
        pair = (room, 0) if shared else (0, room)
        return pair if sum(pair) <= (feature if shared else weight) else None
    larger = SharedBuffer((feature,)) if shared else SeparateBuffers((feature,), (weight,))
    alone = replace(study, network=_alone(study.network, name), mix=(), fusion=Fusion(1), buffers=larger)
    try:
        table = build_table(replace(alone, goal="energy", then=("latency",)))
    except PriceError:
        return None
    needs = []
    number = table.group_class[table.lattice.groups.index(1 << alone.network.index[name])]
    for family in table.families:
        rows = family.rows
        usable = (rows.feature_cap == NO_CAP) & (rows.weight_cap == NO_CAP)
        usable &= family.per_row(family.classes == number)[:, None]
        sizes = rows.feature_need, rows.weight_need
        fits = sum(sizes) <= feature if shared else (sizes[0] <= feature) & (sizes[1] <= weight)
        for row, array in np.argwhere(fits & usable).tolist():
            pair = int(sizes[0][row, array]), int(sizes[1][row, array])
            needs.append((sum(pair), 0) if shared else pair)
    return min(needs, key=sum, default=None)


def _alone(network: Network, name: str) -> Network:
    """A layer by itself, its operands as inputs, behind the sums that it waits for; its mask has a reader."""
    layer = network.layer(name)
    before = tuple(replace(network.layer(one), waits_for=()) for one in layer.waits_for)
    read = {tensor: network.tensors[tensor] for one in (*before, layer) for tensor in one.input_tensors}
    sizes = (layer.K, layer.K, layer.K, layer.P, layer.Q, layer.P, layer.Q)
    after = (Layer(f"after {name}", "add", ((name,), (name + MASK,)), *sizes, pixelwise=1),) if layer.mask_bits else ()
    outputs: tuple[str, ...] = () if layer.op == "update" or layer.reduces else (name,)
    outputs += tuple(one.name for one in after)
    return Network(network.name, tuple(read.items()), (*before, layer, *after), outputs)
