"""Lower bounds on DRAM traffic: by hand, against every order of work of tiny layers, and against designs."""

from __future__ import annotations

import heapq
import random
from dataclasses import replace
from itertools import product
from math import sqrt

import pytest

from costmodel.chunks import possible_input_splits, possible_splits
from costmodel.design import GroupDesign, Hardware
from costmodel.evaluate import group_cost
from costmodel.hardware import hardware_points, prices
from costmodel.legal import DesignError, orders_alone
from costmodel.limits import (
    compulsory_bytes,
    network_compulsory_bytes,
    network_pebble_bound_bytes,
    pebble_bound_bytes,
    pebble_bytes,
)
from random_networks import random_study
from specs.network import Layer, Network, TensorShape
from specs.study import Precision, SeparateBuffers, Study, Tiling, VwaSpec


def study_of(*layers: Layer, shape: tuple[int, int, int], precision: Precision | None = None, batch: int = 1) -> Study:
    network = Network("n", (("x", TensorShape(*shape)),), layers, (layers[-1].name,))
    return replace(random_study(random.Random(0)), network=network, precision=precision or Precision(), batch=batch)


def conv(K: int, C: int, H: int, R: int, **more: object) -> Layer:
    """A square convolution without padding."""
    stride = more.pop("stride", 1)
    P = (H - R) // stride + 1  # type: ignore[operator]
    return Layer("a", "conv", (("x",),), 1, K, C, H, H, P, P, R, R, (stride, stride), **more)  # type: ignore[arg-type]


def test_every_operand_once() -> None:
    # 2 images of 3*6*6 inputs and 4*4*4 outputs of 2 bytes; 4*(27 + 1) weights of 1 byte.
    layer = conv(4, 3, 6, 3, bias=True)
    study = study_of(layer, shape=(3, 6, 6), precision=Precision(16, 8, 32), batch=2)
    assert compulsory_bytes(study, layer) == 2 * 2 * (108 + 64) + 4 * 28


def test_pixels_that_a_strided_kernel_skips_do_not_count() -> None:
    # Stride 2 of a 1x1 kernel on 7x7 reads 4x4 pixels.
    layer = conv(4, 3, 7, 1, stride=2)
    study = study_of(layer, shape=(3, 7, 7))
    assert compulsory_bytes(study, layer) == 3 * 16 + 4 * 16 + 12


def test_a_network_moves_its_inputs_weights_and_outputs_once() -> None:
    first = conv(4, 3, 6, 3)
    second = Layer("b", "conv", (("a",),), 1, 2, 4, 4, 4, 4, 4)
    study = study_of(first, second, shape=(3, 6, 6))
    assert network_compulsory_bytes(study) == 3 * 36 + (4 * 27 + 2 * 4) + 2 * 16
    assert network_pebble_bound_bytes(study, 1 << 20) == network_compulsory_bytes(study) + 2 * 4 * 16


def test_layers_without_weights_have_only_the_compulsory_bound() -> None:
    pool = Layer("a", "maxpool", (("x",),), 3, 3, 3, 6, 6, 3, 3, 2, 2, (2, 2))
    study = study_of(pool, shape=(3, 6, 6))
    assert pebble_bytes(study, pool, 1) == 0
    assert pebble_bound_bytes(study, pool, 1) == 3 * 36 + 3 * 9


@pytest.mark.parametrize("on_chip_bytes", [100, 400, 2500])
def test_a_matrix_product_has_the_constant_of_smith_et_al(on_chip_bytes: int) -> None:
    # 1x1 kernel: 4096 pixels, 64 channels in and out. At least 2*MACs/sqrt(S) - 2*S words.
    layer = conv(64, 64, 64, 1)
    study = study_of(layer, shape=(64, 64, 64))
    most = 2 * layer.macs / sqrt(on_chip_bytes)
    assert most - 2 * on_chip_bytes <= pebble_bytes(study, layer, on_chip_bytes) <= most


def test_wider_words_and_a_kernel_change_the_constant_by_square_roots() -> None:
    # 3x3 with stride 1: an input serves 9 positions. Words of 2, 4 and 2 bytes.
    layer = conv(32, 32, 66, 3)
    study = study_of(layer, shape=(32, 66, 66), precision=Precision(16, 32, 32))
    most = 2 * layer.macs * sqrt(2 * 4 * 2 / (9 * 1000))
    assert most - 2 * 1000 <= pebble_bytes(study, layer, 1000) <= most


