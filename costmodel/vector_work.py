"""What layers beside the array cost: pools, additions, batch-norm, losses and their gradients, on an array's adders.

The same for every template but for how many adders there are and how wide the ways to them (`Adders`).
docs/training_arrays.md has the table of operations and words.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np

from costmodel.least_rates import least_of_tiles
from costmodel.technology import add_fj
from costmodel.template import Floats, Ints, Terms, Tile, Tiles, TileSizes, TileWork, TileWorks
from specs.network import Layer
from specs.study import Precision

Amount = TypeVar("Amount", int, Ints)
"""A number, or one for each of many tiles: the formula is the same."""


class Adders(NamedTuple):
    """Operations per cycle, and bits per cycle of operands and of constants and sums (0: as many as asked for)."""

    lanes: int
    operand_bits: int = 0
    constant_bits: int = 0


class Amounts(NamedTuple):
    """Of one tile."""

    operations: int
    feature_read_bytes: int
    feature_write_bytes: int
    weight_read_bytes: int
    weight_write_bytes: int


def _ceil(a: Amount, b: int) -> Amount:
    return -(-a // b)


def window_places(layer: Layer) -> int:
    """Places of a window that meet a word: ceil(R/u_r) * ceil(S/u_c) of a map with zeros put in, else all R * S."""
    return _ceil(layer.R, layer.upsample[0]) * _ceil(layer.S, layer.upsample[1])


def index_bits(layer: Layer) -> int:
    """Bits that tell one place of a window from the others."""
    return (layer.R * layer.S - 1).bit_length()


def masks_read(layer: Layer) -> int:
    """Signs of activations read at the output's place: a bit each, which lets the gradient through or not."""
    if layer.op in ("dgrad", "unpool", "spread", "add"):
        return layer.pixelwise
    return layer.pixelwise - 1 if layer.op == "loss" else 0


def vector_ops_per_output(layer: Layer) -> tuple[int, int]:
    """Operations, and words of activation width read, for one output (one input position of a reduction)."""
    places, masks = window_places(layer), masks_read(layer)
    match layer.op:
        case "add":
            gradients = len(layer.operands) - masks
            return gradients - 1 + masks, gradients
        case "norm":
            return 2, 1
        case "moments":
            return 3, 1
        case "normgrads":
            return 3, 2
        case "dnorm":
            return 4, 2
        case "loss":
            return 1 + masks, 2
        case "unpool":
            return places * (2 if index_bits(layer) else 1) + masks, places
        case "update":
            return 1, 0
        case _:
            return places + masks, places


def packed_bytes_read(layer: Layer, channels: Amount) -> Amount:
    """Bytes of masks and of a max-pool's indices that one position reads."""
    bytes_read = _ceil(channels, 8) * masks_read(layer)
    if layer.op == "unpool":
        bytes_read = bytes_read + _ceil(channels * index_bits(layer), 8) * window_places(layer)
    return bytes_read


def packed_bytes_written(layer: Layer, channels: Amount) -> Amount:
    """Bytes that one position stores beside its words for the backward pass."""
    return _ceil(channels * layer.mask_bits, 8)


def _amounts(
    layer: Layer, channels: Amount, positions: Amount, precision: Precision
) -> tuple[Amount, Amount, Amount, Amount, Amount]:
    """The fields of `Amounts`."""
    operations, words = vector_ops_per_output(layer)
    outputs, act = positions * channels, precision.activation_bytes
    written = 0 if layer.reduces else 1
    # Constants come, and sums come and go, once in a tile that is not empty.
    constants = (positions > 0) * channels * (layer.filter_words * precision.partial_sum_bytes)
    return (
        outputs * operations,
        outputs * (words * act) + positions * packed_bytes_read(layer, channels),
        outputs * (written * act) + positions * packed_bytes_written(layer, channels),
        constants,
        constants * int(layer.reduces),
    )


def _cycles(
    adders: Adders, operations: Amount, read_bytes: Amount, constant_bytes: Amount, sum_bytes: Amount
) -> tuple[Amount, Amount, Amount]:
    """Cycles of operations, of operands beside them, and of constants before and sums after both."""
    none = operations * 0
    operands = _ceil(read_bytes * 8, adders.operand_bits) if adders.operand_bits else none
    around = none
    if adders.constant_bits:
        around = _ceil(constant_bytes * 8, adders.constant_bits) + _ceil(sum_bytes * 8, adders.constant_bits)
    return _ceil(operations, adders.lanes), operands, around


def vector_work(layer: Layer, tile: Tile, terms: Terms, adders: Adders) -> TileWork:
    """Work of a layer that is not on the array."""
    amounts = Amounts(*_amounts(layer, tile.channels, tile.images * tile.rows * tile.cols, terms.precision))
    computing, operands, around = _cycles(
        adders,
        amounts.operations,
        amounts.feature_read_bytes,
        amounts.weight_read_bytes,
        amounts.weight_write_bytes,
    )
    return TileWork(
        cycles=max(computing, operands) + around,
        mac_fj=amounts.operations * add_fj(terms.technology, terms.precision.activation, terms.precision.floating),
        spad_fj=0,
        network_fj=0,
        feature_read_bytes=amounts.feature_read_bytes,
        feature_write_bytes=amounts.feature_write_bytes,
        weight_read_bytes=amounts.weight_read_bytes,
        weight_write_bytes=amounts.weight_write_bytes,
    )


def vector_least_rates(layer: Layer, sizes: TileSizes, prices: Floats, terms: Terms, adders: Adders) -> Floats:
    """Least cost per output position at each price: constants serve most positions in the largest tile.

    Three of its numbers of cycles are rounded up; without that nothing is less.
    """
    tiles = sizes.tiles([max(sizes.images)], [layer.P], [layer.Q])
    works = vector_works(layer, tiles, terms, adders)
    works = works._replace(cycles=np.maximum(works.cycles - 3, 0))
    return least_of_tiles([works], tiles, prices)


def vector_works(layer: Layer, tiles: Tiles, terms: Terms, adders: Adders) -> TileWorks:
    """The same for many tiles."""
    positions = tiles.images * tiles.rows * tiles.cols
    operations, read, written, constants, sums = _amounts(layer, tiles.channels, positions, terms.precision)
    computing, operands, around = _cycles(adders, operations, read, constants, sums)
    operations_fj = operations * add_fj(terms.technology, terms.precision.activation, terms.precision.floating)
    cycles = computing * (computing >= operands) + operands * (operands > computing) + around
    return TileWorks(cycles, operations_fj, read, written, constants, sums)
