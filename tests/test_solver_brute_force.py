"""The solver finds exactly what brute force finds: without budgets, under budgets, and when nothing keeps them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import permutations, product

import pytest

from brute_force import (
    Option,
    Total,
    brute_force,
    group_designs,
    listed_hardware,
    possible_groupings,
    searched_mappings,
    set_partitions,
    total_of,
    undominated,
    undominated_totals,
)
from costmodel.design import ORDERS_ALONE, STARTS, Design, GroupDesign, Hardware, Order
from costmodel.evaluate import evaluate, group_cost
from costmodel.hardware import prices
from costmodel.legal import DesignError, check_design
from costmodel.template import PREFERENCES
from random_networks import TECHNOLOGY, random_study
from solver import Outcome, solve
from specs.network import Layer, Network, TensorShape
from specs.study import (
    GOALS,
    OVERLAPS,
    Budgets,
    Dram,
    Fusion,
    Goal,
    SeparateBuffers,
    SharedBuffer,
    Study,
    Tiling,
)
from specs.templates import accelerator

SEEDS = range(240)
SEEDS_PER_TEST = 10
LONG_SEEDS = range(10_000, 12_000)
BUDGETED = ("area_um2", "sram_bytes", "pes", "latency_fs", "energy_fj")
KINDS = ("infeasible", "binding", "slack")


def chunks(seeds: range, size: int) -> list[range]:
    return [seeds[i : i + size] for i in range(0, len(seeds), size)]


# Instances


def instance(seed: int) -> Study:
    """The random study of a seed, with more choices where brute force has time for them and fewer where not."""
    rng = random.Random(seed)
    study = random_study(rng)
    if len(study.network.layers) <= 2:
        columns, channels = rng.choice([None, (1, 2, 4)]), rng.choice([None, (1, 2, 3, 4, 8)])
        study = replace(study, tiling=Tiling(None, columns, channels, rng.choice([None, (1, 2, 3)])))
    if rng.random() < 0.1:
        study = replace(study, fusion=replace(study.fusion, max_layers=1))
    if _prices_to_find(study) <= 2000:
        more = rng.choice(["clocks", "DRAMs", "images"])
        if more == "clocks":
            slow, fast = sorted(rng.sample([150_000_000, 200_000_000, 333_000_000, 700_000_000], 2))
            study = replace(study, accelerators=tuple(replace(a, clock_hz=(slow, fast)) for a in study.accelerators))
        elif more == "DRAMs":
            study = replace(study, dram=(*study.dram, Dram("other", 230_000, 1_700_000_000)))
        else:
            study = replace(study, batch=rng.choice([2, 3, 5]))
    buffers = study.buffers
    if _prices_to_find(study) > 3000 and isinstance(buffers, SeparateBuffers):
        study = replace(study, buffers=replace(buffers, weight_bytes=(rng.choice(buffers.weight_bytes),)))
    if _prices_to_find(study) > 3000:
        study = replace(study, tiling=Tiling((1, 2), (1, 2), (1, 2), (1, 2)))
    if _prices_to_find(study) > 3000 and isinstance(study.buffers, SharedBuffer):
        study = replace(study, buffers=SharedBuffer((rng.choice(study.buffers.shared_bytes),)))
    if _prices_to_find(study) > 3000:
        study = replace(study, tiling=Tiling((1, 2), (1,), (1, 2), (1, 2)))
    return study


def _prices_to_find(study: Study) -> int:
    """How many prices of groups brute force has to find."""
    groupings = possible_groupings(study.network, study.fusion.max_layers)
    groups = {names for grouping in groupings for names in grouping}
    return len(list(listed_hardware(study))) * sum(
        len(list(group_designs(study, names, ("fastest",)))) for names in groups
    )


def draw_budgets(rng: random.Random, study: Study, kind: str) -> tuple[str, Study]:
    """Give a study a goal and budgets of a kind, read off the totals that brute force found.

    Parameters
    ----------
    kind
        ``infeasible``: no design keeps the budgets, although some keep each of them, if that exists.
        ``binding``: some design keeps them, but none that is optimal without them.
        ``slack``: an optimal design keeps them, some of them exactly.

    Returns
    -------
    tuple
        The kind that was possible, and the study.
    """
    totals = undominated_totals(replace(study, goal="energy"))  # with all mappings
    goals: list[Goal] = rng.sample(GOALS, len(GOALS))
    if not totals:
        limits = {name: rng.randint(1, 10**9) for name in rng.sample(BUDGETED, rng.randint(1, 2))}
        return "infeasible", replace(study, goal=goals[0], budgets=Budgets(**limits))
    if kind == "infeasible":
        return kind, replace(study, goal=goals[0], budgets=Budgets(**_unreachable(rng, totals)))
    if kind == "binding":
        for goal in goals:
            asked = replace(study, goal=goal)
            one = _tightened(rng, asked, totals, {})
            if one:
                two = _tightened(rng, asked, totals, one)
                return kind, replace(asked, budgets=Budgets(**(two if two and rng.random() < 0.5 else one)))
    asked = replace(study, goal=goals[0])
    best = min(totals, key=lambda total: total.objective(asked))
    names = rng.sample(BUDGETED, rng.randint(1, 3))
    own = {"energy": "energy_fj", "latency": "latency_fs", "bandwidth": names[0]}[asked.goal]
    if rng.random() < 0.5:
        names[0] = own  # a budget on the goal itself
    limits = {name: getattr(best, name) + rng.choice([0, 0, 0, 1, getattr(best, name) // 3]) for name in names}
    return "slack", replace(asked, budgets=Budgets(**limits))


def _unreachable(rng: random.Random, totals: tuple[Total, ...]) -> dict[str, int]:
    """Limits that nothing keeps: two that exclude each other, else one below every value of a number."""
    for first, second in rng.sample([(a, b) for a in BUDGETED for b in BUDGETED if a != b], 20):
        limit = getattr(rng.choice(totals), first)
        least = min(getattr(total, second) for total in totals if getattr(total, first) <= limit)
        if any(getattr(total, second) < least for total in totals) and rng.random() < 0.8:
            return {first: limit, second: least - 1}
    name = rng.choice(BUDGETED)
    return {name: min(getattr(total, name) for total in totals) - 1}


def _tightened(
    rng: random.Random, study: Study, totals: tuple[Total, ...], limits: dict[str, int]
) -> dict[str, int] | None:
    """Add a limit that excludes every design that is optimal under ``limits``, but not all designs."""
    kept = [total for total in totals if total.keeps(Budgets(**limits))]
    best = min(total.objective(study) for total in kept)
    for name in rng.sample(BUDGETED, len(BUDGETED)):
        least = min(getattr(total, name) for total in kept if total.objective(study) == best)
        below = sorted({getattr(total, name) for total in kept if getattr(total, name) < least})
        if below:
            value = rng.choice(below)
            between = rng.randint(value, min([b for b in below if b > value], default=least) - 1)
            return limits | {name: rng.choice([value, between])}
    return None


# The comparison


def check_outcome(study: Study, found: Outcome, label: str) -> None:
    """Compare one outcome of the solver with brute force: status, objective, bound, and the design itself."""
    status, objective, _ = brute_force(study)
    label = f"{label}, goal {study.goal}, {study.budgets}"
    assert found.status == status, label
    assert found.objective == objective, label
    if status == "infeasible":
        assert found.design is None, label
        return
    assert found.bound == objective, label
    assert found.design is not None, label
    assert found.cost == evaluate(study, found.design), label
    total = total_of(study, found.design)
    assert total.objective(study) == objective, label
    assert total.keeps(study.budgets), label


def check_with_baseline(study: Study, label: str) -> None:
    """Compare CP-SAT on its own, without bounds before it, and both optima without fusion."""
    result = solve(study, use_bounds=False)
    check_outcome(study, result.best, f"{label}, CP-SAT alone")
    alone = replace(study, fusion=replace(study.fusion, max_layers=1))
    assert result.layer_by_layer is not None
    check_outcome(alone, result.layer_by_layer, f"{label}, layer by layer")
    if result.design is None:
        assert result.layer_by_layer_same_hardware is None, label
        return
    assert result.layer_by_layer_same_hardware is not None
    check_outcome(
        only_hardware(alone, result.design.hardware),
        result.layer_by_layer_same_hardware,
        f"{label}, layer by layer on the same hardware",
    )


def only_hardware(study: Study, hardware: Hardware) -> Study:
    """The study with one hardware point alone."""
    accelerators = tuple(
        replace(
            spec,
            clock_hz=(hardware.clock_hz,),
            numbers=tuple((key, (hardware.array.numbers.get(key, listed[0]),)) for key, listed in spec.numbers),
        )
        for spec in study.accelerators
        if spec.template == hardware.template
    )
    if hardware.shared:
        buffers: SeparateBuffers | SharedBuffer = SharedBuffer((hardware.feature_bytes,))
    else:
        buffers = SeparateBuffers((hardware.feature_bytes,), (hardware.weight_bytes,))
    only = replace(study, accelerators=accelerators, buffers=buffers, dram=(hardware.dram,))
    assert list(listed_hardware(only)) == [hardware]
    return only


def check_seed(seed: int) -> str:
    """Compare all goals without budgets, then one goal under budgets; return the kind of budgets."""
    study, label = instance(seed), f"seed {seed}"
    free = {}
    for goal in GOALS:
        asked = replace(study, goal=goal)
        check_outcome(asked, solve(asked, baseline=False).best, label)
        free[goal] = brute_force(asked)[1]
    kind, budgeted = draw_budgets(random.Random(f"budgets {seed}"), study, KINDS[seed % 3])
    check_outcome(budgeted, solve(budgeted, baseline=False).best, label)
    check_with_baseline(budgeted, label)
    status, objective, _ = brute_force(budgeted)
    if kind == "infeasible":
        assert status == "infeasible"
    elif kind == "binding":
        assert objective is not None
        assert objective > free[budgeted.goal]
    else:
        assert objective == free[budgeted.goal]
    return kind


@pytest.mark.parametrize("seeds", chunks(SEEDS, SEEDS_PER_TEST), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_solver_finds_what_brute_force_finds(seeds: range) -> None:
    kinds = Counter(check_seed(seed) for seed in seeds)
    assert kinds["infeasible"] >= 3
    assert kinds["binding"] >= 1


@pytest.mark.long
@pytest.mark.parametrize("seeds", chunks(LONG_SEEDS, 50), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_solver_finds_what_brute_force_finds_at_length(seeds: range) -> None:
    kinds = Counter(check_seed(seed) for seed in seeds)
    assert kinds["infeasible"] >= 15
    assert kinds["binding"] >= 10


def _crossed(rng: random.Random) -> Study:
    """Two chains a-b and c-d whose large inputs cross: fusing {a, d} and {b, c} is cheapest, and cannot run."""
    wide, narrow = rng.randint(4, 10), rng.randint(1, 2)
    layers = (
        _conv("a", ("x",), narrow, wide, R=rng.choice([1, 3])),
        _conv("c", ("y",), narrow, wide, R=rng.choice([1, 3])),
        _conv("b", ("a", "y"), 1, narrow + wide),
        _conv("d", ("c", "x"), 1, narrow + wide),
    )
    shape = TensorShape(wide, 4, 4)
    network = Network("crossed", (("x", shape), ("y", shape)), layers, ("b", "d"))
    return replace(
        _small_study(network, rng.choice(["energy", "bandwidth"]), feature_bytes=512),
        tiling=Tiling((1, 2), (1,), (1,), (1,)),
        fusion=Fusion(max_layers=rng.choice([2, 2, 3])),
    )


@pytest.mark.parametrize("seed", range(20))
def test_groupings_that_wait_for_each_other_are_not_chosen(seed: int) -> None:
    study = _crossed(random.Random(seed))
    study = draw_budgets(random.Random(seed), study, KINDS[seed % 3])[1] if seed >= 10 else study
    check_outcome(study, solve(study, baseline=False).best, f"crossed {seed}")
    check_with_baseline(study, f"crossed {seed}")


def test_groupings_that_wait_for_each_other_would_be_cheaper() -> None:
    cheaper = 0
    for seed in range(20):
        study = _crossed(random.Random(seed))
        (hardware,) = listed_hardware(study)
        price, waiting = prices(study, hardware), 0
        for names in (("a", "d"), ("c", "b")):
            costs = [
                group_cost(study, hardware, price, group)
                for group in group_designs(study, names, searched_mappings(study))
            ]
            waiting += min(cost.energy_fj if study.goal == "energy" else cost.dram_bytes for cost in costs)
        best = brute_force(study)[1]
        assert best is not None
        cheaper += waiting < best
    assert cheaper >= 15


# What the instances cover


def _is_chain(network: Network) -> bool:
    """Several layers, each of which reads the one before and nothing else."""
    before = [network.inputs[0][0], *(layer.name for layer in network.layers)]
    return len(network.layers) > 1 and all(
        layer.input_tensors == (name,) for layer, name in zip(network.layers, before, strict=False)
    )


def _features(study: Study) -> set[str]:
    """What a study exercises, by name."""
    network, layers = study.network, study.network.layers
    templates = {accelerator.template for accelerator in study.accelerators}
    present = {
        "chain": _is_chain(network),
        "residual": any(layer.op == "add" for layer in layers),
        "concatenation": any(len(operand) > 1 for layer in layers for operand in layer.operands),
        "branch": any(len(readers) > 1 for readers in network.consumers.values()),
        "several outputs": len(network.outputs) > 1,
        "grouped": any(1 < layer.G < layer.C for layer in layers),
        "depthwise": any(layer.op == "dwconv" for layer in layers),
        "fully connected": any(layer.op == "fc" for layer in layers),
        "vwa": "vwa" in templates,
        "eyeriss": "eyeriss" in templates,
        "both templates": len(templates) == 2,
        "shared buffer": isinstance(study.buffers, SharedBuffer),
        "no double buffers": any(not accelerator.double_buffer for accelerator in study.accelerators),
        "several clocks": any(len(accelerator.clock_hz) > 1 for accelerator in study.accelerators),
        "several DRAMs": len(study.dram) > 1,
        "batch": study.batch > 1,
        "all tilings": study.tiling.row_splits is None,
        "no fusion": study.fusion.max_layers == 1,
        "tight max_layers": 1 < study.fusion.max_layers < len(layers),
    }
    return {name for name, is_so in present.items() if is_so}


def _habits(study: Study, design: Design) -> set[str]:
    """What an optimal design makes use of, by name."""
    habits: set[str] = set()
    for group in design.groups:
        weighted = [name for name in group.layers if study.network.layer(name).has_weights]
        tiles = group.tile_rows * group.tile_cols
        habits |= {"tiled rows"} if group.tile_rows > 1 else set()
        habits |= {"tiled columns"} if group.tile_cols > 1 else set()
        habits |= {"several images"} if group.images > 1 else set()
        habits |= {group.order, f"{group.order}, cut" if group.channel_splits > 1 else group.order}
        if len(group.layers) > 1:
            habits |= {f"fused tiles, {group.overlap}" if tiles > 1 else "fused whole"}
            habits |= {"fused, weights stream"} if len(group.resident) < len(weighted) else set()
            habits |= {"fused, some weights stay"} if 0 < len(group.resident) < len(weighted) else set()
    return habits


def test_the_seeds_cover_networks_and_hardware() -> None:
    counts = Counter(feature for seed in SEEDS for feature in _features(instance(seed)))
    assert all(counts[name] >= 60 for name in ("chain", "branch", "several outputs", "depthwise")), counts
    assert all(counts[name] >= 20 for name in ("residual", "concatenation", "grouped", "fully connected")), counts
    assert all(counts[name] >= 60 for name in ("vwa", "eyeriss", "both templates", "no double buffers")), counts
    assert all(counts[name] >= 40 for name in ("shared buffer", "batch", "all tilings")), counts
    assert all(counts[name] >= 20 for name in ("several clocks", "several DRAMs", "no fusion", "tight max_layers")), (
        counts
    )


def test_the_optima_and_the_budgets_are_of_every_kind() -> None:
    habits: Counter[str] = Counter()
    names: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, int]] = Counter()
    kinds: Counter[str] = Counter()
    for seed in SEEDS[:60]:
        study = instance(seed)
        for goal in GOALS:
            design = brute_force(replace(study, goal=goal))[2]
            habits.update(_habits(study, design) if design else {"nothing fits"})
        kind, study = draw_budgets(random.Random(f"budgets {seed}"), study, KINDS[seed % 3])
        limited = [name for name in BUDGETED if getattr(study.budgets, name) is not None]
        names.update((kind, name) for name in limited)
        sizes[kind, len(limited)] += 1
        kinds[kind] += 1
    common = ["tiled rows", "tiled columns", "fused whole", "fused, weights stream"]
    common += ["weight-stationary", "output-stationary"]
    assert all(habits[name] >= 10 for name in common), habits
    rare = [f"fused tiles, {overlap}" for overlap in OVERLAPS]
    rare += [f"{order}, cut" for order in ("weight-stationary", "input-stationary", "output-stationary")]
    rare += ["several images", "input-stationary", "fused, some weights stay", "nothing fits"]
    assert all(habits[name] >= 1 for name in rare), habits
    assert all(names[kind, name] >= 1 for kind in KINDS for name in BUDGETED), names
    assert all(kinds[kind] >= 14 for kind in KINDS), kinds
    assert all(sizes[kind, number] >= 2 for kind in KINDS for number in (1, 2)), sizes


# The oracle itself


def _conv(name: str, reads: tuple[str, ...], K: int, C: int, size: int = 4, R: int = 1) -> Layer:
    """A convolution that keeps the map's size."""
    pad = R // 2
    return Layer(name, "conv", (reads,), 1, K, C, size, size, size, size, R, R, pad=(pad, pad, pad, pad))


