"""Random studies that brute force can finish, and budgets that exclude all, some or none of their optima."""

from __future__ import annotations

import random
from dataclasses import replace

from brute_force import Total, undominated_totals
from brute_force_groups import possible_groupings
from brute_force_space import group_designs, listed_hardware
from random_networks import TECHNOLOGY, random_study
from specs.network import Layer, Network, TensorShape
from specs.study import (
    GOALS,
    Budgets,
    Dram,
    Goal,
    SeparateBuffers,
    SharedBuffer,
    Study,
    Tiling,
)
from specs.templates import accelerator

BUDGETED = ("area_um2", "sram_bytes", "pes", "latency_fs", "energy_fj", "dram_bytes")
RATED = ("power_nw", "dram_bytes_per_s")
KINDS = ("infeasible", "binding", "slack")


def instance(seed: int) -> Study:
    """The random study of a seed, with more choices where brute force has time for them and fewer where not."""
    rng = random.Random(seed)
    study = random_study(rng)
    if len(study.network.layers) <= 2:
        columns, channels = rng.choice([None, (1, 2, 4)]), rng.choice([None, (1, 2, 3, 4, 8)])
        study = replace(study, tiling=Tiling(None, columns, channels, rng.choice([None, (1, 2, 3)])))
    if rng.random() < 0.1:
        study = replace(study, fusion=replace(study.fusion, max_layers=1))
    if prices_to_find(study) <= 1500:
        more = rng.choice(["clocks", "DRAMs", "images"])
        if more == "clocks":
            slow, fast = sorted(rng.sample([150_000_000, 200_000_000, 333_000_000, 700_000_000], 2))
            study = replace(study, accelerators=tuple(replace(a, clock_hz=(slow, fast)) for a in study.accelerators))
        elif more == "DRAMs":
            study = replace(study, dram=(*study.dram, Dram("other", 230_000, 1_700_000_000)))
        else:
            study = replace(study, batch=rng.choice([2, 3, 5]))
    buffers = study.buffers
    if prices_to_find(study) > 1500 and isinstance(buffers, SeparateBuffers):
        study = replace(study, buffers=replace(buffers, weight_bytes=(rng.choice(buffers.weight_bytes),)))
    if prices_to_find(study) > 1500:
        study = replace(study, tiling=Tiling((1, 2), (1, 2), (1, 2), (1, 2)))
    if prices_to_find(study) > 1500 and isinstance(study.buffers, SharedBuffer):
        study = replace(study, buffers=SharedBuffer((rng.choice(study.buffers.shared_bytes),)))
    if prices_to_find(study) > 1500:
        study = replace(study, tiling=Tiling((1, 2), (1,), (1, 2), (1, 2)))
    return study


def prices_to_find(study: Study) -> int:
    """How many prices of groups brute force has to find."""
    groupings = possible_groupings(study.network, study.fusion.max_layers)
    groups = {names for grouping in groupings for names in grouping}
    return len(list(listed_hardware(study))) * sum(
        len(list(group_designs(study, names, ("fastest",)))) for names in groups
    )


