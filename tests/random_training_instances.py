"""Random studies of training steps that brute force can finish."""

from __future__ import annotations

import random
from dataclasses import replace

from brute_force_groups import legal_blocks
from brute_force_space import group_designs, listed_hardware
from random_networks import random_study
from random_training import PRECISIONS, random_step
from specs.study import OPTIMIZERS, Fusion, SharedBuffer, Study, Tiling

MOST_LAYERS = 14
MOST_PRICES = 3000
_TILINGS = (
    Tiling((1, 2, 4), (1, 2), (1, 2), (1, 2)),
    Tiling((1, 2), (1, 2), (1, 2), (1, 2)),
    Tiling((1, 2), (1,), (1, 2), (1, 2)),
    Tiling((1, 2), (1,), (1, 2), (1,)),
    Tiling((1, 2), (1,), (1,), (1,)),
)


def training_instance(seed: int | str, most_prices: int = MOST_PRICES, most_layers: int | None = None) -> Study:
    """The random training step of a seed, with as many tilings and as much hardware as brute force has time for."""
    rng = random.Random(f"training {seed}")
    study = random_study(rng, max_layers=1)
    step = random_step(rng, rng.choice([1, 1, 2, 2, 3]))
    while len(step.layers) > (most_layers or MOST_LAYERS):
        step = random_step(rng, rng.choice([1, 2, 3]) if most_layers is None else 1)
    study = replace(
        study,
        network=step,
        mode="training",
        accelerators=tuple(replace(one, skip_zeros=rng.random() < 0.5) for one in study.accelerators),
        fusion=Fusion(rng.choice([1, 2, 3, 4]), study.fusion.overlap),
        optimizer=rng.choice(OPTIMIZERS),
        precision=rng.choice(PRECISIONS),
        batch=rng.choice([1, 1, 2, 3]),
    )
    for tiling in _TILINGS[rng.choice([0, 0, 1, 2]) :]:
        study = replace(study, tiling=tiling)
        if prices(study) <= most_prices:
            return study
    if prices(study) > most_prices:
        study = one_point(rng, study)
    while prices(study) > most_prices and study.fusion.max_layers > 1:
        study = replace(study, fusion=replace(study.fusion, max_layers=study.fusion.max_layers - 1))
    return study


def one_point(rng: random.Random, study: Study) -> Study:
    """A study with one hardware point of those that it lists."""
    spec = rng.choice(study.accelerators)
    spec = replace(spec, numbers=tuple((name, (rng.choice(listed),)) for name, listed in spec.numbers))
    if isinstance(study.buffers, SharedBuffer):
        return replace(study, accelerators=(spec,), buffers=SharedBuffer(study.buffers.shared_bytes[-1:]))
    buffers = replace(
        study.buffers,
        feature_bytes=study.buffers.feature_bytes[-1:],
        weight_bytes=(rng.choice(study.buffers.weight_bytes),),
    )
    return replace(study, accelerators=(spec,), buffers=buffers)


def prices(study: Study) -> int:
    """How many prices of groups brute force has to find."""
    blocks = legal_blocks(study.network, study.fusion.max_layers)
    designs = sum(len(list(group_designs(study, names, ("fastest",)))) for names in blocks)
    return len(list(listed_hardware(study))) * designs
