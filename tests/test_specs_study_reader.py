"""Study files: defaults, choices, references, overrides, and one clear line for each mistake."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from specs import SpecError, describe, load
from specs.errors import alternatives
from specs.library import Library
from specs.study import (
    Budgets,
    Dram,
    Fusion,
    Precision,
    SeparateBuffers,
    SharedBuffer,
    Study,
    Tiling,
)
from specs.templates import accelerator, template_names
from test_specs_technology_reader import GOOD as TECHNOLOGY

NETWORK = "inputs: {input: [3, 8, 8]}\nlayers:\n  - {name: a, op: fc, inputs: input, K: 2}\n"
FIRST_LINE = "network: net.yaml\n"
KIB = 1024
TEMPLATES = alternatives(template_names())
GOALS = "energy, latency, bandwidth, edp, area, power or throughput"
STUDY_KEYS = (
    "network, networks, mode, optimizer, recompute, batch, precision, accelerators, buffers, technology, dram, fusion, "
    "tiling, goal, budgets"
)


@pytest.fixture(autouse=True)
def _a_folder_with_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("lib/technologies", "lib/accelerators", "other"):
        Path(folder).mkdir(parents=True)
    wide = TECHNOLOGY.replace("[2048, 64,", "[1048576, 64,")
    for name in ("40nm", "65nm"):
        Path(f"lib/technologies/{name}.yaml").write_text(wide.replace("name: mine", f"name: {name}"))
    Path("lib/technologies/dram.yaml").write_text(
        "presets:\n  DDR3: {energy: 70 pJ/bit, source: x}\n  LPDDR4: {energy: 8 pJ/bit, source: y}\n"
    )
    Path("lib/accelerators/vwa.yaml").write_text("template: vwa\nblocks: [8, 4]\nsource: {blocks: us}\n")
    Path("lib/accelerators/eyeriss.yaml").write_text("template: eyeriss\nrows: [8, 12]\nsource: them\n")
    Path("net.yaml").write_text(NETWORK)


def study(text: str = "", overrides: dict[str, Any] | None = None) -> Study:
    """Load a study with a network in line 1 and `text` from line 2 on."""
    Path("s.yaml").write_text(FIRST_LINE + text)
    return load("s.yaml", overrides, library=Library(Path("lib")))


def refusal(text: str = "", overrides: dict[str, Any] | None = None) -> str:
    with pytest.raises(SpecError) as error:
        study(text, overrides)
    return str(error.value)


def test_a_network_is_all_that_a_study_needs() -> None:
    found = study()
    assert found.name == "s"
    assert found.network.name == "net"
    assert found.technology.name == "40nm"
    assert found.accelerators == (accelerator("vwa", blocks=(4, 8)), accelerator("eyeriss", rows=(8, 12)))
    assert found.buffers == SeparateBuffers(
        tuple(size * KIB for size in (32, 64, 128, 256, 512)), tuple(size * KIB for size in (32, 64, 128, 256))
    )
    assert found.dram == (Dram("DDR3", 560_000, 6_400_000_000),)
    assert (found.goal, found.batch, found.mode) == ("energy", 1, "inference")


def test_the_defaults_of_files_and_of_python_agree() -> None:
    found = study()
    assert found.precision == Precision()
    assert found.fusion == Fusion()
    assert found.tiling == Tiling()
    assert found.budgets == Budgets()


def test_everything_stated() -> None:
    found = study("""\
mode: inference
batch: 4
precision: {activation: 16, weight: 8, partial_sum: 16}
accelerators:
  - {template: vwa, blocks: [16, 8, 16], rows: 14, taps: [3], clock: [1 GHz, 500 MHz], double_buffer: false}
  - {template: eyeriss, rows: 12, cols: [14, 8], clock: 200 MHz, filter_spad_words: 100, psum_bits_per_cycle: 32}
