"""Fused-layer CNN accelerators: the first five convolutions of VGG-19.

Alwani, Chen, Ferdman, Milder, MICRO 2016. Read: the authors' announcement of the paper (pmilder.ece.stonybrook.edu,
blog post 173), which gives 362 KB of on-chip storage and 77 MB down to 3.6 MB per image, 95 % less; the digits 3.64
come from the paper, which we could not re-read. The design: five convolutions and two pools in one group, 32-bit
words, halos of both axes kept (reuse model), one output pixel a tile. Their MB of traffic is 2^20 bytes: in units of
10^6 the two maps are 3.81. Of the 362 KB we could not find the exact definition. Ours is the halo that is kept from
tile to tile, rows over the full width and columns over a tile's new rows, and misses by the padding: with the two
columns of zeros of every padded map counted, the same formula gives 361.9 KB (of 1000 bytes), so theirs presumably
are stored [D]. Ours never are. The feature buffer of our model must hold more than the halo: the tile, and, because a
row is not freed column by column, both the rows kept from above and the new ones that stay, over the full width.
The 77 MB depend on the tiling of their baseline, which the announcement does not give; ours moves every map once.
"""

from __future__ import annotations

from collections.abc import Iterator

from costmodel.design import Design, GroupDesign
from costmodel.evaluate import evaluate
from costmodel.hardware import hardware_points
from costmodel.limits import network_compulsory_bytes
from costmodel.plain_regions import RegionPlan, Step, length
from specs import load_network
from specs.network import Network
from specs.study import Dram, Fusion, Precision, SeparateBuffers, Study, Tiling
from specs.templates import accelerator
from tests.validation.report import ROOT
from tests.validation.row import Row
from tests.validation.technologies import shipped

MIB = 1 << 20


def rows() -> Iterator[Row]:
    """Evaluate the design and its layers one by one."""
    study = _study()
    names = tuple(layer.name for layer in study.network.layers)
    fused = GroupDesign(names, 56, 56, "cache-all", resident=_weighted(study.network), start="stepwise")
    cost = evaluate(study, Design(next(hardware_points(study)), (fused,)))
    weights = sum(layer.weight_words for layer in study.network.layers) * study.precision.weight_bytes
    features = cost.dram_bytes - weights
    alone = _layer_by_layer(study)
    yield Row("feature maps moved, fused", 3.64, round(features / MIB, 2), "MiB")
    yield Row("the same, against input and output once", network_compulsory_bytes(study) - weights, features, "bytes")
    yield Row("MACs of the fused group, nothing computed twice", study.network.macs, cost.groups[0].macs)
    yield Row("halo kept from tile to tile", 362, _kept_bytes(study, fused) / 1000, "KB", target=1)
    yield Row("the same with padding stored", 362, _kept_bytes(study, fused, padded=True) / 1000, "KB", target=0.5)
    yield Row("feature buffer of our model", 362, cost.groups[0].feature_peak_bytes / 1000, "KB", target=None)
    yield Row("feature maps moved, layer by layer", 77, alone / MIB, "MiB", target=None)
    yield Row("saved by fusion", 95, 100 * (1 - features / alone), "%", target=2, relative=False)


def _study() -> Study:
    vgg = load_network(ROOT / "specs" / "networks" / "vgg19.yaml")
    layers = vgg.layers[:7]
    return Study(
        name="alwani",
        network=Network("vgg19_first", vgg.inputs, layers, (layers[-1].name,)),
        accelerators=(accelerator("vwa", double_buffer=False),),
        buffers=SeparateBuffers((4 * MIB,), (4 * MIB,)),
        technology=shipped("65nm"),
        dram=(Dram("DDR3", 560_000, 6_400_000_000),),
        goal="latency",
        precision=Precision(32, 32, 32),
        fusion=Fusion(12, ("cache-all", "recompute")),
        tiling=Tiling(None, None, None, None),
    )


def _weighted(network: Network) -> frozenset[str]:
    return frozenset(layer.name for layer in network.layers if layer.has_weights)


def _layer_by_layer(study: Study) -> int:
    """Feature-map bytes when every layer reads and writes its maps once."""
    tensors = study.network.tensors
    maps = [n for layer in study.network.layers for n in (*layer.input_tensors, layer.name)]
    return sum(tensors[name].elements for name in maps) * study.precision.activation_bytes


def _kept_bytes(study: Study, group: GroupDesign, padded: bool = False) -> int:
    """Halos that stay from a tile to the next in the steady state, over all maps."""
    layers = [study.network.layer(name) for name in group.layers]
    plan = RegionPlan(study.network, layers, group)
    total = 0
    for name in [*plan.read, *plan.made]:
        kept_rows = max(_kept(step, name) for step in plan.rows)
        kept_cols = max(_kept(step, name) for step in plan.cols)
        new_rows = length(plan.rows[len(plan.rows) // 2].new[name])
        pad_cols = max((layer.pad[1] + layer.pad[3] for layer in layers if name in layer.input_tensors), default=0)
        width = plan.span_cols(name) + (pad_cols if padded else 0)
        kept = kept_rows * width + kept_cols * new_rows
        total += kept * study.network.tensors[name].channels * study.precision.activation_bytes
    return total


def _kept(step: Step, name: str) -> int:
    """Rows (or columns) of a step that were there before it."""
    return step.line[name] + step.passing[name] - length(step.new[name])
