"""Designs of training steps with choices, made from designs of the plain steps that the choices lead to."""

from __future__ import annotations

import random
from dataclasses import replace

from brute_force_choices import made_again
from costmodel.design import Design, GroupDesign
from random_choices import choice_step
from random_training import training_design, training_study
from specs.network import Network
from specs.study import Fusion, Study


def with_keeps(network: Network, design: Design, again: tuple[str, ...]) -> Design:
    """The design of a network with choices that does what one of the plain step does: all not ``again`` is kept."""

    def kept(group: GroupDesign) -> GroupDesign:
        keeps = [network.keepers[name] for name in group.layers if name in network.keepers and name not in again]
        return replace(group, layers=tuple(sorted((*group.layers, *keeps), key=network.index.__getitem__)))

    return replace(design, groups=tuple(map(kept, design.groups)))


def mixes_passes(network: Network, design: Design) -> bool:
    """Whether a group makes a map again beside a layer of the forward pass."""
    for group in design.groups:
        layers = [network.layer(name) for name in group.layers]
        if any(layer.copy_of for layer in layers) and any(layer.phase == "forward" for layer in layers):
            return True
    return False


def choice_design(seed: int) -> tuple[Study, Design, tuple[str, ...], Study, Design]:
    """A random design: its study, itself, what it makes again, and the same in a study of the plain step."""
    rng = random.Random(f"choice design {seed}")
    study = training_study(rng, max_layers=1)
    most = rng.choice([1, 2, 3, 4, 6])
    step, network = choice_step(rng, most, 20)
    study = replace(study, network=network, fusion=replace(study.fusion, max_layers=most))
    while True:
        again = tuple(name for name in network.keepers if rng.random() < 0.5)
        plain = replace(study, network=made_again(step, again), fusion=Fusion(most, study.fusion.overlap))
        drawn = training_design(rng, plain)
        if not any(
            {f"{name}:again" for name in again} & set(group.layers)
            and any(plain.network.layer(name).phase == "forward" for name in group.layers)
            for group in drawn.groups
        ):
            return study, with_keeps(network, drawn, again), again, plain, drawn
