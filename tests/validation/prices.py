"""Arithmetic, node scaling and off-chip memory.

What the shipped files say against numbers of others (sources in the table). The arithmetic did *not* enter our files;
authors differ by factors, and a row without a target shows by how much. Node scaling: the factors of Stillmaker & Baas
(Integration 58, 2017) as `scaled_from` applies them, against the node's own CACTI table (median over its 86 memories):
they are made for logic, and for SRAM at other voltages only as good as this. DRAM: the tools' constants are what our
presets were made from, so those rows check the units and no more; the power that the abstract of arXiv:2205.01571
(same group as the vectorwise array) gives at two bandwidths is independent of the preset's source.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from costmodel.technology import add_fj, mac_fj
from specs.library import LIBRARY
from specs.scaling import NodeFactors
from specs.schema_technology import DramPresetsDoc, ScalingDoc
from specs.study import Technology
from specs.validation import read_as
from specs.yaml_reader import read_yaml
from tests.validation.row import Row
from tests.validation.technologies import shipped

STEPS = (("65nm", "45nm"), ("45nm", "40nm"), ("45nm", "28nm"), ("65nm", "28nm"))


def rows() -> Iterator[Row]:
    """Numbers of other authors, scaled tables against tables, and DRAM."""
    yield from _arithmetic()
    yield from _scaling()
    yield from _dram()


def _arithmetic() -> Iterator[Row]:
    def mac(name: str, bits: int) -> float:
        return mac_fj(shipped(name), bits) / 1000

    accelergy = "Accelergy's Aladdin table, 04_eyeriss_like reference output"
    aladdin = "Aladdin, hwcomponents-library: 12.68 pJ at 32 bit, quadratic in the width; multiply only"
    yield Row("45 nm, 16-bit multiply-accumulate", 2.2, mac("45nm", 16), "pJ", None, source=accelergy)
    yield Row("40 nm, 8-bit multiply-accumulate", 0.79, mac("40nm", 8), "pJ", None, source=aladdin)
    yield Row("40 nm, 16-bit multiply-accumulate", 3.17, mac("40nm", 16), "pJ", None, source=aladdin)
    yield Row("28 nm, 8-bit multiply-accumulate", 0.04, mac("28nm", 8), "pJ", None, source="ZigZag, DeFiNES")
    add = add_fj(shipped("40nm"), 32) / 1000
    yield Row("40 nm, 32-bit addition", 0.21, add, "pJ", None, source="Aladdin, hwcomponents-library")
    chip = "Chang & Chang, TCAS-I 2020: 154.98 mW at 84 GMAC/s, whole chip; the MAC alone must be below"
    yield Row("40 nm, 8-bit multiply-accumulate", 1.845, mac("40nm", 8), "pJ", 0, side="above", source=chip)
    yield Row("40 nm, 16-bit multiply-accumulate", 1.845, mac("40nm", 16), "pJ", 0, side="above", source=chip)


def _scaling() -> Iterator[Row]:
    document = read_yaml(LIBRARY.file("technologies", "scaling"), [])
    doc = read_as(ScalingDoc, document) if document else None
    assert doc is not None
    factors = NodeFactors(
        {int(node): entry.energy for node, entry in doc.nodes.items()},
        {int(node): entry.area for node, entry in doc.nodes.items()},
    )
    for start, end in STEPS:
        source, target = shipped(start), shipped(end)
        what = f"{start} to {end}, CACTI {{}}, scaled against the node's own table"
        energy = factors.factor("energy", source.node_nm, target.node_nm)
        area = factors.factor("area", source.node_nm, target.node_nm)
        yield Row(what.format("read energy"), _ratio(source, target, "read_pj"), energy, "ratio", 25)
        yield Row(what.format("area"), _ratio(source, target, "area_mm2"), area, "ratio", 25)


def _ratio(source: Technology, target: Technology, quantity: str) -> float:
    """Median over the memories of the table of one node over the other's."""
    pairs = zip(source.sram, target.sram, strict=True)
    return median(float(getattr(new, quantity)) / float(getattr(old, quantity)) for old, new in pairs)


def _dram() -> Iterator[Row]:
    document = read_yaml(LIBRARY.file("technologies", "dram"), [])
    doc = read_as(DramPresetsDoc, document) if document else None
    assert doc is not None
    pj_per_bit = {name: preset.energy / 8000 for name, preset in doc.presets.items()}
    stated = "the tool's own constant"
    yield Row("eyeriss-2016, 16 bit", 460, 16 * pj_per_bit["eyeriss-2016"], "pJ", source=f"nn_dataflow, {stated}")
    yield Row("tetris-lpddr3, 16 bit", 240, 16 * pj_per_bit["tetris-lpddr3"], "pJ", source=f"nn_dataflow, {stated}")
    yield Row("tetris-hmc, 16 bit", 80, 16 * pj_per_bit["tetris-hmc"], "pJ", source=f"nn_dataflow, {stated}")
    yield Row("LPDDR4, 64 bit", 512, 64 * pj_per_bit["LPDDR4"], "pJ", source="Timeloop, eyeriss_like")
    yield Row("set-2023, 8 bit", 60, 8 * pj_per_bit["set-2023"], "pJ", source=f"SET, {stated}")
    yield Row("soma-2025, 8 bit", 84, 8 * pj_per_bit["soma-2025"], "pJ", source=f"SoMa, {stated}")
    for megabytes, milliwatts in ((585, 327.6), (4656, 2607)):
        ours = megabytes * 8e6 * pj_per_bit["DDR3"] * 1e-9
        source = "arXiv:2205.01571, abstract"
        yield Row(f"DDR3 at {megabytes} MB/s", milliwatts, ours, "mW", 0.1, source=source)
