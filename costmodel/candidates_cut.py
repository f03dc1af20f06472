"""Candidates of a layer alone whose input channels are cut into chunks; see `plain_alone` for the loop orders.

There are very many of them. They pay with partial sums between the chunks, so a hardware point has them as
candidates only where they move fewer DRAM bytes than every way without cuts that fits there: needs and traffic
of all are computed first, and only what passes somewhere is priced.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from costmodel.beside_maps import NOTHING, Finish, Moved, finish_sums, kept_bytes, word_bytes
from costmodel.candidates import NO_CAP, Candidates, Family, Kind, join
from costmodel.candidates_alone import Maps, all_chunks, maps_of, update_of
from costmodel.chunks import Chunks, cut_inputs, possible_input_splits
from costmodel.design import Order
from costmodel.group_plan import GroupPlan
from costmodel.legal import orders_alone, streams_input
from costmodel.sweeps import ENDING, Bools, Priced, Share, ending_of_sums, flatten, sweep_cycles
from costmodel.template import Ints, Preference
from costmodel.works import CYCLES, Depth, Works
from specs.network import Layer
from specs.study import SharedBuffer, Study


@dataclass(frozen=True)
class Cut:
    """One order with one cut of the output and one of the input channels (of one group; at least two chunks)."""

    order: Order
    layer: Layer
    chunks: Chunks
    inputs: tuple[tuple[int, int], ...]

    @property
    def spills(self) -> bool:
        return self.order.endswith("-spilling")

    @property
    def streams_input(self) -> bool:
        return streams_input(self.layer, self.order, self.num_inputs)

    @property
    def weights_stay(self) -> bool:
        return "weight" in self.order

    @property
    def num_inputs(self) -> int:
        return sum(number for _, number in self.inputs)

    @property
    def groups_at_once(self) -> int:
        """Groups whose inputs a chunk of input channels holds."""
        one = self.chunks.count > 1 and "input-stationary" not in self.order
        return 1 if one else self.layer.G

    @property
    def channels_loaded(self) -> int:
        """Input channels under the kernel that all chunks load, those loaded again included."""
        times = 1 if "input-stationary" in self.order else self.chunks.count
        return self.layer.C // self.layer.G * self.groups_at_once * times

    @property
    def parts_per_visit(self) -> int:
        """Parts in which results leave a visit."""
        if self.order in ("weight-stationary", "weight-stationary-spilling"):
            return 1
        return self.chunks.count * (self.num_inputs if self.order == "input-stationary-spilling" else 1)

    def positions(self) -> Iterator[tuple[int, bool, bool, int]]:
        """Chunks of input channels: size, whether first and last, and how many such."""
        size, last, middle = self.inputs[0][0], self.inputs[-1][0], self.num_inputs - 2
        yield size, True, False, 1
        if middle:
            yield size, False, False, middle
        yield last, False, True, 1

    def weight_words(self, output_channels: int, size: int, first: bool) -> int:
        """Weights of some output channels for a chunk of input channels; biases come with the first."""
        return output_channels * (size * self.layer.R * self.layer.S + int(self.layer.bias and first))


def _cuts(study: Study, layer: Layer) -> tuple[Cut, ...]:
    cuts = []
    for splits in possible_input_splits(study.network, layer, study.tiling.input_splits):
        inputs = cut_inputs(study.network, layer, splits)
        if splits == 1 or inputs is None:
            continue
        cuts += [
            Cut(order, layer, chunks, inputs)
            for order in orders_alone(layer, splits)
            for chunks in all_chunks(study, layer)
        ]
    return tuple(cuts)


@dataclass(frozen=True)
class Needs:
    """What cuts move and take on every tiling: (cut, row option, col option); weights also (cut, array).

    ``left`` is what moves when the sums of a weight gradient are complete.
    """

    valid: Bools
    feature_bytes: Ints
    weight_bytes: Ints
    loads: Ints
    stores: Ints
    weights: Ints
    left: Ints

    @property
    def dram_bytes(self) -> Ints:
        return self.loads + self.stores + self.weights + self.left


def _needs(study: Study, family: Family, plan: GroupPlan, share: Share, cuts: tuple[Cut, ...]) -> Needs:
    layer, precision, maps = plan.tensors.layers[0], study.precision, maps_of(study, plan)
    act, psum, operands = precision.activation_bytes, precision.partial_sum_bytes, maps.operands
    copies = 2 if family.double_buffer else 1

    def column(values: list[int]) -> Ints:
        return np.array(values, dtype=np.int64)[:, None, None]

    held, loaded = plan.max_pairs(maps.held_area(maps.under)), plan.max_pairs(plan.area(maps.under))
    made, visits = plan.max_pairs(plan.area(0)), plan.visits * share.count
    spills, streams = column([cut.spills for cut in cuts]), column([cut.streams_input for cut in cuts])
    channels = column([cut.inputs[0][0] * cut.groups_at_once for cut in cuts])
    largest = [cut.chunks.largest for cut in cuts]
    feature = channels * np.where(streams, copies, 1) * held * act
    feature = feature + column([operands.made_bytes(size, psum) for size in largest]) * made
    if family.double_buffer:
        parts = column([cut.parts_per_visit for cut in cuts])
        leaving = column([operands.leaving_bytes(size) for size in largest])
        part = np.where(spills, column(largest) * psum + np.maximum(column(largest) * psum, leaving), leaving) * made
        feature = feature + np.where(visits * parts > 1, part, 0)
        feature = feature + np.where((visits > 1) & (streams == 0), channels * loaded * act, 0)
    if layer.reduces:
        feature = _gradient_needs(maps, family, cuts, visits)
    at_once = _StreamedWords(family, layer)
    width = word_bytes(study, layer)
    weight_bytes = [[words * width for words in _weight_words(family, cut, copies, at_once)] for cut in cuts]
    ends = [_sums_done(study, plan, cut) for cut in cuts]
    weight_bytes = [[need + copies * end.room_bytes for need in of] for of, end in zip(weight_bytes, ends, strict=True)]
    sums = spills * column([cut.num_inputs - 1 for cut in cuts]) * (layer.K * layer.P * layer.Q * study.batch * psum)
    inputs = column([cut.channels_loaded for cut in cuts]) * (study.batch * act) * plan.sum_pairs(plan.area(maps.under))
    if layer.reduces:
        here = [sum(n * operands.here_bytes(k, cut.chunks.count == 1) for k, n in cut.chunks.sizes) for cut in cuts]
        times = column([cut.num_inputs * each for cut, each in zip(cuts, here, strict=True)])
        inputs = inputs + times * study.batch * plan.sum_pairs(plan.area(maps.here))
    leaves = [sum(n * operands.leaving_bytes(k) for k, n in cut.chunks.sizes) for cut in cuts]
    weights = np.where(column([cut.weights_stay for cut in cuts]), 1, visits)
    no_halos = ~plan.rows.keeps[:, None] & ~plan.cols.keeps
    return Needs(
        valid=(plan.mode >= 0) & ((streams == 0) | no_halos),
        feature_bytes=share.images * feature,
        weight_bytes=np.array(weight_bytes, dtype=np.int64),
        loads=inputs + sums,
        stores=column(leaves) * (layer.P * layer.Q * study.batch) + sums + 0 * inputs,
        weights=weights * (0 if layer.reduces else kept_bytes(study, layer)),
        left=column([end.moved.total for end in ends]),
    )


def _sums_done(study: Study, plan: GroupPlan, cut: Cut) -> Finish:
    """What happens to all sums of a weight gradient's cut when they are complete, and the room it takes."""
    ends = [
        (finish_sums(study, cut.layer, update_of(plan), k, cut.weight_words(k, c, first), first), n * m)
        for k, n in cut.chunks.sizes
        for c, first, _, m in cut.positions()
    ]
    if not cut.layer.reduces:
        return NOTHING
    return Finish(
        Moved(sum(n * end.moved.load for end, n in ends), sum(n * end.moved.store for end, n in ends)),
        sum(n * end.sums_bytes for end, n in ends),
        sum(n * end.updated_bytes for end, n in ends),
        max(end.room_bytes for end, _ in ends),
    )