def test_a_blocked_matrix_product_comes_close() -> None:
    # A block of 30x30 outputs stays, inputs and weights stream: 30*30 + 2*30 words on the chip.
    layer = conv(60, 640, 60, 1)
    study = study_of(layer, shape=(640, 60, 60))
    blocked = (3600 // 30) * (60 // 30) * 640 * (30 + 30) + 3600 * 60
    assert 0.94 * blocked < pebble_bytes(study, layer, 960) <= blocked


def test_less_memory_never_lowers_the_bound() -> None:
    layer = conv(16, 16, 18, 3)
    study = study_of(layer, shape=(16, 18, 18))
    bounds = [pebble_bound_bytes(study, layer, size) for size in (1, 2, 5, 20, 100, 1000, 10_000, 1 << 20)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] == compulsory_bytes(study, layer)


# Every order of work of a tiny layer


def least_traffic(layer: Layer, on_chip_bytes: int, words: tuple[int, int, int]) -> int | None:
    """Find the least traffic of any order of MACs, loads and evictions: a shortest path (Dijkstra).

    A state is which MACs are done and which words are on the chip. A MAC runs as soon as its words are there,
    which never costs more: a partial sum is only written when it leaves.
    """
    macs = _macs(layer)
    names = sorted({name for mac in macs for name in mac})
    bit = {name: 1 << i for i, name in enumerate(names)}
    size = {name: words["iwo".index(name[0])] for name in names}
    of_output = {n: sum(1 << i for i, mac in enumerate(macs) if mac[2] == n) for n in names if n[0] == "o"}
    needs = [sum(bit[name] for name in mac) for mac in macs]
    everything = (1 << len(macs)) - 1
    queue = [(0, 0, 0)]
    best = {(0, 0): 0}
    while queue:
        cost, done, chip = heapq.heappop(queue)
        if best[done, chip] < cost:
            continue
        if done == everything and not any(chip & bit[n] for n in of_output):
            return cost
        room = on_chip_bytes - sum(size[n] for n in names if chip & bit[n])
        for name in names:
            sums = name in of_output
            begun = done & of_output[name] if sums else 0
            if chip & bit[name]:
                after, extra = chip & ~bit[name], size[name] if begun else 0
            elif size[name] <= room and not (sums and begun == of_output[name]):
                after, extra = chip | bit[name], 0 if sums and not begun else size[name]
            else:
                continue
            now = done | sum(1 << i for i, need in enumerate(needs) if after & need == need)
            if cost + extra < best.get((now, after), 1 << 60):
                best[now, after] = cost + extra
                heapq.heappush(queue, (cost + extra, now, after))
    return None


def _macs(layer: Layer) -> list[tuple[str, str, str]]:
    """Input, weight and output of every MAC that is not on padding."""
    found = []
    per_group_in, per_group_out = layer.C // layer.G, layer.K // layer.G
    for k, c, p, q, r, s in product(*map(range, (layer.K, per_group_in, layer.P, layer.Q, layer.R, layer.S))):
        y = p * layer.stride[0] + r * layer.dilation[0] - layer.pad[0]
        x = q * layer.stride[1] + s * layer.dilation[1] - layer.pad[1]
        if 0 <= y < layer.H and 0 <= x < layer.W:
            channel = k // per_group_out * per_group_in + c
            found.append((f"i{channel}.{y}.{x}", f"w{k}.{c}.{r}.{s}", f"o{k}.{p}.{q}"))
    return found


def row_conv(K: int, C: int, W: int, S: int, G: int = 1, stride: int = 1, pad: int = 0, dilation: int = 1) -> Layer:
    """A convolution along one row."""
    Q = (W + 2 * pad - dilation * (S - 1) - 1) // stride + 1
    return Layer("a", "conv", (("x",),), G, K, C, 1, W, 1, Q, 1, S, (1, stride), (0, pad, 0, pad), (1, dilation))


TINY = {
    "matrix product": row_conv(2, 2, 2, 1),
    "kernel": row_conv(1, 1, 4, 2),
    "two filters": row_conv(2, 1, 3, 2),
    "padded": row_conv(1, 1, 3, 3, pad=1),
    "strided": row_conv(1, 2, 4, 2, stride=2),
    "dilated": row_conv(1, 2, 3, 2, dilation=2),
    "grouped": row_conv(2, 2, 2, 2, G=2),
}


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize(("act", "weight"), [(1, 1), (2, 1), (1, 2)])
def test_no_order_of_work_moves_less(name: str, act: int, weight: int) -> None:
    layer = TINY[name]
    study = study_of(layer, shape=(layer.C, 1, layer.W), precision=Precision(8 * act, 8 * weight, 8 * act))
    least_room = 2 * act + weight
    least = least_traffic(layer, least_room, (act, weight, act))
    assert least is not None
    assert pebble_bound_bytes(study, layer, least_room) <= least


def test_with_room_for_everything_the_best_order_moves_every_word_once() -> None:
    layer = row_conv(1, 1, 3, 2)
    study = study_of(layer, shape=(1, 1, 3))
    assert least_traffic(layer, 7, (1, 1, 1)) == compulsory_bytes(study, layer) == 3 + 2 + 2


# Designs of the cost model


@pytest.mark.parametrize("seed", range(6))
def test_no_design_of_a_layer_alone_moves_less(seed: int) -> None:
    rng = random.Random(seed)
    side, kernel = rng.choice([8, 12, 16]), rng.choice([1, 3, 3])
    layer = replace(conv(rng.choice([8, 24]), rng.choice([8, 24]), side, kernel, stride=rng.choice([1, 1, 2])))
    study = replace(
        study_of(layer, shape=(layer.C, side, side), precision=rng.choice([Precision(), Precision(16, 8, 32)])),
        accelerators=(VwaSpec(double_buffer=False),),
        buffers=SeparateBuffers((256, 2048), (256, 1024)),
        tiling=Tiling(),
        batch=rng.choice([1, 2]),
    )
    checked = 0
    for hardware in hardware_points(study):
        for design in _designs_alone(study, layer):
            try:
                cost = group_cost(study, hardware, prices(study, hardware), design)
            except DesignError:
                continue
            checked += 1
            assert cost.dram_bytes >= pebble_bound_bytes(study, layer, _on_chip(hardware))
    assert checked


def _on_chip(hardware: Hardware) -> int:
    return hardware.feature_bytes + hardware.weight_bytes


def _designs_alone(study: Study, layer: Layer) -> list[GroupDesign]:
    counts = [n for n in (1, 4) if n <= layer.P]
    return [
        GroupDesign((layer.name,), rows, cols, "recompute", order=order, channel_splits=k, input_splits=c)
        for c in possible_input_splits(study.network, layer, (1, 4))
        for order in orders_alone(layer, c)
        for k in possible_splits(study.network, layer, (1, 4))
        for rows in counts
        for cols in counts
    ]
