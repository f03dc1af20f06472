"""Row-stationary mappings in plain loops: every e, p, q, r, t that fits, counted block by block.

Written apart from `costmodel.eyeriss_space` and its fronts; of the cost model it uses the folding of the kernel alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from costmodel.eyeriss import EyerissShape
from costmodel.template import Terms, Tile, is_channelwise
from specs.network import Layer


@dataclass(frozen=True)
class Plain:
    """One mapping and what it costs."""

    letters: dict[str, int]
    cycles: int
    array_fj: int
    read_bytes: int
    write_bytes: int
    weight_bytes: int

    def energy(self, terms: Terms) -> int:
        return (
            self.array_fj
            + (self.read_bytes + self.write_bytes) * terms.feature_fj_per_byte
            + self.weight_bytes * terms.weight_fj_per_byte
            + self.cycles * terms.leakage_fj_per_cycle
        )

    def key(self, terms: Terms) -> tuple[int, int]:
        energy = self.energy(terms)
        return (self.cycles, energy) if terms.prefer == "fastest" else (energy, self.cycles)


def blocks(amount: int, size: int) -> list[int]:
    return [min(size, amount - begin) for begin in range(0, amount, size)]


def fits(shape: EyerissShape, layer: Layer, e: int, p: int, q: int, r: int, t: int) -> bool:
    fold = shape.folded_kernel(layer)
    channelwise = is_channelwise(layer)
    slots = shape.rows // fold.rows
    if e <= shape.cols:
        places = slots * (shape.cols // e) if channelwise else slots // r * (shape.cols // e)
    else:
        strips = -(-e // shape.cols)
        places = slots // strips if channelwise else slots // (r * strips)
    return (
        (r if channelwise else t) <= places
        and (not channelwise or p == t == 1)
        and p * q * fold.cols <= shape.filter_spad_words
        and q * fold.cols <= shape.ifmap_spad_words
        and (q if channelwise else p) <= shape.psum_spad_words
        and p * q * r * t * fold.rows * fold.cols <= shape.filter_chunk_words
    )


def every_mapping(shape: EyerissShape, layer: Layer, tile: Tile, terms: Terms) -> Iterator[Plain]:
    for letters in all_letters(shape, layer, tile):
        yield plain_cost(shape, layer, tile, terms, letters)


def all_letters(shape: EyerissShape, layer: Layer, tile: Tile) -> Iterator[dict[str, int]]:
    """All mappings with 1 <= e <= rows and p, q, r, t up to the most that one of them alone may be."""
    fold = shape.folded_kernel(layer)
    slots = shape.rows // fold.rows
    most_r = slots * shape.cols if is_channelwise(layer) else slots
    for e in range(1, tile.rows + 1):
        for r in range(1, most_r + 1):
            for q in range(1, shape.ifmap_spad_words // fold.cols + 1):
                for p in range(1, shape.psum_spad_words + 1):
                    for t in range(1, slots * shape.cols + 1):
                        if not fits(shape, layer, e, p, q, r, t):
                            break
                        yield {"e": e, "p": p, "q": q, "r": r, "t": t}


def plain_cost(shape: EyerissShape, layer: Layer, tile: Tile, terms: Terms, letters: dict[str, int]) -> Plain:
    """Cost one mapping; m and n default to all output channels and images."""
    fold, precision, technology = shape.folded_kernel(layer), terms.precision, terms.technology
    e, p, q, r, t = (letters[name] for name in "epqrt")
    channelwise = is_channelwise(layer)
    whole = tile.channels == layer.K
    groups = 1 if channelwise or not whole else layer.G
    K, C = tile.channels // groups, tile.input_channels
    h, w = tile.rows, tile.cols
    e = min(e, h)
    m, n = letters.get("m", K), min(letters.get("n", tile.images), tile.images)
    strips = blocks(h, e)
    loads = len(blocks(tile.images, n))

    def window(outputs: int, axis: int, taps: int) -> int:
        span = layer.dilation[axis] * (taps - 1) + 1
        return span + (outputs - 1) * min(layer.stride[axis], span)

    window_cols = window(w, 1, fold.cols)
    if channelwise:
        filter_blocks = [0]
        channel_blocks = [part for block in blocks(K, m) for part in blocks(block, q * r)]
    else:
        filter_blocks = [part for block in blocks(K, m) for part in blocks(block, p * t)]
        channel_blocks = blocks(C, q * r)
    filter_words = mac_cycles = ifmap_words = fill_words = filter_taken = ifmap_taken = 0
    for strip in strips:
        filter_words += groups * K * C * layer.R * layer.S * loads
        filter_taken += groups * K * C * layer.R * layer.S * loads * strip
        for filters in filter_blocks:
            sets = len(blocks(filters, p)) if filters else 1
            for channels in channel_blocks:
                mac_cycles += groups * tile.images * fold.passes * p * q * fold.cols * w
                rows = window(strip, 0, fold.rows)
                words = groups * tile.images * fold.passes * channels * window_cols
                ifmap_words += words * rows
                fill_words += groups * loads * fold.passes * channels * rows * window(1, 1, fold.cols)
                ifmap_taken += words * strip * fold.rows * sets
    bias = tile.channels * int(layer.bias)
    filter_words += bias
    filter_taken += bias
    outputs = tile.images * tile.channels * h * w
    visits = fold.passes * (1 if channelwise else len(channel_blocks))
    stacked = 1 if channelwise else r
    psum_hops = outputs * (visits * (fold.rows * stacked - 1) + visits + visits - 1)
    cycles = -(-filter_words * precision.weight // shape.filter_bits_per_cycle) + max(
        -(-fill_words * precision.activation // shape.ifmap_bits_per_cycle)
        + max(mac_cycles, -(-outputs * visits * precision.partial_sum // shape.psum_bits_per_cycle)),
        -(-ifmap_words * precision.activation // shape.ifmap_bits_per_cycle),
    )
    spad, hop = technology.spad_pj_per_bit, technology.hop_pj_per_bit

    def price(pj_per_bit: float, bits: int) -> int:
        return round(1000 * pj_per_bit * bits)

    mac = round(1000 * dict(technology.mac)[max(precision.activation, precision.weight)].energy_pj)
    weight, activation, psum = precision.weight, precision.activation, precision.partial_sum
    macs = outputs * C * layer.R * layer.S
    array_fj = macs * (mac + price(spad, weight) + price(spad, activation) + 2 * price(spad, psum))
    array_fj += filter_taken * (price(spad, weight) + price(hop, weight))
    array_fj += ifmap_taken * (price(spad, activation) + price(hop, activation))
    array_fj += psum_hops * price(hop, psum)
    kept = outputs * (visits - 1) * psum // 8
    return Plain(
        letters, cycles, array_fj, ifmap_words * activation // 8 + kept, kept + outputs * activation // 8,
        filter_words * weight // 8,
    )  # fmt: skip
