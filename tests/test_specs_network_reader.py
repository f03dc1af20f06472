"""Network files: order, concatenations, shapes, and one clear line for each mistake."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from specs import SpecError, load_network
from specs.network import Layer, Network, TensorShape

INPUT = "inputs: {input: [3, 8, 8]}"
SAME = "op: conv, K: 4, R: 3, S: 3, pad: 1"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def network(*layers: str, top: str = INPUT) -> Network:
    """Load a network whose layers start in the line after `top`'s lines and ``layers:``."""
    text = f"{top}\nlayers:\n" + "".join(f"  - {{{layer}}}\n" for layer in layers)
    Path("n.yaml").write_text(text)
    return load_network("n.yaml")


def only_layer(layer: str, top: str = INPUT) -> Layer:
    (found,) = network(layer, top=top).layers
    return found


def refusal(*layers: str, top: str = INPUT) -> str:
    with pytest.raises(SpecError) as error:
        network(*layers, top=top)
    return str(error.value)


def test_alexnet_conv1() -> None:
    layer = only_layer(
        "name: c, op: conv, inputs: [input], K: 96, R: 11, S: 11, stride: 4, pad: 0",
        top="inputs: {input: [3, 227, 227]}",
    )
    assert layer == Layer(
        "c", "conv", (("input",),), G=1, K=96, C=3, H=227, W=227, P=55, Q=55, R=11, S=11, stride=(4, 4), bias=True
    )
    assert layer.macs == 105_415_200
    assert layer.params == 34_944


def test_strides_pads_and_dilation_are_by_axis() -> None:
    layer = only_layer(
        "name: c, op: conv, inputs: input, K: 2, kernel: [3, 2], stride: [2, 1], pad: [1, 0, 2, 3], dilation: [2, 3]"
    )
    # (8 + 1 + 2 - 5) // 2 + 1 rows and (8 + 0 + 3 - 4) // 1 + 1 columns.
    assert (layer.P, layer.Q) == (4, 8)
    assert (layer.R, layer.S, layer.stride, layer.pad, layer.dilation) == (3, 2, (2, 1), (1, 0, 2, 3), (2, 3))


def test_depthwise_fc_pool_and_add() -> None:
    found = network(
        "name: d, op: dwconv, inputs: input, kernel: 3, pad: 1, bias: false",
        "name: s, op: add, inputs: [d, input]",
        "name: p, op: maxpool, inputs: s, kernel: 3, stride: 2, pad: [0, 0, 1, 1]",
        "name: g, op: avgpool, inputs: p, global: true",
        "name: f, op: fc, inputs: s, K: 10",
    )
    depthwise, add, pool, average, full = (found.layer(name) for name in "dspgf")
    assert (depthwise.G, depthwise.K, depthwise.C, depthwise.params) == (3, 3, 3, 27)
    assert add.operands == (("d",), ("input",))
    assert (add.G, add.K, add.C, add.P, add.Q, add.R, add.S) == (3, 3, 3, 8, 8, 1, 1)
    assert (pool.G, pool.P, pool.Q, pool.bias) == (3, 4, 4, False)
    assert (average.R, average.S, average.P, average.Q) == (4, 4, 1, 1)
    assert (full.R, full.S, full.P, full.Q, full.params) == (8, 8, 1, 1, 10 * (3 * 64 + 1))
    assert found.outputs == ("g", "f")


def test_an_activation_function_follows_where_the_file_says_so() -> None:
    found = network(
        "name: c, op: conv, inputs: input, K: 3, kernel: 1, relu: true",
        "name: d, op: dwconv, inputs: c, kernel: 1, relu: true",
        "name: s, op: add, inputs: [d, input], relu: true",
        "name: t, op: add, inputs: [s, input]",
        "name: f, op: fc, inputs: t, K: 10, relu: true",
        "name: g, op: fc, inputs: t, K: 10",
    )
    assert {layer.name: layer.relu for layer in found.layers} == {
        "c": True, "d": True, "s": True, "t": False, "f": True, "g": False,
    }  # fmt: skip


def test_a_pool_has_no_activation_function() -> None:
    message = refusal("name: p, op: maxpool, inputs: input, kernel: 2, stride: 2, relu: true")
    assert message.startswith("n.yaml:3: layers[0].relu is not a key here")


def test_name_and_source_have_defaults() -> None:
    found = network(f"name: a, {SAME}, inputs: input")
    assert (found.name, found.source) == ("n", "not stated")
    assert found.inputs == (("input", TensorShape(3, 8, 8)),)


