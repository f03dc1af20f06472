"""The direct computation of a network, against six plain loops."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from costmodel.reference import Data, Ints, compute, finish, random_data, wrap
from odd_networks import odd_network
from specs.network import Layer, Network, TensorShape
from specs.study import Precision


@pytest.mark.parametrize("seed", range(60))
def test_every_layer_equals_plain_loops(seed: int) -> None:
    rng = random.Random(seed)
    network = odd_network(rng, max_layers=3)
    precision = rng.choice([Precision(), Precision(16, 8, 32)])
    data = random_data(network, 2, seed)
    tensors = compute(network, data, precision)
    for layer in network.layers:
        for _ in range(6):
            n, k = rng.randrange(2), rng.randrange(layer.K)
            p, q = rng.randrange(layer.P), rng.randrange(layer.Q)
            sums = np.array([_one_sum(layer, tensors, data, n, k, p, q)])
            assert finish(layer, sums, precision)[0] == tensors[layer.name][n, k, p, q]


def _one_sum(layer: Layer, tensors: dict[str, Ints], data: Data, n: int, k: int, p: int, q: int) -> int:
    operands = [np.concatenate([tensors[name][n] for name in operand]) for operand in layer.operands]
    if layer.op == "add":
        return sum(int(operand[k, p, q]) for operand in operands)
    share_in, share_out = layer.C // layer.G, layer.K // layer.G
    words, total, seen = data.weights.get(layer.name), 0, []
    for c in range(share_in):
        for r in range(layer.R):
            for s in range(layer.S):
                row = p * layer.stride[0] + r * layer.dilation[0] - layer.pad[0]
                col = q * layer.stride[1] + s * layer.dilation[1] - layer.pad[1]
                if not (0 <= row < layer.H and 0 <= col < layer.W):
                    continue
                word = int(operands[0][k // share_out * share_in + c, row, col])
                seen.append(word)
                total += word * (int(words[k, (c * layer.R + r) * layer.S + s]) if words is not None else 1)
    if layer.op == "maxpool":
        return max(seen, default=0)
    return total + (int(words[k, -1]) if layer.bias and words is not None else 0)


def test_words_wrap_like_hardware() -> None:
    values = np.array([-129, -128, 127, 128, 255, 256])
    assert wrap(values, 8).tolist() == [127, -128, 127, -128, -1, 0]


def test_an_unfinished_sum_cannot_pass_for_a_finished_one() -> None:
    layer = Layer("l", "conv", (("x",),), 1, 1, 1, 1, 1, 1, 1)
    two = np.array([200]), np.array([100])
    apart = wrap(finish(layer, two[0], Precision()) + finish(layer, two[1], Precision()), 8)
    assert finish(layer, two[0] + two[1], Precision()) != apart
    network = Network("n", (("x", TensorShape(1, 1, 1)),), (replace(layer, bias=True),), ("l",))
    assert random_data(network, 1, 0).weights["l"].shape == (1, 2)
