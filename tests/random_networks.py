"""Small random networks and studies for the tests: chains, residuals, branches; seeds fixed by the caller."""

from __future__ import annotations

import random
from dataclasses import replace

from specs.network import Layer, Network, TensorShape
from specs.study import (
    Budgets,
    Dram,
    Fusion,
    Precision,
    SeparateBuffers,
    SharedBuffer,
    SramPoint,
    Study,
    Technology,
    Tiling,
    WordCost,
)
from specs.templates import accelerator

TECHNOLOGY = Technology(
    name="test",
    node_nm=40,
    mac=((8, WordCost(0.3, 400.0)), (16, WordCost(1.1, 900.0))),
    add=((8, WordCost(0.03, 36.0)), (16, WordCost(0.05, 67.0))),
    spad_pj_per_bit=0.009,
    spad_um2_per_bit=5.98,
    hop_pj_per_bit=0.01,
    sram=tuple(SramPoint(256 * 4**i, 64, 1.5 * 2.1**i, 2.0 * 1.9**i, 1e-3 * 4**i, 0.002 * 3.9**i) for i in range(8)),
)


def random_network(rng: random.Random, max_layers: int = 5) -> Network:
    """A connected network whose layers read one or two earlier tensors; shapes always fit."""
    size = rng.randint(4, 9)
    shapes = {"x": TensorShape(rng.randint(1, 6), size, rng.choice([size, size + rng.randint(0, 3)]))}
    layers: list[Layer] = []
    for i in range(rng.randint(1, max_layers)):
        layers.append(_random_layer(rng, f"l{i}", shapes))
        shapes[layers[-1].name] = layers[-1].output
    read = {name for layer in layers for name in layer.input_tensors}
    outputs = tuple(layer.name for layer in layers if layer.name not in read)
    extra = tuple(layer.name for layer in layers if layer.name in read and rng.random() < 0.1)
    keep = set(outputs + extra)
    ordered = tuple(layer.name for layer in layers if layer.name in keep)
    return Network("random", (("x", shapes["x"]),), tuple(layers), ordered)


def with_activations(rng: random.Random, network: Network) -> Network:
    """The same network with activation functions and batch-norms here and there, and some pools that average."""

    def flagged(layer: Layer) -> Layer:
        if layer.op == "maxpool":
            return replace(layer, op=rng.choice(["maxpool", "avgpool"]))
        relu = rng.random() < 0.6
        if layer.op in ("conv", "dwconv") and rng.random() < 0.4:
            return replace(layer, relu=relu, bias=True, batch_norm=True)
        return replace(layer, relu=relu)

    return replace(network, layers=tuple(map(flagged, network.layers)))


def _random_layer(rng: random.Random, name: str, shapes: dict[str, TensorShape]) -> Layer:
    names = list(shapes)
    source = names[-1] if rng.random() < 0.6 else rng.choice(names)
    shape = shapes[source]
    same = [n for n in names if shapes[n] == shape and n != source]
    if same and rng.random() < 0.5:
        partner = rng.choice(same)
        return Layer(name, "add", ((source,), (partner,)), *_channelwise(shape), *_extent(shape), *_extent(shape))
    operand: tuple[str, ...] = (source,)
    channels = shape.channels
    beside = [n for n in names if n != source and (shapes[n].rows, shapes[n].cols) == (shape.rows, shape.cols)]
    if beside and rng.random() < 0.2:
        other = rng.choice(beside)
        operand, channels = (source, other), channels + shapes[other].channels
    kind = rng.choice(["conv", "conv", "conv", "conv1", "dwconv", "maxpool", "grouped", "fc"])
    if kind == "fc" and rng.random() < 0.7:
        kind = "conv"
    kernel = 1 if kind == "conv1" else rng.choice([2, 3, 3, 5])
    pad = (kernel - 1) // 2 if rng.random() < 0.7 else 0
    pads = (pad, pad, pad, pad) if rng.random() < 0.8 else (pad, pad, pad + 1, pad)
    stride = rng.choice([1, 1, 1, 2])
    dilation = 2 if kernel == 3 and rng.random() < 0.15 else 1
    reach = dilation * (kernel - 1) + 1
    if kind == "fc":
        return Layer(
            name, "fc", (operand,), 1, rng.randint(1, 9), channels, shape.rows, shape.cols, 1, 1,
            shape.rows, shape.cols, bias=rng.random() < 0.5,
        )  # fmt: skip
    if shape.rows + pads[0] + pads[2] < reach or shape.cols + pads[1] + pads[3] < reach:
        kernel, pads, stride, dilation, reach = 1, (0, 0, 0, 0), 1, 1, 1
    P = (shape.rows + pads[0] + pads[2] - reach) // stride + 1
    Q = (shape.cols + pads[1] + pads[3] - reach) // stride + 1
    G, K = 1, rng.randint(1, 9)
    op = "conv"
    if kind in ("dwconv", "maxpool"):
        G = K = channels
        op = kind
    elif kind == "grouped" and channels % 2 == 0:
        G, K = 2, 2 * rng.randint(1, 4)
    return Layer(
        name, op, (operand,), G, K, channels, shape.rows, shape.cols, P, Q, kernel, kernel,
        (stride, stride), pads, (dilation, dilation), bias=op != "maxpool" and rng.random() < 0.5,
    )  # type: ignore[arg-type]  # fmt: skip


