"""Bounds that were too high for training steps once, each in the smallest study that showed it."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from costmodel.extents import extents
from costmodel.groups import group_lattice
from costmodel.hardware import hardware_points
from costmodel.table import build_table, table_frame
from random_instances import conv, network_of, small_study
from solver import solve
from solver.bounds import plain_bounds
from solver.first_array import start
from solver.problem import Problem
from specs.network import Layer, Network, TensorShape
from specs.study import Budgets, Dram, Fusion, Precision, SeparateBuffers, Study, Tiling
from specs.templates import accelerator
from specs.training import training_step
from test_costmodel_training_table import small_training_study
from test_solver_training_attacks import attack


def test_a_gradient_with_its_update_may_cut_channels_instead_of_streaming_sums() -> None:
    """99 sums of 4 bytes do not fit 256 bytes: by the least cost they stream; cut in two they stay."""
    study = replace(
        small_study(training_step(network_of(11, conv("a", ("x",), 9, 11))), "bandwidth"),
        mode="training",
        optimizer="sgd",
        precision=Precision(16, 16, 32, 16, 16),
        batch=3,
        tiling=Tiling((1, 2, 4), (1, 2, 4), None, None),
        fusion=Fusion(2),
    )
    for use_bounds in (True, False):
        best = solve(study, baseline=False, use_bounds=use_bounds).best
        assert best.objective == 6162
        assert best.design is not None
        assert best.design.groups[-1].layers == ("a:wgrad", "a:update")
        assert best.design.groups[-1].input_splits == 2


def test_less_of_what_streams_may_be_more_sums() -> None:
    """Either the constants of dnorm stay or the sums of wgrad, not both: more constants stream, and that is better."""
    attack("depthwise", 102)


def test_a_map_from_outside_goes_while_its_mask_stays() -> None:
    """The weight gradient reads a's map, the input gradient a's mask: of the map nothing is there any more."""
    first, second = conv("a", ("x",), 7, 1), conv("b", ("a",), 7, 7)
    network = training_step(network_of(1, replace(first, relu=True), second))
    study = replace(small_study(network, "energy"), mode="training")
    (group,) = [
        group
        for group in group_lattice(network, 2).groups
        if group == sum(1 << network.index[name] for name in ("b:wgrad", "b:dgrad"))
    ]
    (hardware,) = hardware_points(study)
    # 16 positions: 7 bytes of b's gradient and of a's own, one of its mask; a's map only while b:wgrad runs.
    assert extents(study, [group]).live_bytes(hardware.array).tolist() == [16 * (7 + 7 + 1)]


def _strided(skip_zeros: bool) -> Study:
    """Nearly all multiplications are those of b's input gradient, of which 8 in 9 are with zeros."""
    first = Layer("a", "conv", (("x",),), 1, 16, 1, 12, 12, 12, 12)
    second = Layer("b", "conv", (("a",),), 1, 16, 16, 12, 12, 4, 4, 3, 3, (3, 3))
    network = training_step(Network("strided", (("x", TensorShape(1, 12, 12)),), (first, second), ("b",)))
    arrays = accelerator("vwa", blocks=(2, 4), rows=2, taps=3, double_buffer=True)
    return replace(
        small_study(network, "latency"),
        accelerators=(replace(arrays, skip_zeros=skip_zeros),),
        buffers=SeparateBuffers((16384,), (16384,)),
        dram=(Dram("fast", 64_000, 64_000_000_000),),
        mode="training",
        fusion=Fusion(2),
        tiling=Tiling((1, 2), (1,), (1,), (1,)),
    )


def _check_arrays(study: Study) -> None:
    frame, table = table_frame(study), build_table(study)
    begin = start(frame)
    left = np.concatenate([points for _, by_array in begin.families for points in by_array])
    dropped = np.setdiff1d(np.arange(len(table.points)), left)
    of_one_layer = np.array([layers.bit_count() == 1 for layers in table.lattice.groups])
    for groups in (np.ones_like(of_one_layer), of_one_layer):
        problem = Problem(table, "latency", study.budgets, groups, np.arange(len(table.points), dtype=np.intp))
        optima = plain_bounds(problem).lower
        assert (begin.lower <= optima).all()
        assert not len(dropped) or optima[dropped].min() > optima.min()


@pytest.mark.parametrize("skip_zeros", [False, True])
def test_zeros_that_are_skipped_take_no_time(skip_zeros: bool) -> None:
    _check_arrays(_strided(skip_zeros))


@pytest.mark.parametrize("seed", range(20))
def test_dropped_arrays_are_slower_than_the_best_design_layer_by_layer(seed: int) -> None:
    rng = random.Random(seed)
    study = replace(small_training_study(rng), goal="latency", budgets=Budgets())
    wide = {"vwa": ("blocks", 64), "eyeriss": ("cols", 56), "systolic": ("rows", 64)}
    accelerators = []
    for spec in study.accelerators:
        name, most = wide[spec.template]
        numbers = tuple((n, tuple(sorted({*values, most})) if n == name else values) for n, values in spec.numbers)
        accelerators.append(replace(spec, numbers=numbers))
    if len(study.network.layers) <= 16:
        _check_arrays(replace(study, accelerators=tuple(accelerators)))
