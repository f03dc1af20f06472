"""Executing designs of training steps: gradients, updates and masks are those of a direct computation, bit for bit."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from costmodel import arithmetic_vector, execute_fused, executed_chip
from costmodel.buffers import ExecutionError
from costmodel.compare import compare
from costmodel.design import ORDERS_ALONE, Design, GroupDesign, Order
from costmodel.dram import Dram
from costmodel.execute import GroupTrace, execute
from costmodel.executed_sums import SumBuffer
from costmodel.hardware import hardware_points
from random_designs import roomy
from random_networks import random_study
from random_training import training_design, training_study
from specs.network import MASK, Layer, Network, TensorShape
from specs.study import Precision, Study
from specs.templates import accelerator
from specs.training import training_step

PRECISION = Precision(16, 8, 32, 24, 32)


def draw(seed: int) -> tuple[Study, Design]:
    rng = random.Random(seed)
    study = training_study(rng)
    return study, training_design(rng, study)


def agree(seeds: range) -> None:
    for seed in seeds:
        study, design = draw(seed)
        differing = [line for line in compare(study, design, seed) if not line.agrees]
        assert not differing, f"seed {seed}: {differing}"


@pytest.mark.parametrize("block", range(6))
def test_random_training_designs_do_what_they_are_priced_to_do(block: int) -> None:
    agree(range(50 * block, 50 * block + 50))


@pytest.mark.long
@pytest.mark.parametrize("block", range(40))
def test_many_random_training_designs_do_what_they_are_priced_to_do(block: int) -> None:
    agree(range(10_000 + 100 * block, 10_100 + 100 * block))


def test_random_training_designs_visit_every_corner() -> None:
    seen: Counter[str] = Counter()
    for seed in range(300):
        study, design = draw(seed)
        network = study.network
        for group in design.groups:
            layers = [network.layer(name) for name in group.layers]
            read = {name for layer in layers for name in layer.input_tensors}
            here = {name for name in read if network.maker[name] in group.layers}
            ops = {layer.op for layer in layers}
            seen["mask read where it is made"] += any(name.endswith(MASK) for name in here)
            seen["view read where its map is made"] += any(name in dict(network.views) for name in here)
            seen["gradient and update"] += "wgrad" in ops and "update" in ops
            seen["streamed sums"] += any(layer.reduces and layer.name not in group.resident for layer in layers)
            seen["streamed constants"] += any(op in ("norm", "dnorm") for op in ops) and not group.resident
            seen["upsampled, halos kept"] += any(max(v.upsample) > 1 for v in layers) and group.overlap != "recompute"
            seen["zeros skipped"] += any(max(v.upsample) > 1 for v in layers) and design.hardware.skip_zeros
            seen["pads below zero"] += any(min(layer.pad) < 0 for layer in layers)
            seen["stepwise"] += group.start == "stepwise"
            if len(layers) > 1:
                continue
            cut = max(group.channel_splits, group.input_splits) > 1
            seen[f"{layers[0].op} alone"] += 1
            seen[f"{layers[0].op} cut"] += cut
            seen["masked dgrad cut"] += group.channel_splits > 1 and layers[0].op == "dgrad" and layers[0].pixelwise > 0
            if layers[0].op == "dgrad":
                seen[group.order] += 1
    alone = ["update", "loss", "norm", "dnorm", "moments", "normgrads", "add", "dgrad", "wgrad", "spread", "unpool"]
    corners = [name for name in seen if "alone" not in name and name not in ORDERS_ALONE]
    corners = [name for name in corners if not name.startswith(("fc", "dwconv", "maxpool", "avgpool", "update"))]
    assert {name: seen[name] for name in corners if seen[name] < 2} == {}
    assert {name: seen[f"{name} alone"] for name in alone if seen[f"{name} alone"] < 2} == {}
    assert {name: seen[name] for name in ORDERS_ALONE[:2] if seen[name] < 2} == {}


# What a small step moves, by hand


def small(**changes: object) -> tuple[Study, dict[str, GroupTrace]]:
    """A strided convolution with a batch-norm before a pool and a classifier, every layer alone at once."""
    layers = (
        Layer(
            "c", "conv", (("x",),), 1, 5, 3, 8, 8, 4, 4, 3, 3, (2, 2), (1, 1, 1, 1), bias=True, batch_norm=True,
            relu=True,
        ),
        Layer("d", "conv", (("c",),), 1, 6, 5, 4, 4, 2, 2, 3, 3, (2, 2), (1, 1, 0, 0), bias=True, relu=True),
        Layer("p", "maxpool", (("d",),), 6, 6, 6, 2, 2, 1, 1, 2, 2),
        Layer("f", "fc", (("p",),), 1, 7, 6, 1, 1, 1, 1, bias=True),
    )  # fmt: skip
    step = training_step(Network("n", (("x", TensorShape(3, 8, 8)),), layers, ("f",)))
    array = accelerator("vwa", blocks=(2,), rows=(2,), taps=(3,), double_buffer=False)
    study = roomy(random_study(random.Random(1)))
    study = replace(
        study, network=step, accelerators=(array,), batch=2, precision=PRECISION, mode="training", optimizer="adam"
    )
    hardware = replace(next(iter(hardware_points(study))), **changes)  # type: ignore[arg-type]
    groups = [
        GroupDesign(
            (layer.name,),
            order="weight-stationary",
            images=2,
            resident=frozenset([layer.name] if layer.has_weights else []),
        )
        for layer in step.layers
    ]
    trace = execute(study, Design(hardware, tuple(groups)), 3)
    return study, {group.layers[0]: group for group in trace.groups}


def test_what_each_layer_of_a_small_step_moves() -> None:
    _, done = small()
    moved = {name: (group.dram_read_bytes, group.dram_write_bytes) for name, group in done.items()}
    assert moved["c"] == (2 * 192 * 2 + 135, 2 * 80 * 2)
    assert moved["c:moments"] == (2 * 80 * 2, 5 * 2 * 4)
    # Five signs take one byte of each position.
    assert moved["c:norm"] == (2 * 80 * 2 + 5 * 4 * 4, 2 * (80 * 2 + 16))
    # Two bits for the place of a maximum: twelve bits of each position.
    assert moved["p"] == (2 * 24 * 2, 2 * (6 * 2 + 2))
    assert moved["p:unpool"] == (2 * (6 * 2 + 2 + 4 * 1), 2 * 24 * 2)
    assert moved["d:dgrad"] == (2 * (24 * 2 + 16) + 6 * 5 * 9, 2 * 80 * 2)
    assert moved["d:wgrad"] == (2 * (80 + 24) * 2, 6 * (45 + 1) * 3)
    # Adam: three states of four bytes read and written, the gradient read, eight-bit weights written.
    assert moved["d:update"] == (276 * (3 * 4 + 3), 276 * (3 * 4 + 1))
    assert moved["c:dnorm"] == (2 * 2 * 80 * 2 + 5 * 5 * 4, 2 * 80 * 2)
    assert moved["c:normgrads"] == (2 * 2 * 80 * 2, 5 * 2 * 4)
    params = 5 * (27 + 2)
    assert moved["c:update"] == (params * 3 * 4 + 135 * 3 + 10 * 4, params * (3 * 4 + 1))
    assert "c:dgrad" not in moved


@pytest.mark.parametrize(("skips", "places"), [(True, 4), (False, 16)])
def test_an_input_gradient_multiplies_zeros_unless_they_are_skipped(skips: bool, places: int) -> None:
    study, done = small(skip_zeros=skips)
    assert done["d:dgrad"].macs == 2 * 5 * 6 * 9 * places
    assert done["d:wgrad"].macs == 2 * study.network.layer("d:wgrad").macs == 2 * 6 * 45 * 4


@pytest.mark.parametrize(("double", "copies"), [(False, 1), (True, 2)])
def test_an_update_needs_room_for_one_parameter(double: bool, copies: int) -> None:
    _, done = small(double_buffer=double)
    assert done["d:update"].weight_peak_bytes == copies * (3 * 4 + 3)
    assert done["c:update"].weight_peak_bytes == copies * (3 * 4 + 4)
    assert done["d:update"].feature_peak_bytes == 0
    assert done["d:wgrad"].weight_peak_bytes == 276 * 4


@pytest.mark.parametrize("stays", [True, False])
def test_a_gradient_and_its_update_in_one_group(stays: bool) -> None:
    study, _ = small()
    hardware = next(iter(hardware_points(study)))
    first, second = "d:wgrad", "d:update"
    alone = [
        GroupDesign((layer.name,), order="weight-stationary", images=2) for layer in study.network.layers
    ]  # fmt: skip
    alone = [
        replace(g, resident=frozenset(g.layers)) if study.network.layer(*g.layers).has_weights else g for g in alone
    ]
    order: Order = "weight-stationary" if stays else "input-stationary"
    both = GroupDesign((first, second), tile_rows=2, order=order, resident=frozenset([first] if stays else []))
    groups = [both if g.layers == (first,) else g for g in alone if g.layers != (second,)]
    trace = execute(study, Design(hardware, tuple(groups)), 3)
    done = next(group for group in trace.groups if group.layers == (first, second))
    halo = 2 * 5 * 4 * 2  # one row of four is loaded twice
    spilled = 0 if stays else 3 * 276 * 4  # four visits: sums travel between them
    assert done.dram_read_bytes == 2 * (80 + 24) * 2 + halo + 276 * 12 + spilled
    assert done.dram_write_bytes == 276 * 13 + spilled


# Designs that are wrong


def spoilt(monkeypatch: pytest.MonkeyPatch, target: object, name: str, value: object) -> None:
    """A design that ran runs no longer."""
    monkeypatch.setattr(target, name, value)
    with pytest.raises(ExecutionError, match="differs from a direct computation"):
        small()


def test_a_mask_that_is_not_applied_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt(monkeypatch, executed_chip, "signs", lambda words: np.ones_like(words))


def test_a_kernel_that_is_not_rotated_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    turned = Dram._rotated
    spoilt(monkeypatch, Dram, "_rotated", lambda self, layer: turned(self, layer)[::-1].copy())


def test_a_tile_that_a_reduction_leaves_out_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    give = arithmetic_vector.contribution

    def part(layer: Layer, blocks: list[object], *rest: object) -> object:
        return give(layer, blocks, *rest) * (layer.name != "c:moments")  # type: ignore[arg-type]

    spoilt(monkeypatch, execute_fused, "contribution", part)


def test_the_last_of_several_maxima_is_not_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    find = arithmetic_vector.places_of_maxima
    spoilt(monkeypatch, executed_chip, "places_of_maxima", lambda *args: 3 - find(*args))


def test_sums_that_do_not_come_back_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    add = SumBuffer.add
    monkeypatch.setattr(
        SumBuffer, "add", lambda self, chunk, given, words, first, last: add(self, chunk, given, words, True, last)
    )
    seeds = (seed for seed in range(100) if _streams_sums(*draw(seed)))
    with pytest.raises(ExecutionError):
        execute(*draw(next(seeds)))


def _streams_sums(study: Study, design: Design) -> bool:
    return any(
        study.network.layer(name).op == "wgrad" and name not in group.resident and group.tile_rows > 1
        for group in design.groups
        for name in group.layers
    )


def test_a_sum_that_is_read_too_early_is_noticed() -> None:
    study, _ = small()
    names = [layer.name for layer in study.network.layers]
    names.remove("c:norm")
    names.insert(names.index("c:moments"), "c:norm")
    groups = [GroupDesign((name,), order="weight-stationary") for name in names]
    with pytest.raises(ExecutionError, match="c:norm reads c:moments before it is complete"):
        execute(study, Design(next(iter(hardware_points(study))), tuple(groups)))


@pytest.mark.parametrize("seed", range(12))
def test_a_buffer_that_lacks_one_byte_overflows(seed: int) -> None:
    study, design = draw(seed)
    trace = execute(study, design, seed)
    if design.hardware.shared:
        return
    feature = max(group.feature_peak_bytes for group in trace.groups)
    weight = max(group.weight_peak_bytes for group in trace.groups)
    run = partial(_run_with, study, design, seed)
    run(feature_bytes=feature, weight_bytes=weight)
    with pytest.raises(ExecutionError, match="the feature buffer overflows"):
        run(feature_bytes=feature - 1)
    with pytest.raises(ExecutionError, match="the weight buffer overflows"):
        run(weight_bytes=weight - 1)


def _run_with(study: Study, design: Design, seed: int, **sizes: int) -> None:
    execute(study, replace(design, hardware=replace(design.hardware, **sizes)), seed)  # type: ignore[arg-type]
