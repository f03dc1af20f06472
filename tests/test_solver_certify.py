"""A proof on disk: HiGHS and plain Python agree with it, and notice where it is wrong."""

from __future__ import annotations

import copy
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from costmodel.table import build_table, price_rows
from random_networks import random_study
from solver import solve
from solver.certificate import certificate_object
from solver.certificate_check import recheck
from solver.export import DESIGN_FILE, MODEL_FILE
from solver.mps import mps_text
from solver.plain_model import PlainModel, plain_model
from solver.proof import Proof
from solver.result import Result
from solver.second_solver import Verdict, check_with_highs
from specs import load
from specs.study import Budgets, Study
from test_solver_model import _crossed_study
from tiny_study import ROOT


def _proof(study: Study, **options: Any) -> tuple[Result, Proof, PlainModel]:
    proofs: list[Proof] = []
    result = solve(study, baseline=False, workers=1, on_proof=proofs.append, **options)
    return result, proofs[0], plain_model(proofs[0])


def _check(result: Result, model: PlainModel, folder: Path, wrong_by: int = 0) -> Verdict:
    (folder / MODEL_FILE).write_text(mps_text(model.program), encoding="utf-8")
    best = None if result.objective is None else result.objective // model.unit + wrong_by
    return check_with_highs(folder / MODEL_FILE, model, best)


def _certificate(result: Result, proof: Proof, model: PlainModel, folder: Path) -> dict[str, Any]:
    for name in (MODEL_FILE, DESIGN_FILE):
        (folder / name).write_text("", encoding="utf-8")
    return certificate_object(result, proof, model, folder)


