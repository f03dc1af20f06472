"""How few bytes must cross between DRAM and the chip, whatever the schedule.

Two lower bounds, both of the problem and not of the declared space of designs:

- *Compulsory*: every weight, every input element that is used and every output moves once.
- *Pebbles*: with little on-chip memory operands must come again. The argument goes back to the red-blue pebble
  game of Hong & Kung (STOC 1981). Its constant for matrix products, 2*MACs/sqrt(S) - 2*S words, is that of
  Smith et al. (2017, arXiv:1702.02017), and the reuse of input pixels under a kernel is that of Chen et al. (HPCA
  2020, arXiv:1911.05662) and of Demmel & Dinh (2018, arXiv:1802.06905), whose bounds are asymptotic; the form below
  has constants, word sizes and borders, and is proven where it stands (`pebble_bytes`) [D].
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd, isqrt

from costmodel.beside_maps import finish, kept_bytes
from specs.mix import alone
from specs.network import Layer, Network, TensorShape
from specs.study import MOMENTS, Study

Lines = frozenset[int]
_WEIGHTED = ("conv", "dwconv", "fc")
"""Layers that bring weights; their input gradients read the same."""


def compulsory_bytes(study: Study, layer: Layer) -> int:
    """Bytes that a layer alone cannot avoid: words beside maps once, used inputs and outputs once per image.

    Input elements that no output reads (between the pixels that a 1 x 1 kernel with stride 2 visits) do not
    count, though a schedule that loads whole rows moves them. Reductions store their results; an update reads what it
    changes and the gradients, and writes it.
    """
    act = study.precision.activation_bytes
    inputs = sum(_used_bytes(study, layer, name) for name in layer.input_tensors)
    outputs = sum(shape.pixel_bytes(act) * shape.rows * shape.cols for shape in _leaving(study.network, layer))
    words = 0 if layer.reduces else kept_bytes(study, layer)
    return words + finish(study, (layer,)).moved.total + study.batch * (inputs + outputs)


def network_compulsory_bytes(study: Study) -> int:
    """Bytes that a network cannot avoid with any fusion: all weights, the network's inputs and its outputs once.

    Fused layers need not compute what no reader uses, so an input counts as far as the outputs depend on it. Of a
    tensor that several layers read, the part that one of them uses counts. A training step also writes its
    weights, and reads and writes the rest of the optimizer's state; weights that are kept at two widths come at both.
    """
    network, precision = study.network, study.precision
    needed = _needed(network)
    inputs = sum(
        shape.pixel_bytes(precision.activation_bytes) * len(needed[name][0]) * len(needed[name][1])
        for name, shape in network.inputs
        if name in needed
    )
    outputs = sum(network.tensors[name].elements for name in network.outputs) * precision.activation_bytes
    return _words_bytes(study) + study.batch * (inputs + outputs)


def _words_bytes(study: Study) -> int:
    """Weights once, and what updates read and write; gradients and what only a training step's sums need: nothing."""
    precision = study.precision
    layers = [layer for layer in study.network.layers if not layer.copy_of]
    weights = sum(layer.weight_words for layer in layers if layer.op in _WEIGHTED) * precision.weight_bytes
    updates = [layer for layer in layers if layer.op == "update"]
    if not updates:
        return weights
    params = sum(layer.params for layer in updates)
    states = params * (1 + MOMENTS[study.optimizer]) * precision.state_bytes
    if precision.state != precision.weight:
        return weights + 2 * states + params * precision.weight_bytes
    read_twice = sum(layer.params - 2 * layer.K * layer.batch_norm for layer in updates) * precision.weight_bytes
    return weights - read_twice + 2 * states


def of_mix(study: Study, bound: Callable[[Study], int]) -> int | float:
    """A bound on a network's bytes for one mix: the sum over its networks, each as often as it runs."""
    if not study.mix:
        return bound(study)
    return sum(runs * bound(alone(study, i)) for i, runs in enumerate(study.runs)) / study.num_mixes


