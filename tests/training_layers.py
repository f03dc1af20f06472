"""Random layers of a training step, each as its template sees it: no network around them."""

from __future__ import annotations

import random
from dataclasses import replace

from specs.network import Layer, Op

TRAINING_OPS: tuple[Op, ...] = (
    "dgrad", "dgrad", "dgrad", "wgrad", "wgrad", "wgrad", "conv", "fc", "maxpool", "add",
    "norm", "moments", "loss", "unpool", "spread", "dnorm", "normgrads",
)  # fmt: skip
MOST = 20
"""Rows and columns of the map."""


def random_training_layer(rng: random.Random) -> Layer:
    op = rng.choice(TRAINING_OPS)
    if op in ("dgrad", "wgrad", "conv", "fc"):
        return _on_array(rng, op)
    R, S = _kernel(rng) if op in ("maxpool", "unpool", "spread") else (1, 1)
    masks = rng.randint(0, 1) if op in ("add", "loss", "unpool", "spread") else 0
    operands = {"add": rng.randint(1, 3), "loss": 2, "dnorm": 2, "normgrads": 2, "unpool": 1 + (R * S > 1)}.get(op, 1)
    usual = 1 if op in ("loss", "dnorm", "normgrads") else 0
    K = rng.randint(1, 40)
    layer = _bare(op, operands + masks, K, K, K)
    if op in ("unpool", "spread"):
        layer = replace(layer, upsample=rng.choice([(1, 1), (2, 2), (3, 1)]))
    if op == "maxpool":
        layer = replace(layer, stride=(2, 2), mask_bits=rng.choice([0, (R * S - 1).bit_length()]))
    if op in ("norm", "add") and not masks:
        layer = replace(layer, mask_bits=rng.randint(0, 1))
    return replace(layer, R=R, S=S, pixelwise=usual + masks)


def _on_array(rng: random.Random, op: Op) -> Layer:
    """Grouped, depthwise and plain, with kernels taller and wider than arrays and spads, too."""
    G, K, C = 1, rng.randint(1, 40), rng.randint(1, 40)
    kind = rng.random()
    if kind < 0.2:
        G, K, C = 2, 2 * K, 2 * C
    elif kind < 0.4:
        G = C = K
    R, S = _kernel(rng)
    layer = replace(_bare(op, 1, G, K, C), R=R, S=S, dilation=rng.choice([(1, 1), (1, 1), (2, 3)]))
    if op == "dgrad":
        masks = rng.randint(0, 1)
        upsample = rng.choice([(1, 1), (2, 2), (1, 2), (3, 2), (4, 4)])
        pad = rng.randint(-3, 5), rng.randint(-3, 5), 0, 0
        return replace(layer, operands=layer.operands * (1 + masks), pixelwise=masks, upsample=upsample, pad=pad)
    stride = rng.choice([(1, 1), (2, 2), (1, 2)])
    if op == "wgrad":
        return replace(layer, stride=stride, bias=rng.random() < 0.5, operands=layer.operands * 2, pixelwise=1)
    return replace(layer, stride=stride, bias=rng.random() < 0.5, mask_bits=rng.randint(0, 1))


def _bare(op: Op, operands: int, G: int, K: int, C: int) -> Layer:
    return Layer("l", op, ((),) * operands, G, K, C, 99, 99, MOST, MOST)


def _kernel(rng: random.Random) -> tuple[int, int]:
    R = rng.choice([1, 1, 2, 3, 5, 7, 11, 17])
    return R, rng.choice([R, R, 3, 13])
