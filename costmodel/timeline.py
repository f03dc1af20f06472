"""When a group's loads, layers and stores run, and what the feature buffer holds meanwhile, as they are priced.

The spans say where `plain_sweep.sweep_cycles` puts every cycle, no more: DRAM serves one transfer after another
(within a visit weights, then sums, loads, stores), the array runs one layer after another, and a visit ends when both
are done. With double buffers both start together; without, stores wait for the array and the array waits for loads.
After a sweep's last visit, results of reductions leave and updates run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from costmodel.design import GroupDesign, Hardware
from costmodel.hardware import mapping_terms
from costmodel.plain_alone import layer_alone, rounds
from costmodel.plain_regions import RegionPlan
from costmodel.plain_sweep import LayerStep, Sweep, Visit, double_buffer_bytes, fused_sweep, peak
from specs.study import Study

Transfer = Literal["weights", "sums", "load", "store", "results"]
Pieces = list[tuple[Transfer, int]]


@dataclass(frozen=True)
class TransferSpan:
    """DRAM at work, in cycles from the group's start."""

    start: int
    end: int
    what: Transfer
    num_bytes: int


@dataclass(frozen=True)
class LayerSpan:
    """The array at work on one layer of a visit (of a layer alone: on one chunk of it)."""

    start: int
    end: int
    layer: str
    held_bytes: int


@dataclass(frozen=True)
class VisitSpan:
    """One tile visit, or what follows a sweep's last one: it lasts until the array and DRAM are done with it.

    Attributes
    ----------
    final
        Whether it is no visit: results leave, parameters are updated.
    reserved_bytes
        Room in the feature buffer beside what the layers hold, the same for all visits of a sweep: for chunks that
        stream in, and for what double buffers hold of the visits before and after.
    """

    start: int
    end: int
    transfers: tuple[TransferSpan, ...]
    layers: tuple[LayerSpan, ...]
    reserved_bytes: int
    final: bool = False

    @property
    def array_cycles(self) -> int:
        return sum(span.end - span.start for span in self.layers)

    @property
    def dram_cycles(self) -> int:
        return sum(span.end - span.start for span in self.transfers)

    @property
    def peak_bytes(self) -> int:
        return self.reserved_bytes + peak(span.held_bytes for span in self.layers)

    def held(self) -> list[tuple[int, int, int]]:
        """Bytes that the layers hold, as (start, end, bytes) without gaps.

        While the array waits, what the layer after it needs, or at the end the layer before it, stays reserved.
        """
        if not self.layers:
            return [(self.start, self.end, 0)]
        starts = [self.start, *(span.start for span in self.layers[1:]), self.end]
        return [(starts[i], starts[i + 1], span.held_bytes) for i, span in enumerate(self.layers)]


@dataclass(frozen=True)
class Timeline:
    """All visits of a group, one after another; the last ends at the group's cycles."""

    visits: tuple[VisitSpan, ...]

    @property
    def cycles(self) -> int:
        return self.visits[-1].end

    @property
    def array_cycles(self) -> int:
        return sum(visit.array_cycles for visit in self.visits)

    @property
    def dram_cycles(self) -> int:
        return sum(visit.dram_cycles for visit in self.visits)

    @property
    def feature_peak_bytes(self) -> int:
        return max(visit.peak_bytes for visit in self.visits)


def timeline(study: Study, hardware: Hardware, group: GroupDesign) -> Timeline:
    """Lay out one legal group in time."""
    layers = [study.network.layer(name) for name in group.layers]
    plan, terms = RegionPlan(study.network, layers, group), mapping_terms(study, hardware, group.mapping)
    if group.order == "fused" or not plan.layers:
        sequences = [(1, [fused_sweep(study, hardware, group, plan, terms)])]
    else:
        sequences = list(rounds(layer_alone(study, hardware, group, plan, terms)))
    updates = "+".join(name for name in group.layers if study.network.layer(name).op == "update")
    visits: list[VisitSpan] = []
    for number, sequence in sequences:
        for _ in range(number):
            for sweep in sequence:
                visits.extend(_sweep_spans(hardware, sweep, visits[-1].end if visits else 0))
                if sweep.finish.moved.total or sweep.finish_cycles:
                    visits.append(_final(hardware, sweep, updates, visits[-1].end if visits else 0))
    return Timeline(tuple(visits))


