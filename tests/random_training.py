"""Random training steps and legal designs of them, drawn from the rules of what can run and without pricing any."""

from __future__ import annotations

import random
from dataclasses import replace

from costmodel.design import ORDERS_ALONE, Design, GroupDesign, Order
from costmodel.executed_orders import cuts_of
from costmodel.executed_steps import operands_of, tensors_of
from costmodel.groups import neighbours
from costmodel.hardware import hardware_points
from costmodel.legal import distinct_overlaps, image_counts, keeps, keeps_no_halos, tile_counts
from odd_networks import odd_network
from random_designs import exists, roomy
from random_networks import random_network, random_study, with_activations
from specs.network import Layer, Network
from specs.study import OPTIMIZERS, OVERLAPS, Precision, Study, Tiling
from specs.training import training_step

PRECISIONS = (
    Precision(),
    Precision(16, 16, 32, 16, 16),
    Precision(16, 8, 32, 32, 32),
    Precision(8, 8, 24, 16, 8),
    Precision(16, 16, 32, 16, 32),
)


def random_step(rng: random.Random, max_layers: int = 5) -> Network:
    """A training step of a random network with at least one layer with weights."""
    while True:
        draw = rng.choice([random_network, odd_network])
        network = with_activations(rng, draw(rng, max_layers=max_layers))
        if rng.random() < 0.5:  # pools that remember places
            pools = tuple(replace(v, op="maxpool", relu=False) if v.op == "avgpool" else v for v in network.layers)
            network = replace(network, layers=pools)
        try:
            return training_step(network)
        except ValueError:
            continue


def training_study(rng: random.Random, max_layers: int = 5) -> Study:
    """A study of a random training step, with buffers in which everything fits."""
    study = roomy(random_study(rng, max_layers=1))
    skips = rng.random() < 0.5
    return replace(
        study,
        network=random_step(rng, max_layers),
        accelerators=tuple(replace(spec, skip_zeros=skips) for spec in study.accelerators),
        mode="training",
        optimizer=rng.choice(OPTIMIZERS),
        batch=rng.choice([1, 2, 3]),
        precision=rng.choice(PRECISIONS),
        fusion=replace(study.fusion, overlap=OVERLAPS),
        tiling=Tiling(None, (1, 2, 3), None, None),
    )


def training_design(rng: random.Random, study: Study) -> Design:
    """Draw hardware, a grouping and how each group runs."""
    hardware = rng.choice(list(hardware_points(study)))
    groups = tuple(_group(rng, study, names) for names in _grouping(rng, study))
    return Design(hardware, groups)


def _grouping(rng: random.Random, study: Study) -> list[tuple[str, ...]]:
    """Draw layers that can run next, and let groups grow by what hangs together with them."""
    network, adjacent = study.network, neighbours(study.network)
    done: set[str] = set()
    groups = []
    while len(done) < len(network.layers):
        group = {rng.choice([layer.name for layer in network.layers if _may_join(network, layer, set(), done)])}
        wanted = min(study.fusion.max_layers, rng.choice([1, 1, 1, 2, 3, 12]))
        while len(group) < wanted:
            more = [
                layer.name
                for layer in network.layers
                if _may_join(network, layer, group, done)
                and adjacent[network.index[layer.name]] & _bits(network, group)
            ]
            if not more:
                break
            group.add(rng.choice(more))
        done |= group
        groups.append(tuple(layer.name for layer in network.layers if layer.name in group))
    return groups


def _bits(network: Network, names: set[str]) -> int:
    return sum(1 << network.index[name] for name in names)


def _may_join(network: Network, layer: Layer, group: set[str], done: set[str]) -> bool:
    """Whether a layer can run with a group once others are done."""
    if layer.name in group | done or any(network.layer(name).op == "update" and len(group) == 1 for name in group):
        return False
    views, inputs = dict(network.views), dict(network.inputs)
    for name in layer.input_tensors:
        maker = network.maker[name]
        if maker not in group | done and maker not in inputs:
            return False
        if maker in group and name in views and views[name].reshaped:
            return False
    if layer.op != "update":
        return done.issuperset(layer.waits_for)
    gradient = layer.waits_for[0]
    return done.issuperset(layer.waits_for[1:]) and gradient in (group or done)


def _group(rng: random.Random, study: Study, names: tuple[str, ...]) -> GroupDesign:
    layers = [study.network.layer(name) for name in names]
    outputs = [study.network.tensors[name] for name in tensors_of(study.network, layers).outputs]
    tile_rows = rng.choice(tile_counts(max((s.rows for s in outputs), default=1), None))
    tile_cols = rng.choice(tile_counts(max((s.cols for s in outputs), default=1), (1, 2, 3)))
    group = GroupDesign(names, tile_rows, tile_cols, images=rng.choice(image_counts(study)))
    if (layers[0].op == "wgrad" and len(layers) == 2 and layers[1].op == "update") or len(layers) == 1:
        group = _alone(rng, study, group, layers[0])
    else:
        kept = [layer.name for layer in layers if layer.has_weights and rng.random() < 0.5]
        group = replace(group, resident=frozenset(kept))
    overlaps = distinct_overlaps(study, tile_rows, tile_cols)
    if keeps_no_halos(group.order, group.input_splits) and layers[0].op != "wgrad":
        overlaps = ("recompute",)
    group = replace(group, overlap=rng.choice(overlaps))
    stepwise = replace(group, start="stepwise")
    keeps_halos = any(keeps(group.overlap, tile_rows, tile_cols)) and rng.random() < 0.7
    return stepwise if keeps_halos and exists(study, stepwise) else group


def _alone(rng: random.Random, study: Study, group: GroupDesign, layer: Layer) -> GroupDesign:
    splits, input_splits = _cuts(rng, study.network, layer, group)
    order: Order
    if layer.op == "wgrad":
        order = rng.choice(ORDERS_ALONE[: 1 if layer.K == layer.C == layer.G else 2])
        if order == "input-stationary":
            splits = input_splits = 1
    elif layer.K == layer.C == layer.G or layer.op == "update":
        order = "weight-stationary"
    else:
        order = rng.choice(
            ORDERS_ALONE[:2] if input_splits == 1 else [order for order in ORDERS_ALONE if order != "input-stationary"]
        )
    stays = "weight" in order or (order == "input-stationary" and layer.op != "wgrad" and rng.random() < 0.5)
    return replace(
        group,
        order=order,
        channel_splits=splits,
        input_splits=input_splits,
        resident=frozenset([layer.name]) if stays and layer.has_weights else frozenset(),
    )


def _cuts(rng: random.Random, network: Network, layer: Layer, group: GroupDesign) -> tuple[int, int]:
    """Cuts of a layer alone whose operands are tensors of their own."""
    read = [name for operand, _ in operands_of(layer) for name in operand]
    joint = any(len(names) > 1 and any(network.tensors[n].bits for n in names) for names in layer.operands)
    if layer.op == "update" or joint or len(read) > len(set(read)) or rng.random() < 0.2:
        return 1, 1
    channelwise = layer.K == layer.C == layer.G
    possible = []
    for splits in range(1, layer.K + 1):
        if layer.G > 1 and not channelwise and splits > 1 and splits % layer.G:
            continue
        for input_splits in range(1, layer.C // layer.G + 1):
            try:
                cuts_of(layer, replace(group, channel_splits=splits, input_splits=input_splits))
            except ValueError:
                continue
            if input_splits > 1 and layer.pixelwise and not layer.reduces:
                continue  # a mask would be needed with the last chunk alone
            possible.append((splits, input_splits))
    return rng.choice(possible)
