"""What ways to run a layer alone need and move on every tiling, before any work is priced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.alone_maps import Maps, maps_of, update_of
from costmodel.alone_ways import Way
from costmodel.beside_maps import chunk_words, kept_bytes, word_bytes
from costmodel.candidates import Family
from costmodel.group_plan import GroupPlan
from costmodel.sweeps import ENDING, Bools, Ending, Share, ending, ending_of_sums
from costmodel.template import Ints, Terms
from specs.network import Layer
from specs.study import Study


@dataclass(frozen=True)
class Needs:
    """Needs and traffic of ways in shares of the batch.

    Attributes
    ----------
    valid, feature_bytes, weights, spilled : (share, way, row option, col option)
        ``spilled`` are bytes of partial sums that are stored and loaded again, each way.
    weight_bytes : (way, array)
    loads, stores : (way, row option, col option)
        Of the whole batch. ``first_load`` and ``last_store`` are those of the first and of the last tile of one
        image that stand alone where buffers are double, or less.
    ends : (way,)
    """

    ways: tuple[Way, ...]
    valid: Bools
    feature_bytes: Ints
    weight_bytes: Ints
    loads: Ints
    stores: Ints
    first_load: Ints
    last_store: Ints
    weights: Ints
    spilled: Ints
    ends: tuple[Ending, ...]

    @property
    def left(self) -> Ints:
        """DRAM bytes after the last tile: (way, 1, 1)."""
        return _column([end.dram_bytes for end in self.ends])

    @property
    def dram_bytes(self) -> Ints:
        dram: Ints = self.loads + self.stores + self.weights + 2 * self.spilled + self.left
        return dram


def uncut_needs(
    study: Study, family: Family, terms: Terms, plan: GroupPlan, shares: list[Share], ways: tuple[Way, ...]
) -> Needs:
    """Needs of ways whose tiles have all their input channels."""
    layer, maps = plan.tensors.layers[0], maps_of(study, plan)
    act, operands, double = study.precision.activation_bytes, maps.operands, family.double_buffer
    width = study.precision.partial_sum_bytes if family.arrays[0].accumulates_in_buffer(layer) else act
    visits, images = _visits(plan, shares)
    stationary = [way.order == "input-stationary" for way in ways]

    def under(way: Way, size: int) -> int:
        whole = way.chunks.count == 1 or way.order == "input-stationary"
        return operands.under_bytes(size if operands.by_outputs else way.chunks.input_channels, whole)

    def here(way: Way, size: int) -> int:
        return operands.here_bytes(size, way.chunks.count == 1 or way.order == "input-stationary")

    def all_chunks(way: Way, of_size: list[int]) -> int:
        """Sum over the chunks, each of which loads; an order that keeps the input loads it once."""
        if way.order == "input-stationary":
            return of_size[0]
        return sum(number * each for each, (_, number) in zip(of_size, way.chunks.sizes, strict=True))

    largest = [way.chunks.largest for way in ways]
    under_of = [[under(way, size) for size, _ in way.chunks.sizes] for way in ways]
    here_of = [[here(way, size) for size, _ in way.chunks.sizes] for way in ways]
    made = _numbers([operands.made_bytes(size, width) for size in largest])
    under_at, here_at = _numbers([of[0] for of in under_of]), _numbers([of[0] for of in here_of])
    held_under, held_here = maps.held_area(maps.under)[..., None], maps.held_area(maps.here)[..., None]
    store_area, out_area = plan.store_area(0), plan.area(0)[..., None]
    feature = _first(plan.max_pairs(under_at * held_under + here_at * held_here + made * out_area))
    if double:
        load = under_at * maps.under_area[..., None] + here_at * maps.here_area[..., None]
        load_room = _first(plan.max_pairs(load))
        store_room = _column([operands.leaving_bytes(size) for size in largest]) * plan.max_pairs(store_area)
        parts = _column([way.chunks.count if is_ else 1 for way, is_ in zip(ways, stationary, strict=True)])
        feature = feature + np.where(visits > 1, load_room, 0) + np.where(visits * parts > 1, store_room, 0)
    under_sum = _column([all_chunks(way, of) for way, of in zip(ways, under_of, strict=True)])
    here_sum = _column([all_chunks(way, of) for way, of in zip(ways, here_of, strict=True)])
    leaves = _column([sum(n * operands.leaving_bytes(k) for k, n in way.chunks.sizes) for way in ways])
    ends = tuple(_ends(study, family, terms, plan, ways))
    weight = _uncut_weights(study, family, ways, ends)
    kept = kept_bytes(study, layer)
    streams = _column([not way.weights_stay for way in ways])
    weights = kept * np.where(streams, visits, 1) * (not layer.reduces)
    spilled = kept * np.where(streams, visits - 1, 0) * layer.reduces
    shape = (len(shares), len(ways), *plan.visits.shape)
    return Needs(
        ways=ways,
        valid=np.broadcast_to(plan.mode >= 0, shape),
        feature_bytes=np.broadcast_to(images * feature, shape),
        weight_bytes=weight,
        loads=study.batch * (under_sum * plan.sum_pairs(maps.under_area) + here_sum * plan.sum_pairs(maps.here_area)),
        stores=study.batch * leaves * plan.sum_pairs(store_area),
        first_load=under_sum * plan.at_first(maps.under_area) + here_sum * plan.at_first(maps.here_area),
        last_store=leaves * plan.at_last(store_area),
        weights=np.broadcast_to(weights, shape),
        spilled=np.broadcast_to(spilled, shape),
        ends=ends,
    )


def _uncut_weights(study: Study, family: Family, ways: tuple[Way, ...], ends: tuple[Ending, ...]) -> Ints:
    """Need of the weight buffer: (way, array)."""
    copies, found = 2 if family.double_buffer else 1, []
    at_once: dict[int, list[int]] = {}
    for way, end in zip(ways, ends, strict=True):
        layer, width = way.layer, word_bytes(study, way.layer)
        if way.order == "weight-stationary":
            words = [way.chunks.largest * layer.filter_words] * len(family.arrays)
        elif way.stays:
            words = [layer.weight_words] * len(family.arrays)
        else:
            for k, _ in way.chunks.sizes:
                if k not in at_once:
                    at_once[k] = [chunk_words(array, layer, k, layer.C // layer.G) for array in family.arrays]
            words = [copies * max(of) for of in zip(*(at_once[k] for k, _ in way.chunks.sizes), strict=True)]
        found.append([width * one + copies * end.room_bytes for one in words])
    return np.array(found, dtype=np.int64)


def cut_needs(
    study: Study, family: Family, terms: Terms, plan: GroupPlan, shares: list[Share], cuts: tuple[Way, ...]
) -> Needs:
    """Needs of ways whose input channels come in several chunks."""
    layer, precision, maps = plan.tensors.layers[0], study.precision, maps_of(study, plan)
    act, psum, operands = precision.activation_bytes, precision.partial_sum_bytes, maps.operands
    copies = 2 if family.double_buffer else 1
    visits, images = _visits(plan, shares)
    loaded, made = plan.max_pairs(maps.under_area), plan.max_pairs(plan.area(0))
    spills, streams = _column([cut.spills for cut in cuts]), _column([cut.streams_input for cut in cuts])
    channels = _column([cut.inputs[0][0] * cut.groups_at_once for cut in cuts])
    largest = [cut.chunks.largest for cut in cuts]
    if layer.reduces:
        feature = _gradient_needs(maps, family, cuts, visits)
    else:
        held = plan.max_pairs(maps.held_area(maps.under))
        feature = channels * np.where(streams, copies, 1) * held * act
        feature = feature + _column([operands.made_bytes(size, psum) for size in largest]) * made
        if family.double_buffer:
            parts = _column([cut.parts_per_visit for cut in cuts])
            leaving = _column([operands.leaving_bytes(size) for size in largest])
            sums_room = _column(largest) * psum
            part = np.where(spills, sums_room + np.maximum(sums_room, leaving), leaving) * made
            feature = feature + np.where(visits * parts > 1, part, 0)
            feature = feature + np.where((visits > 1) & (streams == 0), channels * loaded * act, 0)
    ends = tuple(_ends(study, family, terms, plan, cuts))
    rooms = np.array([copies * end.room_bytes for end in ends], dtype=np.int64)
    weight = _cut_weights(family, cuts, copies) * word_bytes(study, layer) + rooms[:, None]
    sums = spills * _column([cut.num_inputs - 1 for cut in cuts]) * (layer.K * layer.P * layer.Q * study.batch * psum)
    under = _column([cut.channels_loaded for cut in cuts]) * act
    inputs, first = under * plan.sum_pairs(maps.under_area), under * plan.at_first(maps.under_area)
    if layer.reduces:
        here = [sum(n * operands.here_bytes(k, cut.chunks.count == 1) for k, n in cut.chunks.sizes) for cut in cuts]
        times = _column([cut.num_inputs * each for cut, each in zip(cuts, here, strict=True)])
        inputs = inputs + times * plan.sum_pairs(maps.here_area)
        first = first + times * plan.at_first(maps.here_area)
    leaves = _column([sum(n * operands.leaving_bytes(k) for k, n in cut.chunks.sizes) for cut in cuts])
    weights = np.where(_column([cut.weights_stay for cut in cuts]), 1, visits)
    no_halos = ~plan.rows.keeps[:, None] & ~plan.cols.keeps
    shape = (len(shares), len(cuts), *plan.visits.shape)
    return Needs(
        ways=cuts,
        valid=np.broadcast_to((plan.mode >= 0) & ((streams == 0) | no_halos), shape),
        feature_bytes=np.broadcast_to(images * feature, shape),
        weight_bytes=weight,
        loads=study.batch * inputs + sums,
        stores=leaves * (layer.P * layer.Q * study.batch) + sums + 0 * inputs,
        first_load=np.where(streams, 0, first),
        last_store=leaves * plan.at_last(plan.store_area(0)),
        weights=np.broadcast_to(weights * (0 if layer.reduces else kept_bytes(study, layer)), shape),
        spilled=np.broadcast_to(np.int64(0), shape),
        ends=ends,
    )


def _visits(plan: GroupPlan, shares: list[Share]) -> tuple[Ints, Ints]:
    """Tiles over all images and images in a tile: (share, 1, row option, col option), (share, 1, 1, 1)."""
    counts = np.array([share.count for share in shares], dtype=np.int64)[:, None, None, None]
    return plan.visits * counts, np.array([share.images for share in shares], dtype=np.int64)[:, None, None, None]


def _column(values: list[int] | list[bool]) -> Ints:
    """One number for each way: (way, 1, 1)."""
    return _numbers(values)[:, None, None]


def _numbers(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _first(values: Ints) -> Ints:
    """(row option, col option, way) as (way, row option, col option)."""
    return np.moveaxis(values, -1, 0)


def _ends(study: Study, family: Family, terms: Terms, plan: GroupPlan, ways: tuple[Way, ...]) -> list[Ending]:
    """What happens to all sums of a weight gradient when they are complete, for each way; nothing elsewhere."""
    layer, update = plan.tensors.layers[0], update_of(plan)
    if not layer.reduces:
        return [ENDING] * len(ways)
    streamed = ending(study, family, terms, (layer, *plan.tensors.updates))
    known: dict[tuple[int, int, bool], Ending] = {}
    found = []
    for way in ways:
        if way.order == "input-stationary":
            found.append(streamed)
            continue
        parts = []
        for k, n in way.chunks.sizes:
            for c, first, _, m in way.positions():
                if (k, c, first) not in known:
                    words = way.weight_words(k, c, first)
                    known[k, c, first] = ending_of_sums(study, family, terms, layer, update, k, words, first)
                parts.append(known[k, c, first].times(n * m))
        found.append(sum(parts, ENDING))
    return found


def _gradient_needs(maps: Maps, family: Family, cuts: tuple[Way, ...], visits: Ints) -> Ints:
    """Feature buffer of one image for a weight gradient's cuts: its two operands, and room for the next of both."""
    act, plan = maps.operands.activation_bytes, maps.plan
    under = _numbers([cut.inputs[0][0] * cut.groups_at_once * act for cut in cuts])
    here = _numbers([maps.operands.here_bytes(cut.chunks.largest, cut.chunks.count == 1) for cut in cuts])
    held = under * maps.held_area(maps.under)[..., None] + here * maps.held_area(maps.here)[..., None]
    need = _first(plan.max_pairs(held))
    if not family.double_buffer:
        return need + 0 * visits
    load = under * maps.under_area[..., None] + here * maps.here_area[..., None]
    return need + np.where(visits > 1, _first(plan.max_pairs(load)), 0)


def _cut_weights(family: Family, cuts: tuple[Way, ...], copies: int) -> Ints:
    """Weight words on chip at once: (way, array)."""
    at_once: dict[tuple[int, int], Ints] = {}

    def streamed(layer: Layer, k: int, c: int) -> Ints:
        if (k, c) not in at_once:
            at_once[k, c] = np.array([array.weight_chunk_words(layer, k, c) for array in family.arrays])
        return at_once[k, c]

    found = np.empty((len(cuts), len(family.arrays)), dtype=np.int64)
    for number, cut in enumerate(cuts):
        layer, largest, size = cut.layer, cut.chunks.largest, cut.inputs[0][0]
        if not cut.weights_stay:
            pairs = [streamed(layer, k, c) for k, _ in cut.chunks.sizes for c, _ in cut.inputs]
            found[number] = copies * np.max(pairs, axis=0)
        elif cut.order == "weight-stationary" and not layer.reduces:
            found[number] = largest * layer.filter_words
        else:
            found[number] = cut.weight_words(layer.K if "input" in cut.order else largest, size, first=True)
    return found