def test_concatenations_are_ways_of_reading() -> None:
    found = network(
        f"name: a, {SAME}, inputs: input",
        f"name: b, {SAME}, inputs: input",
        "name: ab, op: concat, inputs: [a, b]",
        "name: abi, op: concat, inputs: [ab, input]",
        f"name: c, {SAME}, inputs: abi",
        "name: sum, op: add, inputs: [ab, ab]",
    )
    assert [layer.name for layer in found.layers] == ["a", "b", "c", "sum"]
    assert found.layer("c").operands == (("a", "b", "input"),)
    assert found.layer("c").C == 11
    assert found.layer("sum").operands == (("a", "b"), ("a", "b"))
    assert found.layer("sum").K == 8


def test_the_parts_of_a_concatenated_output_are_outputs() -> None:
    found = network(
        f"name: a, {SAME}, inputs: input",
        f"name: b, {SAME}, inputs: a",
        "name: end, op: concat, inputs: [b, a, input]",
    )
    assert found.outputs == ("b", "a")


def test_named_outputs_come_before_those_that_nothing_reads() -> None:
    layers = [f"name: a, {SAME}, inputs: input", f"name: b, {SAME}, inputs: a", f"name: c, {SAME}, inputs: a"]
    assert network(*layers).outputs == ("b", "c")
    assert network(*layers, top=f"{INPUT}\noutputs: [a]").outputs == ("a", "b", "c")
    assert network(*layers, top=f"{INPUT}\noutputs: c").outputs == ("c", "b")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            "name: a, op: relu, inputs: input",
            'n.yaml:3: layers[0].op must be one of conv, dwconv, fc, maxpool, avgpool, add, concat, not "relu"'
            " (activations and batch-norm are folded into the layer before them)",
        ),
        (
            "name: a, op: cov, inputs: input",
            'n.yaml:3: layers[0].op must be one of conv, dwconv, fc, maxpool, avgpool, add, concat, not "cov";'
            ' did you mean "conv"? (activations and batch-norm are folded into the layer before them)',
        ),
        (
            "name: a, inputs: input",
            "n.yaml:3: layers[0].op is missing (one of conv, dwconv, fc, maxpool, avgpool, add, concat)",
        ),
        ("op: conv, inputs: input, K: 3, kernel: 3", "n.yaml:3: layers[0].name is missing"),
        ("name: a, op: conv, inputs: input, kernel: 3", "n.yaml:3: layers[0].K is missing"),
        ("name: a, op: conv, K: 3, kernel: 3", "n.yaml:3: layers[0].inputs is missing"),
        ("name: 7, op: fc, inputs: input, K: 3", "n.yaml:3: layers[0].name must be text, not 7 (put it in quotes)"),
        (
            "name: a, op: fc, inputs: input, K: 3, R: 3",
            "n.yaml:3: layers[0].R is not a key here (allowed: name, op, inputs, params, macs, C, P, Q, K, bias, relu)",
        ),
        (
            "name: a, op: fc, inputs: input, K: 3, bais: true",
            'n.yaml:3: layers[0].bais is not a key here; did you mean "bias"?'
            " (allowed: name, op, inputs, params, macs, C, P, Q, K, bias, relu)",
        ),
        (
            "name: a, op: fc, inputs: inptu, K: 3",
            'n.yaml:3: layers[0].inputs must be a network input or the name of a layer, not "inptu";'
            ' did you mean "input"?',
        ),
        (
            "name: a, op: add, inputs: [input, nowhere]",
            'n.yaml:3: layers[0].inputs[1] must be a network input or the name of a layer, not "nowhere"',
        ),
        ("name: a, op: fc, inputs: a, K: 3", "n.yaml:3: layers[0] must not read its own output: a -> a"),
        (
            "name: input, op: fc, inputs: input, K: 3",
            'n.yaml:3: layers[0].name must be unique: "input" is already a network input',
        ),
        ("name: a, op: fc, inputs: input, K: 0", "n.yaml:3: layers[0].K must be a positive whole number, not 0"),
        ("name: a, op: fc, inputs: input, K: 2.0", "n.yaml:3: layers[0].K must be a positive whole number, not 2.0"),
        ("name: a, op: fc, inputs: input, K: true", "n.yaml:3: layers[0].K must be a positive whole number, not true"),
        (
            "name: a, op: fc, inputs: input, K: many",
            'n.yaml:3: layers[0].K must be a positive whole number, not "many"',
        ),
        (
            "name: a, op: fc, inputs: input, K: 3, bias: yes",
            'n.yaml:3: layers[0].bias must be true or false, not "yes"',
        ),
        (
            "name: a, op: conv, inputs: input, K: 3, R: 3",
            "n.yaml:3: layers[0] must have R and S (kernel rows and columns), or kernel",
        ),
        (
            "name: a, op: conv, inputs: input, K: 3, R: 3, S: 3, kernel: 3",
            "n.yaml:3: layers[0] must have either R and S, or kernel, not both",
        ),
        (
            "name: a, op: conv, inputs: input, K: 3, kernel: 3, pad: same",
            'n.yaml:3: layers[0].pad must be a whole number of at least 0, not "same"',
        ),
        (
            "name: a, op: conv, inputs: input, K: 3, kernel: 3, pad: [1, 1]",
            "n.yaml:3: layers[0].pad must be one number or [top, left, bottom, right], not [1, 1]",
        ),
        (
            "name: a, op: conv, inputs: input, K: 3, kernel: 3, pad: -1",
            "n.yaml:3: layers[0].pad must be a whole number of at least 0, not -1",
        ),
        (
            "name: a, op: conv, inputs: input, K: 3, kernel: 3, stride: [1, 2, 3]",
            "n.yaml:3: layers[0].stride must be one number or [rows, columns], not [1, 2, 3]",
        ),
        (
            "name: a, op: conv, inputs: input, K: 3, kernel: 9",
            "n.yaml:3: layers[0] (a) must have a kernel that fits its padded input of 8 x 8, not one that spans 9 x 9",
        ),
        (
            "name: a, op: conv, inputs: input, K: 3, kernel: 5, pad: [1, 0, 0, 0], dilation: [1, 3]",
            "n.yaml:3: layers[0] (a) must have a kernel that fits its padded input of 9 x 8, not one that spans 5 x 13",
        ),
        (
            "name: a, op: conv, inputs: input, K: 4, kernel: 3, G: 2",
            "n.yaml:3: layers[0] (a) must have groups (G) that divide its 3 input channels, not 2",
        ),
        (
            "name: a, op: conv, inputs: input, K: 4, kernel: 3, G: 3",
            "n.yaml:3: layers[0] (a) must have groups (G) that divide its 4 output channels, not 3",
        ),
        (
            "name: a, op: conv, inputs: [input, input], K: 4, kernel: 3",
            "n.yaml:3: layers[0] (a) must have one input, not 2: put a concat layer before it",
        ),
        ("name: a, op: add, inputs: input", "n.yaml:3: layers[0] (a) must have two or more inputs to add, not 1"),
        (
            "name: a, op: concat, inputs: input",
            "n.yaml:3: layers[0] (a) must have two or more inputs to concatenate, not 1",
        ),
        ("name: a, op: maxpool, inputs: input, kernel: 2", "n.yaml:3: layers[0] must have a stride, or global: true"),
        (
            "name: a, op: avgpool, inputs: input, global: true, stride: 2",
            "n.yaml:3: layers[0] must not have a kernel, stride or pad beside global: true",
        ),
        (
            "name: a, op: maxpool, inputs: input, kernel: 2, stride: 2, pad: 2",
            "n.yaml:3: layers[0] (a) must have a pad smaller than its kernel of 2 x 2, or some outputs pool nothing",
        ),
        (
            "name: a, op: fc, inputs: input, K: 4, macs: 769",
            "n.yaml:3: layers[0].macs must be 768, as the shapes of a give, not 769",
        ),
        (
            "name: a, op: conv, inputs: input, K: 4, kernel: 3, P: 8",
            "n.yaml:3: layers[0].P must be 6, as the shapes of a give, not 8",
        ),
    ],
)
def test_one_wrong_layer_is_one_line(layer: str, message: str) -> None:
    assert refusal(layer) == message


