"""Execute a design on real integers, tile by tile, with explicit buffers, and see whether it does what it costs.

Words flow from DRAM to a buffer, from there to the array and back, and nothing else is read. A schedule fails if it
reads what is not in a buffer, overflows one, stores a word twice or makes a word that a direct computation of the
network (`reference`) does not. What it counts on the way must equal what `evaluate` priced. How a design is to be
run is read from its meaning (docs/model.md), with code of its own: nothing here is shared with the prices.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from costmodel.buffers import ExecutionError, Pool
from costmodel.design import Design, GroupDesign, Hardware
from costmodel.dram import Dram
from costmodel.execute_alone import LayerAlone
from costmodel.execute_fused import FusedGroup
from costmodel.execute_sweeps import ChannelSweeps
from costmodel.executed_chip import Chip, Event
from costmodel.executed_choices import settled
from costmodel.executed_steps import tensors_of
from costmodel.executed_weights import WeightBuffer
from costmodel.reference import compute, random_data
from costmodel.reference_words import Ints
from specs.network import Layer
from specs.study import MOMENTS, Study

__all__ = ["Event", "ExecutionError", "GroupTrace", "Trace", "execute"]


@dataclass(frozen=True)
class GroupTrace:
    """What a group did.

    Attributes
    ----------
    dram_read_bytes, dram_write_bytes
        Feature maps, weights and partial sums that moved.
    macs
        Multiply-accumulates, recomputed ones included.
    feature_peak_bytes, weight_peak_bytes
        The most that was reserved at once.
    events
        Its tile visits, in order.
    """

    layers: tuple[str, ...]
    dram_read_bytes: int
    dram_write_bytes: int
    macs: int
    feature_peak_bytes: int
    weight_peak_bytes: int
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Trace:
    """What a design did, and the words that it made: each network output, shape (images, channels, rows, columns)."""

    groups: tuple[GroupTrace, ...]
    outputs: dict[str, Ints]
    """Of a training step there are none; what reductions and updates leave is in ``results``."""
    results: dict[str, Ints] = field(default_factory=dict)


def execute(study: Study, design: Design, seed: int = 0) -> Trace:
    """Run a design on random integers.

    Parameters
    ----------
    study, design
        A design that `legal.check_design` accepts.
    seed
        Of the random inputs, weights and biases.

    Raises
    ------
    ExecutionError
        If something is read that is not in a buffer, a buffer overflows, or a word is wrong.
    """
    study, running = settled(study, design)
    data = random_data(study.network, study.batch, seed, MOMENTS[study.optimizer])
    expected = compute(study.network, data, study.precision)
    dram = Dram(study.network, study.precision, data)
    groups = []
    for group in running:
        groups.append(_run(study, design.hardware, dram, group))
        layers = [study.network.layer(name) for name in group.layers]
        for name in tensors_of(study.network, layers).leaving:
            _compare(dram, name, expected[name])
        for layer in layers:
            _compare_sums(dram, layer, group, expected)
    for name in study.network.outputs:
        _compare(dram, name, expected[name])
    outputs = {name: dram.tensors[name].values for name in study.network.outputs}
    return Trace(tuple(groups), outputs, {name: found.values for name, found in dram.results.items()})


def _run(study: Study, hardware: Hardware, dram: Dram, group: GroupDesign) -> GroupTrace:
    """Run one group, on buffers that are empty before and after."""
    features = Pool("feature", hardware.feature_bytes)
    weights = Pool("weight", hardware.feature_bytes if hardware.shared else hardware.weight_bytes)
    chip = Chip(study, hardware, dram, features, WeightBuffer(weights, dram, 2 if hardware.double_buffer else 1))
    reads, writes = dram.read_bytes, dram.write_bytes
    first = study.network.layer(group.layers[0])
    if group.order == "fused" or first.op == "update":
        FusedGroup(chip, group).run()
    elif first.reduces or not first.on_array:
        ChannelSweeps(chip, group).run()
    else:
        LayerAlone(chip, group).run()
    label = "+".join(group.layers)
    if features.used_bytes or weights.used_bytes:
        raise ExecutionError(f"group {label} leaves {features.used_bytes + weights.used_bytes} bytes reserved")
    if hardware.shared and features.peak_bytes + weights.peak_bytes > hardware.feature_bytes:
        raise ExecutionError(f"group {label} overflows the shared buffer")
    return GroupTrace(
        layers=group.layers,
        dram_read_bytes=dram.read_bytes - reads,
        dram_write_bytes=dram.write_bytes - writes,
        macs=chip.macs,
        feature_peak_bytes=features.peak_bytes,
        weight_peak_bytes=weights.peak_bytes,
        events=tuple(chip.events),
    )


def _compare_sums(dram: Dram, layer: Layer, group: GroupDesign, expected: dict[str, Ints]) -> None:
    """Hold what a reduction or an update left against the direct computation."""
    used = any(layer.name in dram.network.layer(name).waits_for for name in group.layers)
    if not (layer.reduces or layer.op == "update") or used:
        return
    found = dram.results.get(layer.name)
    if found is None or not found.valid.all():
        raise ExecutionError(f"{layer.name} does not leave whole")
    wrong = np.count_nonzero(found.values.reshape(-1) != expected[layer.name].reshape(-1))
    if wrong:
        raise ExecutionError(f"{layer.name} differs from a direct computation in {wrong} words")


def _compare(dram: Dram, name: str, expected: Ints) -> None:
    """Hold a stored tensor against the direct computation."""
    stored = dram.tensors.get(name)
    if stored is None or not stored.valid.all():
        raise ExecutionError(f"{name} does not leave whole")
    wrong = np.argwhere(stored.values != expected)
    if len(wrong):
        image, channel, row, col = (int(i) for i in wrong[0])
        raise ExecutionError(
            f"{name} differs from a direct computation in {len(wrong)} words, first in image {image},"
            f" channel {channel}, row {row}, column {col}"
        )
