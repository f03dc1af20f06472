"""Depth-first scheduling: workloads and overlap modes of DeFiNES.

Mei, Goetschalckx, Symons, Verhelst, HPCA 2023 (arXiv:2212.05344). Read: the workload files and the tile sizes of the
public repository (KULeuven-MICAS/DeFiNES, commit 345f841: inputs/WL/Meta_prototype, main_artifact.py), and the
beginning of the paper. Published MACs, weights and maps follow from the loop bounds in the files. The maps in the
files are unpadded, which is what `fsrcnn_defines` and `mccnn_fast_defines` follow. Their MobileNetV1 and ResNet-18
are also unpadded and so larger than the networks themselves (32 x 253 x 253 after the first layer of MobileNetV1):
ours keep the architects' padding and are not compared. The three overlap modes of main_artifact.py (no caching, one
direction, both) are our `recompute`, `cache-rows` and `cache-all`, without per-layer choice. Energies are not
compared: the files charge other prices. Their 60 x 72 tiles of FSRCNN leave a last row of tiles half as high; ours
are cut evenly (68 rows in 8 tiles), so the halo is compared and not the tile.
"""

from __future__ import annotations

from collections.abc import Iterator

from costmodel.design import GroupDesign
from costmodel.plain_regions import RegionPlan, length
from specs import load_network
from specs.network import Network
from specs.study import OVERLAPS
from tests.validation.report import ROOT
from tests.validation.row import Row

Bounds = tuple[int, int, int, int, int, int]
"""K, C, OY, OX, FY, FX."""

FSRCNN: tuple[Bounds, ...] = (
    (56, 1, 550, 970, 5, 5),
    (12, 56, 550, 970, 1, 1),
    (12, 12, 548, 968, 3, 3),
    (12, 12, 546, 966, 3, 3),
    (12, 12, 544, 964, 3, 3),
    (12, 12, 542, 962, 3, 3),
    (56, 12, 542, 962, 1, 1),
    (16, 56, 540, 960, 3, 3),
)
MCCNN: tuple[Bounds, ...] = (
    (64, 1, 1248, 382, 3, 3),
    (64, 64, 1246, 380, 3, 3),
    (64, 64, 1244, 378, 3, 3),
    (64, 64, 1242, 376, 3, 3),
)
NUM_OVERLAP_MODES = 3


def rows() -> Iterator[Row]:
    """Sizes of the two workloads, and the halo of FSRCNN."""
    for title, name, bounds in (
        ("FSRCNN", "fsrcnn_defines", FSRCNN),
        ("MC-CNN", "mccnn_fast_defines", MCCNN),
    ):
        yield from _sizes(title, load_network(ROOT / "specs" / "networks" / f"{name}.yaml"), bounds)
    network = load_network(ROOT / "specs" / "networks" / "fsrcnn_defines.yaml")
    halo = sum(fy - 1 for _, _, _, _, fy, _ in FSRCNN)
    yield Row("FSRCNN, input rows of a tile beyond its output rows", halo, _halo(network), "rows")
    for mode, factor in zip(OVERLAPS, _computed_twice(network), strict=True):
        what = f"FSRCNN, 8 x 16 tiles, MACs in mode {mode} over MACs of the network"
        yield Row(what, 1, factor, "", target=None if mode != "cache-all" else 0)
    yield Row("overlap modes", NUM_OVERLAP_MODES, len(OVERLAPS))


def _sizes(title: str, network: Network, bounds: tuple[Bounds, ...]) -> Iterator[Row]:
    def matches() -> int:
        found = [(layer.K, layer.C, layer.P, layer.Q, layer.R, layer.S) for layer in network.layers]
        return sum(ours == theirs for ours, theirs in zip(found, bounds, strict=True))

    weights = sum(k * c * fy * fx for k, c, _, _, fy, fx in bounds)
    macs = sum(k * c * oy * ox * fy * fx for k, c, oy, ox, fy, fx in bounds)
    largest = max(k * oy * ox for k, _, oy, ox, _, _ in bounds)
    yield Row(f"{title}, layers with their loop bounds", len(bounds), matches())
    yield Row(f"{title}, weights", weights, network.params, "bytes of 8 bit")
    yield Row(f"{title}, MACs", macs, network.macs)
    yield Row(f"{title}, largest map", largest, max(layer.output.elements for layer in network.layers), "elements")


def _plan(network: Network, overlap: str) -> RegionPlan:
    names = tuple(layer.name for layer in network.layers)
    return RegionPlan(network, list(network.layers), GroupDesign(names, 8, 16, overlap))  # type: ignore[arg-type]


def _halo(network: Network) -> int:
    step = _plan(network, "recompute").rows[3]
    return length(step.new[network.inputs[0][0]]) - step.store[network.layers[-1].name]


def _computed_twice(network: Network) -> list[float]:
    factors = []
    for overlap in OVERLAPS:
        plan = _plan(network, overlap)
        macs = 0
        for layer in network.layers:
            made_rows = sum(length(step.new[layer.name]) for step in plan.rows)
            made_cols = sum(length(step.new[layer.name]) for step in plan.cols)
            macs += layer.K * layer.C * layer.R * layer.S * made_rows * made_cols
        factors.append(macs / network.macs)
    return factors
