"""Random training steps in which activations may be recomputed, small enough for brute force."""

from __future__ import annotations

import random
from dataclasses import replace

from brute_force_choices import made_again
from brute_force_groups import legal_blocks
from brute_force_space import group_designs, listed_hardware
from random_networks import random_study
from random_training import PRECISIONS, random_step
from random_training_instances import one_point
from specs.network import Network
from specs.study import OPTIMIZERS, Fusion, Study, Tiling
from specs.training_recompute import with_choices

_TILINGS = (
    Tiling((1, 2, 4), (1, 2), (1, 2), (1, 2)),
    Tiling((1, 2), (1,), (1, 2), (1, 2)),
    Tiling((1, 2), (1,), (1, 2), (1,)),
    Tiling((1, 2), (1,), (1,), (1,)),
)


def choice_step(rng: random.Random, max_layers: int, most_layers: int) -> tuple[Network, Network]:
    """A training step, and the same with choices, of which there is at least one."""
    wanted = rng.choice(["elementwise", "all", "all"])
    while True:
        step = random_step(rng, rng.choice([2, 2, 3]))
        if len(step.layers) <= most_layers:
            network = with_choices(step, wanted, max_layers)  # type: ignore[arg-type]
            if network.keepers:
                return step, network


def choice_instance(seed: int | str, most_prices: int = 600, most_layers: int = 13) -> tuple[Study, Network]:
    """The random study of a seed, and its training step without choices."""
    rng = random.Random(f"choices {seed}")
    max_layers = rng.choice([1, 2, 3, 4])
    step, network = choice_step(rng, max_layers, most_layers)
    study = random_study(rng, max_layers=1)
    study = replace(
        study,
        network=network,
        mode="training",
        accelerators=tuple(replace(one, skip_zeros=rng.random() < 0.5) for one in study.accelerators),
        fusion=Fusion(max_layers, study.fusion.overlap),
        optimizer=rng.choice(OPTIMIZERS),
        precision=rng.choice(PRECISIONS),
        batch=rng.choice([1, 1, 2, 3]),
    )
    if rng.random() < 0.7:
        study = one_point(rng, study)
    for tiling in _TILINGS[rng.choice([0, 0, 1, 2]) :]:
        study = replace(study, tiling=tiling)
        if prices(study, step) <= most_prices:
            return study, step
    return one_point(rng, study), step


def prices(study: Study, step: Network) -> int:
    """How many prices of groups brute force has to find where everything is made again."""
    plain = replace(study, network=made_again(step, tuple(study.network.keepers)))
    blocks = legal_blocks(plain.network, study.fusion.max_layers)
    designs = sum(len(list(group_designs(plain, names, ("fastest",)))) for names in blocks)
    return len(list(listed_hardware(study))) * designs
