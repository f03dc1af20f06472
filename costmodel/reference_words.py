"""What words become: the integer functions that a direct computation and an executed schedule share, word by word.

They are our own choice, made so that mistakes show: the word that leaves depends on the sum's high bits too, it is not
additive, so that an unfinished sum cannot pass for a finished one, and it fits its width. Accelerators round and clamp
instead; which of the two makes no difference to a schedule.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from specs.network import MASK, Layer
from specs.study import Precision

Ints = NDArray[np.int64]
Words = NDArray[np.int8] | Ints


def wrap(values: Ints, bits: int) -> Ints:
    """Keep the low ``bits`` bits, read as a signed number."""
    half = 1 << (bits - 1)
    return (values + half & 2 * half - 1) - half


def fold(values: Ints, bits: int) -> Ints:
    """Add the high bits to the low ones and keep ``bits``."""
    return wrap(values + (values >> bits), bits)


def finish(layer: Layer, sums: Ints, precision: Precision) -> Ints:
    """Turn a layer's complete sums into the words of its output.

    The sum, at partial-sum width, has its high bits added to its low ones and is cut to the activation width. A
    maximum is a word already.
    """
    return sums if layer.op == "maxpool" else fold(wrap(sums, precision.partial_sum), precision.activation)


def finish_reduction(layer: Layer, sums: Ints, precision: Precision) -> Ints:
    """Turn the complete sums of a reduction into the words that it stores."""
    whole = wrap(sums, precision.partial_sum)
    return fold(whole, precision.gradient) if layer.op == "wgrad" else whole


def is_masked(layer: Layer) -> bool:
    """Whether the layer's last operand says, bit by bit, which of its outputs are let through."""
    return layer.pixelwise > 0 and all(name.endswith(MASK) for name in layer.operands[-1])


def signs(words: Ints) -> Ints:
    """The mask of an activation function: 1 where its output is positive."""
    return (words > 0).astype(np.int64)


def loss_sum(logits: Ints, target: Ints) -> Ints:
    """What stands for a loss's gradient."""
    sums: Ints = 3 * logits - 5 * target + logits * target
    return sums


def norm_sum(words: Ints, constants: Ints) -> Ints:
    """Normalise: constants (4, ...) are both moments, scale and shift of a channel."""
    sums: Ints = words * constants[2] + constants[3] + _mix(constants[0]) + 3 * _mix(constants[1])
    return sums


def norm_gradient_sum(gradient: Ints, words: Ints, constants: Ints) -> Ints:
    """Backward through a normalisation: constants (5, ...) are both sums of gradients, both moments and the scale."""
    slope = _mix(constants[1]) & 15
    rest = _mix(constants[0]) + 3 * _mix(constants[2]) + 5 * _mix(constants[3])
    sums: Ints = gradient * constants[4] + words * slope + rest
    return sums


def updated(states: Ints, gradients: Ints, bits: int) -> Ints:
    """Parameters and their moments after a step; ``states`` has the parameters first, then each moment."""
    moments = [wrap((2 * i + 3) * moment + (i + 1) * gradients, bits) for i, moment in enumerate(states[1:])]
    parameters: Ints = 7 * states[0] + 3 * gradients + np.sum(moments, axis=0, dtype=np.int64)
    return np.stack([wrap(parameters, bits), *moments])


def _mix(sums: Ints) -> Ints:
    """Bring a sum's high bits down to where a word depends on them."""
    mixed: Ints = sums + (sums >> 9) + (sums >> 18)
    return mixed