def _network(channels: int, *layers: Layer) -> Network:
    """A network over a 4 x 4 input ``x`` whose unread layers are its outputs."""
    read = {name for layer in layers for name in layer.input_tensors}
    outputs = tuple(layer.name for layer in layers if layer.name not in read)
    return Network("small", (("x", TensorShape(channels, 4, 4)),), layers, outputs)


def _small_study(network: Network, goal: Goal, feature_bytes: int = 256) -> Study:
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


def test_traffic_of_two_layers_by_hand() -> None:
    network = _network(2, _conv("a", ("x",), 3, 2), _conv("b", ("a",), 1, 3))
    # Input 2 x 16, output 1 x 16, weights 6 + 3; apart, the 3 x 16 between them go out and come back.
    fused = _small_study(network, "bandwidth")
    assert brute_force(fused)[:2] == ("optimal", 32 + 16 + 9)
    assert brute_force(replace(fused, fusion=Fusion(max_layers=1)))[:2] == ("optimal", 32 + 16 + 9 + 2 * 48)


def test_time_and_energy_of_one_layer_by_hand() -> None:
    network = _network(1, _conv("a", ("x",), 1, 1))
    # 16 MACs take 16 cycles; 16 + 16 + 1 bytes at half a byte per cycle take 66.
    cycles = 16 + 66
    assert brute_force(_small_study(network, "latency"))[:2] == ("optimal", cycles * 10**6)
    # Smallest SRAM: 1.5 and 2 pJ per 8 bytes, 1 uW (1 fJ in a ns); a MAC takes 0.3 pJ, a byte of DRAM 64 pJ.
    read, write = 188, 250
    feature = (16 + 16) * (read + write)  # pixels come in and are read, outputs are written and go out
    weights = 16 * read + 1 * write  # one per MAC
    sums = 16 * 576  # each MAC reads and writes its accumulator: 64 bits at 9 fJ
    energy = 16 * 300 + sums + feature + weights + 33 * 64_000 + cycles * 2
    assert brute_force(_small_study(network, "energy"))[:2] == ("optimal", energy)


