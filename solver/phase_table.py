"""The phases of a training step as a table of text."""

from __future__ import annotations

from costmodel.phases import JOINED
from solver.group_table import aligned
from solver.phase_parts import latency_s, phases_of, trained
from solver.quantities import engineering, percent
from solver.result import Outcome
from specs.study import Study

HEADER = ("phase", "groups", "energy", "", "latency", "", "DRAM traffic", "", "MAC", "")
_LEFT = (True, *[False] * (len(HEADER) - 1))
NOTE = "update: what follows the last tile of groups with updates, which count twice"
NOTE_JOINED = f"{JOINED}: groups with layers of both"


def phase_tables(study: Study, outcome: Outcome) -> list[str]:
    """Return a table for every trained network, with shares of that network; nothing without one."""
    lines = []
    for which in trained(study):
        name = f"one step of [{which + 1}]" if study.mix else HEADER[0]
        table = _table(study, outcome, which, name)
        lines += table
    return [*lines, *_notes(study, outcome)] if lines else []


def _table(study: Study, outcome: Outcome, workload: int, name: str) -> list[str]:
    phases = phases_of(study, outcome, workload)
    if not phases:
        return []
    sums = [
        max(1, sum(getattr(phase, part) for phase in phases.values()))
        for part in ("energy_fj", "cycles", "dram_bytes", "macs")
    ]
    rows = []
    for title, phase in phases.items():
        parts = (
            engineering(phase.energy_fj / 10**15, "J"),
            engineering(latency_s(outcome, phase), "s"),
            engineering(phase.dram_bytes, "B"),
            engineering(phase.macs, "MAC"),
        )
        numbers = (phase.energy_fj, phase.cycles, phase.dram_bytes, phase.macs)
        shares = (percent(number / total) for number, total in zip(numbers, sums, strict=True))
        cells = (cell for pair in zip(parts, shares, strict=True) for cell in pair)
        rows.append((title, str(phase.groups), *cells))
    return aligned([(name, *HEADER[1:]), *rows], _LEFT)


def _notes(study: Study, outcome: Outcome) -> list[str]:
    phases = [name for which in trained(study) for name in phases_of(study, outcome, which)]
    notes = [NOTE_JOINED] * (JOINED in phases) + [NOTE] * ("update" in phases)
    return [f"  {note}" for note in notes]