def _gradient_needs(maps: Maps, family: Family, cuts: tuple[Cut, ...], visits: Ints) -> Ints:
    """Feature buffer of one image for a weight gradient's cuts: its two operands, and room for the next of both."""
    act, found = maps.operands.activation_bytes, []
    for cut in cuts:
        under = cut.inputs[0][0] * cut.groups_at_once * act
        here = maps.operands.here_bytes(cut.chunks.largest, cut.chunks.count == 1)
        need = maps.plan.max_pairs(maps.held(under, here))
        room = maps.plan.max_pairs(maps.load(under, here))
        found.append(need + np.where(visits > 1, room, 0) if family.double_buffer else need)
    return np.stack(found)


class _StreamedWords(dict[tuple[int, int], list[int]]):
    """Weight words of a layer at once while they stream, for each array: by (output channels, input channels)."""

    def __init__(self, family: Family, layer: Layer) -> None:
        super().__init__()
        self._family, self._layer = family, layer

    def __missing__(self, channels: tuple[int, int]) -> list[int]:
        words = [array.weight_chunk_words(self._layer, *channels) for array in self._family.arrays]
        return self.setdefault(channels, words)


def _weight_words(family: Family, cut: Cut, copies: int, at_once: _StreamedWords) -> list[int]:
    """Weight words on chip at once, for each array."""
    layer, largest, size = cut.layer, cut.chunks.largest, cut.inputs[0][0]
    if cut.weights_stay:
        if cut.order == "weight-stationary" and not layer.reduces:
            words = largest * layer.filter_words
        else:
            words = cut.weight_words(layer.K if "input" in cut.order else largest, size, first=True)
        return [words] * len(family.arrays)
    pairs = [at_once[k, c] for k, _ in cut.chunks.sizes for c, _ in cut.inputs]
    return [copies * max(of_array) for of_array in zip(*pairs, strict=True)]


