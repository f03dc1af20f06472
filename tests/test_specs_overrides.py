"""Keys of a study that are given beside its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs import load
from specs.library import Library
from specs.study import Budgets, Dram, Fusion, SeparateBuffers, SharedBuffer
from specs.templates import accelerator
from test_specs_study_reader import KIB, NETWORK, STUDY_KEYS, _a_folder_with_a_library, refusal, study

__all__ = ["_a_folder_with_a_library"]


def test_overrides_replace_values() -> None:
    found = study(
        "goal: energy\nfusion: none\nbudgets: {area: 1 mm2, pes: 7}\naccelerators: [{template: vwa, rows: 7}]\n",
        {
            "goal": "latency",
            "buffers.feature": "[64 KiB, 32 KiB]",
            "budgets.area": "4 mm2",
            "budgets.pes": "none",
            "fusion.max_layers": "4",
            "batch": 2,
            "dram.bandwidth": "1 GB/s",
            "accelerators.0.rows": "[14, 28]",
            "accelerators[0].taps": 5,
        },
    )
    assert found.goal == "latency"
    assert found.buffers == SeparateBuffers((32 * KIB, 64 * KIB), tuple(size * KIB for size in (32, 64, 128, 256)))
    assert found.budgets == Budgets(area_um2=4_000_000)
    assert found.fusion == Fusion(max_layers=4)
    assert found.batch == 2
    assert found.dram == (Dram("DDR3", 560_000, 10**9),)
    assert found.accelerators == (accelerator("vwa", rows=(14, 28), taps=5),)


def test_overrides_of_whole_keys() -> None:
    assert study("fusion: {max_layers: 3}", {"fusion": "none"}).fusion == Fusion(max_layers=1)
    found = study("buffers: {feature: 32 KiB, weight: 32 KiB}", {"buffers": "{shared: 64 KiB}"})
    assert found.buffers == SharedBuffer((64 * KIB,))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "buffers.feature",
            "[32 KiB, 64 kg]",
            '--set buffers.feature: buffers.feature[1] must be a positive size such as "64 KiB", not "64 kg"',
        ),
        ("gaol", "energy", f'--set gaol: gaol is not a key here; did you mean "goal"? (allowed: {STUDY_KEYS})'),
        (
            "bufers.feature",
            "32 KiB",
            f'--set bufers.feature: bufers is not a key here; did you mean "buffers"? (allowed: {STUDY_KEYS})',
        ),
        (
            "budgets.power",
            "1 s",
            '--set budgets.power: budgets.power must be a positive power such as "500 mW", not "1 s"',
        ),
        (
            "budgets",
            "{area: 4}",
            '--set budgets: budgets.area must be a positive area such as "4 mm2", not 4 (its unit is missing)',
        ),
        ("goal", "", "--set goal: goal must have a value, not nothing"),
        (
            "fusion",
            "{max_layers: 1, max_layers: 2}",
            "--set fusion: max_layers is given twice; the first is in the same text",
        ),
        ("a..b", "1", "--set a..b: must be a dotted key such as buffers.feature"),
        (
            "accelerators.1.rows",
            "1",
            '--set accelerators.1.rows: must count into accelerators from 0 to 0, not "1"',
        ),
    ],
)
def test_a_wrong_override_names_its_option(key: str, value: str, message: str) -> None:
    assert refusal("accelerators: [vwa]", {key: value}) == message


def test_an_override_that_is_no_yaml_is_one_line() -> None:
    message = refusal("", {"goal": "[a"})
    assert message.startswith("--set goal: is not valid YAML: ")
    assert "\n" not in message


def test_a_path_in_an_override_may_be_relative_to_the_working_folder(tmp_path: Path) -> None:
    Path("other/s.yaml").write_text("network: ../net.yaml\n")
    Path("second.yaml").write_text(NETWORK)
    library = Library(Path("lib"))
    assert load("other/s.yaml", {"network": "second.yaml"}, library=library).network.name == "second"
    assert load("other/s.yaml", {"network": "../second.yaml"}, library=library).network.name == "second"