def _sweep_spans(hardware: Hardware, sweep: Sweep, now: int) -> Iterator[VisitSpan]:
    reserved = double_buffer_bytes(hardware, sweep)
    # The peak of a sweep adds the largest of each; an input in chunks is reserved at its largest in every visit.
    reserved += peak(visit.ahead_bytes for visit in sweep.visits)
    last = len(sweep.visits) - 1
    for i, visit in enumerate(sweep.visits):
        weights = visit.stream_bytes + (sweep.stays_bytes if i == 0 else 0)
        beside: Pieces = [("weights", weights), ("sums", sweep.sums_bytes * ((i > 0) + (i < last)))]
        if hardware.double_buffer:
            loads_alone = i == 0 and not sweep.streams_input
            span = _overlapped(hardware, visit, now, beside, loads_alone, i == last, reserved)
        else:
            span = _in_turn(hardware, visit, now, beside, reserved)
        yield span
        now = span.end


def _overlapped(
    hardware: Hardware, visit: Visit, start: int, weights: Pieces, loads_alone: bool, stores_alone: bool, reserved: int
) -> VisitSpan:
    before: Pieces = []
    during: Pieces = [*weights]
    after: Pieces = []
    (before if loads_alone else during).append(("load", visit.load_bytes))
    (after if stores_alone else during).append(("store", visit.store_bytes))
    first = _transfers(hardware, before, start)
    begin = first[-1].end if first else start
    beside = _transfers(hardware, during, begin)
    layers = _layers(visit.steps, begin)
    both_done = max(beside[-1].end if beside else begin, layers[-1].end)
    final = _transfers(hardware, after, both_done)
    end = final[-1].end if final else both_done
    return VisitSpan(start, end, (*first, *beside, *final), layers, reserved)


def _in_turn(hardware: Hardware, visit: Visit, start: int, weights: Pieces, reserved: int) -> VisitSpan:
    pieces: Pieces = [*weights, ("load", visit.load_bytes), ("store", visit.store_bytes)]
    transfers = _transfers(hardware, pieces, start)
    begin = max([start, *(span.end for span in transfers if span.what != "store")])
    layers = _layers(visit.steps, begin)
    shifted = _delayed(transfers, "store", layers[-1].end - begin)
    return VisitSpan(start, max(layers[-1].end, shifted[-1].end if shifted else 0), shifted, layers, reserved)


def _final(hardware: Hardware, sweep: Sweep, updates: str, start: int) -> VisitSpan:
    """What follows the last visit: parameters and states come, change, and go with all results."""
    moved, cycles = sweep.finish.moved, sweep.finish_cycles
    transfers = _transfers(hardware, [("weights", moved.load), ("results", moved.store)], start)
    begin = start
    if not hardware.double_buffer:
        begin = max([start, *(span.end for span in transfers if span.what != "results")])
        transfers = _delayed(transfers, "results", cycles)
    layers = (LayerSpan(begin, begin + cycles, updates, 0),) if cycles else ()
    end = max([begin + cycles, *(span.end for span in transfers)])
    return VisitSpan(start, end, transfers, layers, 0, final=True)


def _delayed(transfers: tuple[TransferSpan, ...], what: Transfer, delay: int) -> tuple[TransferSpan, ...]:
    """Let one kind of transfer wait for the array."""
    return tuple(
        TransferSpan(span.start + delay, span.end + delay, span.what, span.num_bytes) if span.what == what else span
        for span in transfers
    )


def _transfers(hardware: Hardware, pieces: Pieces, start: int) -> tuple[TransferSpan, ...]:
    """One after another; cycles are rounded up for their sum, as they are priced, not for each."""
    spans, moved = [], 0
    for what, num_bytes in pieces:
        if num_bytes:
            begin = start + hardware.dram_cycles(moved)
            moved += num_bytes
            spans.append(TransferSpan(begin, start + hardware.dram_cycles(moved), what, num_bytes))
    return tuple(spans)


def _layers(steps: tuple[LayerStep, ...], now: int) -> tuple[LayerSpan, ...]:
    spans = []
    for step in steps:
        spans.append(LayerSpan(now, now + step.work.cycles, step.layer, step.held_bytes))
        now += step.work.cycles
    return tuple(spans)