def _studies(seed: int) -> dict[str, Study]:
    """A random study without budgets, with ones that cost something, and with ones that nothing keeps."""
    study = replace(random_study(random.Random(seed), max_layers=4), goal="energy")
    frugal = solve(study, baseline=False, workers=1)
    fast = solve(replace(study, goal="latency"), baseline=False, workers=1)
    if frugal.cost is None or fast.cost is None:
        return {"free": study}
    slow, least, dear = frugal.cost.latency_fs, fast.cost.latency_fs, fast.cost.energy_fj
    return {
        "free": replace(study, goal=("energy", "latency", "bandwidth")[seed % 3]),
        "one budget": replace(study, budgets=Budgets(latency_fs=(slow + 2 * least) // 3)),
        "two budgets": replace(
            study, goal="bandwidth", budgets=Budgets(latency_fs=(slow + least) // 2, energy_fj=dear)
        ),
        "budget on the goal": replace(study, budgets=Budgets(energy_fj=frugal.cost.energy_fj - 1)),
        "infeasible": replace(study, budgets=Budgets(latency_fs=least - 1)),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_highs_and_plain_python_agree_with_cpsat(seed: int, tmp_path: Path) -> None:
    studies = _studies(seed)
    chosen = list(studies)[seed % len(studies)]
    study = studies[chosen]
    table = build_table(study)
    for options in ({"use_bounds": False}, {"margin": 0.2}):
        result, proof, model = _proof(study, **options)
        assert result.status in ("optimal", "infeasible")
        verdict = _check(result, model, tmp_path)
        assert verdict.found == "confirmed", (chosen, options, verdict)
        certificate = _certificate(result, proof, model, tmp_path)
        assert recheck(study, certificate, table) == []
        assert (certificate["objective_base"], certificate["status"]) == (result.objective, result.status)


def test_the_studies_are_of_every_kind() -> None:
    statuses = [(kind, solve(study, baseline=False, workers=1).status) for kind, study in _studies(4).items()]
    assert dict(statuses) == {
        "free": "optimal",
        "one budget": "optimal",
        "two budgets": "optimal",
        "budget on the goal": "infeasible",
        "infeasible": "infeasible",
    }


def _pair_paths(proof: Proof, point: int, weights: dict[str, int]) -> list[tuple[int, tuple[int, ...], int]]:
    """For every pair that fits a point: its group, its costs, and the least weighted path through it."""
    problem = proof.problem
    table, block = problem.table, problem.block_of[point]
    family = problem.family(block)
    priced = price_rows(table, family, block.array, np.array([point], dtype=np.intp))
    period = table.points[point].period_fs if problem.goal == "latency" else 1
    totals = {"energy": priced.energy_fj[:, 0], "latency": priced.cycles, "bandwidth": priced.dram_bytes}
    costs = np.stack([totals[problem.goal] * period, *(totals[name] for name in map(str, problem.budgeted))], axis=1)
    rows_of: dict[int, list[tuple[tuple[int, ...], int]]] = {}
    row_class = problem.row_class(family)
    for row in np.flatnonzero(priced.fits[:, 0]).tolist():
        cost = tuple(costs[row].tolist())
        weighted = sum(w * c for w, c in zip(weights.values(), cost, strict=True))
        rows_of.setdefault(int(row_class[row]), []).append((cost, weighted))
    steps = [step for step in table.lattice.steps if int(table.group_class[step.group]) in rows_of]
    least = {group_class: min(weighted for _, weighted in rows) for group_class, rows in rows_of.items()}
    to, start = {0: 0}, {len(table.lattice.ideals) - 1: 0}
    for step in sorted(steps, key=lambda step: step.before):
        if step.before in to:
            length = to[step.before] + least[int(table.group_class[step.group])]
            to[step.after] = min(to.get(step.after, length), length)
    for step in sorted(steps, key=lambda step: -step.after):
        if step.after in start:
            length = start[step.after] + least[int(table.group_class[step.group])]
            start[step.before] = min(start.get(step.before, length), length)
    found: dict[tuple[int, tuple[int, ...]], int] = {}
    for step in steps:
        if step.before in to and step.after in start:
            for cost, weighted in rows_of[int(table.group_class[step.group])]:
                through = to[step.before] + weighted + start[step.after]
                found[step.group, cost] = min(found.get((step.group, cost), through), through)
    return [(group, cost, through) for (group, cost), through in found.items()]


def test_no_pair_below_the_threshold_is_missing() -> None:
    checked = dropped = 0
    for seed in range(8):
        for study in _studies(seed).values():
            _, proof, _ = _proof(study, margin=0.3)
            for point in proof.bounds.open_points().tolist():
                weights = proof.bounds.weights.get(point)
                told = {"objective": weights.objective if weights else 1}
                multipliers = weights.budgeted if weights else (0,) * len(proof.problem.budgeted)
                told |= dict(zip(proof.problem.budgeted, multipliers, strict=True))
                slack = sum(told[name] * proof.problem.limit(name, point) for name in proof.problem.budgeted)
                threshold = told["objective"] * (proof.bounds.upper + proof.bounds.margin) + slack
                left = [(pair.group, (pair.objective, *pair.budgeted)) for pair in proof.pairs if pair.point == point]
                for group, cost, through in _pair_paths(proof, point, told):
                    is_left = any(g == group and all(np.array(kept) <= cost) for g, kept in left)
                    assert is_left or through >= threshold, (seed, point, group, cost)
                    checked, dropped = checked + 1, dropped + (not is_left)
    assert checked > 100
    assert dropped > 20


def test_a_cycle_that_was_cut_is_in_the_model(tmp_path: Path) -> None:
    result, proof, model = _proof(_crossed_study("energy"), use_bounds=False)
    assert proof.cycles_cut
    assert _check(result, model, tmp_path).found == "confirmed"
    without = plain_model(replace(proof, cycles_cut=()))
    assert _check(result, without, tmp_path).found == "differs"


@pytest.fixture(scope="module")
def some() -> tuple[Study, Result, Proof, PlainModel]:
    study = _studies(4)["one budget"]
    return study, *_proof(study, margin=0.2)


@pytest.mark.parametrize("wrong_by", [-1, 1])
def test_a_false_optimum_is_noticed(
    wrong_by: int, some: tuple[Study, Result, Proof, PlainModel], tmp_path: Path
) -> None:
    _, result, _, model = some
    verdict = _check(result, model, tmp_path, wrong_by)
    assert verdict.found == "differs"
    assert verdict.lines


def test_a_file_that_is_not_the_model_is_noticed(some: tuple[Study, Result, Proof, PlainModel], tmp_path: Path) -> None:
    _, result, _, model = some
    (tmp_path / MODEL_FILE).write_text("no model\n", encoding="utf-8")
    assert check_with_highs(tmp_path / MODEL_FILE, model, 1).found == "differs"
    cheaper = replace(model, program=replace(model.program, offset=model.program.offset - 1))
    (tmp_path / MODEL_FILE).write_text(mps_text(cheaper.program), encoding="utf-8")
    assert result.objective is not None
    assert check_with_highs(tmp_path / MODEL_FILE, model, result.objective // model.unit).found == "differs"


def test_a_false_infeasibility_is_noticed(some: tuple[Study, Result, Proof, PlainModel], tmp_path: Path) -> None:
    _, result, _, model = some
    verdict = _check(replace(result, best=replace(result.best, objective=None)), model, tmp_path)
    assert verdict.found == "differs"


def test_false_deductions_are_noticed(some: tuple[Study, Result, Proof, PlainModel], tmp_path: Path) -> None:
    study, result, proof, model = some
    right = _certificate(result, proof, model, tmp_path)
    assert recheck(study, right) == []
    points = right["deductions"]["points"]
    bounded = [i for i, point in enumerate(points) if point["lower_bound_base"] is not None]
    assert bounded

    def wrong(which: int, **changes: Any) -> list[str]:
        changed = copy.deepcopy(right)
        changed["deductions"]["points"][which] |= changes
        return recheck(study, changed)

    first, lower = bounded[0], points[bounded[0]]["lower_bound_base"]
    assert "prove" in wrong(first, lower_bound_base=2 * lower)[0]
    assert "no design" in wrong(first, lower_bound_base=None)[0]
    assert "prove nothing" in wrong(first, weights={"objective": 1, "latency": -1})[0]
    assert "prove nothing" in wrong(first, weights={"objective": 1, "energy": 5})[0]
    assert "may keep" in wrong(first, weights={"objective": 0, "latency": 0})[0]
    assert "was dropped, but" in wrong(first, lower_bound_base=0, verdict="dropped")[0]
    assert "other hardware" in wrong(first, hardware={})[0]
    missing = copy.deepcopy(right)
    del missing["deductions"]["points"][0]
    assert recheck(study, missing) == ["the points told are not the study's hardware points"]


def test_a_shipped_network(tmp_path: Path) -> None:
    study = load(
        ROOT / "specs/studies/alexnet_eyeriss.yaml",
        overrides={"buffers.feature": "[68 KiB, 92 KiB]", "buffers.weight": "[8 KiB, 16 KiB, 40 KiB]"},
    )
    result, proof, model = _proof(study, margin=0.02)
    assert result.status == "optimal"
    assert len(proof.pairs) > 20
    assert _check(result, model, tmp_path).found == "confirmed"
    assert recheck(study, _certificate(result, proof, model, tmp_path)) == []
