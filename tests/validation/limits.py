"""DRAM traffic against lower bounds.

Not published numbers but bounds that hold for every schedule (`costmodel/limits.py` has sources and proofs): no design
of the model may lie below. *Matrix product*: the constant 2*MACs/sqrt(S) of Smith et al. (arXiv:1702.02017), reached up
to 2*S. *Designs*: a layer of VGG-16 alone, 8-bit words, one scratchpad of 64 KiB without double buffers; the least
traffic over every tiling, cut and loop order of the declared space, from the candidate table. What lies above the
bound is the price of that space and the distance of the bound from the truth, which we cannot tell apart: the bound
grants every input pixel its reuse at all kernel positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from costmodel.hardware import hardware_points
from costmodel.limits import pebble_bound_bytes, pebble_bytes
from costmodel.table import build_table, price_rows
from specs import load_network
from specs.network import Layer, Network, TensorShape
from specs.study import Dram, SharedBuffer, Study, Tiling
from specs.templates import accelerator
from tests.validation.report import ROOT
from tests.validation.row import Row
from tests.validation.technologies import shipped

KIB = 1024
LAYERS = ("conv1_2", "conv2_2", "conv4_2", "conv5_1")


def rows() -> Iterator[Row]:
    """The bound's constant, then layers of VGG-16."""
    yield _matrix_product()
    network = load_network(ROOT / "specs" / "networks" / "vgg16.yaml")
    for name in LAYERS:
        study = _study(_alone(network, network.layer(name)))
        (layer,) = study.network.layers
        (hardware,) = hardware_points(study)
        bound = pebble_bound_bytes(study, layer, hardware.sram_bytes)
        yield Row(f"{name} alone, least traffic", bound, _least(study), "bytes", 0, side="below")


def _matrix_product() -> Row:
    layer = Layer("a", "conv", (("x",),), 1, 256, 256, 64, 64, 64, 64)
    network = Network("product", (("x", TensorShape(256, 64, 64)),), (layer,), ("a",))
    room = 16 * KIB
    constant = 2 * layer.macs / sqrt(room)
    return Row("4096 x 256 x 256 product, 16 KiB", constant, pebble_bytes(_study(network), layer, room), "bytes", 2)


def _alone(network: Network, layer: Layer) -> Network:
    (name,) = layer.input_tensors
    return Network(layer.name, ((name, network.tensors[name]),), (layer,), (layer.name,))


def _study(network: Network) -> Study:
    return Study(
        name=network.name,
        network=network,
        accelerators=(accelerator("vwa", double_buffer=False),),
        buffers=SharedBuffer((64 * KIB,)),
        technology=shipped("40nm"),
        dram=(Dram("DDR3", 560_000, 6_400_000_000),),
        goal="bandwidth",
        tiling=Tiling(None, None, None, None),
    )


def _least(study: Study) -> int:
    """Least DRAM traffic of any candidate that fits."""
    table, found = build_table(study), []
    for family in table.families:
        for array, points in enumerate(family.points):
            priced = price_rows(table, family, array, points)
            found.append(int(priced.dram_bytes[priced.fits.any(axis=1)].min()))
    return min(found)