def test_a_layer_that_is_no_mapping() -> None:
    Path("n.yaml").write_text(f"{INPUT}\nlayers:\n  - conv\n")
    with pytest.raises(SpecError) as error:
        load_network("n.yaml")
    assert str(error.value) == 'n.yaml:3: layers[0] must be a mapping with name, op and inputs, not "conv"'


def test_stated_counts_that_agree_are_fine() -> None:
    layer = only_layer("name: a, op: conv, inputs: input, K: 4, kernel: 3, C: 3, P: 6, Q: 6, params: 112, macs: 3888")
    assert (layer.params, layer.macs) == (112, 3888)


@pytest.mark.parametrize(
    ("top", "message"),
    [
        ("inputs: {input: [3, 8]}", "n.yaml:1: inputs.input must be [channels, rows, columns], not [3, 8]"),
        ("inputs: {input: [3, 8, 0]}", "n.yaml:1: inputs.input[2] must be a positive whole number, not 0"),
        ("inputs: {}", "n.yaml:1: inputs must not be empty"),
        ("inputs: [3, 8, 8]", "n.yaml:1: inputs must be a mapping of keys to values, not [3, 8, 8]"),
        ("name: x", "n.yaml:1: inputs is missing"),
        ("inputs: {input: [3, 8, 8], other: [1, 1, 1]}", "n.yaml:1: inputs.other must be read by some layer"),
        (
            f"{INPUT}\noutputs: [a, b]",
            'n.yaml:2: outputs[1] must be a network input or the name of a layer, not "b"',
        ),
        (f"{INPUT}\noutputs: input", 'n.yaml:2: outputs must be made by a layer, but "input" is a network input'),
        (f"{INPUT}\noutputs: []", "n.yaml:2: outputs must not be empty"),
        (
            f"{INPUT}\nsorce: me",
            'n.yaml:2: sorce is not a key here; did you mean "source"?'
            " (allowed: name, source, inputs, outputs, layers)",
        ),
    ],
)
def test_one_wrong_key_of_the_file_is_one_line(top: str, message: str) -> None:
    assert refusal(f"name: a, {SAME}, inputs: input", top=top) == message


