"""The layers of a training step compute gradients: those that differences of the loss show, in real numbers."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from float_training import Step, loss, random_parameters
from odd_networks import odd_network
from random_networks import random_network, with_activations
from specs.network import MASK, Network
from specs.training import training_step

STEP = 1e-6


def draw(seed: int) -> tuple[Network, Network] | None:
    """A small random network and its training step; None if there is nothing to train."""
    rng = random.Random(seed)
    network = with_activations(rng, (odd_network if seed % 2 else random_network)(rng, max_layers=6))
    try:
        return network, training_step(network)
    except ValueError:
        return None


def check(seed: int) -> None:
    """Compare gradients along one random direction per array of parameters."""
    drawn = draw(seed)
    if drawn is None:
        return
    network, step = drawn
    rng, batch = np.random.default_rng(seed), 2
    given = random_parameters(network, rng)
    inputs = {n: rng.normal(size=(batch, s.channels, s.rows, s.cols)) for n, s in (*network.inputs, *step.inputs)}
    names = {layer.operands[1][0]: layer.operands[0][0] for layer in step.layers if layer.op == "loss"}
    targets = {logits.removesuffix(":norm"): inputs[target] for target, logits in names.items()}
    done = Step(step, given, inputs)
    for kind, name, values in given.every:
        if f"{name}:wgrad" not in step.index:
            continue
        towards = rng.normal(size=values.shape)
        towards /= np.sqrt((towards**2).sum())
        before, losses = values.copy(), []
        for sign in (1, -1):
            values[...] = before + sign * STEP * towards
            losses.append(loss(network, given, inputs, targets))
        values[...] = before
        expected = (losses[0] - losses[1]) / (2 * STEP)
        found = done.gradients(kind, name)
        size = float(np.sqrt((found**2).sum()))
        assert float((found * towards).sum()) == pytest.approx(expected, rel=1e-5, abs=1e-5 * max(size, 1)), (
            kind,
            name,
        )


@pytest.mark.parametrize("seed", range(100))
def test_gradients_are_what_differences_of_the_loss_show(seed: int) -> None:
    check(seed)


@pytest.mark.long
@pytest.mark.parametrize("block", range(20))
def test_many_gradients_are_what_differences_of_the_loss_show(block: int) -> None:
    for seed in range(1000 + 50 * block, 1050 + 50 * block):
        check(seed)


def test_the_networks_have_everything_that_a_gradient_passes() -> None:
    seen: Counter[str] = Counter()
    for seed in range(200):
        drawn = draw(seed)
        for layer in drawn[1].layers if drawn else ():
            seen[layer.op] += 1
            seen["upsampled"] += layer.op == "dgrad" and max(layer.upsample) > 1
            seen["grouped"] += layer.op == "dgrad" and 1 < layer.G < layer.C
            seen["depthwise"] += layer.op == "dgrad" and 1 < layer.G == layer.C == layer.K
            seen["masked"] += layer.phase == "backward" and layer.operands[-1][0].endswith(MASK)
            seen["sum"] += layer.name.endswith(":sum")
        seen["views"] += len(drawn[1].views) if drawn else 0
        seen["reshaped"] += sum(view.reshaped for _, view in drawn[1].views) if drawn else 0
    wanted = ["dgrad", "wgrad", "unpool", "spread", "dnorm", "normgrads", "loss", "upsampled", "grouped", "depthwise"]
    assert {name: seen[name] for name in [*wanted, "masked", "sum", "views", "reshaped"] if seen[name] < 8} == {}
