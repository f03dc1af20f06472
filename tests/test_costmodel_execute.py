"""Executing designs on real integers: they make the right words, and do what `evaluate` says, to the last byte."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specs
from costmodel import execute_alone, execute_fused, executed_chip
from costmodel.buffers import Block, ExecutionError, Index, Pool, indices
from costmodel.compare import compare
from costmodel.design import ORDERS_ALONE, Design, GroupDesign
from costmodel.dram import Dram
from costmodel.execute import execute
from costmodel.executed_chip import Chip
from costmodel.executed_steps import AxisSteps, TensorSteps, axis_steps, held_lengths
from costmodel.executed_weights import WeightBuffer, WeightChunk
from costmodel.hardware import hardware_points
from costmodel.legal import DesignError
from costmodel.reference import Ints, Words, compute, random_data
from odd_networks import odd_study
from random_designs import random_design, roomy
from random_networks import random_study
from specs.load import load
from specs.network import Layer, Network, TensorShape
from specs.study import SharedBuffer, Study
from specs.templates import accelerator

STUDIES = Path(specs.__file__).parent / "studies"
EIGHT_ROWS = Network(
    "two 3x3 convolutions",
    (("x", TensorShape(2, 8, 8)),),
    (
        Layer("a", "conv", (("x",),), 1, 4, 2, 8, 8, 8, 8, 3, 3, (1, 1), (1, 1, 1, 1), bias=True),
        Layer("b", "conv", (("a",),), 1, 3, 4, 8, 8, 8, 8, 3, 3, (1, 1), (1, 1, 1, 1)),
    ),
    ("b",),
)
BOTH = ("a", "b")


def tiny(double_buffer: bool = False, batch: int = 1) -> tuple[Study, Design]:
    """Two convolutions, fused in one-row steps with kept rows, in buffers where everything fits."""
    array = accelerator("vwa", blocks=(2,), rows=(2,), taps=(3,), double_buffer=double_buffer)
    study = replace(roomy(random_study(random.Random(1))), network=EIGHT_ROWS, accelerators=(array,), batch=batch)
    group = GroupDesign(BOTH, 8, 1, "cache-rows", frozenset(BOTH), images=batch)
    return study, Design(next(iter(hardware_points(study))), (group,))


def layers_alone(design: Design, **changes: object) -> Design:
    """The same hardware with every layer alone, weight-stationary where nothing else is asked for."""
    group = GroupDesign(("a",), resident=frozenset("a"), order="weight-stationary")
    first = replace(group, **changes)  # type: ignore[arg-type]
    return replace(design, groups=(first, replace(group, layers=("b",), resident=frozenset("b"))))


# Designs that are right


def draw(seed: int) -> tuple[Study, Design]:
    """A study and one of its designs; odd networks in half of the cases."""
    rng = random.Random(seed)
    study = roomy(odd_study(rng) if seed % 2 else random_study(rng, rich=rng.random() < 0.5))
    return study, random_design(rng, study)


def agree(seeds: range) -> None:
    for seed in seeds:
        study, design = draw(seed)
        differing = [line for line in compare(study, design, seed) if not line.agrees]
        assert not differing, f"seed {seed}: {differing}"


@pytest.mark.parametrize("block", range(12))
def test_random_designs_do_what_they_are_priced_to_do(block: int) -> None:
    agree(range(100 * block, 100 * block + 100))


@pytest.mark.long
@pytest.mark.parametrize("block", range(40))
def test_many_random_designs_do_what_they_are_priced_to_do(block: int) -> None:
    agree(range(10_000 + 500 * block, 10_500 + 500 * block))


def test_random_designs_visit_every_corner_of_the_space() -> None:
    seen: Counter[str] = Counter()
    for seed in range(1200):
        study, design = draw(seed)
        seen["shared buffer"] += design.hardware.shared
        seen["double buffer"] += design.hardware.double_buffer
        for group in design.groups:
            layer = study.network.layer(group.layers[0])
            seen[group.order] += 1
            seen["stepwise"] += group.start == "stepwise"
            seen["several tiles"] += group.tile_rows * group.tile_cols > 1
            seen["shares"] += group.images < study.batch
            seen["rows kept"] += group.overlap == "cache-rows" and group.tile_rows > 1
            seen["both kept"] += group.overlap == "cache-all" and min(group.tile_rows, group.tile_cols) > 1
            seen["both kept stepwise"] += group.start == "stepwise" and min(group.tile_rows, group.tile_cols) > 1
            seen["some weights stay"] += 0 < len(group.resident) < len(group.layers)
            seen["grouped and cut"] += 1 < layer.G < layer.C and min(group.channel_splits, group.input_splits) > 1
            seen["spills with kept halos"] += "spilling" in group.order and "cache" in group.overlap
    corners = [*ORDERS_ALONE, "fused", "stepwise", "several tiles", "shares", "rows kept", "both kept", "shared buffer"]
    corners += ["both kept stepwise", "some weights stay", "grouped and cut", "spills with kept halos", "double buffer"]
    assert {corner: seen[corner] for corner in corners if seen[corner] < 10} == {}


def test_the_trace_holds_the_words_of_the_network() -> None:
    study, design = tiny(batch=2)
    data = random_data(study.network, 2, 5)
    trace = execute(study, design, 5)
    assert np.array_equal(trace.outputs["b"], compute(study.network, data, study.precision)["b"])
    assert len(trace.groups[0].events) == 8
    assert sum(event.read_bytes for event in trace.groups[0].events) == trace.groups[0].dram_read_bytes
    assert sum(event.macs for event in trace.groups[0].events) == trace.groups[0].macs == 2 * EIGHT_ROWS.macs


@pytest.mark.parametrize("start", ["at-once", "stepwise"])
def test_a_chain_of_two_convolutions_holds_three_rows_of_each_map(start: str) -> None:
    group = replace(tiny()[1].groups[0], start=start)  # type: ignore[arg-type]
    steps = axis_steps(EIGHT_ROWS, list(EIGHT_ROWS.layers), group, 0)
    first = {"at-once": [3, 1, 1], "stepwise": [1, 1, 1, 1]}[start]
    loaded = [len(new) for new in steps.tensors["x"].new]
    assert loaded[: len(first)] == first
    assert sum(loaded) == 8
    assert held_lengths(steps) == {"x": 3, "a": 3, "b": 1}


# Designs that are wrong


def shorten(change: Callable[[TensorSteps], TensorSteps], name: str) -> Callable[..., AxisSteps]:
    """Work out a group's steps and spoil those of the rows of one tensor."""

    def spoilt(network: Network, layers: list[Layer], group: GroupDesign, axis: int) -> AxisSteps:
        steps = axis_steps(network, layers, group, axis)
        if axis == 0:
            steps.tensors[name] = change(steps.tensors[name])
        return steps

    return spoilt