def _channelwise(shape: TensorShape) -> tuple[int, int, int]:
    return shape.channels, shape.channels, shape.channels


def _extent(shape: TensorShape) -> tuple[int, int]:
    return shape.rows, shape.cols


def random_study(rng: random.Random, max_layers: int = 5, rich: bool = False) -> Study:
    """A study over a random network with a handful of hardware points of one or two templates.

    With ``rich`` tilings every distinct tile count is allowed; otherwise a few, so that brute force can try all.
    """
    network = random_network(rng, max_layers)
    double_buffer = rng.random() < 0.6
    vwa = accelerator(
        "vwa",
        blocks=tuple(sorted(rng.sample([1, 2, 4], rng.choice([1, 2])))),
        rows=(rng.choice([2, 3, 7]),),
        taps=(rng.choice([1, 3]),),
        double_buffer=double_buffer,
    )
    eyeriss = accelerator(
        "eyeriss",
        rows=(rng.choice([3, 5, 12]),),
        cols=tuple(sorted(rng.sample([2, 4, 14], rng.choice([1, 2])))),
        clock_hz=(rng.choice([200_000_000, 333_000_000]),),
        double_buffer=rng.random() < 0.6,
        filter_chunk_words=rng.choice([64, 4096]),
    )
    systolic = accelerator(
        "systolic",
        rows=tuple(sorted(rng.sample([2, 3, 8], rng.choice([1, 2])))),
        cols=(rng.choice([2, 5, 8]),),
        double_buffer=rng.random() < 0.6,
    )
    accelerators = rng.choice([(vwa,), (eyeriss,), (systolic,), (vwa, eyeriss), (vwa, systolic), (systolic, eyeriss)])
    sizes = (256, 512, 1024, 2048, 4096, 16384)
    if rng.random() < 0.25:
        buffers: SeparateBuffers | SharedBuffer = SharedBuffer(tuple(sorted(rng.sample(sizes, 2))))
    else:
        buffers = SeparateBuffers(tuple(sorted(rng.sample(sizes, 2))), tuple(sorted(rng.sample(sizes, 2))))
    tiling = (
        Tiling()
        if rich
        else Tiling(row_splits=(1, 2, 4), column_splits=(1, 2), channel_splits=(1, 2), input_splits=(1, 2))
    )
    overlaps = rng.choice(
        [("recompute", "cache-rows", "cache-all"), ("recompute",), ("cache-all",), ("cache-all", "recompute")]
    )
    return Study(
        name="random",
        network=network,
        accelerators=accelerators,
        buffers=buffers,
        technology=TECHNOLOGY,
        dram=(Dram("test", rng.choice([64_000, 560_000]), rng.choice([800_000_000, 6_400_000_000])),),
        goal=rng.choice(["energy", "latency", "bandwidth"]),  # type: ignore[arg-type]
        budgets=Budgets(),
        batch=rng.choice([1, 1, 1, 2, 3]),
        precision=rng.choice([Precision(), Precision(16, 16, 32), Precision(16, 8, 32)]),
        fusion=Fusion(max_layers=rng.choice([2, 3, 12]), overlap=overlaps),  # type: ignore[arg-type]
        tiling=tiling,
    )


def with_goal(study: Study, goal: str, **limits: int | None) -> Study:
    return replace(study, goal=goal, budgets=Budgets(**limits))  # type: ignore[arg-type]
