"""DRAM traffic against lower bounds.

Not published numbers but bounds that hold for every schedule (`costmodel/limits.py` has sources and proofs): no design
of the model may lie below. *Matrix product*: the constant of Smith et al. (arXiv:1702.02017), 2*MACs/sqrt(S), reached up to
2*S. *Designs*: a layer of VGG-16 alone, 8-bit words, buffers of 32 KiB + 32 KiB; the least traffic of a grid of tilings
(tile counts and channel splits that are powers of two, no kept halos), found by plain evaluation. What is above
the bound is the price of this design space and of coarse tilings, and the distance of the bound from the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import sqrt

from costmodel.chunks import possible_input_splits, possible_splits
from costmodel.design import GroupDesign, Hardware
from costmodel.evaluate import group_cost
from costmodel.hardware import hardware_points, prices
from costmodel.legal import DesignError, orders_alone
from costmodel.limits import pebble_bound_bytes, pebble_bytes
from specs import load_network
from specs.network import Layer, Network, TensorShape
from specs.study import Dram, SeparateBuffers, Study
from specs.templates import accelerator
from tests.validation.report import ROOT
from tests.validation.row import Row
from tests.validation.technologies import shipped

KIB = 1024
POWERS = (1, 2, 4, 8, 16, 32, 64)
LAYERS = ("conv1_2", "conv2_2", "conv4_2", "conv5_1")


def rows() -> Iterator[Row]:
    """The bound's constant, then layers of VGG-16."""
    yield _matrix_product()
    network = load_network(ROOT / "specs" / "networks" / "vgg16.yaml")
    for name in LAYERS:
        layer = network.layer(name)
        study = _study(_alone(network, layer))
        alone = study.network.layers[0]
        hardware = next(hardware_points(study))
        bound = pebble_bound_bytes(study, alone, hardware.sram_bytes)
        yield Row(f"{name} alone, bytes", bound, _least(study, alone, hardware), "", 0, side="below")


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
        buffers=SeparateBuffers((32 * KIB,), (32 * KIB,)),
        technology=shipped("40nm"),
        dram=(Dram("DDR3", 560_000, 6_400_000_000),),
    )


def _least(study: Study, layer: Layer, hardware: Hardware) -> int:
    """Least DRAM traffic over a coarse grid of tilings."""
    price, network = prices(study, hardware), study.network
    best = None
    for input_splits in possible_input_splits(network, layer, (1, 4, 16, 64)):
        for order in orders_alone(layer, input_splits):
            splits = possible_splits(network, layer, POWERS)
            for channel_splits, rows, cols in product(splits, _counts(layer.P), _counts(layer.Q)):
                stays = "weight" in order
                group = GroupDesign(
                    (layer.name,),
                    rows,
                    cols,
                    resident=frozenset({layer.name}) if stays else frozenset(),
                    order=order,
                    channel_splits=channel_splits,
                    input_splits=input_splits,
                )
                try:
                    moved = group_cost(study, hardware, price, group).dram_bytes
                except DesignError:
                    continue
                best = moved if best is None else min(best, moved)
    assert best is not None
    return best


def _counts(extent: int) -> list[int]:
    """Tile counts up to 8: finer tilings would take plain evaluation minutes."""
    return [n for n in (1, 4, 8) if n <= extent]
