"""The shipped technology files: every number has a source, and smaller nodes never cost more."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

SPECS = Path(__file__).parent.parent / "specs"
NODES = (65, 45, 40, 28)
KINDS = {"mac": (8, 16, 32), "add": (8, 16, 32), "float_mac": (16, 32), "float_add": (16, 32)}


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((SPECS / "technologies" / f"{name}.yaml").read_text(encoding="utf-8"))


def amount(quantity: str) -> float:
    return float(quantity.split()[0])


def prices(node: int) -> dict[str, float]:
    file = read(f"{node}nm")
    units = {f"{kind} {width}": entry for kind in KINDS for width, entry in file[kind].items()}
    found = {f"{name} {key}": amount(unit[key]) for name, unit in units.items() for key in ("energy", "area")}
    found |= {f"spad {key}": amount(file["spad"][key]) for key in ("energy_per_bit", "area_per_bit")}
    return found | {"hop": amount(file["hop"]["energy_per_bit"])}


@pytest.mark.parametrize("node", NODES)
def test_every_price_has_a_source(node):
    file = read(f"{node}nm")
    entries = [*(unit for kind in KINDS for unit in file[kind].values()), file["spad"], file["hop"], file["sram"]]
    assert all(len(entry["source"]) > 10 for entry in entries)
    assert all(len(preset["source"]) > 10 for preset in read("dram")["presets"].values())


def test_a_smaller_node_never_costs_more():
    for large, small in pairwise(NODES):
        before, after = prices(large), prices(small)
        assert all(after[name] <= before[name] for name in before), (large, small)


@pytest.mark.parametrize("node", NODES)
def test_wider_arithmetic_costs_more(node):
    found = prices(node)
    for kind, widths in KINDS.items():
        for quantity in ("energy", "area"):
            by_width = [found[f"{kind} {width} {quantity}"] for width in widths]
            assert by_width == sorted(set(by_width))


@pytest.mark.parametrize("node", NODES)
def test_floating_point_costs_more_than_whole_numbers(node):
    found = prices(node)
    for name in ("mac 16", "mac 32", "add 16", "add 32"):
        for quantity in ("energy", "area"):
            assert found[f"float_{name} {quantity}"] > found[f"{name} {quantity}"]


def test_a_floating_multiply_accumulate_is_a_multiply_and_a_32_bit_add():
    found = prices(45)
    assert found["float_mac 16 energy"] == pytest.approx(1.1 + 0.9)
    assert found["float_mac 32 energy"] == pytest.approx(3.7 + 0.9)
    assert (found["float_mac 16 area"], found["float_mac 32 area"]) == (1640 + 4184, 7700 + 4184)


@pytest.mark.parametrize("node", NODES)
def test_the_buffer_table_covers_its_capacities_at_the_buffer_width(node):
    file = read(f"{node}nm")
    capacities = [row[0] for row in file["sram"]["rows"] if row[1] == file["buffer_width"]]
    assert capacities == [512 << i for i in range(len(capacities))]
    assert capacities[-1] == 8 << 20


def test_every_number_of_an_accelerator_has_a_source():
    for path in sorted((SPECS / "accelerators").glob("*.yaml")):
        file = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert set(file) - {"template", "source"} == set(file["source"]), path.name
