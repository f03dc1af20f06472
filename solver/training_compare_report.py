"""Inference against training as a table of text, and as rows for a CSV file."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterator

from costmodel.phases import JOINED, PhaseCost
from solver.group_table import WIDTH, aligned
from solver.quantities import area_text, change, engineering, percent_at_most
from solver.report import GOAL_TEXTS, accelerator_text, buffers_text
from solver.result import Status
from solver.training_comparison import MadeFor, Ran, TrainingComparison
from solver.training_questions import INFERENCE, TRAINING

_HEADER = ("best hardware for", "", "energy", "", "latency", "", "DRAM traffic", "images/s", "proof")
_LEFT = (True, True, False, False, False, False, False, False, True)
_PLAIN = {"infeasible": "none keeps the budgets (proven)", "unknown": "none found in time"}


def report(found: TrainingComparison) -> str:
    """Write a comparison as text."""
    study = found.study
    goals = ", then ".join(GOAL_TEXTS[goal] for goal in study.goals)
    images = "one image" if study.batch == 1 else f"{study.batch} images"
    title = f"{study.name}: inference against a training step of {study.network.name}, {goals}, {images}"
    rows: list[tuple[str, ...]] = [_HEADER]
    notes: list[str] = []
    for made in found.made_for:
        if made.inference is None and made.training is None:
            notes += textwrap.wrap(f"{made.name}: {_failure(made)}", WIDTH, initial_indent="  ")
            continue
        rows += _rows(found, made)
    lines = aligned(rows, _LEFT) if len(rows) > 1 else []
    hardware = [f"  for {made.name}: {text}" for made in found.made_for if (text := hardware_text(made))]
    legend = (
        "best hardware for both: for one run of inference and one training step on the same images, together;"
        " %: against the hardware that is best for it; update: what follows the last tile of groups with updates"
        + (f"; {JOINED}: groups with layers of both." if _is_joined(found) else ".")
    )
    blocks = [[title], [*lines, *notes], hardware, _ratio(found), textwrap.wrap(legend, WIDTH)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _rows(found: TrainingComparison, made: MadeFor) -> Iterator[tuple[str, ...]]:
    name = made.name
    for work, ran in ((INFERENCE, made.inference), (TRAINING, made.training)):
        if ran is None:
            yield (name, work, *["n/a"] * 6, "none found there")
        else:
            yield (name, work, *_cells(found, work, ran), proof_text(ran.status, ran.gap))
            if len(ran.phases) > 1:
                yield from (_phase_row(title, phase, ran) for title, phase in ran.phases.items())
        name = ""


def _cells(found: TrainingComparison, work: str, ran: Ran) -> tuple[str, ...]:
    cost, own = ran.cost, found.own(work)
    best = own.cost if own is not None else cost
    rate = engineering(found.study.batch / cost.latency_s, "") if cost.latency_s else "n/a"
    return (
        engineering(cost.energy_j, "J"),
        change(cost.energy_fj, best.energy_fj),
        engineering(cost.latency_s, "s"),
        change(cost.latency_fs, best.latency_fs),
        engineering(cost.dram_bytes, "B"),
        rate.strip(),
    )


def _phase_row(name: str, phase: PhaseCost, ran: Ran) -> tuple[str, ...]:
    latency_s = phase.cycles * ran.cost.period_fs / 10**15
    energy, latency, traffic = phase.energy_fj / 10**15, latency_s, phase.dram_bytes
    return (
        "", f"  {name}", engineering(energy, "J"), "", engineering(latency, "s"), "", engineering(traffic, "B"), "", ""
    )  # fmt: skip


def proof_text(status: Status, gap: float | None) -> str:
    """Say what is proven of a design in a word or two."""
    if status == "optimal":
        return "optimal"
    return "none" if gap is None else f"gap {percent_at_most(gap)}"


def _failure(made: MadeFor) -> str:
    return made.failure if made.result is None else _PLAIN.get(made.result.status, made.result.status)


def hardware_text(made: MadeFor) -> str:
    """Name the hardware that is best for something; nothing without a design."""
    best = made.best
    if best is None or best.design is None or best.cost is None:
        return ""
    hardware, area = best.design.hardware, area_text(best.cost.area_um2)
    return f"{accelerator_text(hardware)}; buffers: {buffers_text(hardware)}; {area}"


def _ratio(found: TrainingComparison) -> list[str]:
    """Say how much more a step takes than inference on the same hardware: on that which is best for both."""
    lines = []
    for made in found.made_for:
        if made.inference is None or made.training is None:
            continue
        one, other = made.training.cost, made.inference.cost
        lines.append(
            f"  on hardware for {made.name}, a training step takes {one.energy_fj / other.energy_fj:.2f} x the energy"
            f" and {one.latency_fs / other.latency_fs:.2f} x the time of inference"
        )
    return lines


def _is_joined(found: TrainingComparison) -> bool:
    return any(made.training is not None and JOINED in made.training.phases for made in found.made_for)


def csv_text(found: TrainingComparison) -> str:
    """Write one row for each network on each hardware, and one for each phase of a step; numbers in SI units."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    numbers = ["energy_J", "latency_s", "dram_traffic_B", "macs"]
    writer.writerow(["best_hardware_for", "work", "phase", "status", "gap", *numbers, "area_mm2", "array", "buffers"])
    for made in found.made_for:
        best = made.best
        hardware = best.design.hardware if best is not None and best.design is not None else None
        for work, ran in ((INFERENCE, made.inference), (TRAINING, made.training)):
            if ran is None or hardware is None:
                writer.writerow([made.name, work, "", _failure(made) if hardware is None else "does not run"])
                continue
            proof = [ran.status, "" if ran.gap is None else ran.gap]
            place = [ran.cost.area_um2 / 10**6, accelerator_text(hardware), buffers_text(hardware)]
            total = [ran.cost.energy_j, ran.cost.latency_s, ran.cost.dram_bytes, ran.cost.total("macs")]
            writer.writerow([made.name, work, "all", *proof, *total, *place])
            for name, phase in ran.phases.items():
                seconds = phase.cycles * ran.cost.period_fs / 10**15
                parts = [phase.energy_fj / 10**15, seconds, phase.dram_bytes, phase.macs]
                writer.writerow([made.name, work, name, *proof, *parts, *place])
    return text.getvalue()