def test_budgets_by_hand() -> None:
    network = _network(1, _conv("a", ("x",), 1, 1))
    two = accelerator("vwa", blocks=1, rows=(1, 2), taps=1, clock_hz=10**9, double_buffer=False)
    study = replace(_small_study(network, "latency"), accelerators=(two,))
    areas = [prices(study, hardware).area_um2 for hardware in listed_hardware(study)]

    def answer(**limits: int) -> int | None:
        return brute_force(replace(study, budgets=Budgets(**limits)))[1]

    assert answer() == (8 + 66) * 10**6
    assert answer(pes=2) == (8 + 66) * 10**6
    assert answer(pes=1) == (16 + 66) * 10**6
    assert answer(area_um2=areas[1] - 1) == answer(area_um2=areas[0]) == (16 + 66) * 10**6
    assert answer(area_um2=areas[0] - 1) is None
    assert answer(latency_fs=(8 + 66) * 10**6) == (8 + 66) * 10**6
    assert answer(latency_fs=(8 + 66) * 10**6 - 1) is None
    assert answer(pes=1, latency_fs=(8 + 66) * 10**6) is None
    assert answer(sram_bytes=512) is not None
    assert answer(sram_bytes=511) is None


def test_nothing_fits_by_hand() -> None:
    # Whole maps of 8 x 16 in and 8 x 16 out fit 256 bytes to the last one; 9 channels do not.
    fits, too_large = (_network(c, _conv("a", ("x",), c, c)) for c in (8, 9))
    assert brute_force(_small_study(fits, "energy"))[0] == "optimal"
    assert brute_force(_small_study(too_large, "energy")) == ("infeasible", None, None)


