"""Networks that run in many orders: parallel heads, separable branches, inception, a U-Net with long skips."""

from __future__ import annotations

from dataclasses import replace

from random_networks import TECHNOLOGY
from specs.network import Layer, Network, TensorShape
from specs.study import Dram, Fusion, Goal, SeparateBuffers, Study, Tiling
from specs.templates import accelerator


def conv(name: str, reads: tuple[str, ...], C: int, K: int, side: int = 4, R: int = 1) -> Layer:
    pad = (R - 1) // 2
    return Layer(name, "conv", (reads,), 1, K, C, side, side, side, side, R, R, pad=(pad,) * 4)  # type: ignore[arg-type]


def heads(number: int, depth: int, channels: int = 4, side: int = 4, after: int = 1) -> Network:
    """A stem, parallel chains of 1x1 convolutions, all of them concatenated into a projection, a chain after it."""
    layers = [conv("stem", ("x",), channels, channels, side)]
    for head in range(number):
        for step in range(depth):
            before = "stem" if step == 0 else f"h{head}_{step - 1}"
            layers.append(conv(f"h{head}_{step}", (before,), channels, channels, side))
    ends = tuple(f"h{head}_{depth - 1}" for head in range(number))
    layers.append(conv("project", ends, number * channels, channels, side))
    for step in range(after):
        layers.append(conv(f"after{step}", (layers[-1].name,), channels, channels, side))
    return Network("heads", (("x", TensorShape(channels, side, side)),), tuple(layers), (layers[-1].name,))


def cell(channels: int = 4, side: int = 4) -> Network:
    """Two inputs, additions of a separable and a plain branch, all additions concatenated: NASNet in small."""

    def depthwise(name: str, reads: str) -> Layer:
        return Layer(
            name, "dwconv", ((reads,),), channels, channels, channels, side, side, side, side, 3, 3, pad=(1, 1, 1, 1)
        )

    def add(name: str, first: str, second: str) -> Layer:
        return Layer(name, "add", ((first,), (second,)), channels, channels, channels, side, side, side, side)

    layers = (
        depthwise("d1", "x"),
        depthwise("d2", "y"),
        add("a1", "d1", "y"),
        conv("p", ("d2",), channels, channels, side),
        add("a2", "p", "x"),
        conv("out", ("a1", "a2"), 2 * channels, channels, side),
    )
    shape = TensorShape(channels, side, side)
    return Network("cell", (("x", shape), ("y", shape)), layers, ("out",))


def inception(channels: int = 4, side: int = 4) -> Network:
    """Branches of one, two and two layers that are concatenated."""
    layers = (
        conv("one", ("x",), channels, 2, side),
        conv("two_a", ("x",), channels, 2, side),
        conv("two_b", ("two_a",), 2, 3, side, R=3),
        conv("three_a", ("x",), channels, 1, side),
        conv("three_b", ("three_a",), 1, 2, side, R=3),
        conv("join", ("one", "two_b", "three_b"), 7, 3, side),
    )
    return Network("inception", (("x", TensorShape(channels, side, side)),), layers, ("join",))


def u_net(channels: int = 3, side: int = 4) -> Network:
    """Down and up a chain with skips from each level to its counterpart."""
    layers = (
        conv("down0", ("x",), channels, channels, side, R=3),
        conv("down1", ("down0",), channels, channels, side),
        conv("bottom", ("down1",), channels, channels, side, R=3),
        conv("up1", ("bottom", "down1"), 2 * channels, channels, side),
        conv("up0", ("up1", "down0"), 2 * channels, channels, side, R=3),
    )
    return Network("u_net", (("x", TensorShape(channels, side, side)),), layers, ("up0",))


def study_of(network: Network, goal: Goal = "energy", max_layers: int = 3) -> Study:
    """A study over few ways to run a group, so that brute force can finish."""
    return Study(
        name=network.name,
        network=network,
        accelerators=(accelerator("vwa", blocks=(1, 2), rows=2, taps=1),),
        buffers=SeparateBuffers((256, 512), (256,)),
        technology=TECHNOLOGY,
        dram=(Dram("DDR3", 560_000, 6_400_000_000),),
        goal=goal,
        fusion=Fusion(max_layers=max_layers, overlap=("recompute",)),
        tiling=Tiling((1, 2), (1,), (1, 2), (1,)),
    )


def wider_choice(study: Study) -> Study:
    """The same with more hardware, for tests without brute force."""
    return replace(
        study,
        accelerators=(accelerator("vwa", blocks=(1, 2, 4), rows=(2, 4), taps=1),),
        buffers=SeparateBuffers((256, 512, 2048), (256, 1024)),
        tiling=Tiling(),
    )
