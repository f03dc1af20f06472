"""DRAM traffic of a layer alone against every loop nest of one-tile buffers, enumerated and walked step by step.

The classical model, written here apart from the cost model: the loops over images (n), output channels (k), input
channels (c), output rows (p) and columns (q) are tiled and put in any order. There is room for a tile of each operand.
A tile of inputs (n, c, p, q) or of weights (k, c) is loaded whenever its index changes; a tile of outputs (n, k, p, q)
that is left before all its input channels are summed is written as partial sums and read back later; a finished one is
written once. Halos are loaded again with every tile, padding never.

What fits is asked alike of both sides, without double buffers:

- feature buffer: tile of inputs + tile of outputs, these at partial-sum width while the input channels are cut (on an
  array that sums in its accumulators, as VWA does). With cut input channels the two have fixed rooms, each as large as
  its largest tile; without, what matters is the largest sum in any one tile.
- weight buffer: the weights of a tile (k, c), with the biases of its k where c is the first.

Our schedules have every nest's traffic (`test_what_the_rules_share_is_the_same`) and more freedom, which may only help:

- an order may hold weights over more loops than one tile does: all c of a k (``weight-stationary`` with cut inputs),
  all k of a c (``weight-input-stationary-spilling``), or everything (``input-stationary`` with weights that stay);
- weights that stream need room only for what the array works on: one filter here, not a tile's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import permutations, product

import pytest

from costmodel.design import GroupDesign, Order
from costmodel.evaluate import group_cost
from costmodel.hardware import hardware_points, prices
from costmodel.selection import UNFIT
from costmodel.table import build_table
from random_networks import TECHNOLOGY
from specs.network import Layer, Network, TensorShape
from specs.study import Dram, Fusion, Precision, SeparateBuffers, SramPoint, Study, Tiling
from specs.templates import accelerator


@dataclass(frozen=True)
class Case:
    """A small layer with a batch and word widths in bytes."""

    layer: Layer
    batch: int = 1
    act: int = 1
    weight: int = 1
    psum: int = 4

    @property
    def sizes(self) -> dict[str, int]:
        layer = self.layer
        return {"n": self.batch, "k": layer.K, "c": layer.C, "p": layer.P, "q": layer.Q}


def _conv(
    K: int,
    C: int,
    H: int,
    W: int,
    R: int,
    stride: int = 1,
    pad: tuple[int, int, int, int] = (0, 0, 0, 0),
    bias: bool = False,
) -> Layer:
    P = (H + pad[0] + pad[2] - R) // stride + 1
    Q = (W + pad[1] + pad[3] - R) // stride + 1
    return Layer("a", "conv", (("x",),), 1, K, C, H, W, P, Q, R, R, (stride, stride), pad, bias=bias)


ALL_ROUND = (1, 1, 1, 1)
CASES = {
    "3x3 padded": Case(_conv(4, 4, 4, 4, 3, pad=ALL_ROUND)),
    "1x1": Case(_conv(4, 4, 3, 4, 1), psum=2),
    "1x1 of many channels": Case(_conv(4, 9, 3, 1, 1), psum=1),
    "3x3 strided": Case(_conv(3, 4, 8, 7, 3, stride=2, pad=ALL_ROUND), act=2, weight=2),
    "1x1 strided": Case(_conv(3, 4, 7, 5, 1, stride=2)),
    "3x3 with biases": Case(_conv(4, 3, 6, 4, 3, bias=True), act=2),
    "2x2 padded on one side": Case(_conv(4, 2, 4, 4, 2, pad=(0, 0, 1, 1)), psum=2),
    "2x2 padded far above": Case(_conv(2, 4, 3, 3, 2, pad=(1, 0, 0, 1), bias=True)),
    "images": Case(_conv(3, 3, 3, 2, 3, pad=ALL_ROUND), batch=3, psum=2),
    "images of one pixel": Case(_conv(4, 4, 1, 1, 1), batch=4, psum=2),
}
by_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


# The classical model


Tile = dict[str, tuple[int, int]]
"""Of each loop: first index, one past the last."""


@dataclass(frozen=True)
class Traffic:
    """What a loop nest moves and needs, in bytes."""

    reads: int
    writes: int
    feature_need: int
    weight_need: int

    @property
    def total(self) -> int:
        return self.reads + self.writes


@dataclass(frozen=True)
class Held:
    """Loops in the index of the inputs and of the weights on chip: they are loaded whenever it changes.

    ``kc`` is one tile of weights, ``k`` all c of one k; with ``npqkc`` weights come anew for each tile of outputs even
    if they are the same, as inputs do for each k with ``nkcpq``. If it ``spills``, sums leave after each c even if the
    next one is of the same tile.
    """

    inputs: str = "ncpq"
    weights: str = "kc"
    spills: bool = False


ONE_TILE = Held()


def walk(case: Case, tiles: dict[str, int], nest: str, held: Held = ONE_TILE) -> Traffic:
    """Walk a loop nest, outermost loop first, with so large tiles."""
    bounds = {
        loop: [(first, min(first + tiles[loop], size)) for first in range(0, size, tiles[loop])]
        for loop, size in case.sizes.items()
    }
    sums_needed = len(bounds["c"])
    inputs = weights = outputs = last_c = None
    done: dict[tuple[tuple[int, int], ...], int] = {}
    reads = writes = largest_pair = largest_in = largest_out = largest_weights = 0
    for place in product(*(bounds[loop] for loop in nest)):
        tile = dict(zip(nest, place, strict=True))
        if inputs != (inputs := tuple(tile[loop] for loop in held.inputs)):
            reads += input_words(case, tile) * case.act
        if weights != (weights := tuple(tile[loop] for loop in held.weights)):
            part = {loop: tile[loop] if loop in held.weights else (0, case.sizes[loop]) for loop in "kc"}
            words = weight_words(case, part)
            reads += words * case.weight
            largest_weights = max(largest_weights, words * case.weight)
        before, outputs = outputs, tuple(tile[loop] for loop in "nkpq")
        if outputs != before or (held.spills and tile["c"] != last_c):
            if before is not None and done[before] < sums_needed:
                writes += output_words(dict(zip("nkpq", before, strict=True))) * case.psum
            if done.get(outputs):
                reads += output_words(tile) * case.psum
        last_c = tile["c"]
        done[outputs] = done.get(outputs, 0) + 1
        if done[outputs] == sums_needed:
            writes += output_words(tile) * case.act
        in_bytes = input_words(case, tile) * case.act
        out_bytes = output_words(tile) * (case.psum if sums_needed > 1 else case.act)
        largest_in, largest_out = max(largest_in, in_bytes), max(largest_out, out_bytes)
        largest_pair = max(largest_pair, in_bytes + out_bytes)
    assert set(done.values()) == {sums_needed}
    need = largest_in + largest_out if sums_needed > 1 else largest_pair
    return Traffic(reads, writes, need, largest_weights)


def input_words(case: Case, tile: Tile) -> int:
    """Inputs under a tile of outputs, from the first to the last row and column that lie in the map."""
    layer = case.layer
    rows = _under(tile["p"], layer.stride[0], layer.pad[0], layer.R, layer.H)
    cols = _under(tile["q"], layer.stride[1], layer.pad[1], layer.S, layer.W)
    return _long(tile["n"]) * _long(tile["c"]) * rows * cols


def _under(out: tuple[int, int], stride: int, pad: int, kernel: int, extent: int) -> int:
    touched = [i for o in range(*out) for i in range(o * stride - pad, o * stride - pad + kernel) if 0 <= i < extent]
    return max(touched) - min(touched) + 1 if touched else 0


def weight_words(case: Case, tile: Tile) -> int:
    layer = case.layer
    biases = int(layer.bias and tile["c"][0] == 0)
    return _long(tile["k"]) * (_long(tile["c"]) * layer.R * layer.S + biases)


def output_words(tile: Tile) -> int:
    return _long(tile["n"]) * _long(tile["k"]) * _long(tile["p"]) * _long(tile["q"])


def _long(bounds: tuple[int, int]) -> int:
    return bounds[1] - bounds[0]


def nests(case: Case) -> Iterator[tuple[dict[str, int], str]]:
    """All tile sizes with all orders of the loops; a loop of one turn may stand anywhere: it stands outermost."""
    for sizes in product(*(range(1, size + 1) for size in case.sizes.values())):
        tiles = dict(zip(case.sizes, sizes, strict=True))
        once = "".join(loop for loop in case.sizes if tiles[loop] >= case.sizes[loop])
        for order in permutations([loop for loop in case.sizes if loop not in once]):
            yield tiles, once + "".join(order)


@lru_cache
def classical(case: Case) -> tuple[Traffic, ...]:
    """Every nest that no other one equals or beats in traffic and both needs."""
    kept: list[Traffic] = []
    every = {walk(case, tiles, nest) for tiles, nest in nests(case)}
    for one in sorted(every, key=lambda t: (t.total, t.feature_need, t.weight_need)):
        if not any(k.feature_need <= one.feature_need and k.weight_need <= one.weight_need for k in kept):
            kept.append(one)
    return tuple(kept)


def least(found: tuple[Traffic, ...], feature_bytes: int, weight_bytes: int) -> int | None:
    """Least traffic of what fits."""
    fitting = [t.total for t in found if t.feature_need <= feature_bytes and t.weight_need <= weight_bytes]
    return min(fitting, default=None)


# Our schedules


@dataclass(frozen=True)
class Schedule:
    """One of our ways to run a layer, and how to walk it: its tiles, its loops, and what stays."""

    group: GroupDesign
    tiles: dict[str, int]
    nest: str
    held: Held

    def walked(self, case: Case) -> Traffic:
        """Our orders at their word, also where a loop has one turn and what comes again is what is there."""
        return walk(case, self.tiles, self.nest, self.held)

    def as_classical(self, case: Case) -> Traffic:
        """The same loops with one tile of each operand."""
        return walk(case, self.tiles, self.nest)


NESTS: dict[Order, tuple[str, Held]] = {
    "weight-stationary": ("knpqc", Held("nkcpq", "k")),
    "input-stationary": ("npqkc", Held("ncpq", "npqkc")),
    "output-stationary": ("npqkc", Held("nkcpq", "npqkc")),
    "weight-stationary-spilling": ("kcnpq", Held("nkcpq", "kc", spills=True)),
    "weight-input-stationary-spilling": ("cnpqk", Held("ncpq", "c", spills=True)),
    "input-stationary-spilling": ("npqck", Held("ncpq", "npqkc", spills=True)),
}
"""The loops of each order, outermost first, and what it keeps."""


def _study(case: Case, feature: tuple[int, ...], weight: tuple[int, ...]) -> Study:
    """Buffers of any size have a price here; one filter at a time is at work."""
    layer = case.layer
    sram = tuple(SramPoint(capacity, 64, 1.0, 1.0, 0.001, 0.001) for capacity in (1, 1 << 20))
    return Study(
        name="traffic",
        network=Network("traffic", (("x", TensorShape(layer.C, layer.H, layer.W)),), (layer,), ("a",)),
        accelerators=(accelerator("vwa", blocks=1, rows=1, taps=1, double_buffer=False),),
        buffers=SeparateBuffers(feature, weight),
        technology=replace(TECHNOLOGY, mac=tuple((b, TECHNOLOGY.mac[0][1]) for b in (8, 16)), sram=sram),
        dram=(Dram("any", 1000, 1_000_000_000),),
        goal="bandwidth",
        batch=case.batch,
        precision=Precision(8 * case.act, 8 * case.weight, 8 * case.psum),
        fusion=Fusion(1, ("recompute",)),
        tiling=Tiling(None, None, None, None),
    )


def _cuts(size: int) -> list[tuple[int, int]]:
    """Pairs (number of parts, size of a part): every number that its own size gives."""
    return [(n, -(-size // n)) for n in range(1, size + 1) if -(-size // -(-size // n)) == n]


def schedules(case: Case) -> Iterator[Schedule]:
    """Every way of ours to run the layer."""
    for cuts in product(*(_cuts(size) for size in case.sizes.values())):
        number = {loop: n for loop, (n, _) in zip(case.sizes, cuts, strict=True)}
        tiles = {loop: size for loop, (_, size) in zip(case.sizes, cuts, strict=True)}
        for order, (nest, held) in NESTS.items():
            if order != "weight-stationary" and (order == "input-stationary") != (number["c"] == 1):
                continue
            for resident in (False, True) if order == "input-stationary" else ("weight" in order,):
                group = GroupDesign(
                    ("a",),
                    number["p"],
                    number["q"],
                    "recompute",
                    frozenset("a" if resident else ()),
                    order,
                    number["k"],
                    tiles["n"],
                    number["c"],
                )
                stays = order == "input-stationary" and resident
                yield Schedule(group, tiles, nest, Held("ncpq", "") if stays else held)


LARGE = 1 << 16


@by_case
def test_what_the_rules_share_is_the_same(case: Case) -> None:
    """Each of our schedules moves and needs what a walk through its loops says."""
    study = _study(case, (LARGE,), (LARGE,))
    (hardware,) = hardware_points(study)
    price = prices(study, hardware)
    for schedule in schedules(case):
        cost, walked = group_cost(study, hardware, price, schedule.group), schedule.walked(case)
        assert (cost.dram_read_bytes, cost.dram_write_bytes) == (walked.reads, walked.writes), schedule
        assert cost.feature_peak_bytes == walked.feature_need, schedule
        if schedule.group.resident:
            assert cost.weight_peak_bytes == walked.weight_need, schedule
        else:
            assert cost.weight_peak_bytes <= walked.weight_need, schedule


@by_case
def test_without_more_freedom_the_least_traffic_is_the_classical_one(case: Case) -> None:
    """Walked with one tile of weights, the best of our loops are as good as the best nest, whatever the buffers."""
    ours = tuple({schedule.as_classical(case) for schedule in schedules(case)})
    for feature, weight in product(*_buffers(case)):
        assert least(ours, feature, weight) == least(classical(case), feature, weight), (feature, weight)


@by_case
def test_the_table_moves_no_more_than_any_nest(case: Case) -> None:
    feature, weight = _buffers(case)
    study = _study(case, feature, weight)
    (family,) = build_table(study).families
    assert family.cheapest is not None
    found = family.cheapest[0, 0]
    assert found.shape == (len(feature), len(weight))
    ours = _costs(study, case)
    better = equal = 0
    for (i, f), (j, w) in product(enumerate(feature), enumerate(weight)):
        limit, table = least(classical(case), f, w), int(found[i, j])
        if limit is None:
            # No nest fits; ours may, with smaller pieces of weights.
            better += table < UNFIT
            continue
        assert table <= limit, (f, w)
        better, equal = better + (table < limit), equal + (table == limit)
        if table < limit:
            # Only what the classical model lacks is better: more weights that stay, or smaller pieces that stream.
            best = [one for one in ours if one.feature_need <= f and one.weight_need <= w and one.total == table]
            assert best, (f, w)
            assert not any(one.is_classical and one.tile_weights <= w for one in best), (f, w)
    assert better
    assert equal


@dataclass(frozen=True)
class Ours:
    """One of our schedules; ``tile_weights`` are the bytes of a tile's weights: what the classical rule asks for."""

    total: int
    feature_need: int
    weight_need: int
    tile_weights: int
    is_classical: bool


def _costs(study: Study, case: Case) -> list[Ours]:
    roomy = replace(study, buffers=SeparateBuffers((LARGE,), (LARGE,)))
    (hardware,) = hardware_points(roomy)
    price = prices(roomy, hardware)
    found = []
    for schedule in schedules(case):
        cost, walked = group_cost(roomy, hardware, price, schedule.group), schedule.as_classical(case)
        # A schedule that keeps one tile of weights, or has only one, is a nest of the classical model.
        is_classical = cost.dram_bytes >= walked.total
        found.append(
            Ours(cost.dram_bytes, cost.feature_peak_bytes, cost.weight_peak_bytes, walked.weight_need, is_classical)
        )
    return found


def _buffers(case: Case) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Sizes around what nests need: every need, and one byte less."""
    feature = sorted({size for t in classical(case) for size in (t.feature_need - 1, t.feature_need)} - {0})
    weight = sorted({size for t in classical(case) for size in (t.weight_need - 1, t.weight_need)} - {0})
    return tuple(feature), tuple(weight)