def test_groupings_by_hand() -> None:
    chain = _network(1, *(_conv(n, (r,), 1, 1) for n, r in ("ax", "ba", "cb", "dc")))
    assert len(list(possible_groupings(chain, 4))) == 8  # cut or not between any two
    assert len(list(possible_groupings(chain, 1))) == 1
    assert len(list(possible_groupings(chain, 2))) == 5
    # c reads a and b, b reads a: a and c without b would have to wait for b.
    residual = _network(1, _conv("a", ("x",), 1, 1), _conv("b", ("a",), 1, 1), _conv("c", ("a", "b"), 1, 2))
    assert len(list(possible_groupings(residual, 3))) == 4
    # All layers share x, so any blocks hang together; {a, d} and {b, c} wait for each other.
    crossed = _network(
        1,
        _conv("a", ("x",), 1, 1),
        _conv("b", ("a", "x"), 1, 2),
        _conv("c", ("x",), 1, 1),
        _conv("d", ("c", "x"), 1, 2),
    )
    assert len(list(possible_groupings(crossed, 4))) == 15 - 1
    # d reads b and c alone: {a, d} hangs together through nothing.
    diamond = _network(
        1, _conv("a", ("x",), 1, 1), _conv("b", ("a",), 1, 1), _conv("c", ("a",), 1, 1), _conv("d", ("b", "c"), 1, 2)
    )
    found = {frozenset(grouping) for grouping in possible_groupings(diamond, 4)}
    assert not any({"ad", "abd", "acd"} & {"".join(block) for block in grouping} for grouping in found)
    # d apart: abc, ab|c, ac|b, bc|a, a|b|c; d with b, c or both: bd|c|a, bd|ac, cd|b|a, cd|ab, bcd|a; and all four.
    assert len(found) == 11


