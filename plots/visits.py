"""One group of a result in time: its timeline and the visits of it that a figure shows."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel import GroupCost, Hardware
from costmodel.timeline import Timeline, VisitSpan, timeline
from plots.group_rows import solved_design
from solver.group_table import group_text
from solver.result import Result
from specs.mix import SEPARATOR


def short(result: Result, layer: str) -> str:
    """Leave out the name of the network of a mix before a layer's."""
    return layer.partition(SEPARATOR)[2] if result.study.mix else layer


@dataclass(frozen=True)
class GroupInTime:
    """One group with its timeline, and which visits are shown.

    Attributes
    ----------
    first, last
        Visits shown, counted from 1, both included.
    """

    name: str
    hardware: Hardware
    cost: GroupCost
    line: Timeline
    first: int
    last: int

    @property
    def shown(self) -> tuple[VisitSpan, ...]:
        return self.line.visits[self.first - 1 : self.last]

    def seconds(self, cycles: float) -> float:
        """Convert array cycles."""
        return cycles * self.hardware.period_fs / 10**15

    @property
    def shown_text(self) -> str:
        """Say which part of the group's time is shown."""
        number = len(self.line.visits)
        finals = sum(visit.final for visit in self.line.visits)
        if self.last - self.first + 1 == number:
            tiles, final = number - finals, " and the final phase" * (finals == 1) or f" and {finals} final phases"
            if not tiles:
                return "its final phase, all it does"
            return ("its one tile visit" if tiles == 1 else f"all {tiles} tile visits") + final * bool(finals)
        part = (self.shown[-1].end - self.shown[0].start) / self.line.cycles
        what = "visits and final phases" if finals else "visits"
        if finals:
            return f"{self.first} to {self.last} of {number} {what}, {100 * part:.2g} % of its time"
        visits = f"visit {self.first}" if self.first == self.last else f"visits {self.first} to {self.last}"
        return f"{visits} of {number}, {100 * part:.2g} % of its time"


def group_in_time(result: Result, number: int, first: int | None, most_visits: int, most_steps: int) -> GroupInTime:
    """Lay out a group, numbered as in the report, and choose visits to show.

    Parameters
    ----------
    first
        The first visit to show, from 1; by default such that the visit with the highest peak is among them.

    Raises
    ------
    ValueError
        If there is no such group or visit.
    """
    design, cost = solved_design(result)
    if not 1 <= number <= len(design.groups):
        raise ValueError(f"there is no group {number}; {result.study.name} has {len(design.groups)}")
    group = design.groups[number - 1]
    line = timeline(result.study, design.hardware, group)
    steps = max(1, *(len({span.layer for span in visit.layers}) for visit in line.visits))
    count = min(len(line.visits), max(1, min(most_visits, most_steps // steps)))
    if first is None:
        peak = next(i for i, visit in enumerate(line.visits) if visit.peak_bytes == line.feature_peak_bytes)
        first = 1 + max(0, min(peak - count // 2, len(line.visits) - count))
    if not 1 <= first <= len(line.visits):
        raise ValueError(f"there is no visit {first}; group {number} has {len(line.visits)}")
    name = f"group {number}, {group_text(result.study, group, 40)}"
    last = min(len(line.visits), first + count - 1)
    return GroupInTime(name, design.hardware, cost.groups[number - 1], line, first, last)