def draw_budgets(rng: random.Random, study: Study, kind: str, rated: bool = False) -> tuple[str, Study]:
    """Give a study a goal and budgets of a kind, read off the totals that brute force found.

    Parameters
    ----------
    kind
        ``infeasible``: no design keeps the budgets, although some keep each of them, if that exists.
        ``binding``: some design keeps them, but none that is optimal without them.
        ``slack``: an optimal design keeps them, some of them exactly.
    rated
        Whether totals per time may be limited or the goal, too: brute force then has more designs to look at.

    Returns
    -------
    tuple
        The kind that was possible, and the study.
    """
    names = BUDGETED + RATED * rated
    totals = undominated_totals(replace(study, goal="power" if rated else "energy"))  # with all mappings
    possible = [goal for goal in GOALS if rated or goal != "power"]
    goals: list[Goal] = rng.sample(possible, len(possible))
    if not totals:
        limits = {name: rng.randint(1, 10**9) for name in rng.sample(names, rng.randint(1, 2))}
        return "infeasible", replace(study, goal=goals[0], budgets=Budgets(**limits))
    if kind == "infeasible":
        return kind, replace(study, goal=goals[0], budgets=Budgets(**_unreachable(rng, totals, names)))
    if kind == "binding":
        for goal in goals:
            asked = replace(study, goal=goal)
            one = _tightened(rng, asked, totals, {}, names)
            if one:
                two = _tightened(rng, asked, totals, one, names)
                return kind, replace(asked, budgets=Budgets(**(two if two and rng.random() < 0.5 else one)))
    asked = replace(study, goal=goals[0])
    best = min(totals, key=lambda total: total.objective(asked))
    drawn = rng.sample(names, rng.randint(1, 3))
    own = {"energy": "energy_fj", "latency": "latency_fs", "bandwidth": "dram_bytes", "area": "area_um2"}
    if rng.random() < 0.5:
        drawn[0] = own.get(asked.goal, drawn[0])  # a budget on the goal itself
    limits = {name: getattr(best, name) + rng.choice([0, 0, 0, 1, getattr(best, name) // 3]) for name in drawn}
    return "slack", replace(asked, budgets=Budgets(**limits))


def _unreachable(rng: random.Random, totals: tuple[Total, ...], names: tuple[str, ...]) -> dict[str, int]:
    """Limits that nothing keeps: two that exclude each other, else one below every value of a number."""
    for first, second in rng.sample([(a, b) for a in names for b in names if a != b], 20):
        limit = getattr(rng.choice(totals), first)
        least = min(getattr(total, second) for total in totals if getattr(total, first) <= limit)
        if any(getattr(total, second) < least for total in totals) and rng.random() < 0.8:
            return {first: limit, second: least - 1}
    name = rng.choice(names)
    return {name: min(getattr(total, name) for total in totals) - 1}


def _tightened(
    rng: random.Random, study: Study, totals: tuple[Total, ...], limits: dict[str, int], names: tuple[str, ...]
) -> dict[str, int] | None:
    """Add a limit that excludes every design that is optimal under ``limits``, but not all designs."""
    kept = [total for total in totals if total.keeps(Budgets(**limits))]
    best = min(total.objective(study) for total in kept)
    for name in rng.sample(names, len(names)):
        least = min(getattr(total, name) for total in kept if total.objective(study) == best)
        below = sorted({getattr(total, name) for total in kept if getattr(total, name) < least})
        if below:
            value = rng.choice(below)
            between = rng.randint(value, min([b for b in below if b > value], default=least) - 1)
            return limits | {name: rng.choice([value, between])}
    return None


# Small studies by hand


def conv(name: str, reads: tuple[str, ...], K: int, C: int, size: int = 4, R: int = 1) -> Layer:
    """A convolution that keeps the map's size."""
    pad = R // 2
    return Layer(name, "conv", (reads,), 1, K, C, size, size, size, size, R, R, pad=(pad, pad, pad, pad))


def network_of(channels: int, *layers: Layer) -> Network:
    """A network over a 4 x 4 input ``x`` whose unread layers are its outputs."""
    read = {name for layer in layers for name in layer.input_tensors}
    outputs = tuple(layer.name for layer in layers if layer.name not in read)
    return Network("small", (("x", TensorShape(channels, 4, 4)),), layers, outputs)


def small_study(network: Network, goal: Goal, feature_bytes: int = 256) -> Study:
    """One multiplier at 1 GHz, one layer after the other, whole maps."""
    return Study(
        name="small",
        network=network,
        accelerators=(accelerator("vwa", blocks=1, rows=1, taps=1, clock_hz=10**9, double_buffer=False),),
        buffers=SeparateBuffers((feature_bytes,), (256,)),
        technology=TECHNOLOGY,
        dram=(Dram("test", 64_000, 500_000_000),),
        goal=goal,
        tiling=Tiling((1,), (1,), (1,)),
    )
