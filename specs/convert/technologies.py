"""Write the shipped technology files from tables of published numbers.

Run as ``python -m specs.convert.technologies DIR_WITH_TECH_CSV specs/technologies``. A number stated
for a node is used as it stands, unless it would make a smaller node dearer than a larger one; every
other number is scaled from the nearest node that has one (see `Scaling`).
"""

from __future__ import annotations

import csv
import math
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from specs.scaling import NodeFactors

NODES = (65, 45, 40, 28)
CELL = "itrs-lstp"
VDD = {65: 1.0, 45: 1.0, 32: 0.9, 20: 0.9}
HEADER = "# Made by specs/convert/technologies.py; do not edit by hand.\n"
NOTES = f"""\
# Scaled numbers: energy polynomials and area factors of Stillmaker & Baas 2017, energies at
# {", ".join(f"{node} nm {vdd} V" for node, vdd in VDD.items())}; 40 nm and 28 nm are straight lines in log-log
# space between the two nodes around them.
# Authors differ by more than nodes do; docs/technology.md says how, and what was chosen.
"""
HOROWITZ = "Horowitz, ISSCC 2014"
HOROWITZ_AREA = "commonly quoted beside Horowitz's energies, not re-read"
ALADDIN_REGISTER = "Aladdin's register, in hwcomponents-library"
ACCELERGY = "timeloop-accelergy-exercises, 04_eyeriss_like reference output"
BF16 = ", of fp16; for bf16, whose significand is shorter, an upper estimate"
EYERISS = "nn_dataflow, test_eyeriss_isscc16"


@dataclass(frozen=True)
class Value:
    """One number in its unit, and where it comes from."""

    amount: float
    source: str

    def of(self, factor: float, how: str) -> Value:
        return Value(self.amount * factor, how)


class Scaling(NodeFactors):
    """Energy at the supplies in `VDD`, and area relative to 45 nm, after Stillmaker & Baas 2017."""

    @classmethod
    def read(cls, path: Path) -> Scaling:
        """Evaluate ``E = a*Vdd^2 + b*Vdd + c`` at every node of `VDD`."""
        energy, area = {}, {}
        for row in _records(path):
            node = int(row["node_nm"])
            if node in VDD:
                vdd = VDD[node]
                energy[node] = float(row["E_a(Vdd^2)"]) * vdd**2 + float(row["E_b(Vdd)"]) * vdd + float(row["E_c"])
            if node == 45:
                area = {other: float(row[f"area_to_{other}"]) for other in VDD}
        return cls(energy, area)

    def carry(self, quantity: Literal["energy", "area"], value: Value, start: int, end: int) -> Value:
        """Carry a value from one node to another."""
        factor = self.factor(quantity, start, end)
        unit = "pJ" if quantity == "energy" else "um2"
        return value.of(
            factor, f"scaled from {start} nm: {_digits(value.amount)} {unit} x {factor:.3f} ({value.source})"
        )


def _digits(amount: float) -> str:
    """Write a number with four digits, or all those before the point."""
    return f"{amount:.0f}" if amount >= 10_000 else f"{amount:.4g}"