def without_first(numbers: list[Index]) -> list[Index]:
    return [some[1:] for some in numbers]


@pytest.mark.parametrize("name", ["x", "a"])
def test_a_halo_row_that_is_not_kept_is_missed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    study, design = tiny()
    spoil = shorten(lambda steps: replace(steps, lasting=without_first(steps.lasting)), name)
    monkeypatch.setattr(execute_fused, "axis_steps", spoil)
    with pytest.raises(
        ExecutionError, match=rf"(read of what is not in the buffer|no room is reserved for): {name}|{name}, "
    ):
        execute(study, design)


def test_a_row_that_is_not_loaded_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    study, design = tiny()
    spoil = shorten(lambda steps: replace(steps, new=[*steps.new[:2], indices([]), *steps.new[3:]]), "x")
    monkeypatch.setattr(execute_fused, "axis_steps", spoil)
    with pytest.raises(ExecutionError, match="read of what is not in the buffer: x, channel 0, row 4, column 0"):
        execute(study, design)


def test_what_is_freed_too_early_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    study, design = tiny()
    whole = replace(design, groups=(replace(design.groups[0], tile_rows=1),))
    execute(study, whole)
    monkeypatch.setattr(execute_fused.FusedGroup, "_forget", lambda self, step: self.held["a"].leave())
    with pytest.raises(ExecutionError, match="read of what is not in the buffer: a, channel 0, row 0, column 0"):
        execute(study, whole)


def test_a_row_that_is_stored_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    study, design = tiny()
    recomputed = replace(design, groups=(replace(design.groups[0], overlap="recompute"),))
    spoil = shorten(lambda steps: replace(steps, stored=[*steps.stored[:-1], steps.stored[0]]), "b")
    monkeypatch.setattr(execute_fused, "axis_steps", spoil)
    with pytest.raises(ExecutionError, match=r"read of what is not in the buffer: b|b is stored to DRAM twice"):
        execute(study, recomputed)


def test_a_row_that_never_leaves_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    study, design = tiny()
    spoil = shorten(lambda steps: replace(steps, stored=[*steps.stored[:-1], indices([])]), "b")
    monkeypatch.setattr(execute_fused, "axis_steps", spoil)
    with pytest.raises(ExecutionError, match="b does not leave whole"):
        execute(study, design)


@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize("place", [0, 17, 75])
def test_one_changed_weight_changes_the_output(monkeypatch: pytest.MonkeyPatch, place: int, stays: bool) -> None:
    study, design = tiny()
    group = replace(design.groups[0], resident=frozenset(BOTH if stays else ()))
    load = Dram.load_weights

    def flip(self: Dram, name: str, places: Index) -> Words:
        words = load(self, name, places)
        return np.where((places == place) & (name == "a"), words ^ 1, words)

    monkeypatch.setattr(Dram, "load_weights", flip)
    with pytest.raises(ExecutionError, match=r"b differs from a direct computation in .* words, first in image 0"):
        execute(study, replace(design, groups=(group,)))


