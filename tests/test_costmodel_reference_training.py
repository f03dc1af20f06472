"""The direct computation of a training step: gradients are adjoint to their layers, masks are right."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from costmodel.reference import Data, Ints, _places, _sums, compute, random_data
from costmodel.reference_training import training_words
from costmodel.reference_words import finish_reduction, is_masked, updated
from random_training import PRECISIONS, random_step
from specs.network import MASK, Layer, Network, TensorShape
from specs.study import Precision
from specs.training import training_step

EXACT = Precision(32, 8, 48, 48, 32)


def one(op: str, **changes: object) -> tuple[Network, Layer]:
    """The step of a network that has one layer between two convolutions, and that layer."""
    first = Layer("c", "conv", (("x",),), 1, 4, 3, 7, 6, 7, 6, 3, 3, pad=(1, 1, 1, 1))
    layer = replace(Layer("l", op, (("c",),), 4, 4, 4, 7, 6, 4, 3, 3, 2, (2, 2), (1, 0, 1, 0)), **changes)  # type: ignore[arg-type]
    last = Layer("out", "conv", (("l",),), 1, 2, layer.K, layer.P, layer.Q, layer.P, layer.Q)
    return training_step(Network("n", (("x", TensorShape(3, 7, 6)),), (first, layer, last), ("out",))), layer


def run(step: Network, seed: int = 0, precision: Precision = EXACT) -> tuple[Data, dict[str, Ints]]:
    data = random_data(step, 2, seed, moments=1)
    return data, compute(step, data, precision)


def backward(step: Network, name: str, operands: list[Ints], data: Data) -> Ints:
    return training_words(step, step.layer(name), operands, {}, data, EXACT)


@pytest.mark.parametrize(("groups", "outputs"), [(1, 5), (2, 6), (4, 4)])
@pytest.mark.parametrize(("dilation", "pad", "P", "Q"), [((1, 1), (1, 0, 1, 0), 4, 3), ((2, 3), (2, 4, 1, 3), 3, 5)])
def test_gradients_are_adjoint_to_their_convolution(
    groups: int, outputs: int, dilation: tuple[int, int], pad: tuple[int, int, int, int], P: int, Q: int
) -> None:
    step, layer = one("conv", G=groups, K=outputs, dilation=dilation, pad=pad, P=P, Q=Q)
    data, rng = random_data(step, 2, 0), np.random.default_rng(1)
    inputs, gradient = rng.integers(0, 9, (2, 4, 7, 6)), rng.integers(0, 9, (2, outputs, P, Q))  # no sum is folded
    across = int((_sums(layer, [inputs], data) * gradient).sum())
    assert across == int((inputs * backward(step, "l:dgrad", [gradient], data)).sum())
    sums = backward(step, "l:wgrad", [inputs, gradient], data)
    assert across == int((sums * data.weights["l"].astype(np.int64)).sum())


def test_a_pool_hands_its_gradient_to_the_maxima_or_to_all() -> None:
    rng = np.random.default_rng(1)
    inputs, gradient = rng.integers(-9, 9, (2, 4, 7, 6)), rng.integers(-9, 9, (2, 4, 4, 3))
    for op, name in (("maxpool", "l:unpool"), ("avgpool", "l:spread")):
        step, layer = one(op)
        data = random_data(step, 2, 0)
        operands = [gradient, _places(layer, inputs)] if op == "maxpool" else [gradient]
        across = int((_sums(layer, [inputs], data) * gradient).sum())
        assert across == int((inputs * backward(step, name, operands, data)).sum())


def test_the_first_of_several_maxima_counts_and_padding_never_does() -> None:
    step, _ = one("maxpool")
    data = random_data(step, 1, 0)
    data.weights["c"][:] = 0  # every word is zero: all are maxima
    places = compute(step, data, EXACT)["l:mask"]
    assert (places[:, :, 1:] == 0).all()
    assert (places[:, :, 0] == 2).all()  # the window's first row is padding, and it is two columns wide


def test_a_mask_lets_through_what_is_positive() -> None:
    step, _ = one("conv", G=1, K=5, relu=True, pad=(1, 0, 1, 0))
    _, tensors = run(step)
    assert (tensors["l" + MASK] == (tensors["l"] > 0)).all()
    assert is_masked(step.layer("out:dgrad"))
    assert (tensors["out:dgrad"][tensors["l"] <= 0] == 0).all()
    assert (tensors["out:dgrad"][tensors["l"] > 0] != 0).any()


@pytest.mark.parametrize("seed", range(40))
def test_a_changed_state_or_sum_changes_what_the_step_leaves(seed: int) -> None:
    rng = random.Random(seed)
    step, precision = random_step(rng, max_layers=3), rng.choice(PRECISIONS)
    data = random_data(step, 2, seed, moments=2)
    before = compute(step, data, precision)
    name = rng.choice(sorted(data.states))
    flat = data.states[name].reshape(-1)
    flat[rng.randrange(flat.size)] ^= 1
    after = compute(step, data, precision)
    assert [other for other in before if (before[other] != after[other]).any()] == [name]


def test_an_unfinished_reduction_cannot_pass_for_a_finished_one() -> None:
    layer = Layer("l:wgrad", "wgrad", (("x",), ("g",)), 1, 1, 1, 1, 1, 1, 1, pixelwise=1)
    precision = Precision(8, 8, 32, 16, 16)
    parts = np.array([50_000]), np.array([40_000])
    apart = sum(finish_reduction(layer, part, precision) for part in parts)
    assert finish_reduction(layer, parts[0] + parts[1], precision) != apart


def test_an_update_changes_every_word_with_its_gradient() -> None:
    states = np.arange(12).reshape(3, 1, 4)
    gradients = np.array([[5, 6, 7, 8]])
    after = updated(states, gradients, 32)
    assert after.shape == states.shape
    assert ((updated(states, gradients + 1, 32) != after).all(axis=(0, 1))).all()


@pytest.mark.parametrize("seed", range(20))
def test_what_leaves_fits_its_width(seed: int) -> None:
    rng = random.Random(seed)
    step = random_step(rng)
    precision = rng.choice(PRECISIONS)
    _, tensors = run(step, seed, precision)
    for layer in step.layers:
        words = tensors[layer.name]
        bits = precision.activation
        if layer.op == "update":
            bits = precision.state
        elif layer.reduces:
            bits = precision.gradient if layer.op == "wgrad" else precision.partial_sum
        assert words.size == 0 or -(1 << bits - 1) <= words.min() <= words.max() < 1 << bits - 1