def pebble_bound_bytes(study: Study, layer: Layer, on_chip_bytes: int) -> int:
    """Bytes that a layer alone must move with so much on-chip memory: the larger of both bounds.

    Parameters
    ----------
    on_chip_bytes
        All memory in which operands may wait for their next use. A reservation at partial-sum width
        holds no more words than one at activation width, so buffers count in full.
    """
    return max(compulsory_bytes(study, layer), pebble_bytes(study, layer, on_chip_bytes))


def network_pebble_bound_bytes(study: Study, on_chip_bytes: int) -> int:
    """Bytes that a network must move layer by layer, without any fusion."""
    layers = [layer for layer in study.network.layers if not layer.copy_of]  # others run only if a design wants them
    return sum(pebble_bound_bytes(study, layer, on_chip_bytes) for layer in layers)


def pebble_bytes(study: Study, layer: Layer, on_chip_bytes: int) -> int:
    """Bound the traffic of a convolution by what a piece of it can find on the chip; 0 without weights.

    Cut any schedule into pieces of m MACs. Let a piece touch x inputs, y weights and z outputs. Its MACs are
    points (pixel, kernel position and input channel, output channel) of a box of which they see at most ``u*x``,
    ``y`` and ``z`` in the three projections, because one input lies under at most u kernel positions. So
    (Loomis & Whitney) ``m^2 <= u*x*y*z``; channel groups do not change that, by Hoelder. With words of a, b and
    c bytes the piece touches at least ``a*x + b*y + c*z >= 3*(a*b*c*m^2/u)^(1/3)`` bytes (means). At most S of
    them are on the chip when the piece begins; the others are read in it, or are outputs begun in it. Over all
    pieces

        reads + c * outputs >= floor(MACs / m) * (3*(a*b*c*m^2/u)^(1/3) - S)

    where an output is begun once: a second partial sum of it, instead of fetching the first when it begins,
    saves no byte. Each output is also written, at ``c`` bytes or more, which pays for the second term. With
    the best m this lies between ``2*MACs*sqrt(a*b*c/(u*S))`` and 2*S below it; roots are rounded down.

    MACs on padding do not count: they need no input. ``c`` is the smaller of activation and partial sum.

    An input gradient of stride 1 is a convolution. Of a weight gradient the sums are outputs: of inputs, gradients of
    maps and sums a piece sees the same three projections, with other words. Gradients of strided layers: 0.
    """
    if not layer.on_array or layer.upsample != (1, 1):
        return 0
    precision = study.precision
    beside, output = precision.weight_bytes, precision.activation_bytes
    if layer.reduces:
        beside, output = precision.activation_bytes, precision.gradient_bytes
    volume = precision.activation_bytes * beside * min(output, precision.partial_sum_bytes)
    reuse = _kernel_positions(layer, 0) * _kernel_positions(layer, 1)
    macs = study.batch * layer.K * (layer.C // layer.G) * _pairs(layer, 0) * _pairs(layer, 1)
    if on_chip_bytes <= 0 or not macs:
        return 0
    # The best piece has m = sqrt(S^3 * u / (a*b*c)) MACs; the counts of pieces around it differ by the rounding.
    best_piece = max(1, isqrt(on_chip_bytes**3 * reuse // volume))
    around = {max(1, macs // best_piece + shift) for shift in (-1, 0, 1)}
    return max(0, *(_in_pieces(macs, number, volume, reuse, on_chip_bytes) for number in around))


def _in_pieces(macs: int, number: int, volume: int, reuse: int, on_chip_bytes: int) -> int:
    piece = macs // number
    return number * (_cube_root(27 * volume * piece**2 // reuse) - on_chip_bytes) if piece else 0


def _cube_root(value: int) -> int:
    """Return the largest integer whose cube is not above ``value``."""
    root: int = round(float(value) ** (1 / 3))
    while root**3 > value:
        root -= 1
    while (root + 1) ** 3 <= value:
        root += 1
    return root


def _axis(layer: Layer, axis: int) -> tuple[int, int, int, int, int, int]:
    """Extent, outputs, kernel, stride, dilation and leading pad of rows (0) or columns (1)."""
    extents = ((layer.H, layer.P, layer.R), (layer.W, layer.Q, layer.S))[axis]
    return (*extents, layer.stride[axis], layer.dilation[axis], layer.pad[axis])


def _pairs(layer: Layer, axis: int) -> int:
    """Pairs (output, kernel position) whose input lies inside the map."""
    extent, outputs, kernel, stride, dilation, pad = _axis(layer, axis)
    total = 0
    for position in range(kernel):
        offset = position * dilation - pad
        first = max(0, -(offset // stride))
        last = min(outputs - 1, (extent - 1 - offset) // stride)
        total += max(0, last - first + 1)
    return total


def _kernel_positions(layer: Layer, axis: int) -> int:
    """Most kernel positions under which one input row (column) lies, for different outputs."""
    _, outputs, kernel, stride, dilation, _ = _axis(layer, axis)
    return min(outputs, -(-kernel // (stride // gcd(stride, dilation))))


def _used(layer: Layer, axis: int, outputs: Lines) -> Lines:
    """Input rows (columns) under the kernel that some of these output rows (columns) read."""
    extent, _, kernel, stride, dilation, pad = _axis(layer, axis)
    places = {o * stride + k * dilation - pad for o in outputs for k in range(kernel)}
    between = layer.upsample[axis]
    return frozenset(place // between for place in places if place % between == 0 and 0 <= place < extent * between)


def _read(layer: Layer, name: str, rows: Lines, cols: Lines) -> tuple[Lines, Lines]:
    """Rows and columns of a tensor that these of the outputs read; of two ways of reading, those of one."""
    ways = [pixelwise for tensor, pixelwise in layer.reads if tensor == name]
    return (_used(layer, 0, rows), _used(layer, 1, cols)) if False in ways else (rows, cols)


def _used_bytes(study: Study, layer: Layer, name: str) -> int:
    rows, cols = _read(layer, name, *_all_lines(layer))
    pixel_bytes = study.network.tensors[name].pixel_bytes(study.precision.activation_bytes)
    return pixel_bytes * len(rows) * len(cols)


def _all_lines(layer: Layer) -> tuple[Lines, Lines]:
    return frozenset(range(layer.P)), frozenset(range(layer.Q))


def _leaving(network: Network, layer: Layer) -> list[TensorShape]:
    """What a layer alone makes for others: its map, its mask."""
    of_map, of_mask = network.readers[layer.name]
    leaves_map = bool(of_map) or layer.name in network.outputs
    return [layer.output] * leaves_map + [layer.mask] * bool(of_mask)


def _needed(network: Network) -> dict[str, tuple[Lines, Lines]]:
    """Rows and columns of each map on which outputs and sums depend, of several readers through the one with most."""
    needed: dict[str, tuple[Lines, Lines]] = {}
    views = dict(network.views)

    def need(name: str, rows: Lines, cols: Lines) -> None:
        made = network.maker[name]
        if name in views and views[name].reshaped:
            rows, cols = (frozenset(range(n)) for n in (network.tensors[made].rows, network.tensors[made].cols))
        known = needed.get(made, (frozenset(), frozenset()))
        if len(rows) * len(cols) >= len(known[0]) * len(known[1]):
            needed[made] = rows, cols

    for name in network.outputs:
        need(name, frozenset(range(network.tensors[name].rows)), frozenset(range(network.tensors[name].cols)))
    for layer in reversed(network.layers):
        if layer.reduces:
            needed[layer.name] = _all_lines(layer)
        if layer.name in needed:
            for name in layer.input_tensors:
                need(name, *_read(layer, name, *needed[layer.name]))
    return needed
