"""The vectorwise array against what is published about the chip that it follows.

K.-W. Chang, T.-S. Chang, "VWA: Hardware Efficient Vectorwise Accelerator for Convolutional Neural Network", IEEE
TCAS-I 67(1), 2020, doi:10.1109/TCSI.2019.2942529, arXiv:2205.02270. Only its abstract was read: TSMC 40 nm, 500 MHz,
168 GOPS, 266.9 K gates, 191 KB SRAM, 154.98 mW, utilisation 99 % VGG-16, 97 % ResNet-34, 93.7 % GoogLeNet and
94 % MobileNet. Which layers count is not said there: we count convolutions, each weighted by its cycles.
"""

from __future__ import annotations

from pathlib import Path

import specs
from costmodel.technology import sram_price
from costmodel.template import Terms, Tile, TileWork
from costmodel.vwa import VwaShape
from specs import load_network
from specs.network import Layer, Network
from specs.study import Precision, Technology
from tests.validation.row import Row
from tests.validation.technologies import shipped

LIBRARY = Path(specs.__file__).parent
CHIP = VwaShape(blocks=8, rows=7, taps=3)
CLOCK_HZ = 500_000_000
SRAM_BYTES = 191_000
PUBLISHED_UTILISATION = {"vgg16": 99.0, "resnet34": 97.0, "googlenet": 93.7, "mobilenet_v1": 94.0}
PUBLISHED_MW = 154.98
PRECISION = Precision(16, 16, 32)
"""Not in the abstract. 266.9 K gates / 168 MACs = 1,589 gates a MAC, which fits 16-bit multipliers, not 8-bit."""
FEATURE_SHARE = 2 / 3
"""Of the SRAM; how the chip divides its 191 KB is not in the abstract."""

PORT_BITS = (128, 512)
"""Feature and weight port: the narrowest of the SRAM table that bring the 7 pixels and 24 weights of a cycle."""


def rows() -> list[Row]:
    """Every comparison: utilisation in points (%), throughput and power in per cent."""
    technology = shipped("40nm")
    found = []
    for name, published in PUBLISHED_UTILISATION.items():
        ours = 100 * utilisation(load_network(LIBRARY / "networks" / f"{name}.yaml"), technology)
        found.append(Row(f"conv utilisation of {name}", published, ours, "%", target=2, relative=False))
    gops = 2 * CHIP.pes * CLOCK_HZ / 1e9
    found.append(Row("peak throughput", 168, gops, "GOPS"))
    power = sum(peak_power_mw(technology).values())
    found.append(Row("peak power", PUBLISHED_MW, power, "mW", target=15))
    narrow = sum(peak_power_mw(technology, port_bits=(64, 64)).values())
    found.append(Row("... at the studies' 64-bit ports", PUBLISHED_MW, narrow, "mW", target=15))
    return found


def utilisation(network: Network, technology: Technology) -> float:
    """MACs of the convolutions over multipliers times cycles, whole layers, the fastest mapping."""
    convs = _convolutions(network)
    cycles = sum(_work(layer, Terms(technology, PRECISION)).cycles for layer in convs)
    return sum(layer.macs for layer in convs) / (cycles * CHIP.pes)


def peak_power_mw(
    technology: Technology,
    precision: Precision = PRECISION,
    feature_share: float = FEATURE_SHARE,
    port_bits: tuple[int, int] = PORT_BITS,
) -> dict[str, float]:
    """Power in the layer of VGG-16 that fills the array at least power; DRAM excluded.

    Array (MACs, accumulators, moves between blocks), buffer reads and writes by the array, leakage of the
    buffers. Not counted, for want of prices: clock tree, control, leakage of logic, the fills of the buffers.
    """
    feature_bytes = round(SRAM_BYTES * feature_share)
    feature = sram_price(technology, feature_bytes, port_bits[0])
    weight = sram_price(technology, SRAM_BYTES - feature_bytes, port_bits[1])
    # Blocks on K and on C are equally fast here: the prices let the thriftier run.
    terms = Terms(technology, precision, "fastest", feature.read_fj_per_byte, weight.read_fj_per_byte)

    def parts(layer: Layer) -> dict[str, float]:
        work = _work(layer, terms)
        mw_per_fj = CLOCK_HZ * 1e-12 / work.cycles
        reads, writes = work.feature_read_bytes, work.feature_write_bytes
        return {
            "MACs": work.mac_fj * mw_per_fj,
            "accumulators": work.spad_fj * mw_per_fj,
            "between blocks": work.network_fj * mw_per_fj,
            "feature buffer": (reads * feature.read_fj_per_byte + writes * feature.write_fj_per_byte) * mw_per_fj,
            "weight buffer": work.weight_read_bytes * weight.read_fj_per_byte * mw_per_fj,
            "leakage": feature.leakage_mw + weight.leakage_mw,
        }

    layers = _convolutions(load_network(LIBRARY / "networks" / "vgg16.yaml"))
    full = [layer for layer in layers if layer.macs == _work(layer, terms).cycles * CHIP.pes]
    return min((parts(layer) for layer in full), key=lambda found: sum(found.values()))


def _work(layer: Layer, terms: Terms) -> TileWork:
    return CHIP.tile_work(layer, Tile(1, layer.K, layer.C // layer.G, layer.P, layer.Q), terms)


def _convolutions(network: Network) -> list[Layer]:
    return [layer for layer in network.layers if layer.op in ("conv", "dwconv")]


def table() -> str:
    """Return the comparison, the parts of the power, and the utilisation of every network, as text."""
    technology = shipped("40nm")
    lines = [f"{'quantity':38} published     ours  difference  target"]
    for row in rows():
        numbers = f"{row.published:9.2f}{row.ours:9.2f}{row.difference:+12.2f}{row.target:8g}"
        lines.append(f"{row.quantity:38} {numbers}")
    lines += [f"  {part:36} {'':9}{mw:9.2f} mW" for part, mw in peak_power_mw(technology).items()]
    for path in sorted((LIBRARY / "networks").glob("*.yaml")):
        lines.append(f"{path.stem:38} {'':9}{100 * utilisation(load_network(path), technology):9.2f} %")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
