"""Training steps in the tight corners that a person would try, against brute force."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from random_networks import TECHNOLOGY
from random_training_instances import MOST_PRICES, prices
from solver import solve
from specs.network import Layer, Network, TensorShape
from specs.study import GOALS, Dram, Fusion, Precision, SeparateBuffers, SharedBuffer, Study, Tiling
from specs.templates import accelerator
from specs.training import training_step
from test_solver_brute_force_training import check_outcome, check_run


def conv(
    name: str, reads: tuple[str, ...], K: int, C: int, H: int, R: int = 3, stride: int = 1, pad: int = 1, dil: int = 1,
    G: int = 1, relu: bool = True, op: str = "conv", norm: bool = False,
) -> Layer:  # fmt: skip
    P = (H + 2 * pad - dil * (R - 1) - 1) // stride + 1
    bias = op in ("conv", "dwconv") and norm
    return Layer(
        name, op, (reads,), G, K, C, H, H, P, P, R, R, (stride, stride), (pad,) * 4, (dil, dil),
        bias=bias, batch_norm=norm, relu=relu and "pool" not in op,
    )  # type: ignore[arg-type]  # fmt: skip


def add(name: str, a: str, b: str, K: int, H: int) -> Layer:
    return Layer(name, "add", ((a,), (b,)), K, K, K, H, H, H, H, relu=True)


def network(channels: int, size: int, *layers: Layer) -> Network:
    read = {name for layer in layers for name in layer.input_tensors}
    outputs = tuple(layer.name for layer in layers if layer.name not in read)
    return Network("attack", (("x", TensorShape(channels, size, size)),), layers, outputs)


NETWORKS: dict[str, Callable[[], Network]] = {
    "sums larger than every buffer": lambda: network(12, 3, conv("a", ("x",), 12, 12, 3), conv("b", ("a",), 4, 12, 3)),
    "fork and sum": lambda: network(
        2, 4, conv("a", ("x",), 3, 2, 4), conv("b", ("a",), 3, 3, 4, R=1, pad=0), add("c", "a", "b", 3, 4)
    ),
    "fork and concatenation": lambda: network(
        2, 4, conv("a", ("x",), 2, 2, 4), conv("b", ("a",), 3, 2, 4), conv("c", ("a", "b"), 2, 5, 4, relu=False)
    ),
    "concatenation of what has a mask and what has none": lambda: network(
        2, 4, conv("a", ("x",), 2, 2, 4, relu=False), conv("b", ("x",), 3, 2, 4), conv("c", ("a", "b"), 2, 5, 4)
    ),
    "fc on a map": lambda: network(
        2, 3, conv("a", ("x",), 4, 2, 3), Layer("f", "fc", (("a",),), 1, 5, 4, 3, 3, 1, 1, 3, 3, bias=True)
    ),
    "depthwise": lambda: network(
        3, 5, conv("a", ("x",), 3, 3, 5, G=3, op="dwconv", norm=True), conv("b", ("a",), 4, 3, 5, R=1, pad=0)
    ),
    "stride 2": lambda: network(2, 7, conv("a", ("x",), 2, 2, 7), conv("b", ("a",), 3, 2, 7, stride=2)),
    "stride 3 with gaps": lambda: network(
        2, 7, conv("a", ("x",), 3, 2, 7, R=1, pad=0), conv("b", ("a",), 3, 3, 7, R=2, pad=0, stride=3)
    ),
    "dilation 2": lambda: network(2, 6, conv("a", ("x",), 2, 2, 6), conv("b", ("a",), 2, 2, 6, dil=2, pad=2)),
    "dilation 2 and stride 2": lambda: network(
        2, 7, conv("a", ("x",), 2, 2, 7), conv("b", ("a",), 2, 2, 7, dil=2, pad=1, stride=2)
    ),
    "negative pads": lambda: network(
        2, 5, conv("a", ("x",), 2, 2, 5), conv("b", ("a",), 2, 2, 5, R=1, pad=1), conv("c", ("b",), 1, 2, 7)
    ),
    "one pixel": lambda: network(
        5, 1, conv("a", ("x",), 6, 5, 1, R=1, pad=0), conv("b", ("a",), 3, 6, 1, R=1, pad=0, norm=True)
    ),
    "weightless first": lambda: network(
        2, 6, conv("p", ("x",), 2, 2, 6, R=2, pad=0, stride=2, G=2, op="maxpool"), conv("a", ("p",), 3, 2, 3)
    ),
    "weightless last": lambda: network(
        2, 6, conv("a", ("x",), 2, 2, 6), conv("p", ("a",), 2, 2, 6, R=3, pad=1, stride=2, G=2, op="maxpool")
    ),
    "average of all": lambda: network(
        2, 4, conv("a", ("x",), 3, 2, 4, norm=True), conv("p", ("a",), 3, 3, 4, R=4, pad=0, G=3, op="avgpool")
    ),
    "pools over each other": lambda: network(
        2, 5, conv("a", ("x",), 2, 2, 5), conv("p", ("a",), 2, 2, 5, stride=1, G=2, op="maxpool"),
        conv("b", ("p",), 2, 2, 5, R=1, pad=0),
    ),
    "groups": lambda: network(4, 4, conv("a", ("x",), 4, 4, 4, G=2), conv("b", ("a",), 2, 4, 4, G=2, stride=2)),
}  # fmt: skip
TILINGS = (
    Tiling((1, 2, 3), (1, 2), (1, 2, 3), (1, 2, 3)),
    Tiling((1, 2), (1, 2), (1, 2), (1, 2)),
    Tiling((1, 2), (1,), (1, 2), (1, 2)),
    Tiling((1, 3), (1,), (1, 2), (1,)),
    Tiling((1, 2), (1,), (1,), (1,)),
)


def _study(rng: random.Random, step: Network) -> Study:
    double, skips = rng.random() < 0.5, rng.random() < 0.7
    template = rng.choice(
        [
            accelerator("vwa", blocks=2, rows=rng.choice([1, 3]), taps=rng.choice([1, 3]), double_buffer=double),
            accelerator("eyeriss", rows=3, cols=rng.choice([2, 5]), double_buffer=double),
            accelerator("systolic", rows=rng.choice([2, 4]), cols=3, double_buffer=double),
        ]
    )
    small = rng.choice([256, 256, 320, 512])
    study = Study(
        name="attack",
        network=step,
        accelerators=(replace(template, skip_zeros=skips),),
        buffers=SharedBuffer((small, 1024))
        if rng.random() < 0.25
        else SeparateBuffers((rng.choice([256, 512]), 1024), (small,)),
        technology=TECHNOLOGY,
        dram=(Dram("test", 64_000, rng.choice([200_000_000, 3_000_000_000])),),
        goal=rng.choice([goal for goal in GOALS if goal not in ("power", "area")]),
        batch=rng.choice([1, 2, 5]),
        precision=rng.choice([Precision(), Precision(16, 8, 32, 16, 32), Precision(8, 16, 24, 8, 16)]),
        optimizer=rng.choice(["sgd", "momentum", "adam"]),
        mode="training",
        fusion=Fusion(rng.choice([1, 2, 3, 4]), rng.choice([("recompute", "cache-all"), ("cache-rows",)])),
    )  # type: ignore[arg-type]
    for tiling in TILINGS:
        study = replace(study, tiling=tiling)
        if prices(study) <= MOST_PRICES // 3:
            return study
    return replace(study, fusion=replace(study.fusion, max_layers=min(2, study.fusion.max_layers)))


def attack(name: str, seed: int) -> None:
    study = _study(random.Random(f"{name} {seed}"), training_step(NETWORKS[name]()))
    for use_bounds in (True, False):
        found = solve(study, baseline=False, use_bounds=use_bounds, workers=1).best
        check_outcome(study, found, f"{name} {seed}, bounds {use_bounds}")
    check_run(study, found, f"{name} {seed}")


@pytest.mark.parametrize("name", NETWORKS)
def test_corners(name: str) -> None:
    for seed in range(3):
        attack(name, seed)


@pytest.mark.long
@pytest.mark.parametrize("name", NETWORKS)
def test_corners_at_length(name: str) -> None:
    for seed in range(10, 50):
        attack(name, seed)
