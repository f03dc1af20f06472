"""The JSON object: every key of the contract, sums that agree, no NaN, files whole or not at all, and the way back."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from costmodel import Design, GroupDesign
from costmodel.group_plan import group_plan
from costmodel.groups import is_connected, neighbours
from costmodel.hardware import hardware_points
from made_results import chain_study, outcome, solved, unsolved
from random_networks import random_study
from solver.export import design_object
from specs import describe
from specs.study import OVERLAPS, SeparateBuffers, Tiling

CONTRACT = {
    "format", "study", "goal", "status", "objective", "bound", "gap", "unit", "hardware", "totals", "layers",
    "groups", "baseline", "space", "time_s", "versions", "deductions", "settings", "objective_base", "bound_base",
    "base_unit", "limits", "then", "workloads", "mode", "optimizer", "phases", "kept_bytes",
}  # fmt: skip


def test_every_key_of_the_contract_is_there() -> None:
    made = design_object(solved(chain_study()))
    assert set(made) == CONTRACT
    assert made["format"] == "laminate-design/1"
    assert set(made["hardware"]) == {
        "template", "blocks", "rows", "taps", "array", "clock_hz", "double_buffer", "dram", "feature_buffer_bytes",
        "weight_buffer_bytes", "precision_bits", "pes", "area_mm2",
    }  # fmt: skip
    assert set(made["totals"]) == {
        "energy_j", "latency_s", "dram_bytes", "dram_read_bytes", "dram_write_bytes", "edp_js", "power_w", "macs",
    }  # fmt: skip
    assert set(made["groups"][0]) == {
        "layers", "macs", "tile_grid", "overlap", "start", "order", "channel_splits", "input_splits",
        "images_per_tile", "weights", "mapping_by", "mapping", "dram_read_bytes", "dram_write_bytes", "energy_j",
        "energy_breakdown_j", "latency_s", "cycles", "compute_cycles", "feature_peak_bytes", "weight_peak_bytes",
    }  # fmt: skip
    assert list(made["groups"][0]["energy_breakdown_j"]) == [
        "mac", "spad", "array_network", "feature_buffer", "weight_buffer", "dram", "leakage",
    ]  # fmt: skip
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


def test_traffic_is_not_below_its_limits() -> None:
    made = design_object(solved(chain_study(shared=True)))
    assert made["totals"]["dram_bytes"] > made["limits"]["compulsory_dram_bytes"] > 0
    assert made["limits"]["layer_by_layer_dram_bytes"] >= made["limits"]["compulsory_dram_bytes"]
    assert design_object(unsolved(chain_study(), "infeasible"))["limits"] is None


def test_savings_are_fractions_of_the_baseline() -> None:
    made = design_object(solved(chain_study()))
    baseline = made["baseline"]
    keys = {"energy": "energy_j", "latency": "latency_s", "bandwidth": "dram_bytes"}
    for name, key in keys.items():
        theirs = baseline["layer_by_layer"]["totals"][key]
        assert baseline["saving"][name] == pytest.approx(1 - made["totals"][key] / theirs)


def test_energies_are_told_apart_by_where_they_are_spent() -> None:
    result = solved(chain_study())
    assert result.cost is not None
    for group, cost in zip(design_object(result)["groups"], result.cost.groups, strict=True):
        assert group["energy_breakdown_j"] == {
            "mac": cost.mac_fj / 10**15,
            "spad": cost.spad_fj / 10**15,
            "array_network": cost.network_fj / 10**15,
            "feature_buffer": cost.feature_fj / 10**15,
            "weight_buffer": cost.weight_fj / 10**15,
            "dram": cost.dram_fj / 10**15,
            "leakage": cost.leakage_fj / 10**15,
        }


def test_mappings_tell_the_largest_tile_with_its_halo() -> None:
    first = design_object(solved(chain_study()))["groups"][0]
    assert first["tile_grid"] == [2, 1]
    # 6 of 12 output rows; the layer before makes one more row for the 3x3 kernel below.
    assert first["mapping"]["conv2"]["tile"] == {"N": 1, "K": 8, "C": 8, "P": 6, "Q": 12}
    assert first["mapping"]["conv1"]["tile"] == {"N": 1, "K": 8, "C": 8, "P": 7, "Q": 12}
    # 8 filters on 4 blocks take 2 turns for each of 8 channels; 8 channels on 4 blocks 2 for each of 8 filters. Equally
    # fast: blocks on K read each pixel for 4 filters at once, blocks on C for every filter.
    assert first["mapping"]["conv1"]["blocks_on"] == "K"
    assert (first["start"], first["mapping_by"], first["input_splits"]) == ("at-once", "fastest", 1)
    assert first["weights"] == {"conv1": "resident", "conv2": "streamed"}


def test_mappings_tell_chunks_images_and_steps() -> None:
    # Of 3 images 2 are held at once. 8 outputs in 3 chunks (3, 3, 2), 8 inputs in 2 (4, 4), 12 rows in 4 steps of 3 and
    # 12 columns in 3 of 4.
    study = replace(
        chain_study(2),
        batch=3,
        buffers=SeparateBuffers((65536,), (4096,)),
        tiling=Tiling((1, 4), (1, 3), (1, 3), (1, 2)),
    )
    cut = GroupDesign(("conv1",), 4, 3, "recompute", frozenset(), "output-stationary", 3, 2, 2, mapping="fastest")
    # Rows of the input are kept: that changes what is loaded, not what is made.
    kept = GroupDesign(("conv2",), 4, 1, "cache-rows", frozenset({"conv2"}), "weight-stationary", images=2)
    design = Design(next(iter(hardware_points(study))), (cut, kept))
    one, two = design_object(replace(solved(chain_study()), study=study, best=outcome(study, design)))["groups"]
    assert one["mapping"]["conv1"]["tile"] == {"N": 2, "K": 3, "C": 4, "P": 3, "Q": 4}
    assert (one["channel_splits"], one["input_splits"], one["images_per_tile"]) == (3, 2, 2)
    assert two["mapping"]["conv2"]["tile"] == {"N": 2, "K": 8, "C": 8, "P": 3, "Q": 12}


@pytest.mark.parametrize("seed", range(40))
def test_largest_tiles_are_those_of_the_table(seed: int) -> None:
    """The plan of all tilings at once, which the report does not read, has tiles as large, and none larger."""
    rng = random.Random(seed)
    study = random_study(rng)
    large = SeparateBuffers((1 << 20,), (1 << 18,))
    study = replace(study, buffers=large, fusion=replace(study.fusion, max_layers=6, overlap=OVERLAPS))
    layers = study.network.layers
    names = tuple(layer.name for layer in layers)
    order = "weight-stationary" if len(layers) == 1 else "fused"
    plan = group_plan(study, layers)
    options = np.argwhere(plan.mode >= 0).tolist()
    hardware = rng.choice(list(hardware_points(study)))
    for row, col in rng.sample(options, min(8, len(options))):
        group = GroupDesign(
            names,
            int(plan.rows.counts[row]),
            int(plan.cols.counts[col]),
            study.fusion.overlap[plan.mode[row, col]],
            frozenset(layer.name for layer in layers if layer.has_weights),
            order,
            start="stepwise" if plan.stepwise[row, col] else "at-once",
        )
        if not is_connected((1 << len(layers)) - 1, neighbours(study.network)):
            continue  # then all layers are no group
        best = outcome(study, Design(hardware, (group,)))
        (made,) = design_object(replace(solved(chain_study()), study=study, best=best))["groups"]
        for i, layer in enumerate(layers):
            assert made["mapping"][layer.name]["tile"] == {
                "N": 1,
                "K": layer.K,
                "C": layer.C // layer.G,
                "P": plan.rows.new[plan.rows.option == row, i].max(),
                "Q": plan.cols.new[plan.cols.option == col, i].max(),
            }


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
