"""Weight gradients on a systolic array: the product of X's windows and dY, summed over pixels [R].

W x N sums (W = C*R*S window words, N filters), each a dot product of M pixels. A dataflow keeps the same operand of
the matrix product as in the convolution, dY standing where filters stood; the dimension that is summed is M:

    dataflow            Sr  Sc  T   stays          X words            dY words           visits of a sum
    weight-stationary   M   N   W   dY             M*W*ceil(N/cols)   M*N                ceil(M/rows)
    input-stationary    M   W   N   X              M*W                M*N*ceil(W/cols)   ceil(M/rows)
    output-stationary   W   N   M   the sums       M*W*ceil(N/cols)   M*N*ceil(W/rows)   1

A visit reads the sum from the weight buffer and writes it back: so those of earlier folds and tiles are added to.
"""

from __future__ import annotations

from costmodel.systolic_prices import ArrayPrices
from costmodel.vector_work import Amount
from specs.study import Precision


def gradient_amounts(
    dataflow: str,
    rows: int,
    cols: int,
    groups: Amount,
    M: Amount,
    N: Amount,
    W: Amount,
    bias: int,
    prices: ArrayPrices,
    precision: Precision,
) -> tuple[Amount, Amount, Amount, Amount, Amount, Amount]:
    """Cycles, fJ of MACs, registers and network, bytes read from the feature buffer, bytes of sums; M is not 0."""
    macs = groups * M * N * W
    filter_folds = -(-N // cols)
    # What stays moves past half the rows on its way in (sums: out).
    half = rows + 1
    if dataflow == "weight-stationary":
        visits = -(-M // rows)
        folds, T, words = visits * filter_folds, W, M * W * filter_folds + M * N
        spad_fj, network_fj = macs * prices.pixel_spad_fj, groups * M * N * half // 2 * prices.pixel_hop_fj
        network_fj = network_fj + macs * (prices.pixel_hop_fj + prices.sum_hop_fj)
    elif dataflow == "input-stationary":
        visits, window_folds = -(-M // rows), -(-W // cols)
        folds, T, words = visits * window_folds, N, M * W + M * N * window_folds
        spad_fj, network_fj = macs * prices.pixel_spad_fj, groups * M * W * half // 2 * prices.pixel_hop_fj
        network_fj = network_fj + macs * (prices.pixel_hop_fj + prices.sum_hop_fj)
    else:
        visits, window_folds = M * 0 + 1, -(-W // rows)
        folds, T, words = window_folds * filter_folds, M, M * W * filter_folds + M * N * window_folds
        spad_fj, network_fj = macs * (2 * prices.sum_spad_fj), groups * W * N * half // 2 * prices.sum_hop_fj
        network_fj = network_fj + macs * (2 * prices.pixel_hop_fj)
    return (
        groups * folds * (2 * rows + cols + T - 2),
        macs * prices.mac_fj + groups * M * N * (bias * prices.add_fj),
        spad_fj,
        network_fj,
        groups * words * precision.activation_bytes,
        groups * N * (W * visits + bias) * precision.partial_sum_bytes,
    )