def test_partial_sums_that_do_not_come_back_change_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    study, design = tiny()
    spilling = layers_alone(design, order="weight-stationary-spilling", input_splits=2)
    execute(study, spilling)
    monkeypatch.setattr(execute_alone.LayerAlone, "_read_sums", lambda self, at: self.sums.values * 0)
    with pytest.raises(ExecutionError, match="a differs from a direct computation"):
        execute(study, spilling)


def test_a_chunk_of_input_channels_that_is_left_out_changes_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    study, design = tiny()
    streaming = layers_alone(design, order="output-stationary", resident=frozenset(), input_splits=2)
    execute(study, streaming)
    add = executed_chip.sum_up

    def leave_out(
        chip: Chip, blocks: list[Block], chunk: WeightChunk, piece_words: int, sums: Ints, *rest: Any
    ) -> Ints:
        made = add(chip, blocks, chunk, piece_words, sums, *rest)
        return sums if chunk.inputs.start == 0 and chunk.layer.name == "a" else made

    monkeypatch.setattr(execute_alone, "sum_up", leave_out)
    with pytest.raises(ExecutionError, match="a differs from a direct computation"):
        execute(study, streaming)


def test_a_group_that_runs_too_early_finds_nothing() -> None:
    study, design = tiny()
    backwards = layers_alone(design)
    with pytest.raises(ExecutionError, match="a is loaded from DRAM before it was stored"):
        execute(study, replace(design, groups=backwards.groups[::-1]))


@pytest.mark.parametrize("seed", range(24))
def test_a_buffer_that_lacks_one_byte_overflows(seed: int) -> None:
    study, design = draw(seed)
    trace = execute(study, design, seed)
    feature = max(group.feature_peak_bytes for group in trace.groups)
    weight = max(group.weight_peak_bytes for group in trace.groups)
    both = max(group.feature_peak_bytes + group.weight_peak_bytes for group in trace.groups)
    run = partial(_run_with, study, design, seed)
    if isinstance(study.buffers, SharedBuffer):
        run(feature_bytes=both)
        with pytest.raises(ExecutionError, match="overflows"):
            run(feature_bytes=both - 1)
        return
    run(feature_bytes=feature, weight_bytes=weight)
    with pytest.raises(ExecutionError, match="the feature buffer overflows"):
        run(feature_bytes=feature - 1)
    if weight:
        with pytest.raises(ExecutionError, match="the weight buffer overflows"):
            run(weight_bytes=weight - 1)


def _run_with(study: Study, design: Design, seed: int, **sizes: int) -> None:
    execute(study, replace(design, hardware=replace(design.hardware, **sizes)), seed)  # type: ignore[arg-type]


def test_a_load_that_is_larger_than_its_room_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    study, design = tiny(double_buffer=True)
    monkeypatch.setattr(execute_fused.FusedGroup, "_most_loaded", lambda self: 1)
    with pytest.raises(ExecutionError, match="bytes are loaded for the next tile, with room for 1"):
        execute(study, design)


def test_weights_that_stream_need_their_window(monkeypatch: pytest.MonkeyPatch) -> None:
    study, design = tiny()
    streaming = replace(design, groups=(replace(design.groups[0], resident=frozenset()),))
    monkeypatch.setattr(WeightBuffer, "open_window", lambda self, *window: None)
    with pytest.raises(ExecutionError, match="no room is reserved for the streaming weights of a"):
        execute(study, streaming)


def test_bytes_that_stay_reserved_after_a_group_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    study, design = tiny()
    release = Pool.release
    monkeypatch.setattr(Pool, "release", lambda self, num_bytes: release(self, max(0, num_bytes - 1)))
    with pytest.raises(ExecutionError, match=r"group a\+b leaves .* bytes reserved"):
        execute(study, design)


@pytest.mark.long
@pytest.mark.parametrize("name", ["mobilenet_v2_edge", "googlenet_bandwidth", "resnet18_latency"])
def test_designs_of_real_networks_do_what_they_are_priced_to_do(name: str) -> None:
    study = roomy(load(STUDIES / f"{name}.yaml"))
    study = replace(study, fusion=replace(study.fusion, max_layers=4))
    rng, compared = random.Random(1), 0
    while compared < 2:
        design = random_design(rng, study)
        try:
            lines = compare(study, design)
        except DesignError:  # it does not fit the largest buffers of the technology
            continue
        assert [line for line in lines if not line.agrees] == []
        compared += 1
