"""Consumption-centric order of work: rows held by a chain of convolutions.

Tan, Zhu, Ma, "Cocco", ASPLOS 2024 (arXiv:2402.00629; its abstract was read, the rule is as we restate it): every layer
makes its next rows as soon as its inputs are there, so that with steps of D output rows a map read with F kernel rows
and stride s holds F + (D - 1)*s rows; D grows by the stride from layer to layer backwards. Ours: the most rows of each
map that any step holds in `costmodel/plain_regions.py`, 3 x 3 kernels on 64 rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from costmodel.design import GroupDesign, Start
from costmodel.plain_regions import RegionPlan, most_held
from specs.network import Layer, Network, TensorShape
from tests.validation.row import Row

ROWS = 64
STARTS: tuple[Start, ...] = ("stepwise", "at-once")


def rows() -> Iterator[Row]:
    """Two chains, stride 1 and 1, stride 1 and 2; the first also unpadded, with and without the stepwise start."""
    for strides, tiles in (((1, 1), 64), ((1, 2), 32)):
        held = _held(strides, tiles, "stepwise")
        wanted = [3 + (strides[1] - 1) * strides[0], 3]
        for name, published in zip(("x", "a"), wanted, strict=True):
            what = "input" if name == "x" else "map between"
            strides_text = f"strides {strides[0]} and {strides[1]}"
            yield Row(f"{what}, one-row steps, {strides_text}", published, held[name], "rows")
    for start in STARTS:
        held = _held((1, 1), 60, start, pad=0)
        target = 0 if start == "stepwise" else None
        yield Row(f"input, no padding, first tile made {start}", 3, held["x"], "rows", target=target)


def _held(strides: tuple[int, int], tiles: int, start: Start, pad: int = 1) -> dict[str, int]:
    first = _conv("a", "x", ROWS, strides[0], pad)
    second = _conv("b", "a", first.P, strides[1], pad)
    network = Network("chain", (("x", TensorShape(8, ROWS, ROWS)),), (first, second), ("b",))
    group = GroupDesign(("a", "b"), tiles, 1, "cache-rows", start=start)
    plan = RegionPlan(network, [first, second], group)
    return {name: most_held(plan.rows, name) for name in ("x", "a")}


def _conv(name: str, reads: str, extent: int, stride: int, pad: int) -> Layer:
    out = (extent + 2 * pad - 3) // stride + 1
    return Layer(name, "conv", ((reads,),), 1, 8, 8, extent, extent, out, out, 3, 3, (stride, stride), (pad,) * 4)
