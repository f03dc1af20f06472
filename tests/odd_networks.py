"""Small random networks with everything that the format allows: odd windows, repeated operands, several inputs."""

from __future__ import annotations

import random
from dataclasses import replace

from random_networks import random_study
from specs.network import Layer, Network, TensorShape
from specs.study import Study
from specs.templates import accelerator

Shapes = dict[str, TensorShape]


def odd_study(rng: random.Random) -> Study:
    """A random study over an odd network, on any of the templates."""
    study = random_study(rng, max_layers=2, rich=rng.random() < 0.5)
    if rng.random() < 0.3:
        systolic = accelerator(
            "systolic",
            rows=tuple(sorted(rng.sample([2, 5, 16], 2))),
            cols=(rng.choice([2, 3, 8]),),
            double_buffer=rng.random() < 0.6,
        )
        study = replace(study, accelerators=(systolic,))
    return replace(study, network=odd_network(rng), batch=rng.choice([1, 1, 2, 3, 5]))


def odd_network(rng: random.Random, max_layers: int = 5) -> Network:
    """A network of up to ``max_layers`` layers on maps of at most about ten rows and columns."""
    shapes: Shapes = {}
    rows, cols = rng.randint(3, 10), rng.randint(3, 10)
    for i in range(rng.choice([1, 1, 2])):
        shapes[f"x{i}"] = TensorShape(rng.randint(1, 5), rows, cols)
    inputs = tuple(shapes.items())
    layers: list[Layer] = []
    for i in range(rng.randint(1, max_layers)):
        unread = [name for name, _ in inputs if not any(name in layer.input_tensors for layer in layers)]
        layers.append(_layer(rng, f"l{i}", shapes, unread))
        shapes[layers[-1].name] = layers[-1].output
    read = {name for layer in layers for name in layer.input_tensors}
    leaving = tuple(layer.name for layer in layers if layer.name not in read or rng.random() < 0.15)
    used = tuple((name, shape) for name, shape in inputs if name in read)
    return Network("odd", used, tuple(layers), leaving)


def _layer(rng: random.Random, name: str, shapes: Shapes, unread: list[str]) -> Layer:
    names = list(shapes)
    source = (
        rng.choice(unread) if unread and rng.random() < 0.5 else names[-1] if rng.random() < 0.6 else rng.choice(names)
    )
    shape = shapes[source]
    beside = [n for n in names if (shapes[n].rows, shapes[n].cols) == (shape.rows, shape.cols)]
    operand = (source, *(rng.choice(beside) for _ in range(rng.choice([0, 0, 0, 1, 1, 2]))))
    channels = sum(shapes[n].channels for n in operand)
    kind = rng.choice(["conv", "conv", "conv", "grouped", "dwconv", "maxpool", "avgpool", "add", "fc"])
    if kind == "add":
        return _addition(rng, name, operand, shapes)
    if kind == "fc" and rng.random() < 0.4:
        return Layer(
            name, "fc", (operand,), 1, rng.randint(1, 6), channels, shape.rows, shape.cols, 1, 1,
            shape.rows, shape.cols, bias=rng.random() < 0.5,
        )  # fmt: skip
    (H, R, r_stride, r_dilation, top, bottom, P), (W, S, c_stride, c_dilation, left, right, Q) = (
        (extent, *_window(rng, extent, "pool" in kind)) for extent in (shape.rows, shape.cols)
    )
    G, K = 1, rng.randint(1, 8)
    if kind in ("dwconv", "maxpool", "avgpool"):
        G = K = channels
    elif kind == "grouped":
        G = rng.choice([g for g in range(1, channels + 1) if channels % g == 0])
        K = G * rng.randint(1, 3)
    op = "conv" if kind in ("grouped", "fc") else kind
    return Layer(
        name, op, (operand,), G, K, channels, H, W, P, Q, R, S, (r_stride, c_stride), (top, left, bottom, right),
        (r_dilation, c_dilation), bias="pool" not in kind and rng.random() < 0.5,
    )  # type: ignore[arg-type]  # fmt: skip


def _addition(rng: random.Random, name: str, operand: tuple[str, ...], shapes: Shapes) -> Layer:
    """Add views of the same shape: the operand's tensors in any order, or others as large, or twice the same."""

    def alike(part: str) -> str:
        return rng.choice([n for n in shapes if shapes[n] == shapes[part]])

    others = [tuple(alike(part) for part in operand) for _ in range(rng.choice([1, 1, 2]))]
    channels = sum(shapes[n].channels for n in operand)
    rows, cols = shapes[operand[0]].rows, shapes[operand[0]].cols
    return Layer(name, "add", (operand, *others), channels, channels, channels, rows, cols, rows, cols)


def _window(rng: random.Random, extent: int, pool: bool) -> tuple[int, int, int, int, int, int]:
    """Kernel, stride, dilation, pads before and after, and how many outputs they give."""
    while True:
        kernel, stride = rng.choice([1, 2, 3, 3, 4, 5, extent]), rng.choice([1, 1, 1, 2, 2, 3])
        dilation = 1 if pool else rng.choice([1, 1, 1, 2])
        most = kernel - 1 if pool else rng.choice([kernel - 1, kernel])
        # A first window of nothing but padding, with a stride, loads rows that no later window touches either.
        before, after = rng.randint(0, kernel - 1 if stride > 1 else most), rng.randint(0, most)
        room = extent + before + after - dilation * (kernel - 1) - 1
        if room >= 0:
            return kernel, stride, dilation, before, after, room // stride + 1
