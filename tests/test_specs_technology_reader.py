"""Technology files and DRAM presets: what they resolve to, and one clear line for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.errors import Problem, SpecError
from specs.library import LIBRARY, Library
from specs.schema_technology import DramPresetsDoc
from specs.study import SramPoint, Technology, WordCost
from specs.technology_reader import read_technology
from specs.validation import read_as
from specs.yaml_reader import parse_yaml

SPECS = Path(__file__).parent.parent / "specs" / "technologies"
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


def technology(text: str, library: Library = LIBRARY) -> Technology:
    problems: list[Problem] = []
    document = parse_yaml(text, "t.yaml", problems)
    found = read_technology(document, library) if document else None
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
        feature_port_bits=64,
        weight_port_bits=64,
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
            "t.yaml:18: sram.rows must have two capacities or more at 32 bits, for a buffer width of 32 bits",
        ),
        (
            "buffer_width: 64",
            "buffer_width: 48",
            "t.yaml:18: sram.rows must have two capacities or more at 32 and 64 bits, for a buffer width of 48 bits",
        ),
        (
            "buffer_width: 64",
            "buffer_width: 128",
            "t.yaml:14: buffer_width must be from 32 to 64 bits as in sram.rows, not 128",
        ),
        (
            "buffer_width: 64",
            "buffer_width: {feature: 64, weight: 16}",
            "t.yaml:14: buffer_width.weight must be from 32 to 64 bits as in sram.rows, not 16",
        ),
        ("buffer_width: 64", "buffer_width: {feature: 64}", "t.yaml:14: buffer_width.weight is missing"),
        (
            "buffer_width: 64",
            "buffer_width: wide",
            't.yaml:14: buffer_width must be a positive whole number, not "wide"',
        ),
    ],
)
def test_one_mistake_is_one_line(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(SpecError) as error:
        technology(GOOD.replace(old, new, 1))
    assert str(error.value) == message


def test_the_two_buffers_may_have_ports_of_their_own() -> None:
    found = technology(GOOD.replace("buffer_width: 64", "buffer_width: {feature: 64, weight: 32}") + ROW_32)
    assert (found.feature_port_bits, found.weight_port_bits, found.shared_port_bits) == (64, 32, 64)


ROW_32 = "    - [4096, 32, 1.8, 2.2, 0.003, 0.03]\n"


def test_a_file_may_price_fewer_word_widths() -> None:
    only_8 = "\n".join(line for line in GOOD.splitlines() if not line.startswith(("  16:", "  32:")))
    found = technology(only_8)
    assert ([bits for bits, _ in found.mac], [bits for bits, _ in found.add]) == ([8], [8])


SCALED = 'name: small\nnode: 32\nsource: "ours"\nscaled_from: 45nm\n'


def test_a_technology_scaled_from_another() -> None:
    # Relative energies 0.541209 at 32 nm and 1.0177 at 45 nm, areas 0.46 and 1 (specs/technologies/scaling.yaml).
    base, found = technology((SPECS / "45nm.yaml").read_text()), technology(SCALED)
    energy, area = 0.541209 / 1.0177, 0.46
    assert (found.name, found.node_nm, found.feature_port_bits) == ("small", 32, 64)
    assert dict(found.mac)[8].energy_pj == pytest.approx(dict(base.mac)[8].energy_pj * energy)
    assert dict(found.add)[16].area_um2 == pytest.approx(dict(base.add)[16].area_um2 * area)
    assert found.spad_pj_per_bit == pytest.approx(base.spad_pj_per_bit * energy)
    assert found.hop_pj_per_bit == pytest.approx(base.hop_pj_per_bit * energy)
    for scaled, original in zip(found.sram, base.sram, strict=True):
        assert scaled.read_pj == pytest.approx(original.read_pj * energy)
        assert scaled.write_pj == pytest.approx(original.write_pj * energy)
        assert scaled.area_mm2 == pytest.approx(original.area_mm2 * area)
        assert scaled.leakage_mw == original.leakage_mw
    for units, of_base in ((found.float_mac, base.float_mac), (found.float_add, base.float_add)):
        assert [bits for bits, _ in units] == [16, 32]
        assert [unit.energy_pj for _, unit in units] == [pytest.approx(p.energy_pj * energy) for _, p in of_base]
        assert [unit.area_um2 for _, unit in units] == [pytest.approx(p.area_um2 * area) for _, p in of_base]


def test_what_a_scaled_file_gives_itself_is_not_scaled() -> None:
    found = technology(SCALED + 'mac: {8: {energy: 0.1 pJ, area: 100 um2, source: "A"}}\nbuffer_width: 96\n')
    assert found.mac == ((8, WordCost(0.1, 100.0)),)
    assert (found.feature_port_bits, found.weight_port_bits) == (96, 96)
    assert len(found.add) == 3


def test_scaling_to_the_own_node_changes_nothing() -> None:
    base = technology((SPECS / "45nm.yaml").read_text())
    assert technology(SCALED.replace("32", "45").replace("small", "45nm")) == base


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "node: 32",
            "node: 7",
            "t.yaml:2: node must be from 20 to 65 nm, where scaling factors are known, not 7",
        ),
        (
            "scaled_from: 45nm",
            "scaled_from: 46nm",
            "t.yaml:4: scaled_from must be a path to a .yaml file or one of 28nm, 40nm, 45nm, 65nm,"
            ' not "46nm"; did you mean "65nm"?',
        ),
        ('source: "ours"\n', "", "t.yaml:1: source is missing"),
        (
            "scaled_from: 45nm",
            "scaled_from: 45nm\nbuffer_width: 1024",
            "t.yaml:5: buffer_width must be from 16 to 512 bits as in sram.rows, not 1024",
        ),
    ],
)
def test_one_mistake_in_a_scaled_file_is_one_line(old: str, new: str, message: str) -> None:
    with pytest.raises(SpecError) as error:
        technology(SCALED.replace(old, new, 1))
    assert str(error.value) == message


def test_a_scaled_file_cannot_start_from_a_scaled_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(SCALED)
    with pytest.raises(SpecError) as error:
        technology(SCALED.replace("45nm", "base.yaml"))
    assert str(error.value) == (
        't.yaml:4: scaled_from must be a technology with numbers of its own: "base.yaml" is scaled itself'
    )


def test_a_base_outside_the_known_nodes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(GOOD.replace("node: 45", "node: 180"))
    with pytest.raises(SpecError) as error:
        technology(SCALED.replace("45nm", "base.yaml"))
    assert str(error.value) == (
        "t.yaml:4: scaled_from must be a technology from 20 to 65 nm, where scaling factors are known, not of 180 nm"
    )


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


FILES = sorted(SPECS.glob("*nm.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_ready_made_files_are_valid(path: Path) -> None:
    assert technology(path.read_text()).name == path.stem