def test_undominated_options_are_those_that_nothing_equals_or_beats() -> None:
    rng = random.Random(0)
    for _ in range(200):
        options = [Option(*(rng.randint(0, 4) for _ in range(3)), ()) for _ in range(rng.randint(0, 12))]
        plain = {
            a for a in options if not any(b != a and all(y <= x for x, y in zip(a, b, strict=True)) for b in options)
        }
        kept = undominated(options)
        assert len(kept) == len(set(kept))
        assert set(kept) == plain


@pytest.mark.parametrize("seed", range(12))
def test_oracle_finds_what_all_products_hold(seed: int) -> None:
    """No front, no memory: every product of every way to run every group."""
    rng = random.Random(seed)
    study = replace(random_study(rng, max_layers=2), tiling=Tiling((1, 2), (1,), (1, 2), (1,)))
    totals = []
    for hardware in listed_hardware(study):
        price = prices(study, hardware)
        for grouping in possible_groupings(study.network, study.fusion.max_layers):
            for groups in product(*(group_designs(study, names, ("fastest", "frugal")) for names in grouping)):
                try:
                    costs = [group_cost(study, hardware, price, group) for group in groups]
                except DesignError:
                    continue
                latency = sum(cost.cycles for cost in costs) * hardware.period_fs
                energy, traffic = sum(cost.energy_fj for cost in costs), sum(cost.dram_bytes for cost in costs)
                sizes = (price.area_um2, hardware.sram_bytes, hardware.array.pes)
                totals.append(Total(energy, latency, traffic, *sizes, Design(hardware, groups)))
    asked = [replace(study, goal=goal) for goal in GOALS]
    asked += [draw_budgets(rng, study, kind)[1] for kind in KINDS for _ in range(5)]
    for one in asked:
        best = min((total.objective(one) for total in totals if total.keeps(one.budgets)), default=None)
        assert brute_force(one)[1] == best