def cut_candidates(
    study: Study,
    family: Family,
    works: dict[Preference, Works],
    plan: GroupPlan,
    shares: list[Share],
    uncut: Candidates,
) -> Iterator[Candidates]:
    """Every order and cut of a layer alone, on the hardware where it moves less than all that ``uncut`` offers there.

    The larger the buffers, the less ways without cuts move: a candidate ends where they catch up. That border is
    a staircase over feature and weight sizes; every step of it makes a row of its own, and rows may overlap.
    """
    cuts = _cuts(study, plan.tensors.layers[0])
    if not cuts:
        return
    least = LeastTraffic(study, uncut)
    found = []
    for share in shares:
        needs = _needs(study, family, plan, share, cuts)
        better = needs.valid & least.beaten_by(needs)
        found.append((share, needs, better, np.flatnonzero(better.any(axis=(1, 2))).tolist()))
    for work in works.values():
        _announce(work, plan, [(share, cuts[number]) for share, _, _, numbers in found for number in numbers])
    parts = []
    for share, needs, better, numbers in found:
        for number in numbers:
            for mapping, work in works.items():
                priced = _priced(study, family, work, mapping, plan, share, cuts[number], needs, number)
                parts.append(flatten(plan, share, better[number], priced))
    if parts:
        yield from least.capped(join(parts))


def _announce(works: Works, plan: GroupPlan, asked: list[tuple[Share, Cut]]) -> None:
    """Price the tiles of some cuts together."""
    depths = {
        Depth(images, k, c)
        for share, cut in asked
        for images, _ in share.sizes
        for k, _ in cut.chunks.sizes
        for c, _ in cut.inputs
    }
    works.need(plan.tensors.signatures[0], tuple(sorted(depths)), plan.rows.new[:, 0], plan.cols.new[:, 0])
    works.price()


