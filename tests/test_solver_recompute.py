"""Keep or recompute, as a user sees it: budgets on activation memory, reports, design files, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from costmodel import evaluate
from costmodel.compare import compare
from costmodel.limits import network_compulsory_bytes, network_pebble_bound_bytes
from solver.export import design_from_json, design_object, json_text
from solver.picture_files import PICTURES
from solver.report import report
from solver.stated_budgets import stated_budgets, value
from solver.vary import read_varied
from specs import SpecError, load
from specs.training import kept, training_step
from tiny_recompute import recompute_study, recomputed, write_recompute_study
from tiny_study import run

AGAIN = "kept in DRAM, 2 made again: conv2:norm, conv1"
LIMITED = "budgets: {activation_memory: 2 kB}\n"


def test_a_budget_on_activation_memory_makes_more_again() -> None:
    free, limited = recomputed(), recomputed(LIMITED)
    assert (free.status, limited.status) == ("optimal", "optimal")
    assert free.cost is not None
    assert limited.cost is not None
    assert limited.cost.activation_bytes <= 2000 < free.cost.activation_bytes
    assert free.objective is not None
    assert limited.objective is not None
    assert free.objective < limited.objective
    assert recomputed("budgets: {activation_memory: 1 kB}\n").status == "infeasible"


def test_a_stated_budget_is_read_off_a_design() -> None:
    result = recomputed(LIMITED)
    (budget,) = stated_budgets(result.study)
    assert str(budget) == "activation_memory <= 2 kB"
    assert result.design is not None
    assert result.cost is not None
    assert value(result.study, budget, result.design, result.cost) == result.cost.activation_bytes


@pytest.mark.parametrize(
    ("more", "line", "again"),
    [
        ("", "3.176 kB of 3.176 kB kept in DRAM, none made again\n", []),
        (
            LIMITED,
            "1.448 kB of 3.176 kB kept in DRAM, 2 made again: conv2:norm, conv1; budget 2 kB\n",
            ["conv2:norm", "conv1"],
        ),
    ],
)
def test_the_report_tells_what_is_kept_and_what_is_made_again(more: str, line: str, again: list[str]) -> None:
    text, made = report(recomputed(more)), design_object(recomputed(more))
    assert f"  activations   {line}" in text
    assert "17 layers" in text.splitlines()[0]
    assert ":keep" not in text
    assert made["recomputed"] == again
    assert made["kept_bytes"] == 3176
    assert made["activation_bytes"] == (1448 if again else 3176)


@pytest.mark.parametrize("more", ["", LIMITED])
def test_design_files_come_back_and_run(more: str) -> None:
    result = recomputed(more)
    made = json.loads(json_text(design_object(result)))
    assert not any(":keep" in name or ":use" in name for group in made["groups"] for name in group["layers"])
    assert not any(":keep" in name or ":use" in name for name in made["layers"])
    assert [name for group in made["groups"] for name in group["keeps"]] == ([] if more else ["conv1", "conv2:norm"])
    design = design_from_json(result.study, made)
    assert design == result.design
    assert evaluate(result.study, design) == result.cost
    assert all(one.agrees for one in compare(result.study, design))


@pytest.mark.parametrize("more", ["", LIMITED])
def test_phases_add_up(more: str) -> None:
    made = design_object(recomputed(more))
    for part in ("dram_bytes", "dram_read_bytes", "dram_write_bytes", "macs"):
        assert sum(phase[part] for phase in made["phases"].values()) == made["totals"][part]


def test_limits_and_what_waits_are_those_of_the_step_without_choices() -> None:
    study = recompute_study()
    assert study.inference is not None
    none = replace(study, network=training_step(study.inference))
    assert kept(study.network) == kept(none.network)
    assert network_compulsory_bytes(study) == network_compulsory_bytes(none)
    assert network_pebble_bound_bytes(study, 4096) <= network_pebble_bound_bytes(none, 4096)


def test_pictures_are_drawn(tmp_path: Path) -> None:
    made = run("--plots", "svg", "--out", tmp_path / "out", write_recompute_study(tmp_path, LIMITED))
    assert made.exit_code == 0
    assert all((tmp_path / "out" / f"{name}.svg").exists() for name in PICTURES)
    checked = run("check", tmp_path / "out" / "design.json")
    assert checked.exit_code == 0
    assert "every word of the output is right" in checked.output


def test_whatif_finds_where_the_best_design_changes(tmp_path: Path) -> None:
    made = run("whatif", write_recompute_study(tmp_path), "--vary", "activation_memory=1600B:2400B:+800B", "--json")
    assert made.exit_code == 0
    found = json.loads(made.output)
    assert "2024" in made.output
    assert [answer["status"] for answer in found["answers"]] == ["optimal", "optimal"]
    assert read_varied("activation_memory", "1kB,2kB").is_budget


def test_explain_tells_that_the_budget_binds(tmp_path: Path) -> None:
    made = run("explain", write_recompute_study(tmp_path, LIMITED), "--json")
    assert made.exit_code == 0
    (one,) = json.loads(made.output)["influences"]
    assert (one["name"], one["value_base"], one["binds"]) == ("activation_memory", 1448, True)
    assert one["better_from"]["limit_base"] == 2024


@pytest.mark.parametrize("command", ["certify", "compare"])
def test_commands_that_keep_all_activations_say_so(tmp_path: Path, command: str) -> None:
    refused = run(command, write_recompute_study(tmp_path))
    assert refused.exit_code == 2
    assert refused.output.count("\n") == 1
    assert "recompute and budgets on activation_memory cannot be" in refused.output


@pytest.mark.parametrize("key", ["recompute: all\n", "budgets: {activation_memory: 1 MB}\n"])
@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("network: tiny.yaml\n", "must stand in a study that trains a network (mode: training)"),
        ("mode: training\nnetworks: [tiny.yaml, tiny.yaml]\n", "in a mix of networks all activations are kept"),
    ],
)
def test_inference_and_mixes_refuse_both_keys(tmp_path: Path, key: str, head: str, why: str) -> None:
    write_recompute_study(tmp_path)
    (tmp_path / "other.yaml").write_text(head + key, encoding="utf-8")
    with pytest.raises(SpecError) as error:
        load(tmp_path / "other.yaml")
    assert str(error.value).count("\n") == 0
    assert why in str(error.value)
    assert run(tmp_path / "other.yaml").exit_code == 2
