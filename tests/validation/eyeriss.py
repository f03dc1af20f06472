"""The row-stationary model against the Eyeriss chip: AlexNet's convolutions, batch 4, 12 x 14 PEs at 200 MHz, 65 nm.

Run this file for the table. Every layer has its published mapping prescribed (JSSC 2017, table III), except in the
traffic of CONV3, where the published mapping and traffic contradict each other: q*r = 4 needs 64 channel passes,
68.8 MB; the mapping of CONV4 and CONV5 (q*r = 6, 43 passes) gives the published 50.2 MB.

*Global Buffer Accesses* of table V are inputs read, plus partial sums written *and read* in every pass, the first
included; filters are not in them. So counted, all five layers agree within 0.3 %. Without the first pass's read CONV1
is 13 % low; filters in the place of that read fit within 2.4 %, filters beside it make CONV1 12 % too high. Our model
does not read sums in the first pass.

*Energy* of the chip is power x total latency. The model has no zero gating (it costs more than the chip where inputs
are zero), no clock tree and no control logic (it costs less, always). `gated_energy_mj` adds both from the outside.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from costmodel.eyeriss import EyerissShape
from costmodel.eyeriss_counts import array_prices
from costmodel.technology import sram_price
from costmodel.template import Pins, Terms, Tile
from specs.library import LIBRARY
from specs.load import load_network
from specs.network import Layer
from specs.study import Precision, Technology
from specs.technology_reader import read_technology
from specs.yaml_reader import read_yaml
from tests.validation.row import Row

DATA = Path(__file__).parent / "data"
BATCH = 4
CYCLES_PER_MS = 200_000
PRECISION = Precision(16, 16, 16)
FEATURE_BYTES, FILTER_BYTES = 100 * 1024, 8 * 1024
CHIP = EyerissShape(12, 14)
ALIKE = {"CONV3": "CONV4"}
"""Whose mapping explains the traffic of a layer, where it is not its own."""

CONSTANT_MW = 162.5
"""Clock tree, control and whatever else runs on: fitted (least squares of relative errors) to the five energies."""


def _read(file: str, key: str) -> dict[str, dict[str, str]]:
    with (DATA / file).open(newline="") as lines:
        return {line[key]: line for line in csv.DictReader(lines)}


MEASURED = _read("alexnet_jssc17_tableV.csv", "Layer")
MAPPINGS = _read("mapping_alexnet_jssc17_tableIII.csv", "layer")
LAYERS = tuple(MAPPINGS)


def technology_65nm() -> Technology:
    document = read_yaml(LIBRARY.file("technologies", "65nm"), [])
    technology = read_technology(document) if document else None
    assert technology is not None
    return technology


def measured(name: str, column: str) -> float:
    return float(MEASURED[name][column].strip("% "))


def pins(like: dict[str, str]) -> Pins:
    """Table III as prescribed mappings; ``like`` gives a layer the mapping of another one."""
    return tuple((name, tuple((x, int(MAPPINGS[like.get(name, name)][x])) for x in "mnepqrt")) for name in LAYERS)


class Chip:
    """The five layers on the model of the chip."""

    def __init__(self, prefer_free: bool = False, like: dict[str, str] | None = None) -> None:
        self.shape = CHIP if prefer_free else replace(CHIP, pins=pins(like or {}))
        self.terms = Terms(technology_65nm(), PRECISION)
        network = load_network(LIBRARY.file("networks", "alexnet"))
        self._layers = {name: replace(network.layer(name.lower()), name=name) for name in LAYERS}

    def of(self, name: str) -> tuple[Layer, Tile, Terms]:
        layer = self._layers[name]
        return layer, Tile(BATCH, layer.K, layer.C // layer.G, layer.P, layer.Q), self.terms

    def latency_ms(self, name: str) -> float:
        return self.shape.tile_work(*self.of(name)).cycles / CYCLES_PER_MS

    def traffic_mb(self, name: str) -> float:
        """Global buffer accesses as the paper counts them (see the module's text), in 10^6 bytes."""
        counts = self.shape.counts(*self.of(name))
        return (counts.ifmap_words + 2 * counts.psum_write_words) * PRECISION.activation_bytes / 1e6

    def buffer_fj(self, name: str) -> int:
        work = self.shape.tile_work(*self.of(name))
        technology = self.terms.technology
        feature = sram_price(technology, FEATURE_BYTES, technology.feature_port_bits)
        weight = sram_price(technology, FILTER_BYTES, technology.weight_port_bits)
        return (
            work.feature_read_bytes * feature.read_fj_per_byte
            + work.feature_write_bytes * feature.write_fj_per_byte
            + work.weight_read_bytes * weight.read_fj_per_byte
        )

    def energy_mj(self, name: str) -> float:
        """Array and buffers as the model has them; leakage of the buffers (0.02 mW) is left out."""
        return (self.shape.tile_work(*self.of(name)).array_fj + self.buffer_fj(name)) / 1e12

    def gated_energy_mj(self, name: str) -> float:
        """The same, but zero inputs gate MAC, filter and psum spads, and `CONSTANT_MW` runs on."""
        prices = array_prices(self.terms.technology, PRECISION)
        gated_fj = self.shape.counts(*self.of(name)).macs * (prices.mac + prices.filter_spad + 2 * prices.psum_spad)
        zeros = measured(name, "Zeros in Ifmaps") / 100
        constant_mj = CONSTANT_MW * measured(name, "Total Latency (ms)") / 1000
        return self.energy_mj(name) - zeros * gated_fj / 1e12 + constant_mj


def published_mj(name: str) -> float:
    return measured(name, "Power (mW)") * measured(name, "Total Latency (ms)") / 1000


def rows() -> list[Row]:
    """Every published quantity beside ours."""
    chip, alike = Chip(), Chip(like=ALIKE)
    found = [
        Row(f"{name} active PEs", measured(name, "Num. of Active PEs"), chip.shape.active_pes(*chip.of(name)))
        for name in LAYERS
    ]
    column = "Processing Latency (ms)"
    found += [
        Row(f"{name} processing latency", measured(name, column), chip.latency_ms(name), "ms", 10) for name in LAYERS
    ]
    total_ms = sum(chip.latency_ms(name) for name in LAYERS)
    found.append(Row("total processing latency", measured("Total", column), total_ms, "ms", 5))
    column = "Global Buffer Accesses (MB)"
    own = chip.traffic_mb("CONV3")
    found.append(Row("CONV3 global buffer, as in table III", measured("CONV3", column), own, "MB", None))
    found += [Row(f"{name} global buffer", measured(name, column), alike.traffic_mb(name), "MB", 3) for name in LAYERS]
    versions = (("array and buffers", chip.energy_mj, 10), ("gated, with 162.5 mW fitted", chip.gated_energy_mj, None))
    for text, energy, target in versions:
        found += [Row(f"{name} chip energy, {text}", published_mj(name), energy(name), "mJ", target) for name in LAYERS]
        total = sum(energy(name) for name in LAYERS)
        found.append(Row(f"total chip energy, {text}", sum(map(published_mj, LAYERS)), total, "mJ", target))
    searched = speedups()
    found += [
        Row(f"{name}: searched mapping against the published one", 1, searched[name], "x as fast", 0, side="below")
        for name in LAYERS
    ]
    return found


def speedups() -> dict[str, float]:
    """How much faster than with the published mapping each layer runs with the searched one."""
    chip, free = Chip(), Chip(prefer_free=True)
    return {name: chip.latency_ms(name) / free.latency_ms(name) for name in LAYERS}
