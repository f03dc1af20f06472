"""One table for many questions gives the answers that each question alone gets."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from costmodel.table import build_table
from random_instances import KINDS, draw_budgets, instance
from random_mixes import mix_of
from solver import solve
from solver.session import Session
from specs.study import GOALS, Budgets, Precision


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 6, 7, 8, 9])
def test_a_shared_table_answers_like_a_table_of_ones_own(seed: int) -> None:
    study = instance(seed)
    session = Session(study)
    rng = random.Random(seed)
    asked = [replace(study, goal=goal, budgets=Budgets()) for goal in GOALS]
    asked += [draw_budgets(rng, study, kind, rated)[1] for kind in KINDS for rated in (False, True)]
    for question in asked:
        shared, alone = session.solve(question), solve(question, baseline=False)
        assert (shared.status, shared.objective, shared.bound) == (alone.status, alone.objective, alone.bound)
        assert shared.space.hardware_points == alone.space.hardware_points


@pytest.mark.parametrize("seed", range(4, 8))
def test_budgets_of_a_mix_are_part_of_the_question(seed: int) -> None:
    study = mix_of(seed)
    session, free = Session(study), solve(study, baseline=False)
    assert free.cost is not None
    assert session.solve(study).objective == free.objective
    mix = (replace(study.mix[0], budgets=Budgets(energy_fj=1)), *study.mix[1:])
    assert session.solve(replace(study, mix=mix)).status == "infeasible"


def test_another_space_is_refused() -> None:
    study = instance(1)
    with pytest.raises(ValueError, match="goals and budgets alone"):
        Session(study).solve(replace(study, batch=study.batch + 1))


def test_several_precisions_have_a_table_each() -> None:
    several = replace(instance(1), precisions=(Precision(16, 16, 32), Precision(8, 8, 32)))
    assert Session(several).solve(several).objective == solve(several, baseline=False).objective
    with pytest.raises(ValueError, match="one precision"):
        solve(several, table=build_table(instance(1)))