class LeastTraffic:
    """Least DRAM bytes of some candidates for every listed pair of buffer sizes, on each different array."""

    def __init__(self, study: Study, rows: Candidates) -> None:
        self._shared = isinstance(study.buffers, SharedBuffer)
        if isinstance(study.buffers, SharedBuffer):
            self._feature = np.array(sorted(study.buffers.shared_bytes), dtype=np.int64)
            self._weight = np.zeros(1, dtype=np.int64)
        else:
            self._feature = np.array(sorted(study.buffers.feature_bytes), dtype=np.int64)
            self._weight = np.array(sorted(study.buffers.weight_bytes), dtype=np.int64)
        # Feature needs are the same on all arrays of a family; weight needs often are.
        self._columns = [
            self._least(rows.feature_need[:, 0], rows.weight_need[:, array], rows.dram_bytes)
            for array in range(rows.weight_need.shape[1])
        ]

    def _cells(self, feature: Ints, weight: Ints) -> tuple[Ints, Ints]:
        """Smallest listed sizes that fit, as indices; past the end where nothing does."""
        if self._shared:
            return np.searchsorted(self._feature, feature + weight), np.zeros_like(feature)
        return np.searchsorted(self._feature, feature), np.searchsorted(self._weight, weight)

    def _least(self, feature: Ints, weight: Ints, dram: Ints) -> Ints:
        least = np.full((len(self._feature) + 1, len(self._weight) + 1), NO_CAP)
        np.minimum.at(least, self._cells(feature, weight), dram)
        return np.minimum.accumulate(np.minimum.accumulate(least, axis=0), axis=1)

    def beaten_by(self, needs: Needs) -> Bools:
        """Where cuts fit some listed buffers on some array and move less: (cut, row option, col option)."""
        beaten = np.zeros(needs.feature_bytes.shape, dtype=bool)
        dram = needs.dram_bytes
        seen: set[bytes] = set()
        for array, least in enumerate(self._columns):
            weight = needs.weight_bytes[:, array]
            key = weight.tobytes() + least.tobytes()
            if key in seen:
                continue
            seen.add(key)
            weights = np.broadcast_to(weight[:, None, None], dram.shape)
            feature_cell, weight_cell = self._cells(needs.feature_bytes, weights)
            fits = (feature_cell < len(self._feature)) & (weight_cell < len(self._weight))
            beaten |= fits & (dram < least[feature_cell, weight_cell])
        return beaten

    def capped(self, rows: Candidates) -> Iterator[Candidates]:
        """Rows with their caps, once for each feature size up to which a different weight size ends them."""
        ends = np.stack(
            [(least[:-1, :-1] > rows.dram_bytes[:, None, None]).sum(axis=2) for least in self._columns], axis=2
        )  # (row, feature size, array): how many weight sizes, from the smallest on
        sizes = np.append(self._feature, NO_CAP)
        caps = np.append(self._weight, NO_CAP)
        following = np.zeros_like(ends[:, 0])
        for size in range(len(self._feature))[::-1]:
            stands = (ends[:, size] > following).any(axis=1) & (rows.feature_need[:, 0] < sizes[size + 1])
            following = ends[:, size]
            if stands.any():
                caps_of = np.where(following == 0, 0, caps[following])[stands]
                yield replace(
                    rows.pick(stands),
                    feature_cap=np.full((int(stands.sum()), caps_of.shape[1]), sizes[size + 1]),
                    weight_cap=caps_of,
                )


