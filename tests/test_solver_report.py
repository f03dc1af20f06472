"""The report: quantities people read, groups in aligned columns, and sentences that claim no more than is proven."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_results import chain_study, layer_by_layer, outcome, solved, unsolved
from solver.group_table import WIDTH, _operations, layers_text
from solver.quantities import bound_text, change
from solver.report import report
from solver.result import Result
from solver.statements import verdict
from specs.network import Op
from specs.study import Budgets, Fusion, Goal

BUDGETS = Budgets(area_um2=4_000_000, sram_bytes=512 * 1024, pes=512, latency_fs=4 * 10**13, energy_fj=5 * 10**12)


def with_goal(goal: Goal, gap: float = 0.0) -> Result:
    return solved(replace(chain_study(), goal=goal), gap)


@pytest.mark.parametrize(
    ("goal", "better"),
    [("energy", "needs less energy"), ("latency", "is faster"), ("bandwidth", "moves fewer DRAM bytes")],
)
def test_an_optimum_is_told_with_its_space(goal: Goal, better: str) -> None:
    space = "4 hardware points, 10 fusion groups, over 5,678 designs"
    assert verdict(with_goal(goal)) == f"proven optimal: no design in the stated space ({space}) {better}"


def test_traffic_is_told_with_its_limits() -> None:
    result = with_goal("bandwidth")
    assert result.cost is not None
    # Four layers of 8 x 8 x 9 weights and 8 biases, one input and one output of 8 x 12 x 12; between them three more.
    least = 4 * (576 + 8) + 2 * 1152
    ratio = f"{result.cost.dram_bytes / least:.2f}"
    line = f"{ratio} x the least with any fusion, 4.640 kB; layer by layer at least {(least + 6 * 1152) / 1000:.2f} kB"
    assert line in report(result)


def test_a_gap_is_told_with_its_bound() -> None:
    result = with_goal("bandwidth", gap=0.013)
    bound = bound_text("bandwidth", result.bound or 0)
    assert verdict(result) == f"not proven: the optimum is at most 1.3 % lower (bound {bound})"


def test_a_bound_of_zero_is_no_bound() -> None:
    assert verdict(with_goal("energy", gap=1.0)) == (
        "not proven: a design was found, but no limit to how much better another could be"
    )


def test_infeasible_names_every_budget() -> None:
    result = unsolved(replace(chain_study(), budgets=BUDGETS), "infeasible")
    assert verdict(result) == (
        "proven infeasible: no design in the stated space (4 hardware points, 10 fusion groups, over 5,678 designs)"
        " fits its buffers and keeps area <= 4 mm2, sram <= 512 KiB, pes <= 512, latency <= 40 ms"
        " and energy <= 5 mJ"
    )


def test_without_a_hardware_point_only_hardware_budgets_are_named() -> None:
    result = unsolved(replace(chain_study(), budgets=BUDGETS), "infeasible", hardware_points=0)
    assert verdict(result) == (
        "proven infeasible: none of the 4 hardware points listed keeps area <= 4 mm2, sram <= 512 KiB and pes <= 512"
    )


def test_infeasible_without_budgets_blames_the_buffers() -> None:
    assert verdict(unsolved(chain_study(), "infeasible")).endswith("fits its buffers: list larger ones")


def test_unknown_claims_nothing() -> None:
    assert verdict(unsolved(chain_study(), "unknown")) == (
        "not proven: no design was found in the time given; there may be one"
    )


def test_the_report_states_hardware_and_budgets() -> None:
    text = report(solved(replace(chain_study(), budgets=BUDGETS)))
    assert text.startswith("chain_study: least energy for chain, 4 layers, one image, test\n")
    assert (
        "  accelerator   vwa (blocks 4, rows 7, taps 3): 84 PEs at 500 MHz, double-buffered; budget 512 in all" in text
    )
    assert "  buffers       feature 16 KiB, weight 4 KiB; budget 512 KiB in all\n" in text
    assert "  DRAM          DDR3, 6.4 GB/s\n" in text
    assert "; budget 40 ms\n" in text


def test_a_shared_scratchpad_is_one_buffer() -> None:
    assert "  buffers       16 KiB shared by features and weights\n" in report(solved(chain_study(shared=True)))


def table_lines(result: Result) -> list[str]:
    lines = report(result).splitlines()
    first = next(i for i, line in enumerate(lines) if line.split()[:2] == ["#", "layers"])
    last = next(i for i, line in enumerate(lines) if line.startswith("  run as:"))
    return lines[first:last]


@pytest.mark.parametrize("num_layers", [10, 300])
@pytest.mark.parametrize("prefix", ["conv", "model.backbone.features.stage.block.conv"])
def test_every_group_has_one_aligned_line(num_layers: int, prefix: str) -> None:
    lines = table_lines(solved(chain_study(num_layers, prefix)))
    assert len(lines) == 1 + num_layers // 2
    assert {len(line) for line in lines[1:]} == {len(lines[0])}
    assert len(lines[0]) <= WIDTH


def test_a_group_line_tells_tiles_weights_and_peaks() -> None:
    result = solved(chain_study())
    assert result.cost is not None
    group = result.cost.groups[0]
    assert table_lines(result)[1].split() == [
        "1", "conv1", "..", "conv2", "2", "conv", "2x1", "recompute", "1/2",
        f"{group.dram_bytes / 1e6:.3f}", "50.0",
        f"{100 * group.feature_peak_bytes / 16384:.0f}", f"{100 * group.weight_peak_bytes / 4096:.0f}",
    ]  # fmt: skip


def test_many_kinds_of_operations_are_summed_up() -> None:
    made = solved(chain_study(6))
    ops: list[Op] = ["conv", "conv", "dwconv", "dwconv", "maxpool", "fc"]
    layers = tuple(replace(layer, op=op) for layer, op in zip(made.study.network.layers, ops, strict=True))
    network = replace(made.study.network, layers=layers)
    assert _operations(network, [layer.name for layer in layers]) == "2 conv 2 dw +2"


def test_a_layer_alone_tells_its_order_and_chunks() -> None:
    study = chain_study()
    alone = replace(solved(study), best=outcome(study, layer_by_layer(study)))
    assert table_lines(alone)[1].split()[:6] == ["1", "conv1", "conv", "1x1", "WS/2", "1/1"]


@given(st.lists(st.text("abc.", min_size=1, max_size=40), min_size=1, max_size=12), st.integers(18, 60))
def test_layer_names_keep_to_their_room(names: list[str], room: int) -> None:
    assert len(layers_text(names, room)) <= room


def test_layer_names_are_cut_in_the_middle() -> None:
    assert layers_text(["features.1.conv.0.0", "add2", "features.2.conv.3"], 30) == "feat~v.0.0 .. featu~onv.3 (+1)"


def test_savings_are_told_against_both_baselines() -> None:
    result = solved(chain_study(), gap=0.013)
    lines = report(result).splitlines()
    own = next(line for line in lines if line.startswith("  on its own best hardware"))
    same = next(line for line in lines if line.startswith("  on the same hardware"))
    assert result.cost is not None
    assert result.layer_by_layer is not None
    assert result.layer_by_layer.cost is not None
    assert change(result.cost.energy_fj, result.layer_by_layer.cost.energy_fj) in own
    assert own.endswith("optimal")
    assert same.endswith("optimal")
    assert "feature 4 KiB, weight 4 KiB" in lines[lines.index(same) + 1]


def test_a_baseline_without_proof_shows_its_gap() -> None:
    study = chain_study()
    result = replace(solved(study), layer_by_layer=outcome(study, layer_by_layer(study), gap=0.05))
    line = next(line for line in report(result).splitlines() if line.startswith("  on its own best hardware"))
    assert line.endswith("gap 5.0 %")


def test_without_fusion_there_is_nothing_to_compare() -> None:
    study = replace(chain_study(), fusion=Fusion(max_layers=1))
    alone = outcome(study, layer_by_layer(study))
    text = report(replace(solved(chain_study()), study=study, best=alone))
    assert "fusion is off: this is layer-by-layer at its best" in text
    assert "against" not in text


@pytest.mark.parametrize("status", ["infeasible", "unknown"])
def test_without_a_design_the_report_is_title_and_verdict(status: str) -> None:
    result = unsolved(chain_study(), status)  # type: ignore[arg-type]
    title, *rest = report(result).split("\n\n")
    assert title == "chain_study: least energy for chain, 4 layers, one image, test"
    assert [" ".join(block.split()) for block in rest] == [verdict(result)]
