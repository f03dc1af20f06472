"""``solve compare`` of a training study: inference against training."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from plots.compare_training import training_bars
from plots.style import NothingToDrawError, written
from solver import compare, solve
from solver.training_compare_report import report
from solver.training_comparison import TrainingComparison
from solver.training_questions import NotComparableError, both_of, inference_of, only
from specs.study import Budgets
from tiny_study import run
from tiny_training import training_study, write_training_study


@pytest.fixture(scope="module")
def found() -> TrainingComparison:
    made = compare(training_study(), workers=1)
    assert isinstance(made, TrainingComparison)
    return made


def test_each_is_best_on_its_own_hardware(found: TrainingComparison) -> None:
    assert [made.name for made in found.made_for] == ["inference", "training", "both"]
    for work in ("inference", "training"):
        own = found.own(work)
        assert own is not None
        for made in found.made_for:
            ran = getattr(made, work)
            assert ran.status == "optimal"
            assert ran.cost.energy_fj >= own.cost.energy_fj


def test_the_mix_is_one_of_each_and_no_worse_than_the_others(found: TrainingComparison) -> None:
    totals = {}
    for made in found.made_for:
        assert made.inference is not None
        assert made.training is not None
        totals[made.name] = made.inference.cost.energy_fj + made.training.cost.energy_fj
    assert found.made_for[2].best is not None
    assert totals["both"] == found.made_for[2].best.objective == min(totals.values())


def test_a_part_costs_what_it_costs_alone_on_that_hardware(found: TrainingComparison) -> None:
    both = found.made_for[2]
    assert both.best is not None
    assert both.best.design is not None
    for study, ran in ((inference_of(found.study), both.inference), (found.study, both.training)):
        alone = solve(only(study, both.best.design.hardware, study.precision), baseline=False, workers=1)
        assert ran is not None
        assert alone.objective == ran.cost.energy_fj


def test_phases_of_every_step_add_up(found: TrainingComparison) -> None:
    for made in found.made_for:
        assert made.training is not None
        assert made.inference is not None
        assert not made.inference.phases
        phases = made.training.phases.values()
        assert sum(phase.energy_fj for phase in phases) == made.training.cost.energy_fj
        assert sum(phase.cycles for phase in phases) == made.training.cost.cycles


def test_the_table_tells_hardware_phases_and_ratios(found: TrainingComparison) -> None:
    text = report(found)
    assert text.startswith("learn: inference against a training step of tiny, least energy, 2 images\n")
    for words in ("for inference: vwa", "for both: vwa", "  update  ", "x the energy and", "optimal"):
        assert words in text
    assert max(map(len, text.splitlines())) <= 110


def test_limits_on_totals_are_those_of_a_step() -> None:
    study = replace(training_study(), budgets=Budgets(latency_fs=10**9, area_um2=10**6, power_nw=10**12))
    assert inference_of(study).budgets == Budgets(area_um2=10**6, power_nw=10**12)
    mix = both_of(study)
    assert mix.budgets == Budgets(area_um2=10**6, power_nw=10**12)
    assert [one.budgets.latency_fs for one in mix.mix] == [None, 10**9]


def test_hardware_that_runs_no_step_is_told() -> None:
    made = compare(replace(training_study(), budgets=Budgets(latency_fs=1)), workers=1)
    assert isinstance(made, TrainingComparison)
    text = report(made)
    assert "training: none keeps the budgets (proven)" in text
    assert "none found there" in text


def test_files_and_json(tmp_path: Path) -> None:
    spec, folder = write_training_study(tmp_path), tmp_path / "out"
    ran = run("compare", "--json", "--out", folder, spec)
    assert ran.exit_code == 0, ran.output
    assert {path.name for path in folder.iterdir()} == {"compare.json", "compare.csv", "compare.png"}
    made = json.loads(ran.stdout)
    assert made["format"] == "laminate-training-comparison/1"
    assert list(made["best_hardware_for"]) == ["inference", "training", "both"]
    assert made["best_hardware_for"]["both"]["hardware"]["template"] == "vwa"
    rows = list(csv.DictReader(io.StringIO((folder / "compare.csv").read_text(encoding="utf-8"))))
    steps = [row for row in rows if row["work"] == "training"]
    assert {row["best_hardware_for"] for row in steps} == {"inference", "training", "both"}
    whole = sum(float(row["energy_J"]) for row in steps if row["phase"] == "all")
    assert sum(float(row["energy_J"]) for row in steps if row["phase"] != "all") == pytest.approx(whole)
    axes = training_bars(made)
    assert [ax.get_ylabel().split()[0] for ax in axes] == ["energy", "latency"]
    assert written(axes[0], "caption").endswith("all designs are proven optimal in the stated space")
    nothing = {name: {"inference": None, "training": None} for name in made["best_hardware_for"]}
    with pytest.raises(NothingToDrawError):
        training_bars(made | {"best_hardware_for": nothing})


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    ran = run("compare", "--at", "feature=4 KiB, weight=16 KiB", write_training_study(tmp_path))
    assert (ran.exit_code, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 1)
    with pytest.raises(NotComparableError, match="must train one network"):
        both_of(replace(training_study(), inference=None))


def test_pins_hold_in_both_networks() -> None:
    study = training_study()
    (spec,) = study.accelerators
    pinned = replace(spec, mapping=(("conv1", (("blocks_on", "K"),)),))
    mapping = dict(both_of(replace(study, accelerators=(pinned,))).accelerators[0].mapping)
    assert list(mapping) == ["inference/conv1", "training/conv1"]
