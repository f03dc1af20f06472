"""Training steps with choices: what designs cost and do is what the plain steps do that they lead to."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from brute_force_choices import kept_bytes
from brute_force_groups import legal_blocks
from choice_designs import choice_design
from costmodel import evaluate, execute
from costmodel.compare import compare
from costmodel.reference import compute, random_data
from random_choices import choice_step
from specs.study import MOMENTS


@pytest.mark.parametrize("block", range(4))
def test_designs_cost_what_those_of_the_plain_step_cost(block: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(15 * block, 15 * block + 15):
        study, design, again, plain, drawn = choice_design(seed)
        cost, expected = evaluate(study, design), evaluate(plain, drawn)
        assert cost.groups == expected.groups, seed
        left = sum(kept_bytes(plain, group.layers) for group in drawn.groups)
        assert cost.activation_bytes == left, (seed, again, design)
        seen["again"] += len(again)
        seen["kept"] += len(study.network.keepers) - len(again)
    assert min(seen["again"], seen["kept"]) > 0


@pytest.mark.parametrize("block", range(4))
def test_executed_designs_do_what_they_cost(block: int) -> None:
    for seed in range(15 * block, 15 * block + 15):
        study, design, *_ = choice_design(seed)
        differing = [line for line in compare(study, design, seed) if not line.agrees]
        assert not differing, (seed, differing)


@pytest.mark.parametrize("seed", range(12))
def test_words_made_again_are_those_of_the_forward_pass(seed: int) -> None:
    """Whatever is made again, parameters change in the same way."""
    study, design, *_ = choice_design(seed)
    network = study.network
    data = random_data(network, study.batch, seed, MOMENTS[study.optimizer])
    runs = [layer for layer in network.layers if layer.op not in ("keep", "use")]
    words = compute(replace(network, layers=tuple(runs)), data, study.precision)
    for name in network.keepers:
        assert np.array_equal(words[name], words[f"{name}:again"]), name
    made = execute(study, design, seed).results
    for layer in network.layers:
        if layer.op == "update":
            assert np.array_equal(made[layer.name], words[layer.name]), layer.name


@pytest.mark.parametrize("seed", range(40))
def test_no_group_of_the_plain_step_reads_for_both_passes_what_may_be_made_again(seed: int) -> None:
    """Such a group would read a kept map once, but under two names twice."""
    rng = random.Random(seed)
    most = rng.choice([1, 2, 3, 4])
    step, network = choice_step(rng, most, 12)
    for block in legal_blocks(step, most):
        forward = {name for name in block if step.layer(name).phase == "forward"}
        late = set(block) - forward
        for name in network.keepers:
            readers = set(step.consumers[name])
            assert not ((readers | {name}) & forward and readers & late), (name, block)
