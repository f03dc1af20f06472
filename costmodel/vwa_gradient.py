"""Weight gradients on a vectorwise array, in the turns of the forward convolution [R].

Per turn a block multiplies V words of X and V of dY and adds up the V products of each tap. On K the blocks share
X's words and each has its own dY; on C they share dY's and each has its own X: what moved from block to block in the
convolution (inputs on K, sums on C) is now the shared word, always of activation width. The taps' sums stay in
accumulators through one strip of one image; then the next strip adds to what the weight buffer holds.
"""

from __future__ import annotations

from costmodel.vector_work import Amount
from costmodel.vwa_prices import ArrayPrices
from specs.study import Precision


def gradient_amounts(
    turns: Amount,
    words: Amount,
    hops: Amount,
    channels: Amount,
    kernel_words: Amount,
    bias: int,
    strips: Amount,
    cols: Amount,
    pixels: Amount,
    prices: ArrayPrices,
    precision: Precision,
) -> tuple[Amount, Amount, Amount, Amount, Amount, Amount]:
    """Cycles, fJ of MACs, accumulators and network, bytes read from the feature buffer, bytes of sums.

    ``turns`` per strip and column, ``words`` (shared and own) and ``hops`` per pixel, ``kernel_words`` and ``bias`` per
    output channel. Every sum is read once and written once per strip.
    """
    macs, sums = pixels * channels * kernel_words, channels * kernel_words
    return (
        turns * strips * cols,
        macs * prices.mac_fj + pixels * channels * (bias * prices.add_fj),
        sums * strips * cols * prices.accumulation_fj,
        pixels * hops * prices.pixel_hop_fj,
        pixels * words * precision.activation_bytes,
        (pixels > 0) * strips * (sums + channels * bias) * precision.partial_sum_bytes,
    )
