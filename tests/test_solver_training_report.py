"""Results of training studies: phases, exports, pictures, and tables that stay readable."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import specs
from costmodel import Cost, GroupDesign
from costmodel.phases import JOINED, kept_bytes
from plots.fusion_map import fusion_map
from plots.occupancy import buffer_occupancy
from plots.pictures import picture
from plots.timeline import group_timeline
from solver.export import design_from_json, design_object, json_text
from solver.folded_rows import MOST_ROWS, Fold, folds
from solver.group_table import group_table, served_text
from solver.phase_parts import training_object
from solver.phase_table import phase_tables
from solver.picture_files import PICTURES
from solver.report import report
from solver.training_questions import both_of
from specs import load
from specs.training import training_step
from tiny_study import run
from tiny_training import trained, training_study, write_training_study

STUDIES = Path(specs.__file__).parent / "studies"


def test_phases_add_up_to_the_totals() -> None:
    result = trained()
    made = json.loads(json_text(design_object(result)))
    assert (made["mode"], made["optimizer"]) == ("training", "momentum")
    assert list(made["phases"]) == ["forward", JOINED, "backward", "update"]
    for part in ("dram_bytes", "dram_read_bytes", "dram_write_bytes", "macs"):
        assert sum(phase[part] for phase in made["phases"].values()) == made["totals"][part]
    for part in ("energy_j", "latency_s"):
        assert sum(phase[part] for phase in made["phases"].values()) == pytest.approx(made["totals"][part], rel=1e-12)


def test_what_waits_for_the_backward_pass_is_told() -> None:
    study = training_study()
    # Of each image in words of 2 bytes: conv1's map, which the norm is made of, the pool's map and the logits; two bits
    # for the place of a maximum, and one for each sign of the norm, which the gradient through the pool is masked with.
    maps, masks = 8 * 16 * 16 + 8 * 8 * 8 + 4, 8 * 8 * 8 * 2 + 8 * 16 * 16
    assert kept_bytes(study) == 2 * (2 * maps + masks // 8)
    assert training_object(study, trained().best)["kept_bytes"] == kept_bytes(study)
    assert "activations   11.02 kB of maps and masks wait for the backward pass" in report(trained())


def test_the_report_names_the_step_and_its_phases() -> None:
    text = report(trained())
    assert text.startswith("learn: least energy for a training step of tiny (momentum), 14 layers, 2 images, 40nm\n")
    lines = text.splitlines()
    table = phase_tables(trained().study, trained().best)
    assert [line.split()[0] for line in table[:5]] == ["phase", "forward", JOINED, "backward", "update"]
    assert all(line in lines for line in table)
    assert max(map(len, lines)) <= 104


def test_inference_has_no_phases() -> None:
    study = replace(training_study(), mode="inference")
    assert phase_tables(study, trained().best) == []
    assert training_object(study, trained().best) == {"optimizer": None, "kept_bytes": None, "phases": None}


def test_groups_are_named_after_the_layers_they_serve() -> None:
    study = training_study()
    assert served_text(study, GroupDesign(("fc:wgrad", "fc:update")), 18) == "fc"
    assert served_text(study, GroupDesign(("pool:unpool", "conv1:normgrads")), 18) == "pool .. conv1"
    assert served_text(study, GroupDesign(("conv1:norm", "pool", "fc", "loss")), 18) == "conv1 .. loss"
    mix = both_of(study)
    assert served_text(mix, GroupDesign(("training/fc:wgrad", "training/fc:update")), 18) == "[2] fc"


def test_an_update_alone_has_no_tiles() -> None:
    result = trained()
    assert result.layer_by_layer is not None
    design, cost = result.layer_by_layer.design, result.layer_by_layer.cost
    assert design is not None
    assert cost is not None
    lines = [line.split() for line in group_table(result.study, design, cost) if " update " in line]
    assert [line[1:5] for line in lines] == [["fc", "update", "-", "-"], ["conv1", "update", "-", "-"]]


def test_long_tables_write_once_what_comes_again() -> None:
    assert folds("ab" * 20) == [Fold(i, 1, 1) for i in range(40)]
    block = [*"abcabcabc", *"d" * MOST_ROWS, *"ef"]
    assert folds(block) == [Fold(0, 3, 3), Fold(9, 1, MOST_ROWS), Fold(9 + MOST_ROWS, 1, 1), Fold(10 + MOST_ROWS, 1, 1)]
    assert folds([*"xx", *map(str, range(MOST_ROWS))])[0] == Fold(0, 1, 1)  # would spare nothing


def test_the_group_table_says_how_often_groups_come_again() -> None:
    result = trained()
    design, cost = result.design, result.cost
    assert design is not None
    assert cost is not None
    often = replace(design, groups=design.groups[:2] * 40)
    lines = group_table(result.study, often, Cost(cost.groups[:2] * 40, cost.period_fs, cost.area_um2))
    assert len(lines) == 4
    assert lines[3] == "    these 2 groups 39 times more, up to 80, of other layers"


def test_a_written_design_is_read_back_and_checked(tmp_path: Path) -> None:
    spec = write_training_study(tmp_path)
    assert run("--out", tmp_path / "out", "--plots", "svg", spec).exit_code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "design.json", *(f"{name}.svg" for name in PICTURES)
    }  # fmt: skip
    made = json.loads((tmp_path / "out" / "design.json").read_text(encoding="utf-8"))
    assert design_from_json(load(spec), made).groups == trained().design.groups  # type: ignore[union-attr]
    checked = run("check", tmp_path / "out" / "design.json")
    assert checked.exit_code == 0, checked.output
    made["totals"]["dram_bytes"] += 1
    (tmp_path / "out" / "design.json").write_text(json.dumps(made), encoding="utf-8")
    assert run("check", tmp_path / "out" / "design.json").exit_code == 1


def test_groups_of_all_kinds_can_be_drawn_in_time() -> None:
    result = trained()
    assert result.layer_by_layer is not None
    for best in (result.best, result.layer_by_layer):
        assert best.design is not None
        for number in range(1, len(best.design.groups) + 1):
            assert group_timeline(replace(result, best=best), number).get_xlim()[1] > 0
            assert buffer_occupancy(replace(result, best=best), number).get_ylim()[1] > 0


def test_the_fusion_map_tells_layers_from_what_they_do() -> None:
    texts = [text.get_text() for text in fusion_map(trained()).texts]
    assert "conv1\nwgrad" in texts
    assert picture("roofline.png", trained(), {}) is not None


def test_mixes_tell_each_networks_phases() -> None:
    from solver import solve

    result = solve(both_of(training_study()), workers=1, baseline=False)
    made = design_object(result)
    inference, training = made["workloads"]
    assert (inference["mode"], inference["phases"], training["mode"]) == ("inference", None, "training")
    assert sum(phase["dram_bytes"] for phase in training["phases"].values()) == training["totals"]["dram_bytes"]
    assert made["phases"] is None
    assert "one step of [2]" in report(result)


@pytest.mark.parametrize("name", ["alexnet_training", "resnet18_training"])
def test_the_ready_made_training_studies_are_read(name: str) -> None:
    study = load(STUDIES / f"{name}.yaml")
    assert study.trains
    assert study.precision.floating
    assert 4 <= study.batch <= 16
    assert study.inference is not None
    assert training_step(study.inference) == study.network
