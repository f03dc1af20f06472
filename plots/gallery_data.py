"""What the gallery shows: a few shipped studies solved, one budget varied, and a small grid of savings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import specs
from plots.saving_grid import SavingRow, saving_row
from solver.optimise import solve
from solver.result import Result
from solver.sweep import questions
from solver.vary import Varied
from solver.whatif import answer_all
from solver.whatif_curve import curve_of
from solver.whatif_result import WhatIfCurve
from specs.study import Study

HERE = Path(specs.__file__).parent
KIB = 1024
SRAM_BYTES = tuple(kib * KIB for kib in (32, 48, 64, 96, 128, 192, 256))
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
    """Ask for the best design at several sizes of all SRAM."""
    varied = [Varied("sram", tuple(f"{size} B" for size in sizes))]
    curve = curve_of(answer_all(study, varied, questions(Path(), {}, study, varied)))  # only budgets: no file is read
    assert curve is not None
    return curve


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
