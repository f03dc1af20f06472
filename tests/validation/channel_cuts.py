"""What the default cuts of channels cost.

Not published numbers. By default the channels of a layer alone are cut into powers of two of chunks; `tiling:
{channel_splits: all, input_splits: all}` searches every count that gives a distinct size. *Published* is the least DRAM
traffic layer by layer with all cuts, *ours* with the default: proven optima both, on one array (VWA-like, 8 x 7 x 3)
with 64 KiB for features and 32 KiB for weights, 8-bit words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from solver import solve
from specs import load_network
from specs.study import Dram, Fusion, SeparateBuffers, Study
from specs.templates import accelerator
from tests.validation.report import ROOT
from tests.validation.row import Row
from tests.validation.technologies import shipped

NETWORKS = ("alexnet", "mobilenet_v2", "resnet18", "vgg16")
KIB = 1024


def rows() -> Iterator[Row]:
    for name in NETWORKS:
        study = _study(name)
        everything = replace(study, tiling=replace(study.tiling, channel_splits=None, input_splits=None))
        yield Row(f"{name}, least traffic layer by layer", _least(everything), _least(study), "bytes", None)


def _study(name: str) -> Study:
    return Study(
        name=name,
        network=load_network(ROOT / "specs" / "networks" / f"{name}.yaml"),
        accelerators=(accelerator("vwa", blocks=8, rows=7, taps=3),),
        buffers=SeparateBuffers((64 * KIB,), (32 * KIB,)),
        technology=shipped("40nm"),
        dram=(Dram("DDR3", 560_000, 6_400_000_000),),
        goal="bandwidth",
        fusion=Fusion(max_layers=1),
    )


def _least(study: Study) -> int:
    found = solve(study, baseline=False).best
    assert found.status == "optimal"
    assert found.objective is not None
    return found.objective