def test_no_layers() -> None:
    Path("n.yaml").write_text(f"{INPUT}\nlayers: []\n")
    with pytest.raises(SpecError) as error:
        load_network("n.yaml")
    assert str(error.value) == "n.yaml:2: layers must not be empty"
    assert refusal("name: a, op: concat, inputs: [input, input]") == (
        "n.yaml:2: layers must hold a layer that computes something"
    )


def test_shapes_that_do_not_fit_together() -> None:
    shrunk = "name: a, op: conv, inputs: input, K: 3, kernel: 3"
    assert refusal(shrunk, "name: s, op: add, inputs: [input, a]") == (
        "n.yaml:4: layers[1] (s) must add maps of the same shape, not 3 x 8 x 8 (input) and 3 x 6 x 6 (a)"
    )
    assert refusal(shrunk, "name: c, op: concat, inputs: [input, a]", "name: f, op: fc, inputs: c, K: 1") == (
        "n.yaml:4: layers[1] (c) must concatenate maps of the same rows and columns, not 8 x 8 (input) and 6 x 6 (a)"
    )


def test_a_cycle_is_named_in_the_direction_of_the_data() -> None:
    assert refusal(
        f"name: start, {SAME}, inputs: input",
        "name: sum, op: add, inputs: [start, c]",
        f"name: b, {SAME}, inputs: sum",
        f"name: c, {SAME}, inputs: b",
        f"name: end, {SAME}, inputs: c",
    ) == ("n.yaml:4: layers[1] must not read its own output: sum -> b -> c -> sum")


def test_all_mistakes_are_said_together_and_none_is_said_twice() -> None:
    assert refusal(
        "name: a, op: conv, inputs: input, K: 4, kernel: 9",
        f"name: b, {SAME}, inputs: a",
        "name: c, op: conv, inputs: b, K: -4, kernel: 3",
        f"name: d, {SAME}, inputs: [c]",
        "name: e, op: softmax, inputs: [d]",
        "name: f, op: fc, inputs: [e], K: 1, k: 1",
    ).splitlines() == [
        "n.yaml:3: layers[0] (a) must have a kernel that fits its padded input of 8 x 8, not one that spans 9 x 9",
        "n.yaml:5: layers[2].K must be a positive whole number, not -4",
        'n.yaml:7: layers[4].op must be one of conv, dwconv, fc, maxpool, avgpool, add, concat, not "softmax"'
        " (activations and batch-norm are folded into the layer before them)",
        'n.yaml:8: layers[5].k is not a key here; did you mean "K"?'
        " (allowed: name, op, inputs, params, macs, C, P, Q, K, bias, relu)",
    ]


def test_a_missing_network_file() -> None:
    with pytest.raises(SpecError) as error:
        load_network("nowhere.yaml")
    assert str(error.value) == "nowhere.yaml: there is no such file"


ODD_VALUES = [
    "",
    "~",
    "true",
    "-1",
    "0",
    "1.5",
    "1e30",
    ".nan",
    "x",
    "[]",
    "[x]",
    "{}",
    "{x: 1}",
    "[[1]]",
    "[~]",
    "a/b",
]


@pytest.mark.parametrize("value", ODD_VALUES)
@pytest.mark.parametrize(
    "key", ["name", "op", "inputs", "K", "R", "S", "kernel", "stride", "pad", "dilation", "G", "bias", "macs", "P"]
)
def test_no_value_of_a_layer_does_worse_than_a_refusal(key: str, value: str) -> None:
    fields = {"name": "a", "op": "conv", "inputs": "input", "K": "4", "R": "3", "S": "3"} | {key: value}
    with contextlib.suppress(SpecError):
        network(", ".join(f"{field}: {text}" for field, text in fields.items()))
