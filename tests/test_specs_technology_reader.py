"""Technology files and DRAM presets: what they resolve to, and one clear line for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.errors import Problem, SpecError
from specs.schema_technology import DramPresetsDoc, read_technology
from specs.study import SramPoint, Technology, WordCost
from specs.validation import read_as
from specs.yaml_reader import parse_yaml

GOOD = """\
name: mine
node: 45
source: "one book"
mac:
  8: {energy: 0.3 pJ, area: 419 um2, source: "A"}
  16: {energy: 1.1 pJ, area: 1240 um2, source: "A"}
  32: {energy: 3.2 pJ, area: 0.00363 mm2, source: "A"}
add:
  8: {energy: 30 fJ, area: 36 um2, source: "A"}
  16: {energy: 0.05 pJ, area: 67 um2, source: "A"}
  32: {energy: 0.1 pJ, area: 137 um2, source: "A"}
spad: {energy_per_bit: 0.009 pJ, area_per_bit: 5.98 um2, source: "B"}
hop: {energy_per_bit: 0.0125 pJ, source: "C"}
buffer_width: 64
sram:
  source: "D"
  columns: [capacity_bytes, width_bits, read_pj, write_pj, leakage_mw, area_mm2]
  rows:
    - [1024, 64, 1.5, 2, 0.001, 0.01]
    - [1024, 32, 1, 1.5, 0.001, 0.01]
    - [2048, 64, 2.5, 3, 0.002, 0.02]
"""


def technology(text: str) -> Technology:
    problems: list[Problem] = []
    document = parse_yaml(text, "t.yaml", problems)
    found = read_technology(document) if document else None
    if problems or found is None:
        raise SpecError(problems)
    return found


def test_a_technology_file() -> None:
    found = technology(GOOD)
    assert found == Technology(
        name="mine",
        node_nm=45,
        mac=((8, WordCost(0.3, 419.0)), (16, WordCost(1.1, 1240.0)), (32, WordCost(3.2, 3630.0))),
        add=((8, WordCost(0.03, 36.0)), (16, WordCost(0.05, 67.0)), (32, WordCost(0.1, 137.0))),
        spad_pj_per_bit=0.009,
        spad_um2_per_bit=5.98,
        hop_pj_per_bit=0.0125,
        sram=(
            SramPoint(1024, 64, 1.5, 2.0, 0.001, 0.01),
            SramPoint(1024, 32, 1.0, 1.5, 0.001, 0.01),
            SramPoint(2048, 64, 2.5, 3.0, 0.002, 0.02),
        ),
        buffer_width_bits=64,
    )


COLUMNS = "[capacity_bytes, width_bits, read_pj, write_pj, leakage_mw, area_mm2]"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("node: 45", "node: 45.5", "t.yaml:2: node must be a positive whole number, not 45.5"),
        ('source: "one book"\n', "", "t.yaml:1: source is missing"),
        ('0.3 pJ, area: 419 um2, source: "A"', "0.3 pJ, area: 419 um2", "t.yaml:5: mac.8.source is missing"),
        ('"B"', '""', 't.yaml:12: spad.source must be text, not ""'),
        (
            "0.3 pJ",
            "0.3",
            't.yaml:5: mac.8.energy must be a positive energy such as "5 mJ", not 0.3 (its unit is missing)',
        ),
        ("0.3 pJ", "-0.3 pJ", 't.yaml:5: mac.8.energy must be a positive energy such as "5 mJ", not "-0.3 pJ"'),
        ("419 um2", "419 nm2", 't.yaml:5: mac.8.area must be a positive area such as "4 mm2", not "419 nm2"'),
        (
            '  32: {energy: 0.1 pJ, area: 137 um2, source: "A"}\n',
            "",
            "t.yaml:8: add must have a price for 8, 16 and 32 bits; 32 is missing",
        ),
        ("  8: {energy: 30", "  7: {energy: 30", 't.yaml:9: add.7 must be 8, 16 or 32 bits, not "7"'),
        (
            "hop: {energy_per_bit",
            "hop: {energy",
            't.yaml:13: hop.energy is not a key here; did you mean "energy_per_bit"? (allowed: energy_per_bit, source)',
        ),
        (
            "[capacity_bytes, width_bits,",
            "[width_bits, capacity_bytes,",
            f"t.yaml:17: sram.columns must be {COLUMNS}, in this order",
        ),
        ("[1024, 32, 1, 1.5,", "[1024, 32, -1, 1.5,", "t.yaml:20: sram.rows[1][2] must be a positive number, not -1"),
        (
            "[1024, 32, 1, 1.5,",
            "[1024, 32, .nan, 1.5,",
            "t.yaml:20: sram.rows[1][2] must be a positive number, not nan",
        ),
        (
            "[1024, 32, 1, 1.5,",
            "[1024, 32, 1 pJ, 1.5,",
            't.yaml:20: sram.rows[1][2] must be a positive number, not "1 pJ"',
        ),
        ("[1024, 32, 1,", "[1024.5, 32, 1,", "t.yaml:20: sram.rows[1][0] must be a positive whole number, not 1024.5"),
        (
            "[1024, 32, 1, 1.5,",
            "[1024, 32, 1.5,",
            "t.yaml:20: sram.rows[1] must be a list of 6 numbers, one for each column,"
            " not [1024, 32, 1.5, 0.001, 0.01]",
        ),
        ("[1024, 32,", "[1024, 64,", "t.yaml:20: sram.rows[1] has the capacity and width of sram.rows[0]"),
        (
            "buffer_width: 64",
            "buffer_width: 32",
            "t.yaml:18: sram.rows must have at least 2 capacities at the buffer width of 32 bits, not 1",
        ),
    ],
)
def test_one_mistake_is_one_line(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(SpecError) as error:
        technology(GOOD.replace(old, new, 1))
    assert str(error.value) == message


def test_dram_presets_need_sources() -> None:
    problems: list[Problem] = []
    text = "presets:\n  DDR3: {energy: 70 pJ/bit}\n  X: {energy: 7 pJ, source: y}\n"
    document = parse_yaml(text, "dram.yaml", problems)
    assert document is not None
    assert read_as(DramPresetsDoc, document) is None
    assert [str(problem) for problem in problems] == [
        "dram.yaml:2: presets.DDR3.source is missing",
        'dram.yaml:3: presets.X.energy must be a positive energy per bit such as "70 pJ/bit", not "7 pJ"',
    ]


FILES = sorted((Path(__file__).parent.parent / "specs" / "technologies").glob("*nm.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_ready_made_files_are_valid(path: Path) -> None:
    assert technology(path.read_text()).name == path.stem
