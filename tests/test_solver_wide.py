"""Without a complete lattice the solver finds the same optima: compared with the lattice and with brute force."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

import costmodel.groups
import costmodel.ideals
import solver.wide
from brute_force import brute_force
from costmodel.evaluate import evaluate
from costmodel.groups import group_lattice
from costmodel.legal_groups import TooWideError, legal_groups
from random_instances import KINDS, draw_budgets, instance
from random_networks import random_study
from solver import Result, solve
from solver.rounds import _Rounds
from specs.network import Network
from specs.study import Budgets, Goal, Study
from wide_networks import cell, heads, inception, study_of, u_net, wider_choice

GOALS: tuple[Goal, ...] = ("energy", "latency", "bandwidth", "edp")


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """No lattice is small enough, and only the file's order and its nearest neighbours are listed."""
    monkeypatch.setattr(costmodel.groups, "MOST_STEPS", 0)
    monkeypatch.setattr(costmodel.ideals, "MOST_PER_SIZE", 1)
    monkeypatch.setattr(solver.wide, "FEW", 0)


def answer(result: Result) -> tuple[str, int | None, int | None]:
    return result.status, result.objective, result.bound


def solve_both(study: Study, **options: bool) -> tuple[Result, Result]:
    """With the whole lattice, and without."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costmodel.groups, "MOST_STEPS", 10**6)
        listed = solve(study, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costmodel.groups, "MOST_STEPS", 0)
        patch.setattr(costmodel.ideals, "MOST_PER_SIZE", 1)
        patch.setattr(solver.wide, "FEW", 0)
        assert not group_lattice(study.network, study.fusion.max_layers).complete
        unlisted = solve(study, **options)
    return listed, unlisted


@pytest.mark.parametrize("seed", range(24))
def test_random_studies_have_the_same_optimum_with_and_without_lattice(seed: int) -> None:
    rng = random.Random(f"wide {seed}")
    study = replace(random_study(rng, max_layers=8), goal=GOALS[seed % 4])
    listed, unlisted = solve_both(study, baseline=seed % 4 == 0)
    assert answer(unlisted) == answer(listed)
    if listed.layer_by_layer is not None and unlisted.layer_by_layer is not None:
        assert unlisted.layer_by_layer.objective == listed.layer_by_layer.objective
    if listed.cost is None:
        return
    share = rng.choice([0.9, 0.97, 0.99, 1])
    budgets = {
        "energy": Budgets(latency_fs=int(listed.cost.latency_fs * share)),
        "latency": Budgets(energy_fj=int(listed.cost.energy_fj * share)),
        "bandwidth": Budgets(
            latency_fs=int(listed.cost.latency_fs * share), energy_fj=int(listed.cost.energy_fj * (2 - share))
        ),
        "edp": Budgets(latency_fs=int(listed.cost.latency_fs * share)),
    }
    listed, unlisted = solve_both(replace(study, budgets=budgets[study.goal]), baseline=False)
    assert answer(unlisted) == answer(listed)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("seed", range(24))
def test_brute_force_agrees_without_lattice(seed: int) -> None:
    study = instance(3000 + seed)
    if seed % 2:
        _, study = draw_budgets(random.Random(seed), study, KINDS[seed % 3])
    status, objective, _ = brute_force(study)
    for use_bounds in (True, False):
        found = solve(study, baseline=False, use_bounds=use_bounds)
        assert (found.status, found.objective) == (status, objective)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("network", [heads(3, 1), cell(), inception(), u_net()], ids=lambda network: network.name)
def test_brute_force_agrees_on_wide_networks(network: Network, goal: str) -> None:
    study = study_of(network, goal)  # type: ignore[arg-type]
    found = solve(study, baseline=False)
    assert answer(found) == ("optimal", *(brute_force(study)[1],) * 2)


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("network", [heads(4, 2), cell(), inception(), u_net()], ids=lambda network: network.name)
def test_wide_networks_have_the_same_optimum_with_and_without_lattice(network: Network, goal: str) -> None:
    study = wider_choice(study_of(network, goal, max_layers=4))  # type: ignore[arg-type]
    listed, unlisted = solve_both(study, baseline=False)
    assert answer(unlisted) == answer(listed)


def test_a_layer_with_twelve_heads_is_solved() -> None:
    study = wider_choice(study_of(heads(12, 3, channels=8, side=8, after=2), max_layers=3))
    network = study.network
    assert len(network.layers) == 40
    assert not group_lattice(network, 3).complete
    result = solve(study, time_limit=90)  # for machines ten times as slow
    assert result.design is not None
    assert result.objective == evaluate(study, result.design).energy_fj
    assert result.bound is not None
    assert 0.97 * result.objective <= result.bound <= result.objective
    assert result.layer_by_layer is not None
    assert result.layer_by_layer.status == "optimal"
    assert result.layer_by_layer.objective > result.objective  # type: ignore[operator]


@pytest.mark.usefixtures("wide")
def test_rounds_that_are_stopped_leave_a_design_and_an_honest_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    study = wider_choice(study_of(heads(4, 2), max_layers=4))
    optimum = solve(study, baseline=False).objective
    run = _Rounds.run
    monkeypatch.setattr(_Rounds, "run", lambda self, stop: run(self, lambda: True))
    stopped = solve(study, baseline=False)
    assert optimum is not None
    assert stopped.bound is not None
    assert stopped.objective is not None
    assert stopped.bound < optimum < stopped.objective
    assert stopped.status == "feasible"


@pytest.mark.usefixtures("wide")
def test_who_is_stopped_at_once_knows_nothing_wrong() -> None:
    study = wider_choice(study_of(heads(4, 2), max_layers=4))
    stopped, optimum = solve(study, baseline=False, time_limit=1e-3), solve(study, baseline=False).objective
    assert optimum is not None
    assert stopped.bound is None or stopped.bound <= optimum
    assert stopped.objective is None or stopped.objective >= optimum


def test_too_many_groups_are_refused_in_one_line() -> None:
    network = heads(12, 3)
    number = len(legal_groups(network, 3))
    assert len(legal_groups(network, 3, most=number)) == number
    with pytest.raises(TooWideError) as error:
        legal_groups(network, 3, most=number - 1)
    assert str(error.value) == (
        f"network heads has more than {number - 1} fusion groups of up to 3 layers; lower fusion.max_layers"
    )