def _alone(study: Study, name: str) -> GroupDesign:
    """The plainest way to run a layer alone."""
    kept = frozenset({name}) if study.network.layer(name).has_weights else frozenset()
    return GroupDesign((name,), 1, 1, study.fusion.overlap[0], kept, "weight-stationary")


def _is_accepted(study: Study, design: Design) -> bool:
    try:
        check_design(study, design)
    except DesignError:
        return False
    return True


@pytest.mark.parametrize("seed", range(40))
def test_oracle_tries_the_ways_that_the_rules_allow(seed: int) -> None:
    """Of random ways to run a group, those that `check_design` accepts are those that the oracle tries."""
    study, rng = instance(seed), random.Random(seed)
    hardware = next(listed_hardware(study))
    orders: tuple[Order, ...] = ("fused", *ORDERS_ALONE)
    for grouping in possible_groupings(study.network, study.fusion.max_layers):
        several = [names for names in grouping if len(names) > 1]
        if len(several) > 1:
            continue
        for names in several or grouping:
            tried = set(group_designs(study, names, ("fastest", "frugal")))
            drawn = set(rng.sample(sorted(tried, key=repr), min(20, len(tried))))
            for _ in range(100):
                odd = len(names) == 1 or rng.random() < 0.2
                drawn.add(
                    GroupDesign(
                        names,
                        rng.randint(1, 5),
                        rng.randint(1, 3),
                        rng.choice(OVERLAPS),
                        frozenset(name for name in names if rng.random() < 0.5),
                        rng.choice(orders) if odd else "fused",
                        rng.choice([1, 1, 2, 3, 4, 6]) if odd else 1,
                        rng.randint(1, study.batch) if rng.random() < 0.9 else study.batch + 1,
                        rng.choice([1, 1, 2, 3]) if odd else 1,
                        rng.choice(STARTS),
                        rng.choice(PREFERENCES),
                    )
                )
            for group in sorted(drawn, key=repr):
                groups = tuple(group if other == names else _alone(study, other[0]) for other in grouping)
                assert _is_accepted(study, Design(hardware, groups)) == (group in tried), group


@pytest.mark.parametrize("seed", range(40))
def test_oracle_tries_the_groupings_that_the_rules_allow(seed: int) -> None:
    """Partitions that `check_design` accepts in some order are those that the oracle tries, in an accepted order."""
    study = random_study(random.Random(seed), max_layers=4)
    hardware = next(listed_hardware(study))

    def accepts(grouping: tuple[tuple[str, ...], ...]) -> bool:
        fused = [GroupDesign(names, overlap=study.fusion.overlap[0]) for names in grouping]
        groups = tuple(_alone(study, g.layers[0]) if len(g.layers) == 1 else g for g in fused)
        return _is_accepted(study, Design(hardware, groups))

    tried = list(possible_groupings(study.network, study.fusion.max_layers))
    assert all(accepts(grouping) for grouping in tried)
    partitions = set_partitions([layer.name for layer in study.network.layers])
    accepted = [blocks for blocks in partitions if any(accepts(order) for order in permutations(blocks))]
    assert {frozenset(blocks) for blocks in accepted} == {frozenset(grouping) for grouping in tried}
    assert len(accepted) == len(tried)