buffers: {feature: [64 KiB, 32 KiB, 64 KiB], weight: 0.5 MiB}
technology: 65nm
dram:
  - {type: LPDDR4, bandwidth: 3.2 GB/s}
  - {type: mine, energy: 12 pJ/bit, bandwidth: 8 Gbit/s}
fusion: {max_layers: 3, overlap: [cache-all, recompute]}
tiling: {row_splits: [4, 1, 4], column_splits: all, channel_splits: 1}
goal: latency
budgets: {area: 4 mm2, sram: 512 KiB, pes: 512, latency: 40 ms, energy: 5 mJ}
""")
    assert found.batch == 4
    assert found.precision == Precision(16, 8, 16)
    assert found.accelerators == (
        accelerator("vwa", blocks=(8, 16), rows=14, clock_hz=(500_000_000, 10**9), double_buffer=False),
        accelerator("eyeriss", cols=(8, 14), filter_spad_words=100, psum_bits_per_cycle=32),
    )
    assert found.buffers == SeparateBuffers((32 * KIB, 64 * KIB), (512 * KIB,))
    assert found.technology.name == "65nm"
    assert found.dram == (Dram("LPDDR4", 64_000, 3_200_000_000), Dram("mine", 96_000, 10**9))
    assert found.fusion == Fusion(3, ("cache-all", "recompute"))
    assert found.tiling == Tiling((1, 4), None, (1,))
    assert found.goal == "latency"
    assert found.budgets == Budgets(4_000_000, 512 * KIB, 512, 40 * 10**12, 5 * 10**12)


def test_a_partly_stated_mapping_keeps_the_other_defaults() -> None:
    assert study("fusion: {overlap: recompute}").fusion == Fusion(12, ("recompute",))
    assert study("precision: {weight: 16}").precision == Precision(8, 16, 32)
    assert study("precision: {weight: 16}").precisions == ()
    listed = study("precision: [{weight: 16}, {activation: 16}]").precisions
    assert listed == (Precision(8, 16, 32), Precision(16, 8, 32))
    assert study("tiling: {column_splits: 1}").tiling == Tiling(column_splits=(1,))
    assert study("dram: {bandwidth: 1 GB/s}").dram == (Dram("DDR3", 560_000, 10**9),)
    buffers = study("buffers: {weight: 8 KiB}").buffers
    assert isinstance(buffers, SeparateBuffers)
    assert (len(buffers.feature_bytes), buffers.weight_bytes) == (5, (8 * KIB,))


def test_short_forms() -> None:
    assert study("buffers: {shared: [128 KiB, 64 KiB]}").buffers == SharedBuffer((64 * KIB, 128 * KIB))
    assert study("fusion: none").fusion == Fusion(max_layers=1)
    assert study("accelerators: vwa").accelerators == (accelerator("vwa", blocks=(4, 8)),)
    assert study("accelerators: {template: vwa}").accelerators == (accelerator("vwa"),)
    assert study("accelerators: [vwa, lib/accelerators/vwa.yaml]").accelerators == (accelerator("vwa", blocks=(4, 8)),)
    assert study("budgets:\n").budgets == Budgets()
    assert study("budgets: {area: none}").budgets == Budgets()


def test_paths_are_relative_to_the_study_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("other/s.yaml").write_text(
        "network: ../net.yaml\ntechnology: mine.yaml\naccelerators: [../lib/accelerators/vwa.yaml]\n"
    )
    Path("other/mine.yaml").write_text(TECHNOLOGY.replace("[2048,", "[1048576,"))
    assert load("other/s.yaml", library=Library(Path("lib"))).technology.name == "mine"
    monkeypatch.chdir("/")
    assert load(tmp_path / "other/s.yaml", library=Library(tmp_path / "lib")).network.name == "net"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gaol: latency", f's.yaml:2: gaol is not a key here; did you mean "goal"? (allowed: {STUDY_KEYS})'),
        ("7: latency", f"s.yaml:2: 7 is not a key here (allowed: {STUDY_KEYS})"),
        ("goal: enrgy", f's.yaml:2: goal must be {GOALS}, not "enrgy"; did you mean "energy"?'),
        (
            "goal: [energy, energy]",
            f"s.yaml:2: goal must be {GOALS}, or a list of them, each once, not a list",
        ),
        ("goal: []", f"s.yaml:2: goal must be {GOALS}, or a list of them, each once, not []"),
        ("goal: [edp, area]", "s.yaml:2: goal must have edp as the last of its goals: it is no sum over groups"),
        ("goal:", "s.yaml:2: goal must have a value, not nothing"),
        ("goal: energy\ngoal: latency", "s.yaml:3: goal is given twice; the first is in line 2"),
        ("mode: trainin", 's.yaml:2: mode must be inference or training, not "trainin"; did you mean "training"?'),
        ("networks: [net.yaml]", "s.yaml:2: networks must not stand beside network: a study has one of them"),
        ("batch: 0", "s.yaml:2: batch must be a positive whole number, not 0"),
        ("batch: 1.0", "s.yaml:2: batch must be a positive whole number, not 1.0"),
        ("batch: true", "s.yaml:2: batch must be a positive whole number, not true"),
        ("batch: 1e10", "s.yaml:2: batch must be at most 2147483647, not 10000000000"),
        (
            "precision: {weight: 12}",
            "s.yaml:2: precision.weight must be 8, 16 or 32 bits, or fp32, fp16 or bf16, not 12",
        ),
        ("precision: 8", "s.yaml:2: precision must be a mapping of keys to values, not 8"),
        ("precision: []", "s.yaml:2: precision must not be empty"),
        ("precision: {weight: []}", "s.yaml:2: precision.weight must not be empty"),
        (
            "precision: {weight: [8, 12]}",
            "s.yaml:2: precision.weight[1] must be 8, 16 or 32 bits, or fp32, fp16 or bf16, not 12",
        ),
        ("precision: [{weight: 8}, 16]", "s.yaml:2: precision[1] must be a mapping of keys to values, not 16"),
        (
            "precision: [{weight: 8}, {weight: x}]",
            's.yaml:2: precision[1].weight must be 8, 16 or 32 bits, or fp32, fp16 or bf16, not "x"',
        ),
        (
            "precision: [{weigth: 8}]",
            's.yaml:2: precision[0].weigth is not a key here; did you mean "weight"?'
            " (allowed: activation, weight, partial_sum, gradient, state)",
        ),
        (
            "buffers:\n  feature:\n    - 32 KiB\n    - 64 KiB\n    - 64 kg",
            's.yaml:6: buffers.feature[2] must be a positive size such as "64 KiB", not "64 kg"',
        ),
        (
            "buffers: {feature: 64}",
            's.yaml:2: buffers.feature must be a positive size such as "64 KiB", not 64 (its unit is missing)',
        ),
        (
            "buffers: {weight: [64 KiB, 512 B]}",
            "s.yaml:2: buffers.weight[1] must be from 1 KiB to 1 MiB (40nm prices no other 64-bit buffers),"
            ' not "512 B"',
        ),
        (
            "buffers: {shared: 2 MiB}",
            's.yaml:2: buffers.shared must be from 1 KiB to 1 MiB (40nm prices no other 64-bit buffers), not "2 MiB"',
        ),
        ("buffers: {feature: []}", "s.yaml:2: buffers.feature must not be empty"),
        ("buffers: {feature: null}", "s.yaml:2: buffers.feature must have a value, not nothing"),
        (
            "buffers: {shared: 64 KiB, weight: 64 KiB}",
            "s.yaml:2: buffers must have either feature and weight, or shared, not both",
        ),
        (
            "technology: 66nm",
            's.yaml:2: technology must be a path to a .yaml file or one of 40nm, 65nm, not "66nm";'
            ' did you mean "65nm"?',
        ),
        (
            "technology: other/65nm.yaml",
            's.yaml:2: technology must be an existing file, and there is no "other/65nm.yaml"',
        ),
        (
            "accelerators: [vwb]",
            's.yaml:2: accelerators[0] must be a path to a .yaml file or one of eyeriss, vwa, not "vwb";'
            ' did you mean "vwa"?',
        ),
        ("accelerators: []", "s.yaml:2: accelerators must not be empty"),
        ("accelerators: [{rows: 7}]", f"s.yaml:2: accelerators[0] must be a mapping with a template: {TEMPLATES}"),
        (
            "accelerators: [{template: vwx}]",
            f's.yaml:2: accelerators[0].template must be {TEMPLATES}, not "vwx"; did you mean "vwa"?',
        ),
        (
            "accelerators:\n  - vwa\n  - template: vwa\n    row: 7",
            's.yaml:5: accelerators[1].row is not a key here; did you mean "rows"?'
            " (allowed: source, template, blocks, rows, taps, clock, double_buffer, skip_zeros, mapping)",
        ),
        (
            "accelerators: {template: vwa, rows: [7, 7.5]}",
            "s.yaml:2: accelerators.rows[1] must be a positive whole number, not 7.5",
        ),
        (
            "accelerators: [{template: vwa, clock: 500}]",
            's.yaml:2: accelerators[0].clock must be a positive frequency such as "500 MHz", not 500'
            " (its unit is missing)",
        ),
        (
            "accelerators: [{template: eyeriss, double_buffer: yes}]",
            's.yaml:2: accelerators[0].double_buffer must be true or false, not "yes"',
        ),
        (
            "accelerators: [{template: eyeriss, filter_spad_words: [1, 2]}]",
            "s.yaml:2: accelerators[0].filter_spad_words must be a positive whole number, not [1, 2]",
        ),
        ("dram: {type: DDR3}", "s.yaml:2: dram.bandwidth is missing"),
        ("dram: [{energy: 12 pJ/bit, bandwidth: 1 GB/s}]", "s.yaml:2: dram[0].type is missing"),
        (
            "dram: [{type: DDR4, bandwidth: 1 GB/s}]",
            's.yaml:2: dram[0].type must be one of DDR3, LPDDR4, or stand beside an energy such as "12 pJ/bit",'
            ' not "DDR4"; did you mean "LPDDR4"?',
        ),
        (
            "dram: {type: mine, energy: 12 pJ, bandwidth: 1 GB/s}",
            's.yaml:2: dram.energy must be a positive energy per bit such as "70 pJ/bit", not "12 pJ"',
        ),
        ("fusion: some", 's.yaml:2: fusion must be none or a mapping with max_layers and overlap, not "some"'),
        ("fusion: {max_layers: 65}", "s.yaml:2: fusion.max_layers must be a whole number from 1 to 64, not 65"),
        (
            "fusion: {overlap: [cache-row]}",
            's.yaml:2: fusion.overlap[0] must be recompute, cache-rows or cache-all, not "cache-row";'
            ' did you mean "cache-rows"?',
        ),
        (
            "tiling: {row_splits: many}",
            's.yaml:2: tiling.row_splits must be all or a list of whole numbers, not "many"',
        ),
        ("tiling: {row_splits: [0]}", "s.yaml:2: tiling.row_splits[0] must be a positive whole number, not 0"),
        (
            "budgets: {power: 1 J}",
            's.yaml:2: budgets.power must be a positive power such as "500 mW", not "1 J"',
        ),
        (
            "budgets: {aera: 1 mm2}",
            's.yaml:2: budgets.aera is not a key here; did you mean "area"?'
            " (allowed: area, sram, pes, latency, energy, power, dram_bandwidth, dram_traffic, activation_memory)",
        ),
        (
            "budgets: {latency: 40}",
            's.yaml:2: budgets.latency must be a positive time such as "40 ms", not 40 (its unit is missing)',
        ),
        ("budgets: {pes: 1 KiB}", 's.yaml:2: budgets.pes must be a positive whole number, not "1 KiB"'),
    ],
)
def test_one_mistake_is_one_line(text: str, message: str) -> None:
    assert refusal(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("goal: energy", "s.yaml:1: network is missing (or networks, for a mix of several)"),
        ("", "s.yaml:1: must be a mapping of keys to values, not nothing"),
        ("[1, 2]", "s.yaml:1: must be a mapping of keys to values, not [1, 2]"),
        ("netwrok: net.yaml", f's.yaml:1: netwrok is not a key here; did you mean "network"? (allowed: {STUDY_KEYS})'),
        (
            "network: nett.yaml",
            's.yaml:1: network must be an existing file, and there is no "nett.yaml"; did you mean "net.yaml"?',
        ),
        (
            "network: a.onnx",
            "s.yaml:1: network must be a .yaml file: .onnx files are not available in this version",
        ),
        (
            "network: a.csv",
            "s.yaml:1: network must be a .yaml file: .csv files are not available in this version",
        ),
        ("network: 7", "s.yaml:1: network must be text, not 7 (put it in quotes)"),
    ],
)
def test_a_study_without_a_usable_network(text: str, message: str) -> None:
    Path("s.yaml").write_text(text)
    with pytest.raises(SpecError) as error:
        load("s.yaml", library=Library(Path("lib")))
    assert str(error.value) == message


def test_a_missing_study_file() -> None:
    with pytest.raises(SpecError) as error:
        load("none.yaml")
    assert str(error.value) == "none.yaml: there is no such file"


def test_problems_in_referenced_files_name_those_files() -> None:
    Path("net.yaml").write_text(NETWORK.replace("K: 2", "K: 0"))
    Path("lib/accelerators/vwa.yaml").write_text("template: vwa\nsource: us\nblocks: 0\n")
    Path("lib/technologies/40nm.yaml").write_text(TECHNOLOGY.replace("node: 45", "node: x"))
    assert refusal("accelerators: [vwa]\ndram: {type: X, bandwidth: 1 GB/s}").splitlines() == [
        "net.yaml:3: layers[0].K must be a positive whole number, not 0",
        "lib/accelerators/vwa.yaml:3: blocks must be a positive whole number, not 0",
        'lib/technologies/40nm.yaml:2: node must be a positive whole number, not "x"',
        's.yaml:3: dram.type must be one of DDR3, LPDDR4, or stand beside an energy such as "12 pJ/bit", not "X"',
    ]


def test_all_mistakes_of_a_study_are_said_together() -> None:
    Path("net.yaml").write_text(NETWORK.replace("K: 2", "K: 0"))
    assert refusal("goal: x\nbatch: -1\nbudgets: {area: 4}\nfoo: 1\n").splitlines() == [
        f's.yaml:2: goal must be {GOALS}, not "x"',
        "s.yaml:3: batch must be a positive whole number, not -1",
        's.yaml:4: budgets.area must be a positive area such as "4 mm2", not 4 (its unit is missing)',
        f"s.yaml:5: foo is not a key here (allowed: {STUDY_KEYS})",
        "net.yaml:3: layers[0].K must be a positive whole number, not 0",
    ]


ODD_VALUES = ["", "true", "-1", "1.5", "1e30", ".nan", "x", "[]", "{}", "{x: 1}", "[[1]]", "[~]", "a/b", "../"]


@pytest.mark.parametrize("value", ODD_VALUES)
@pytest.mark.parametrize(
    "key", [*STUDY_KEYS.split(", "), "buffers.shared", "dram.type", "budgets.area", "accelerators.0"]
)
def test_no_value_of_a_study_does_worse_than_a_refusal(key: str, value: str) -> None:
    with contextlib.suppress(SpecError):
        study("accelerators: [vwa]", {key: value})


READY_MADE = sorted((Path(__file__).parent.parent / "specs" / "studies").rglob("*.yaml"))


@pytest.mark.skipif(not READY_MADE, reason="no ready-made studies")
@pytest.mark.parametrize("path", READY_MADE, ids=lambda path: path.stem)
def test_the_ready_made_studies_are_valid(path: Path) -> None:
    found = load(path)
    assert found.network.layers
    json.dumps(describe(found))
