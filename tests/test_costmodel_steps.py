"""Steps along one axis where halos are kept: by hand, and the plan of all tilings at once against the plain reading."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from costmodel.design import STARTS, GroupDesign, Start
from costmodel.groups import group_lattice, layer_indices
from costmodel.legal import tile_counts
from costmodel.plain_regions import RegionPlan, Step, length, most_held
from costmodel.regions import AxisPlan, GroupTensors, axis_plan, group_tensors
from random_networks import random_network
from specs.network import Layer, Network, TensorShape
from specs.study import Overlap

Held = list[tuple[int, int]]
"""Of one tensor: pairs (rows that are there for the whole step, rows that only the step uses)."""


def _conv(name: str, reads: str, rows: int, R: int = 3, pad: tuple[int, int] = (1, 1), stride: int = 1) -> Layer:
    """A layer of one channel; rows and columns alike."""
    P = (rows + sum(pad) - R) // stride + 1
    pads = (pad[0], pad[0], pad[1], pad[1])
    return Layer(name, "conv", ((reads,),), 1, 1, 1, rows, rows, P, P, R, R, (stride, stride), pads)


def _chain(*layers: Layer) -> Network:
    x = TensorShape(1, layers[0].H, layers[0].W)
    return Network("chain", (("x", x),), layers, (layers[-1].name,))


def _plan(network: Network, steps: int, start: Start = "at-once", cols: int = 1) -> RegionPlan:
    names = tuple(layer.name for layer in network.layers)
    return RegionPlan(network, list(network.layers), GroupDesign(names, steps, cols, "cache-all", start=start))


def _new(steps: list[Step], name: str) -> list[tuple[int, int]]:
    """Non-empty intervals; the empty ones as (0, 0)."""
    return [step.new[name] for step in steps]


def _held(steps: list[Step], name: str) -> Held:
    return [(step.line[name], step.passing[name]) for step in steps]


# By hand


def test_a_chain_of_padded_convolutions_holds_three_rows_of_each_map() -> None:
    """x -> a -> b, 3x3 with pad 1, 6 rows each, one row of b in a step."""
    network = _chain(_conv("a", "x", 6), _conv("b", "a", 6))
    at_once, stepwise = _plan(network, 6).rows, _plan(network, 6, "stepwise").rows
    # Row i of b needs a up to row i+1, and that x up to row i+2.
    assert _new(at_once, "b") == [(i, i + 1) for i in range(6)]
    assert _new(at_once, "a") == [(0, 2), (2, 3), (3, 4), (4, 5), (5, 6), (0, 0)]
    assert _new(at_once, "x") == [(0, 3), (3, 4), (4, 5), (5, 6), (0, 0), (0, 0)]
    # Kept before step i >= 1: of a rows i-1 and i, of x rows i and i+1. What was just made stays for the next step, but
    # row 0 of x in step 0 (a goes on with its row 2, which needs row 1) and all of a in the last.
    assert _held(at_once, "a") == [(2, 0), (3, 0), (3, 0), (3, 0), (3, 0), (2, 0)]
    assert _held(at_once, "x") == [(2, 1), (3, 0), (3, 0), (3, 0), (2, 0), (0, 0)]
    assert _held(at_once, "b") == [(0, 1)] * 6
    # Stepwise: in step -1 row 0 of a, in step -2 and -1 rows 0 and 1 of x. Step -3 would make nothing.
    assert _new(stepwise, "b") == [(0, 0), (0, 0), *((i, i + 1) for i in range(6))]
    assert _new(stepwise, "a") == [(0, 0), *((i, i + 1) for i in range(6)), (0, 0)]
    assert _new(stepwise, "x") == [*((i, i + 1) for i in range(6)), (0, 0), (0, 0)]
    assert _held(stepwise, "a") == [(0, 0), (1, 0), (2, 0), (3, 0), (3, 0), (3, 0), (3, 0), (2, 0)]
    assert _held(stepwise, "x") == [(1, 0), (2, 0), (3, 0), (3, 0), (3, 0), (3, 0), (2, 0), (0, 0)]
    for name in "xa":
        assert most_held(at_once, name) == most_held(stepwise, name) == 3
    # So a stepwise start of this chain is no candidate.
    assert not _plan(network, 6, "stepwise").holds_less_than(_plan(network, 6))


def test_without_padding_the_first_row_takes_five_and_three_rows_at_once() -> None:
    """x (8 rows) -> a (6) -> b (4), 3x3 without padding, one row of b in a step."""
    network = _chain(_conv("a", "x", 8, pad=(0, 0)), _conv("b", "a", 6, pad=(0, 0)))
    at_once, stepwise = _plan(network, 4), _plan(network, 4, "stepwise")
    assert _new(at_once.rows, "a") == [(0, 3), (3, 4), (4, 5), (5, 6)]
    assert _new(at_once.rows, "x") == [(0, 5), (5, 6), (6, 7), (7, 8)]
    # Two rows stay for the next step; from then on two are kept, and the new one stays but in the last step.
    assert _held(at_once.rows, "a") == [(2, 1), (3, 0), (3, 0), (2, 1)]
    assert _held(at_once.rows, "x") == [(2, 3), (3, 0), (3, 0), (2, 1)]
    assert (most_held(at_once.rows, "x"), most_held(at_once.rows, "a")) == (5, 3)
    # Stepwise: x ends at row i+5 after step i, so it begins in step -4; a ends at row i+3 and begins in step -2.
    assert _new(stepwise.rows, "b") == [(0, 0)] * 4 + [(i, i + 1) for i in range(4)]
    assert _new(stepwise.rows, "a") == [(0, 0)] * 2 + [(i, i + 1) for i in range(6)]
    assert _new(stepwise.rows, "x") == [(i, i + 1) for i in range(8)]
    assert _held(stepwise.rows, "x") == [(1, 0), (2, 0), *[(3, 0)] * 5, (2, 1)]
    assert _held(stepwise.rows, "a") == [(0, 0), (0, 0), (1, 0), (2, 0), *[(3, 0)] * 3, (2, 1)]
    assert stepwise.holds_less_than(at_once)


def test_a_strided_convolution_after_another_by_hand() -> None:
    """x (9 rows) -> a, 3x3 pad 1 (9) -> b, 3x3 stride 2 pad 1 (5), one row of b in a step."""
    network = _chain(_conv("a", "x", 9), _conv("b", "a", 9, stride=2))
    plan = _plan(network, 5)
    # Row i of b needs rows 2i-1 to 2i+1 of a, and those rows 2i-2 to 2i+2 of x.
    assert _new(plan.rows, "a") == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 9)]
    assert _new(plan.rows, "x") == [(0, 3), (3, 5), (5, 7), (7, 9), (0, 0)]
    # Of a row 2i+1 stays for the next step. Row 2i+2 of a goes on with row 2i+1 of x: of x rows 2i+1 and 2i+2 stay.
    assert _held(plan.rows, "a") == [(1, 1), (2, 1), (2, 1), (2, 1), (1, 1)]
    assert _held(plan.rows, "x") == [(2, 1), (4, 0), (4, 0), (4, 0), (2, 0)]
    # Stepwise there is one step more, in which row 0 of x comes: rows 2i-1 and so on of a are in the padding.
    stepwise = _plan(network, 5, "stepwise")
    assert _new(stepwise.rows, "x") == [(0, 1), (1, 3), (3, 5), (5, 7), (7, 9), (0, 0)]
    assert _new(stepwise.rows, "a") == [(0, 0), *_new(plan.rows, "a")]
    assert _held(stepwise.rows, "x") == [(1, 0), (3, 0), (4, 0), (4, 0), (4, 0), (2, 0)]
    assert not stepwise.holds_less_than(plan)


def test_a_strided_convolution_without_padding_starts_stepwise_with_less() -> None:
    """x (11 rows) -> a, 3x3 (9) -> b, 3x3 stride 2 (4): at once the first row takes 5 rows of x, later ones 2 + 2."""
    network = _chain(_conv("a", "x", 11, pad=(0, 0)), _conv("b", "a", 9, pad=(0, 0), stride=2))
    plan, stepwise = _plan(network, 4), _plan(network, 4, "stepwise")
    # After step i: 2i+3 rows of a, 2i+5 of x. Row i+1 of b needs a from row 2i+2, so one row of a stays.
    assert _new(plan.rows, "x") == [(0, 5), (5, 7), (7, 9), (9, 11)]
    assert _held(plan.rows, "x") == [(2, 3), (4, 0), (4, 0), (2, 2)]
    assert _held(plan.rows, "a") == [(1, 2), (2, 1), (2, 1), (1, 2)]
    # Step -1: 1 row of a, 3 of x; step -2: -1, and 1 of x.
    assert _new(stepwise.rows, "x") == [(0, 1), (1, 3), (3, 5), (5, 7), (7, 9), (9, 11)]
    assert _new(stepwise.rows, "a") == [(0, 0), (0, 1), (1, 3), (3, 5), (5, 7), (7, 9)]
    # Step -1 makes row 0 of a from row 0 of x, which was kept, and rows 1 and 2, which stay.
    assert _held(stepwise.rows, "x") == [(1, 0), (3, 0), (4, 0), (4, 0), (4, 0), (2, 2)]
    assert _held(stepwise.rows, "a") == [(0, 0), (1, 0), (2, 1), (2, 1), (2, 1), (1, 2)]
    assert stepwise.holds_less_than(plan)


@pytest.mark.parametrize(
    ("pad", "new", "held"),
    [
        # 2x2 over 6 rows. Padded below: row i needs rows i and i+1 of x; the last one needs row 5 alone, which it has.
        pytest.param(
            (0, 1),
            [(0, 2), (2, 3), (3, 4), (4, 5), (5, 6), (0, 0)],
            [(1, 1), (2, 0), (2, 0), (2, 0), (2, 0), (1, 0)],
            id="below",
        ),
        # Padded above: row i needs rows i-1 and i. After the last, nothing stays.
        pytest.param(
            (1, 0),
            [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6)],
            [(1, 0), (2, 0), (2, 0), (2, 0), (2, 0), (1, 1)],
            id="above",
        ),
    ],
)
@pytest.mark.parametrize("axis", [0, 1])
def test_padding_on_one_side_by_hand(pad: tuple[int, int], new: Held, held: Held, axis: int) -> None:
    # The other axis is padded on the other side.
    pads = (pad[0], pad[1], pad[1], pad[0]) if axis == 0 else (pad[1], pad[0], pad[0], pad[1])
    layer = replace(_conv("a", "x", 6, R=2, pad=pad), pad=pads)
    plan = _plan(_chain(layer), *((6, "at-once", 1) if axis == 0 else (1, "at-once", 6)))  # type: ignore[arg-type]
    steps = (plan.rows, plan.cols)[axis]
    assert _new(steps, "x") == new
    assert _held(steps, "x") == held


def test_rows_between_the_windows_are_neither_loaded_nor_held() -> None:
    """A 1x1 kernel of stride 2 over 7 rows uses rows 0, 2, 4, 6."""
    plan = _plan(_chain(_conv("a", "x", 7, R=1, pad=(0, 0), stride=2)), 4)
    assert _new(plan.rows, "x") == [(0, 1), (2, 3), (4, 5), (6, 7)]
    assert _held(plan.rows, "x") == [(0, 1)] * 4


def test_a_tensor_waits_for_its_slowest_reader() -> None:
    """x -> a -> b, 3x3 pad 1, and s = b + x: x waits until b has caught up."""
    add = Layer("s", "add", (("b",), ("x",)), 1, 1, 1, 6, 6, 6, 6)
    network = _chain(_conv("a", "x", 6), _conv("b", "a", 6), add)
    # As in the chain x is loaded up to row i+2 for row i of b. For s rows from i on must be there; before step i >= 1 a
    # goes on with its row i+1 and needs x from row i: the same. So s costs nothing more until the last two steps.
    plan = _plan(network, 6)
    assert _new(plan.rows, "x") == [(0, 3), (3, 4), (4, 5), (5, 6), (0, 0), (0, 0)]
    assert _held(plan.rows, "x") == [(2, 1), (3, 0), (3, 0), (3, 0), (2, 0), (1, 0)]
    assert _held(plan.rows, "b") == _held(plan.rows, "s") == [(0, 1)] * 6


def test_two_outputs_of_different_length_keep_their_own_steps() -> None:
    """Of a (8 rows) a step makes 2, of its pooled half p (4 rows) 1: both leave, and p's rows come as a's allow."""
    pool = Layer("p", "maxpool", (("a",),), 1, 1, 1, 8, 8, 4, 4, 2, 2, (2, 2))
    network = Network("two", (("x", TensorShape(1, 8, 8)),), (_conv("a", "x", 8), pool), ("a", "p"))
    plan = _plan(network, 4)
    assert _new(plan.rows, "a") == [(0, 2), (2, 4), (4, 6), (6, 8)]
    assert _new(plan.rows, "p") == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert [step.store for step in plan.rows] == [{"a": 2, "p": 1}] * 4
    assert _held(plan.rows, "a") == [(0, 2)] * 4
    # x: rows up to 2i+2 are there after step i; a goes on with row 2i+2, which needs row 2i+1.
    assert _new(plan.rows, "x") == [(0, 3), (3, 5), (5, 7), (7, 8)]
    assert _held(plan.rows, "x") == [(2, 1), (4, 0), (4, 0), (2, 1)]


# Invariants of kept halos


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("seed", range(60))
def test_every_row_comes_once_in_order_and_what_is_needed_is_there(seed: int, start: Start) -> None:
    """Played through: a layer finds all input rows under its new rows among those held, and nothing is made twice."""
    rng = random.Random(seed)
    network, layers = _random_group(rng)
    tensors = _tensors(network, layers)
    for axis in (0, 1):
        for count in _counts(tensors, axis):
            if count == 1:
                continue
            plan = _region_plan(network, layers, count, "cache-all", start, axis)
            steps = (plan.rows, plan.cols)[axis]
            made: dict[str, set[int]] = {name: set() for name in steps[0].new}
            for i, step in enumerate(steps):
                later = _touched(layers, steps[i + 1 :], axis)
                still = _touched(layers, steps[i:], axis)
                for name, (first, last) in step.new.items():
                    assert first == last or first > max(made[name], default=-1)
                    new = set(range(first, last))
                    assert step.line[name] >= len((made[name] & still[name]) | (new & later[name]))
                    assert step.line[name] + step.passing[name] >= len((made[name] & still[name]) | new)
                    assert step.line[name] + step.passing[name] <= len(made[name] | new)
                    made[name] |= new if name in plan.read else set()
                for layer in layers:
                    for name in layer.input_tensors:
                        assert _rows_under(layer, step.new[layer.name], axis) <= made[name]
                    made[layer.name] |= set(range(*step.new[layer.name]))
            for name in plan.outputs:
                layer = network.layer(name)
                assert made[name] == set(range((layer.P, layer.Q)[axis]))


def _touched(layers: list[Layer], steps: list[Step], axis: int) -> dict[str, set[int]]:
    """Rows of each tensor that some layer of a group reads in some of its steps."""
    rows: dict[str, set[int]] = defaultdict(set)
    for layer in layers:
        for name in layer.input_tensors:
            for step in steps:
                rows[name] |= _rows_under(layer, step.new[layer.name], axis)
    return rows


def _rows_under(layer: Layer, out: tuple[int, int], axis: int) -> set[int]:
    """Input rows that windows touch; those in the padding left out."""
    stride, dilation, pad = layer.stride[axis], layer.dilation[axis], layer.pad[axis]
    kernel, extent = (layer.R, layer.S)[axis], (layer.H, layer.W)[axis]
    rows = {p * stride - pad + dilation * r for p in range(*out) for r in range(kernel)}
    return {row for row in rows if 0 <= row < extent}


# All tilings at once


@pytest.mark.parametrize("seed", range(150))
def test_the_plan_of_all_tilings_is_the_plain_one(seed: int) -> None:
    """Every count, with and without halos and stepwise, both axes: the same steps as often, the same first and last."""
    network, layers = _random_group(random.Random(seed))
    tensors = _tensors(network, layers)
    for axis in (0, 1):
        counts = _counts(tensors, axis)
        plan = axis_plan(tensors, counts, True, axis)
        options = list(zip(plan.counts.tolist(), plan.keeps.tolist(), plan.stepwise.tolist(), strict=True))
        assert len(set(options)) == len(options)
        expected: set[tuple[int, bool, bool]] = set()
        for count in counts:
            alone = _region_plan(network, layers, count, "recompute", "at-once", axis)
            _assert_same(plan, options.index((count, False, False)), alone, tensors, axis)
            expected.add((count, False, False))
            if count == 1:
                continue
            kept, early = (_region_plan(network, layers, count, "cache-all", start, axis) for start in STARTS)
            _assert_same(plan, options.index((count, True, False)), kept, tensors, axis)
            expected.add((count, True, False))
            if early.holds_less_than(kept):
                _assert_same(plan, options.index((count, True, True)), early, tensors, axis)
                expected.add((count, True, True))
        assert set(options) == expected
        without = axis_plan(tensors, counts, False, axis)
        assert without.counts.tolist() == list(counts)
        assert not without.keeps.any()


def test_stepwise_starts_come_up_in_these_networks() -> None:
    found = 0
    for seed in range(150):
        network, layers = _random_group(random.Random(seed))
        tensors = _tensors(network, layers)
        found += sum(int(axis_plan(tensors, _counts(tensors, axis), True, axis).stepwise.any()) for axis in (0, 1))
    assert found > 30


def _random_group(rng: random.Random) -> tuple[Network, list[Layer]]:
    network = random_network(rng, max_layers=6)
    group = rng.choice(group_lattice(network, 6).groups)
    return network, [network.layers[i] for i in layer_indices(group)]


def _tensors(network: Network, layers: list[Layer]) -> GroupTensors:
    return group_tensors(network, tuple(layers), 1, frozenset())


def _counts(tensors: GroupTensors, axis: int) -> tuple[int, ...]:
    outputs = [tensors.layers[i] for i in tensors.outputs]
    return tile_counts(max((layer.P, layer.Q)[axis] for layer in outputs), None)


def _region_plan(
    network: Network, layers: list[Layer], count: int, overlap: Overlap, start: Start, axis: int
) -> RegionPlan:
    grid = (count, 1) if axis == 0 else (1, count)
    names = tuple(layer.name for layer in layers)
    return RegionPlan(network, layers, GroupDesign(names, *grid, overlap, start=start))


def _assert_same(plan: AxisPlan, option: int, plain: RegionPlan, tensors: GroupTensors, axis: int) -> None:
    steps = [_lengths(step, tensors) for step in (plain.rows, plain.cols)[axis]]
    classes = [i for i in range(len(plan.option)) if plan.option[i] == option]
    rows = {
        i: (*plan.new[i].tolist(), *plan.line[i].tolist(), *plan.passing[i].tolist(), *plan.store[i].tolist())
        for i in classes
    }
    assert plan.steps[option] == len(steps)
    assert (classes[0], classes[-1]) == (plan.starts[option], plan.ends[option])
    found: Counter[tuple[int, ...]] = Counter()
    for i in classes:
        found[rows[i]] += int(plan.number[i])
    assert found == Counter(steps)
    assert (rows[classes[0]], rows[classes[-1]]) == (steps[0], steps[-1])
    # The first and the last step stand alone: they differ in time.
    assert plan.number[classes[0]] == plan.number[classes[-1]] == 1
    if axis == 1:
        assert plan.span[option].tolist() == [plain.span_cols(name) for name in tensors.names]


def _lengths(step: Step, tensors: GroupTensors) -> tuple[int, ...]:
    names = tensors.names
    return (
        *(length(step.new[name]) for name in names),
        *(step.line[name] for name in names),
        *(step.passing[name] for name in names),
        *(step.store[names[output]] for output in tensors.outputs),
    )