def _priced(
    study: Study,
    family: Family,
    works: Works,
    mapping: Preference,
    plan: GroupPlan,
    share: Share,
    cut: Cut,
    needs: Needs,
    number: int,
) -> Priced:
    """Price one cut on every tiling; the sweeps are those of `plain_alone.sweeps`."""
    layer, precision = cut.layer, study.precision
    act, psum = precision.activation_bytes, precision.partial_sum_bytes
    maps = maps_of(study, plan)
    operands, in_area = maps.operands, plan.area(maps.under)
    out_area, store_area = plan.area(0), plan.store_area(0)
    work = {
        (k, c): share.work(lambda images, k=k, c=c: _at(works, plan, Depth(images, k, c)))  # type: ignore[misc]
        for k, _ in cut.chunks.sizes
        for c, _ in cut.inputs
    }
    every = cut.chunks.sizes
    sweeps: list[tuple[int, tuple[tuple[int, int], ...], list[tuple[int, bool, bool, int]]]]
    positions = list(cut.positions())
    if cut.order == "weight-stationary" and not layer.reduces:
        sweeps = [(count, ((k, 1),), positions) for k, count in every]
    elif cut.order.startswith("weight-stationary"):
        sweeps = [(count * at[3], ((k, 1),), [(*at[:3], 1)]) for k, count in every for at in positions]
    elif cut.order == "weight-input-stationary-spilling":
        sweeps = [(at[3], every, [(*at[:3], 1)]) for at in positions]
    else:
        sweeps = [(1, every, positions)]
    end, terms = ENDING, works.terms
    cycles = sums = np.zeros(1, dtype=np.int64)
    for times, outputs, inputs in sweeps:
        tile = {
            images: np.sum([n * m * work[k, c][images] for k, n in outputs for c, _, _, m in inputs], axis=0)
            for images, _ in share.sizes
        }
        made = sum(k * n for k, n in outputs)
        channels = sum(c * m for c, _, _, m in inputs) * cut.groups_at_once
        if "input-stationary" not in cut.order:
            channels *= sum(n for _, n in outputs)
        load = channels * in_area * act
        store = sum(n * operands.leaving_bytes(k) for k, n in outputs) * store_area
        if layer.reduces:
            load = load + operands.here_bytes(outputs[0][0], cut.chunks.count == 1) * plan.area(maps.here)
        if cut.spills:
            arriving = sum(m for _, first, _, m in inputs if not first)
            leaving = sum(m for _, _, last, m in inputs if not last)
            load = load + made * arriving * out_area * psum
            finished = any(last for _, _, last, _ in inputs)
            store = (store if finished else 0) + made * leaving * out_area * psum
        words = sum(n * m * cut.weight_words(k, c, first) for k, n in outputs for c, first, _, m in inputs)
        weights, none = np.array([words * word_bytes(study, layer)]), np.zeros(1, dtype=np.int64)
        stays, stream = (weights, none) if cut.weights_stay else (none, weights)
        if layer.reduces:
            stays, (size, _), (_, first, _, _) = none, outputs[0], inputs[0]
            done = ending_of_sums(study, family, terms, layer, update_of(plan), size, words, first)
            end += done.times(times)
        compute = {images: values[..., CYCLES] for images, values in tile.items()}
        sweep = sweep_cycles(family, plan, share, compute, load, store, stays, stream, cut.streams_input)
        cycles = cycles + times * sweep
        sums = sums + times * share.sum_works(plan, tile)
    between = 0 if layer.reduces else (cut.num_inputs - 1) * layer.K * layer.P * layer.Q * study.batch
    sums = sums + between * np.array([0, 0, psum, psum - act, 0, 0])
    return Priced(
        kinds=(Kind(int(cut.weights_stay), cut.order, cut.chunks.count, cut.num_inputs, mapping),),
        feature_need=needs.feature_bytes[number][..., None, None],
        weight_need=needs.weight_bytes[[number]],
        cycles=cycles,
        sums=sums,
        loads=needs.loads[number],
        stores=needs.stores[number],
        weights=np.broadcast_to(needs.weights[number], plan.visits.shape)[..., None],
        end=end,
    )


def _at(works: Works, plan: GroupPlan, depth: Depth) -> Ints:
    layer = plan.tensors.signatures[0]
    return works.table(layer, depth).lookup(plan.rows.new[:, 0], plan.cols.new[:, 0])
