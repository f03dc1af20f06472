"""Gradients on a row-stationary array in plain loops: weight gradients block by block, input gradients tap by tap.

Written apart from `costmodel.eyeriss_gradient`, `eyeriss_roles` and `transposed`, as `plain_eyeriss` is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from costmodel.eyeriss import EyerissShape
from costmodel.template import Terms, Tile, is_channelwise
from plain_eyeriss import all_letters, blocks, every_mapping
from specs.network import Layer


@dataclass(frozen=True)
class PlainGradient:
    cycles: int
    array_fj: int
    read_bytes: int
    write_bytes: int
    weight_read_bytes: int
    weight_write_bytes: int

    def key(self, terms: Terms) -> tuple[int, int]:
        energy = (
            self.array_fj
            + (self.read_bytes + self.write_bytes) * terms.feature_fj_per_byte
            + (self.weight_read_bytes + self.weight_write_bytes) * terms.weight_fj_per_byte
            + self.cycles * terms.leakage_fj_per_cycle
        )
        return (self.cycles, energy) if terms.prefer == "fastest" else (energy, self.cycles)


def every_weight_gradient(shape: EyerissShape, layer: Layer, tile: Tile, terms: Terms) -> Iterator[PlainGradient]:
    for letters in all_letters(shape, layer, tile):
        yield plain_weight_gradient(shape, layer, tile, terms, letters)


def plain_weight_gradient(
    shape: EyerissShape, layer: Layer, tile: Tile, terms: Terms, letters: dict[str, int]
) -> PlainGradient:
    """Every strip of rows, block of filters, block of channels and part of the kernel in turn."""
    fold, technology = shape.folded_kernel(layer), terms.technology
    p, q, r, t = (letters[name] for name in "pqrt")
    channelwise = is_channelwise(layer)
    groups = 1 if channelwise or tile.channels != layer.K else layer.G
    K, C, h, w, images = tile.channels // groups, tile.input_channels, tile.rows, tile.cols, tile.images
    loads = len(blocks(images, min(letters.get("n", images), images)))
    m = letters.get("m", K)
    filter_blocks = [1] if channelwise else [part for block in blocks(K, m) for part in blocks(block, p * t)]
    if channelwise:
        channel_blocks = [part for block in blocks(K, m) for part in blocks(block, q * r)]
    else:
        channel_blocks = blocks(C, q * r)

    def window(outputs: int, axis: int, taps: int) -> int:
        span = layer.dilation[axis] * (taps - 1) + 1
        return span + (outputs - 1) * min(layer.stride[axis], span)

    kernel = layer.R * layer.S
    x_words = x_first = x_taken = dy_words = dy_taken = compute = sums = sums_taken = 0
    for strip in blocks(h, min(letters["e"], h)):
        sums += groups * K * C * kernel * loads
        sums_taken += groups * K * C * kernel * loads * strip
        for filters in filter_blocks:
            for channels in channel_blocks:
                for _ in range(fold.passes):
                    compute += groups * images * p * q * fold.cols * w
                    words = groups * images * channels * window(w, 1, fold.cols)
                    x_words += words * window(strip, 0, fold.rows)
                    x_first += groups * loads * channels * window(1, 1, fold.cols) * window(strip, 0, fold.rows)
                    x_taken += words * strip * fold.rows * len(blocks(filters, p))
                    gradients = groups * images * strip * w * (channels if channelwise else filters)
                    dy_words += gradients
                    dy_taken += gradients * fold.rows * (1 if channelwise else r)
    bias = tile.channels * int(layer.bias)
    sums, sums_taken = sums + bias, sums_taken + bias
    outputs = images * tile.channels * h * w
    macs = outputs * C * kernel
    activation, psum = terms.precision.activation, terms.precision.partial_sum

    def price(pj_per_bit: float, bits: int) -> int:
        return round(1000 * pj_per_bit * bits)

    spad, hop = technology.spad_pj_per_bit, technology.hop_pj_per_bit
    mac = round(1000 * dict(technology.mac)[max(activation, terms.precision.weight)].energy_pj)
    add = round(1000 * dict(technology.add)[activation].energy_pj)
    array_fj = macs * (mac + price(spad, activation) * 2 + price(spad, psum) * 2)
    array_fj += (x_taken + dy_taken) * (price(spad, activation) + price(hop, activation))
    array_fj += sums_taken * (price(spad, psum) + price(hop, psum))
    array_fj += (outputs if layer.bias else 0) * add
    cycles = -(-(sums + sums) * psum // shape.filter_bits_per_cycle) + max(
        -(-x_words * activation // shape.ifmap_bits_per_cycle),
        -(-x_first * activation // shape.ifmap_bits_per_cycle)
        + max(compute, -(-dy_words * activation // shape.psum_bits_per_cycle)),
    )
    return PlainGradient(
        cycles, array_fj, (x_words + dy_words) * activation // 8, 0, sums * psum // 8, sums * psum // 8
    )


def plain_input_gradient(shape: EyerissShape, layer: Layer, tile: Tile, terms: Terms) -> PlainGradient:
    """The best mapping of each phase of the output, its taps found one by one."""
    act = terms.precision.activation // 8
    total = [0, 0, 0, 0, 0]
    sizes = [-(-size // up) for size, up in zip((tile.rows, tile.cols), layer.upsample, strict=True)]
    part = tile._replace(rows=sizes[0], cols=sizes[1])
    for row in range(layer.upsample[0]):
        for col in range(layer.upsample[1]):
            rows, cols = _taps(layer, 0, layer.R, row), _taps(layer, 1, layer.S, col)
            if not rows or not cols:
                continue
            step = _step(layer, 0, rows), _step(layer, 1, cols)
            dense = replace(layer, op="conv", upsample=(1, 1), R=len(rows), S=len(cols), dilation=step, pixelwise=0)
            best = min(every_mapping(shape, dense, part, terms), key=lambda plain: plain.key(terms))
            outputs = part.images * part.channels * part.rows * part.cols * act
            kept = best.write_bytes - outputs
            for i, value in enumerate((best.cycles, best.array_fj, best.read_bytes, kept, best.weight_bytes)):
                total[i] += value
    positions = tile.images * tile.rows * tile.cols
    cycles, array_fj, read, written, weights = total
    read += positions * -(-tile.channels // 8) * layer.pixelwise
    return PlainGradient(cycles, array_fj, read, written + positions * tile.channels * act, weights, 0)


def _taps(layer: Layer, axis: int, size: int, phase: int) -> list[int]:
    """Taps that meet a word, not a zero put in, at outputs phase, phase + u, ..."""
    up, pad, dilation = layer.upsample[axis], layer.pad[axis], layer.dilation[axis]
    return [tap for tap in range(size) if (phase - pad + tap * dilation) % up == 0]


def _step(layer: Layer, axis: int, taps: list[int]) -> int:
    """How many words apart the taps of a phase are."""
    if len(taps) == 1:
        return 1
    (apart,) = {(b - a) * layer.dilation[axis] for a, b in pairwise(taps)}
    assert apart % layer.upsample[axis] == 0
    return apart // layer.upsample[axis]
