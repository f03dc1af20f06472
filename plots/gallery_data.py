"""What the gallery shows: a few shipped studies solved, one budget varied, and a small grid of savings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import specs
from costmodel import Design
from plots.saving_grid import SavingRow, saving_row
from solver.optimise import solve
from solver.result import BASE_UNITS, UNIT_OF_GOAL, Result
from solver.session import Session
from solver.whatif_result import Varied, WhatIfCurve, WhatIfPoint
from specs.study import Study

HERE = Path(specs.__file__).parent
KIB = 1024
SRAM_BYTES = tuple(kib * KIB for kib in (40, 44, 52, 60, 68, 76, 84, 92, 100, 108, 124, 140, 156, 172))
GRID_NETWORKS = ("alexnet", "squeezenet_v1_1", "tiny_yolov2_voc")


@dataclass(frozen=True)
class Gallery:
    """Everything that the gallery draws."""

    few_layers: Result
    many_layers: Result
    mix: Result
    curve: WhatIfCurve
    rows: tuple[SavingRow, ...]

    @property
    def results(self) -> tuple[Result, ...]:
        return (self.few_layers, self.many_layers, self.mix)


def solve_gallery() -> Gallery:
    """Solve everything; takes a minute or two."""
    few, many, mix = _study("alexnet_eyeriss"), _study("mobilenet_v2_edge"), _study("camera_mix")
    return Gallery(
        few_layers=solve(few),
        many_layers=solve(many),
        mix=solve(mix),
        curve=sram_curve(few, SRAM_BYTES),
        rows=tuple(_grid(many, mix)),
    )


def _study(name: str) -> Study:
    return specs.load(HERE / "studies" / f"{name}.yaml")


def sram_curve(study: Study, sizes: tuple[int, ...]) -> WhatIfCurve:
    """Ask for the best design at several sizes of all SRAM; they bind where some larger one allows a better design."""
    session = Session(study)
    least = session.solve(replace(study, budgets=replace(study.budgets, sram_bytes=None))).objective
    designs: list[Design] = []
    points = []
    for size in sizes:
        result = session.solve(replace(study, budgets=replace(study.budgets, sram_bytes=size)))
        if result.design is not None and result.design not in designs:
            designs.append(result.design)
        points.append(
            WhatIfPoint(
                values={"sram": size},
                status=result.status,
                objective=result.objective,
                bound=result.bound,
                design_id=None if result.design is None else designs.index(result.design),
                binding=() if result.objective == least else ("sram",),
            )
        )
    unit, base = UNIT_OF_GOAL[study.goal], BASE_UNITS[study.goal]
    return WhatIfCurve(study.name, study.goal, unit, base, Varied("sram", "KiB", KIB), tuple(points))


def _grid(study: Study, other: Study) -> Iterator[SavingRow]:
    """Some networks on two accelerators of one study, with its DRAM and another's."""
    accelerators = [replace(spec, numbers=_middle(spec.numbers)) for spec in study.accelerators]
    for name in GRID_NETWORKS:
        network = specs.load_network(HERE / "networks" / f"{name}.yaml")
        for spec in accelerators:
            for dram in (study.dram, other.dram):
                one = replace(study, name=name, network=network, accelerators=(spec,), dram=dram)
                yield saving_row(solve(one), spec.template, dram[0].name)


def _middle(numbers: tuple[tuple[str, tuple[int, ...]], ...]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((key, (listed[len(listed) // 2],)) for key, listed in numbers)
