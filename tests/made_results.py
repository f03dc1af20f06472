"""Results made by hand: a chain of convolutions, designs as the test wants them, costed by `evaluate`."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from costmodel import Design, GroupDesign, evaluate
from costmodel.hardware import hardware_points
from random_networks import TECHNOLOGY
from solver.result import Deduction, Outcome, Result, Seconds, Space, Status
from specs.network import Layer, Network, TensorShape
from specs.study import Dram, SeparateBuffers, SharedBuffer, Study
from specs.templates import accelerator


def chain(num_layers: int, prefix: str = "conv") -> Network:
    """3x3 convolutions of 8 channels on 12 x 12 maps, one after another."""
    names = ["input", *(f"{prefix}{i}" for i in range(1, num_layers + 1))]
    layers = [
        Layer(name, "conv", ((before,),), 1, 8, 8, 12, 12, 12, 12, 3, 3, pad=(1, 1, 1, 1), bias=True)
        for before, name in pairwise(names)
    ]
    return Network("chain", (("input", TensorShape(8, 12, 12)),), tuple(layers), (names[-1],))


def chain_study(num_layers: int = 4, prefix: str = "conv", shared: bool = False) -> Study:
    """A chain on four hardware points: two templates, two sizes of feature buffer (or of the one scratchpad)."""
    separate = SeparateBuffers((4096, 16384), (4096,))
    return Study(
        name="chain_study",
        network=chain(num_layers, prefix),
        accelerators=(accelerator("vwa", blocks=4), accelerator("eyeriss", rows=6, cols=4)),
        buffers=SharedBuffer((8192, 16384)) if shared else separate,
        technology=TECHNOLOGY,
        dram=(Dram("DDR3", 560_000, 6_400_000_000),),
    )


def fused_pairs(study: Study, point: int = 1) -> Design:
    """Every two layers fused in two row tiles, halos recomputed, the first layer's weights kept."""
    names = [layer.name for layer in study.network.layers]
    pairs = [tuple(names[i : i + 2]) for i in range(0, len(names), 2)]
    return _design(study, point, [GroupDesign(pair, tile_rows=2, resident=frozenset(pair[:1])) for pair in pairs])


def layer_by_layer(study: Study, point: int = 1) -> Design:
    """Every layer alone, weights cut in two chunks that stay."""
    return _design(
        study,
        point,
        [
            GroupDesign((layer.name,), resident=frozenset({layer.name}), order="weight-stationary", channel_splits=2)
            for layer in study.network.layers
        ],
    )


def _design(study: Study, point: int, groups: list[GroupDesign]) -> Design:
    return Design(list(hardware_points(study))[point], tuple(groups))


def outcome(study: Study, design: Design, gap: float = 0.0) -> Outcome:
    """A design with its true cost as objective, and a bound below it."""
    cost = evaluate(study, design)
    objective = {"energy": cost.energy_fj, "latency": cost.latency_fs, "bandwidth": cost.dram_bytes}[study.goal]
    status: Status = "feasible" if gap else "optimal"
    return Outcome(status, objective, objective - round(gap * objective), design, cost)


SPACE = Space(hardware_points_listed=4, hardware_points=4, groups=10, group_classes=5, candidates=1234, designs=5678)
DEDUCTIONS = (Deduction("fused", 2, 17),)
SECONDS = Seconds(table=0.25, bounds=0.5, cpsat=1.0, total=2.0)


def solved(study: Study, gap: float = 0.0) -> Result:
    """Fused pairs of a chain against layer by layer."""
    return Result(
        study=study,
        best=outcome(study, fused_pairs(study), gap),
        layer_by_layer=outcome(study, layer_by_layer(study, 0)),
        layer_by_layer_same_hardware=outcome(study, layer_by_layer(study)),
        space=SPACE,
        deductions=DEDUCTIONS,
        seconds=SECONDS,
    )


def unsolved(study: Study, status: Status, hardware_points: int = 4) -> Result:
    """No design: proven infeasible, or nothing found."""
    nothing = Outcome(status, bound=0 if status == "unknown" else None)
    return Result(
        study=study,
        best=nothing,
        layer_by_layer=nothing,
        layer_by_layer_same_hardware=None,
        space=replace(SPACE, hardware_points=hardware_points),
        deductions=DEDUCTIONS,
        seconds=SECONDS,
    )
