"""The JSON object: every key of the contract, sums that agree, no NaN, files whole or not at all, and the way back."""

from __future__ import annotations

import random
from typing import Any

import pytest

from costmodel import GroupDesign
from costmodel.plain_regions import RegionPlan
from made_results import chain_study, solved, unsolved
from random_networks import random_study
from solver.export import design_object
from solver.export_parts import _first_tile
from specs import describe

CONTRACT = {
    "format", "study", "goal", "status", "objective", "bound", "gap", "unit", "hardware", "totals", "layers",
    "groups", "baseline", "space", "time_s", "versions", "deductions", "settings", "objective_base", "bound_base",
    "base_unit",
}  # fmt: skip


def test_every_key_of_the_contract_is_there() -> None:
    made = design_object(solved(chain_study()))
    assert set(made) == CONTRACT
    assert made["format"] == "laminate-design/1"
    assert set(made["hardware"]) == {
        "template", "blocks", "rows", "taps", "array", "clock_hz", "double_buffer", "dram", "feature_buffer_bytes",
        "weight_buffer_bytes", "pes", "area_mm2",
    }  # fmt: skip
    assert set(made["totals"]) == {
        "energy_j", "latency_s", "dram_bytes", "dram_read_bytes", "dram_write_bytes", "edp_js", "power_w", "macs",
    }  # fmt: skip
    assert set(made["groups"][0]) == {
        "layers", "macs", "tile_grid", "overlap", "order", "channel_splits", "images_per_tile", "weights", "mapping",
        "dram_read_bytes",
        "dram_write_bytes", "energy_j", "energy_breakdown_j", "latency_s", "cycles", "compute_cycles",
        "feature_peak_bytes", "weight_peak_bytes",
    }  # fmt: skip
    assert set(made["baseline"]) == {
        "layer_by_layer", "layer_by_layer_same_hardware", "saving", "saving_same_hardware",
    }  # fmt: skip
    assert set(made["baseline"]["layer_by_layer"]) == {
        "status", "objective", "bound", "gap", "objective_base", "bound_base", "hardware", "totals",
    }  # fmt: skip
    assert made["layers"]["conv1"] == {"op": "conv", "macs": 8 * 8 * 9 * 144, "params": 8 * (8 * 9 + 1)}
    assert made["time_s"] == {"table": 0.25, "bounds": 0.5, "cpsat": 1.0, "total": 2.0}
    assert made["versions"].keys() == {"laminate", "python", "numpy", "ortools"}
    assert made["settings"] == describe(chain_study())


def test_numbers_are_the_exact_integers_in_si_units() -> None:
    result = solved(chain_study(), gap=0.25)
    made, cost = design_object(result), result.cost
    assert cost is not None
    assert (made["objective_base"], made["bound_base"], made["base_unit"]) == (result.objective, result.bound, "fJ")
    assert (made["objective"], made["unit"]) == (cost.energy_fj / 10**15, "J")
    assert made["gap"] == pytest.approx(0.25)
    totals = made["totals"]
    assert totals["latency_s"] == cost.latency_fs / 10**15
    assert totals["edp_js"] == pytest.approx(totals["energy_j"] * totals["latency_s"])
    assert totals["power_w"] == pytest.approx(totals["energy_j"] / totals["latency_s"])


def test_groups_add_up_to_the_totals() -> None:
    made = design_object(solved(chain_study()))
    totals, groups = made["totals"], made["groups"]
    for key in ("macs", "dram_read_bytes", "dram_write_bytes"):
        assert sum(group[key] for group in groups) == totals[key]
    for key in ("energy_j", "latency_s"):
        assert sum(group[key] for group in groups) == pytest.approx(totals[key])
    for group in groups:
        assert sum(group["energy_breakdown_j"].values()) == pytest.approx(group["energy_j"])
    assert totals["dram_bytes"] == totals["dram_read_bytes"] + totals["dram_write_bytes"]


def test_savings_are_fractions_of_the_baseline() -> None:
    made = design_object(solved(chain_study()))
    baseline = made["baseline"]
    keys = {"energy": "energy_j", "latency": "latency_s", "bandwidth": "dram_bytes"}
    for name, key in keys.items():
        theirs = baseline["layer_by_layer"]["totals"][key]
        assert baseline["saving"][name] == pytest.approx(1 - made["totals"][key] / theirs)


def test_mappings_tell_the_first_tile_with_its_halo() -> None:
    first = design_object(solved(chain_study()))["groups"][0]
    assert first["tile_grid"] == [2, 1]
    # 6 of 12 output rows; the layer before makes one more row for the 3x3 kernel below.
    assert first["mapping"]["conv2"]["tile"] == [8, 6, 12]
    assert first["mapping"]["conv1"]["tile"] == [8, 7, 12]
    assert first["mapping"]["conv1"]["blocks_on"] == "K"
    assert first["weights"] == {"conv1": "resident", "conv2": "streamed"}


@pytest.mark.parametrize("seed", range(40))
def test_first_tiles_are_those_of_the_plain_reading(seed: int) -> None:
    rng = random.Random(seed)
    study = random_study(rng)
    layers = study.network.layers
    names = tuple(layer.name for layer in layers)
    tiles = rng.randint(1, min(min(layer.P, layer.Q) for layer in layers))
    plan = RegionPlan(study, list(layers), GroupDesign(names, tile_rows=tiles, tile_cols=tiles))
    for axis, needs in enumerate((plan.rows[0], plan.cols[0])):
        expected = {name: max(1, needs[name][1] - needs[name][0]) for name in names}
        assert _first_tile(study.network, names, tiles, axis) == expected


def test_a_shared_scratchpad_shows_its_largest_shares() -> None:
    made = design_object(solved(chain_study(shared=True)))
    hardware = made["hardware"]
    assert hardware["shared_buffer_bytes"] == 16384
    for part in ("feature", "weight"):
        assert hardware[f"{part}_buffer_bytes"] == max(group[f"{part}_peak_bytes"] for group in made["groups"])


@pytest.mark.parametrize("status", ["infeasible", "unknown"])
def test_without_a_design_the_same_keys_are_null(status: Any) -> None:
    made = design_object(unsolved(chain_study(), status))
    assert set(made) == CONTRACT
    assert (made["status"], made["hardware"], made["totals"], made["groups"]) == (status, None, None, [])
    assert (made["objective"], made["gap"], made["baseline"]["saving"]) == (None, None, None)
    assert made["baseline"]["layer_by_layer"]["totals"] is None