def _records(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Published:
    """The tables of single published numbers."""

    arithmetic: list[dict[str, str]]
    memories: list[dict[str, str]]

    def operation(self, node: int, name: str, column: str) -> float:
        """Energy or area of the one operation at this node whose name starts so."""
        (row,) = (r for r in self.arithmetic if r["tech_nm"] == str(node) and r["operation"].startswith(name))
        return float(row[column])

    def access(self, node: int, kind: str, capacity: str, width: int) -> float:
        """Picojoules per bit read from the one memory or link at this node of this size."""
        keys = ("tech_nm", "kind", "capacity_B", "width_bits")
        wanted = (str(node), kind, capacity, str(width))
        (row,) = (r for r in self.memories if tuple(r[key] for key in keys) == wanted)
        return float(row["read_pJ"]) / width


Point = tuple[str, str, int]
"""A quantity ("mac 8", "spad", ...), "energy" or "area", and a node."""


def anchors(data: Published) -> dict[Point, Value]:
    """Collect the numbers that are taken as published; all else is scaled from these."""

    def pj(node: int, name: str) -> float:
        return data.operation(node, name, "energy_pJ")

    def um2(node: int, name: str) -> float:
        return data.operation(node, name, "area_um2")

    accelforge = "AccelForge, tests/hwcomponents_expected.json for Eyeriss: 8-bit multiply, 16-bit add"
    ifmap, filters = data.access(45, "RF", "24", 16), data.access(45, "RF", "384", 16)
    psum = data.access(45, "RF", "32", 16)
    points: dict[Point, Value] = {
        ("mac 8", "energy", 65): Value(pj(65, "int8 mult"), accelforge),
        ("mac 8", "area", 65): Value(um2(65, "int8 mult"), accelforge),
        ("mac 16", "energy", 65): Value(pj(65, "int16 MAC"), f"{EYERISS}: MAC"),
        ("mac 8", "energy", 45): Value(
            pj(45, "int8 mult") + pj(45, "int32 add"), f"{HOROWITZ}: 8-bit multiply + 32-bit add"
        ),
        ("mac 8", "area", 45): Value(um2(45, "int8 mult") + um2(45, "int32 add"), HOROWITZ_AREA),
        ("mac 16", "energy", 45): Value(
            pj(45, "int16 mult") + pj(45, "int32 add"),
            f"16-bit multiply estimated by stillwater-sc/universal generic_45nm.hpp + 32-bit add of {HOROWITZ}",
        ),
        ("mac 16", "area", 45): Value(um2(45, "int16 MAC"), f"{ACCELERGY}: 16-bit MAC"),
        ("mac 32", "energy", 45): Value(
            pj(45, "int32 mult") + pj(45, "int32 add"), f"{HOROWITZ}: 32-bit multiply + 32-bit add"
        ),
        ("mac 32", "area", 45): Value(um2(45, "int32 mult") + um2(45, "int32 add"), HOROWITZ_AREA),
        ("spad", "energy", 65): Value(data.access(65, "RF", "512", 16), f"{EYERISS}: 1 pJ per 16-bit access"),
        ("spad", "energy", 45): Value(
            (ifmap + filters + 2 * psum) / 4,
            f"{ACCELERGY}: mean of the four accesses of a MAC, per 16 bit: "
            f"ifmap {ifmap * 16:.3f} pJ, filter {filters * 16:.3f} pJ, partial sum 2 x {psum * 16:.3f} pJ",
        ),
        ("spad", "energy", 40): Value(data.access(40, "register", "0.125", 1), ALADDIN_REGISTER),
        # The register's area stands in a note beside its energy, not in a column of its own.
        ("spad", "area", 40): Value(5.98, ALADDIN_REGISTER),
        ("hop", "energy", 65): Value(data.access(65, "NoC", "", 16), f"{EYERISS}: 4 pJ per 16-bit inter-PE transfer"),
        ("hop", "energy", 45): Value(
            data.access(45, "NoC", "", 16), f"{ACCELERGY}: 0.20 pJ per 16-bit transfer on the ifmap network"
        ),
    }
    for width in (8, 16, 32):
        points[f"add {width}", "energy", 45] = Value(pj(45, f"int{width} add"), f"{HOROWITZ}: {width}-bit add")
        points[f"add {width}", "area", 45] = Value(um2(45, f"int{width} add"), HOROWITZ_AREA)
    for width in (16, 32):
        how = f"{width}-bit floating-point multiply + 32-bit floating-point add{BF16 if width == 16 else ''}"
        mult, add = f"fp{width} mult", f"fp{width} add"
        points[f"float_mac {width}", "energy", 45] = Value(pj(45, mult) + pj(45, "fp32 add"), f"{HOROWITZ}: {how}")
        points[f"float_mac {width}", "area", 45] = Value(um2(45, mult) + um2(45, "fp32 add"), HOROWITZ_AREA)
        what = f"{width}-bit floating-point add{BF16 if width == 16 else ''}"
        points[f"float_add {width}", "energy", 45] = Value(pj(45, add), f"{HOROWITZ}: {what}")
        points[f"float_add {width}", "area", 45] = Value(um2(45, add), HOROWITZ_AREA)
    return points


def look_up(
    points: dict[Point, Value], scaling: Scaling, name: str, quantity: Literal["energy", "area"], node: int
) -> Value:
    """Return the published number, or the one of the nearest node that has one, scaled."""
    if (name, quantity, node) in points:
        return points[name, quantity, node]
    known = [other for (n, q, other) in points if (n, q) == (name, quantity)]
    start = min(known, key=lambda other: abs(math.log(other / node)))
    return scaling.carry(quantity, points[name, quantity, start], start, node)


def technology_yaml(node: int, points: dict[Point, Value], scaling: Scaling, sram: list[dict[str, str]]) -> str:
    """Write one node as YAML."""

    def value(name: str, quantity: Literal["energy", "area"]) -> Value:
        return look_up(points, scaling, name, quantity, node)

    def unit(name: str) -> str:
        energy, area = value(name, "energy"), value(name, "area")
        return f"energy: {energy.amount:.3g} pJ, area: {_digits(area.amount)} um2, source: {_sources(energy, area)}"

    spad, bit, hop = value("spad", "energy"), value("spad", "area"), value("hop", "energy")
    lines = [HEADER + NOTES + f"name: {node}nm", f"node: {node}   # nm"]
    lines.append('source: "published numbers of several authors, each named beside its number"')
    for kind, widths in (("mac", (8, 16, 32)), ("add", (8, 16, 32)), ("float_mac", (16, 32)), ("float_add", (16, 32))):
        note = ", one price for all formats" if kind.startswith("float") else ""
        lines.append(f"{kind}:   # by operand width in bits{note}")
        lines += [f"  {width}: {{{unit(f'{kind} {width}')}}}" for width in widths]
    lines += [
        "spad:",
        f"  energy_per_bit: {spad.amount:.3g} pJ",
        f"  area_per_bit: {bit.amount:.3g} um2",
        f"  source: {_sources(spad, bit)}",
        f'hop: {{energy_per_bit: {hop.amount:.3g} pJ, source: "{hop.source}"}}',
        "buffer_width: 64   # bits: the port of the feature and weight buffers, a choice of ours",
        "sram:",
        f'  source: "CACTI 7 with the default configuration of Accelergy, {CELL} cells, {node} nm"',
        "  columns: [capacity_bytes, width_bits, read_pj, write_pj, leakage_mw, area_mm2]",
        "  rows:",
    ]
    rows = (r for r in sram if r["tech_nm"] == str(node) and r["cell_type"] == CELL)
    lines += [_sram_line(r) for r in sorted(rows, key=lambda r: (int(r["capacity_bytes"]), int(r["width_bits"])))]
    return "\n".join(lines) + "\n"


def _sources(energy: Value, area: Value) -> str:
    if energy.source == area.source:
        return f'"{energy.source}"'
    return f'"energy: {energy.source}; area: {area.source}"'


def _sram_line(row: dict[str, str]) -> str:
    measured = (f"{Decimal(row[key]):f}" for key in ("read_pJ", "write_pJ", "leakage_mW", "area_mm2"))
    return f"    - [{row['capacity_bytes']}, {row['width_bits']}, {', '.join(measured)}]"


DRAM_PRESETS = {
    "DDR3": ("DDR3", "HWComponents, hwcomponents_cacti (cites Chatterjee et al. 2017)"),
    "LPDDR": ("LPDDR (1)", "HWComponents, hwcomponents_cacti (cites Malladi et al., ISCA 2012)"),
    "LPDDR4": ("LPDDR4", "HWComponents, hwcomponents_cacti; Timeloop's eyeriss_like has 512 pJ per 64 bit"),
    "HBM2": ("HBM2", "HWComponents, hwcomponents_cacti: vendor's number"),
    "HBM3": ("HBM3", "HWComponents, hwcomponents_cacti: vendor's number"),
    "HBM4": ("HBM4", "HWComponents, hwcomponents_cacti: an estimate"),
    "eyeriss-2016": ("Eyeriss chip model", "nn_dataflow, test_eyeriss_isscc16: 460 pJ per 16 bit"),
    "tetris-lpddr3": ("Tetris L-1 (LPDDR3-like)", "nn_dataflow, test_eyeriss_asplos17: 240 pJ per 16 bit"),
    "tetris-hmc": ("Tetris T-16 (HMC-like 3D)", "nn_dataflow, test_eyeriss_asplos17: 80 pJ per 16 bit"),
    "set-2023": ("SET (ISCA'23) DRAM", "SET-ISCA2023, src/main.cpp: DRAM_acc_cost"),
    "soma-2025": ("SoMa (HPCA'25) DRAM", "SoMa-HPCA2025, src/main_search.cpp: DRAM_acc_cost"),
}


def dram_yaml(records: list[dict[str, str]]) -> str:
    """Write the DRAM presets, from rows that were read in their source."""
    lines = [
        HEADER
        + "# Off-chip memory: energy per transferred bit. They differ so much that a study names the one it means.",
        "# The last five are what other tools charge, for comparison with them.",
        "presets:",
    ]
    for preset, (memory, source) in DRAM_PRESETS.items():
        row = next(r for r in records if r["memory"] == memory and r["status"] == "sourced")
        lines.append(f'  {preset}: {{energy: {float(row["pJ_per_bit"]):g} pJ/bit, source: "{source}"}}')
    return "\n".join(lines) + "\n"


def scaling_yaml(scaling: Scaling) -> str:
    """Write the factors with which a user's own technology file may be scaled."""
    lines = [
        HEADER + "# One circuit at several nodes: its energy at the supply voltage, and its area, both relative.",
        "# Nodes between two of these lie on a straight line in log-log space.",
        'source: "Stillmaker & Baas, Integration 58, 2017: energy polynomials at these supplies, area factors"',
        "nodes:",
    ]
    for node, vdd in VDD.items():
        values = f"energy: {scaling.energy[node]:.6g}, area: {scaling.area[node]:.6g}"
        lines.append(f"  {node}: {{supply: {vdd} V, {values}}}")
    return "\n".join(lines) + "\n"


def main(source: Path, target: Path) -> None:
    """Write one file per node, and the DRAM presets."""
    scaling = Scaling.read(source / "scaling_stillmaker_baas.csv")
    points = anchors(Published(_records(source / "mac_energy.csv"), _records(source / "memory_points.csv")))
    sram = _records(source / "cacti7_sram_sweep.csv")
    for node in NODES:
        text = technology_yaml(node, points, scaling, sram)
        (target / f"{node}nm.yaml").write_text(text, encoding="utf-8")
    (target / "scaling.yaml").write_text(scaling_yaml(scaling), encoding="utf-8")
    (target / "dram.yaml").write_text(dram_yaml(_records(source / "dram_energy.csv")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
