"""The row-stationary mapping search of `costmodel.eyeriss` for many tiles at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from costmodel.template import Ints, is_channelwise, loop_bounds
from specs.network import Layer
from specs.study import Precision

if TYPE_CHECKING:
    from costmodel.eyeriss import EyerissShape


@dataclass(frozen=True)
class BestMappings:
    """Columns of the chosen `Mapping` for an array of tiles, with the cycles of one group."""

    cycles: Ints
    e: Ints
    passes: Ints
    psum_passes: Ints
    ifmap_rows_words: Ints
    kernel_cols: Ints
    psum_hops: Ints


_CHOSEN_FIELDS = ("e", "passes", "psum_passes", "ifmap_rows_words", "kernel_cols", "psum_hops")


def best_mappings(
    shape: EyerissShape, layer: Layer, inputs: int, channels: Ints, rows: Ints, cols: Ints, precision: Precision
) -> BestMappings:
    """`EyerissShape.best_mapping` for many tiles at once, with the same order among ties.

    First the best r for each (channels, e, cols), which does not depend on the rows; then the best e for
    each tile, which sees the rows through ceil(rows/e) alone.
    """
    kernel_rows, _, _ = shape.folded_kernel(layer)
    widest = min(int(rows.max(initial=1)), shape.cols * (shape.rows // kernel_rows))
    set_widths = np.arange(max(widest, 1), 0, -1)  # the wider set first: argmin keeps the first of equals
    distinct_channels, channel_at = np.unique(channels, return_inverse=True)
    distinct_cols, col_at = np.unique(np.maximum(cols, 1), return_inverse=True)
    by_field = _mapping_columns(shape, layer, inputs, distinct_channels, int(set_widths[0]))

    window_cols = (distinct_cols - 1) * layer.stride[1] + 1
    window_cols = window_cols + layer.dilation[1] * (by_field["kernel_cols"].max() - 1)
    compute = by_field["mac_cycles_per_col"][..., None] * distinct_cols
    psums = -(
        -by_field["psum_words_per_col"][..., None] * distinct_cols * precision.partial_sum // shape.psum_bits_per_cycle
    )
    input_bits = by_field["ifmap_rows_words"][..., None] * window_cols * precision.activation
    inputs = -(-input_bits // shape.ifmap_bits_per_cycle)
    filters = -(-by_field["filter_words"] * precision.weight // shape.filter_bits_per_cycle)
    strip_cycles = np.maximum(np.maximum(compute, psums), inputs) + filters[..., None]
    strip_cycles *= by_field["passes"][..., None]
    strip_cycles[by_field["passes"] == 0] = np.iinfo(np.int64).max // 4096  # no such mapping
    best_r = strip_cycles.argmin(axis=2)  # (channels, e, cols)
    strip_cycles = strip_cycles.min(axis=2)

    distinct_rows, row_at = np.unique(rows, return_inverse=True)
    useful = _useful_widths(distinct_rows, int(set_widths[0]))[row_at.reshape(rows.shape)]
    at_channel, at_col = channel_at.reshape(channels.shape)[..., None], col_at.reshape(cols.shape)[..., None]
    cycles = -(-rows[..., None] // useful) * strip_cycles[at_channel, set_widths[0] - useful, at_col]
    best_e = cycles.argmin(axis=-1)[..., None]
    chosen_e = set_widths[0] - np.take_along_axis(useful, best_e, axis=-1)
    chosen_r = best_r[at_channel, chosen_e, at_col]
    columns = {name: by_field[name][at_channel, chosen_e, chosen_r][..., 0] for name in _CHOSEN_FIELDS}
    return BestMappings(cycles=np.take_along_axis(cycles, best_e, axis=-1)[..., 0], **columns)


def _useful_widths(rows: Ints, widest: int) -> Ints:
    """Set widths ceil(rows/n) up to ``widest`` for each number of rows, wider first, the last one repeated."""
    per_row = []
    for height in rows.tolist():
        widths = {-(-height // n) for n in range(1, height + 1)}
        per_row.append(sorted((e for e in widths if e <= widest), reverse=True) or [1])
    longest = max(len(widths) for widths in per_row)
    return np.array([widths + widths[-1:] * (longest - len(widths)) for widths in per_row], dtype=np.int64)


def _mapping_columns(shape: EyerissShape, layer: Layer, inputs: int, channels: Ints, widest: int) -> dict[str, Ints]:
    """Fields of every mapping as arrays (channels, e from widest to 1, r); ``passes`` is 0 where there is none."""
    groups, K, C = _loop_bound_columns(layer, inputs, channels)
    kernel_rows, kernel_cols, folds = shape.folded_kernel(layer)
    kernel = kernel_rows * kernel_cols
    depthwise = is_channelwise(layer)
    e = np.arange(widest, 0, -1)[None, :, None]
    slots = shape.rows // kernel_rows
    sets = np.where(e <= shape.cols, slots * (shape.cols // e), slots // -(-e // shape.cols))
    most_r = sets if depthwise else np.minimum(sets, slots)
    powers = 2 ** np.arange(int(most_r.max()).bit_length())
    r = np.concatenate([np.broadcast_to(powers, (1, widest, len(powers))), most_r], axis=2)
    split = groups if depthwise else C
    q_spad = min(shape.ifmap_spad_words, shape.filter_spad_words) // kernel_cols
    q_most = np.maximum(1, np.minimum(min(q_spad, shape.filter_chunk_words // kernel), split))
    if depthwise:
        q_most = np.minimum(q_most, shape.psum_spad_words)
    channel_passes = -(-split // (q_most * r))
    q = -(-split // (channel_passes * r))
    words = q * r * kernel
    exists = (r <= most_r) & ((words <= shape.filter_chunk_words) | (r == 1))
    if depthwise:
        p = t = filter_passes = np.ones_like(q)
        interleaved, psum_passes, hops = q * r, np.full_like(q, folds), np.full_like(q, kernel_rows - 1)
    else:
        room = shape.filter_chunk_words // words
        t = np.maximum(1, np.minimum(np.minimum(sets // r, K), room))
        p_most = np.minimum(np.minimum(shape.psum_spad_words, shape.filter_spad_words // (q * kernel_cols)), K)
        p_most = np.maximum(1, np.minimum(p_most, shape.filter_chunk_words // (t * words)))
        filter_passes = -(-K // (p_most * t))
        p = -(-K // (filter_passes * t))
        interleaved, psum_passes, hops = p * t, channel_passes * folds, kernel_rows * r - 1
    columns = {
        "e": e,
        "passes": np.where(exists, filter_passes * channel_passes * folds, 0),
        "psum_passes": psum_passes,
        "ifmap_rows_words": q * r * ((e - 1) * layer.stride[0] + layer.dilation[0] * (kernel_rows - 1) + 1),
        "kernel_cols": np.full_like(q, kernel_cols),
        "psum_hops": hops,
        "mac_cycles_per_col": p * q * kernel_cols,
        "psum_words_per_col": interleaved * e,
        "filter_words": p * t * words,
    }
    whole = (len(channels), widest, r.shape[2])
    return {name: np.broadcast_to(column, whole) for name, column in columns.items()}


def _loop_bound_columns(layer: Layer, inputs: int, channels: Ints) -> tuple[Ints, Ints, Ints]:
    """`loop_bounds` of each entry of ``channels``, shaped (channels, 1, 1)."""
    bounds = np.array([loop_bounds(layer, int(k), inputs) for k in channels], dtype=np.int64)
    return bounds[:, 0, None, None], bounds[:, 1, None, None], bounds[:, 2, None, None]
