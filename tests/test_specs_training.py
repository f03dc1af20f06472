"""Training steps: which layers there are, what they read, how large it is; by hand and for random networks."""

from __future__ import annotations

import random
from dataclasses import replace
from math import ceil, log2

import pytest

from random_networks import random_network, with_activations
from specs.network import MASK, Layer, Network, TensorShape, View
from specs.training import kept, training_macs, training_step

X = (("x", TensorShape(3, 8, 8)),)


def conv(name: str, source: str | tuple[str, ...], C: int, K: int, size: int = 8, **more: object) -> Layer:
    operand = (source,) if isinstance(source, str) else source
    return Layer(name, "conv", (operand,), 1, K, C, size, size, size, size, 3, 3, pad=(1, 1, 1, 1), **more)  # type: ignore[arg-type]


def pool(name: str, source: str, channels: int, op: str = "maxpool") -> Layer:
    return Layer(name, op, ((source,),), channels, channels, channels, 8, 8, 4, 4, 2, 2, stride=(2, 2))  # type: ignore[arg-type]


def add(name: str, *sources: str, channels: int, relu: bool = False) -> Layer:
    operands = tuple((source,) for source in sources)
    return Layer(name, "add", operands, channels, channels, channels, 8, 8, 8, 8, relu=relu)


def fc(name: str, source: str, C: int, size: int, K: int) -> Layer:
    return Layer(name, "fc", ((source,),), 1, K, C, size, size, 1, 1, size, size, bias=True)


def step_of(*layers: Layer, outputs: tuple[str, ...] = ("out",)) -> Network:
    return training_step(Network("n", X, layers, outputs))


def names(step: Network) -> list[str]:
    return [layer.name for layer in step.layers]


def test_a_convolution_a_pool_and_a_classifier() -> None:
    step = step_of(replace(conv("c", "x", 3, 4, bias=True), relu=True), pool("p", "c", 4), fc("out", "p", 4, 4, K=10))
    assert names(step) == [
        "c", "p", "out", "loss", "out:wgrad", "out:update", "out:dgrad", "p:unpool", "c:wgrad", "c:update",
    ]  # fmt: skip
    assert dict(step.inputs) == {"x": TensorShape(3, 8, 8), "target": TensorShape(10, 1, 1)}
    assert step.outputs == ()
    assert step.layer("loss").operands == (("out",), ("target",))
    dgrad, unpool, wgrad = step.layer("out:dgrad"), step.layer("p:unpool"), step.layer("c:wgrad")
    assert (dgrad.K, dgrad.C, dgrad.H, dgrad.P, dgrad.R) == (4 * 4 * 4, 10, 1, 1, 1)
    assert dict(step.views) == {"out:dgrad:p": View("out:dgrad", 0, TensorShape(4, 4, 4), reshaped=True)}
    assert unpool.operands == (("out:dgrad:p",), ("p:mask",), ("c:mask",))
    assert (unpool.pixelwise, unpool.upsample, unpool.H, unpool.P) == (1, (2, 2), 4, 8)
    assert wgrad.operands == (("x",), ("p:unpool",))
    assert (wgrad.weight_words, wgrad.macs) == (4 * (27 + 1), 4 * 27 * 64)
    # Kept: the classifier's input and logits, one bit a sign, two bits a place of four.
    assert kept(step) == {
        "out": TensorShape(10, 1, 1),
        "p": TensorShape(4, 4, 4),
        "p:mask": TensorShape(4, 4, 4, bits=2),
        "c:mask": TensorShape(4, 8, 8, bits=1),
    }
    assert sum(shape.rows * shape.cols * shape.pixel_bytes(2) for shape in kept(step).values()) == 20 + 128 + 16 + 64
    assert training_macs(step) == (4 * 27 * 64 + 640, 640, 4 * 27 * 64 + 640)


def test_batch_norm_is_two_passes_forward_and_two_backward() -> None:
    step = step_of(conv("c", "x", 3, 4, bias=True, batch_norm=True, relu=True), conv("out", "c", 4, 2))
    assert names(step) == [
        "c", "c:moments", "c:norm", "out", "loss", "out:wgrad", "out:update", "out:dgrad",
        "c:normgrads", "c:dnorm", "c:wgrad", "c:update",
    ]  # fmt: skip
    c, norm, dnorm, update = (step.layer(name) for name in ("c", "c:norm", "c:dnorm", "c:update"))
    assert (c.bias, c.batch_norm, c.relu, c.mask_bits) == (False, False, False, 0)
    assert (norm.relu, norm.mask_bits, norm.waits_for) == (True, 1, ("c:moments",))
    assert step.layer("out").operands == step.layer("out:wgrad").operands[:1] == (("c:norm",),)
    assert step.layer("out:dgrad").operands == (("loss",), ("c:norm:mask",))
    assert dnorm.operands == step.layer("c:normgrads").operands == (("out:dgrad",), ("c",))
    assert dnorm.waits_for == ("c:normgrads", "c:moments")
    assert step.layer("c:wgrad").operands == (("x",), ("c:dnorm",))
    assert update.waits_for == ("c:wgrad", "c:normgrads")
    assert update.params == 4 * (27 + 2)


def test_a_strided_convolution_goes_back_over_a_map_with_zeros_put_in() -> None:
    strided = Layer(
        "out", "conv", (("c",),), 2, 6, 4, 8, 8, 4, 3, 3, 2, stride=(2, 3), pad=(1, 0, 0, 1), dilation=(1, 2)
    )
    dgrad = step_of(conv("c", "x", 3, 4), strided).layer("out:dgrad")
    assert (dgrad.G, dgrad.K, dgrad.C, dgrad.H, dgrad.W, dgrad.P, dgrad.Q) == (2, 4, 6, 4, 3, 8, 8)
    assert (dgrad.R, dgrad.S, dgrad.stride, dgrad.upsample, dgrad.dilation) == (3, 2, (1, 1), (2, 3), (1, 2))
    assert dgrad.pad == (1, 2, 2, 1)
    assert dgrad.macs == strided.macs


def test_gradients_meet_at_a_fork_and_are_masked_there() -> None:
    step = step_of(
        conv("c", "x", 3, 3, relu=True), conv("d", "c", 3, 3), add("s", "d", "c", channels=3, relu=True),
        conv("out", "s", 3, 2),
    )  # fmt: skip
    # The gradient of the addition is that of both its operands.
    assert step.layer("out:dgrad").operands == (("loss",), ("s:mask",))
    assert step.layer("d:wgrad").operands == (("c",), ("out:dgrad",))
    total = step.layer("c:sum")
    assert (total.op, total.phase, total.pixelwise) == ("add", "backward", 1)
    assert total.operands == (("out:dgrad",), ("d:dgrad",), ("c:mask",))
    assert step.layer("c:wgrad").operands == (("x",), ("c:sum",))


def test_a_gradient_that_two_tensors_share_is_masked_by_a_layer_of_its_own() -> None:
    step = step_of(conv("c", "x", 3, 3, relu=True), conv("d", "x", 3, 3), add("out", "c", "d", channels=3))
    masked = step.layer("c:masked")
    assert (masked.op, masked.operands, masked.pixelwise) == ("add", (("loss",), ("c:mask",)), 1)
    assert step.layer("c:wgrad").operands == (("x",), ("c:masked",))
    assert step.layer("d:wgrad").operands == (("x",), ("loss",))


@pytest.mark.parametrize("both", [True, False])
def test_the_parts_of_a_concatenation_read_their_channels_of_one_gradient(both: bool) -> None:
    step = step_of(
        conv("c", "x", 3, 4, relu=True), conv("d", "x", 3, 5, relu=both), conv("out", ("c", "d"), 9, 2)
    )  # fmt: skip
    assert dict(step.views) == {
        "out:dgrad:c": View("out:dgrad", 0, TensorShape(4, 8, 8)),
        "out:dgrad:d": View("out:dgrad", 4, TensorShape(5, 8, 8)),
    }
    assert step.maker["out:dgrad:d"] == "out:dgrad"
    assert step.readers["out:dgrad"][0] == ({"d:wgrad", "c:wgrad"} if both else {"d:wgrad", "c:masked"})
    if both:
        assert step.layer("out:dgrad").operands == (("loss",), ("c:mask", "d:mask"))
    else:
        assert step.layer("out:dgrad").operands == (("loss",),)
        assert step.layer("c:masked").operands == (("out:dgrad:c",), ("c:mask",))


def test_a_view_of_a_view_is_a_view_of_the_whole() -> None:
    first, second = conv("a", "x", 3, 2), conv("b", "x", 3, 3)
    joined = Layer("s", "add", (("a", "b"), ("e",)), 5, 5, 5, 8, 8, 8, 8)
    step = step_of(first, second, conv("e", "x", 3, 5), joined, conv("f", "x", 3, 1), fc_of(("f", "s"), 6))
    assert dict(step.views)["out:dgrad:s"] == View("out:dgrad", 64, TensorShape(5, 8, 8), reshaped=True)
    assert dict(step.views)["out:dgrad:s:b"] == View("out:dgrad", 64 * 3, TensorShape(3, 8, 8), reshaped=True)


def fc_of(sources: tuple[str, ...], C: int) -> Layer:
    return Layer("out", "fc", (sources,), 1, 7, C, 8, 8, 1, 1, 8, 8)


def test_a_tensor_read_twice_by_one_addition_gets_its_gradient_twice() -> None:
    step = step_of(conv("c", "x", 3, 3), add("out", "c", "c", channels=3))
    assert step.layer("c:sum").operands == (("loss",), ("loss",))


def test_every_output_that_nothing_reads_has_a_loss() -> None:
    step = step_of(
        conv("c", "x", 3, 4, relu=True), conv("left", "c", 4, 2, relu=True), pool("right", "c", 4, "avgpool"),
        outputs=("c", "left", "right"),
    )  # fmt: skip
    assert [name for name in names(step) if "loss" in name] == ["left:loss", "right:loss"]
    assert dict(step.inputs)["right:target"] == TensorShape(4, 4, 4)
    # An average needs nothing but its gradient; an output with an activation function masks its own.
    assert step.layer("right:spread").operands == (("right:loss",),)
    assert step.layer("left:loss").operands == (("left",), ("left:target",), ("left:mask",))
    assert step.layer("left:loss").pixelwise == 2


def test_what_weights_do_not_lead_to_is_neither_trained_nor_masked() -> None:
    step = step_of(
        add("before", "x", "x", channels=3, relu=True), pool("p", "before", 3), pool("unused", "x", 3),
        fc("out", "p", 3, 4, K=2), outputs=("unused", "out"),
    )  # fmt: skip
    assert names(step) == ["before", "p", "out", "loss", "out:wgrad", "out:update"]
    assert all(layer.mask_bits == 0 for layer in step.layers)


def test_a_pool_of_single_elements_remembers_no_places() -> None:
    step = step_of(conv("c", "x", 3, 4), Layer("out", "maxpool", (("c",),), 4, 4, 4, 8, 8, 8, 8))
    assert step.layer("out").mask_bits == 0
    assert step.layer("out:unpool").operands == (("loss",),)


def test_a_network_without_weights_cannot_be_trained() -> None:
    with pytest.raises(ValueError, match=r"^cannot be trained: no layer with weights leads to an output$"):
        step_of(pool("out", "x", 3))


def test_names_that_a_step_needs_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^cannot be trained: a training step needs the name loss for a tensor of its own$"
    ):
        step_of(conv("loss", "x", 3, 3), conv("out", "loss", 3, 3))


@pytest.mark.parametrize("seed", range(150))
def test_random_networks(seed: int) -> None:
    rng = random.Random(seed)
    network = with_activations(rng, random_network(rng, max_layers=8))
    if not any(layer.has_weights for layer in network.layers):
        return
    step = training_step(network)
    _is_in_topological_order(step)
    _shapes_agree(step)
    _gradients_match(network, step)


def _is_in_topological_order(step: Network) -> None:
    known = {name for name, _ in step.inputs}
    views = dict(step.views)
    for layer in step.layers:
        for name in layer.input_tensors:
            assert step.maker[name] in known
            assert name not in views or views[name].parent in known
        assert known.issuperset(layer.waits_for)
        known.add(layer.name)
    assert len(known) == len(step.layers) + len(step.inputs)
    phases = [layer.phase == "forward" for layer in step.layers]
    assert phases == sorted(phases, reverse=True)


def _shapes_agree(step: Network) -> None:
    for _, view in step.views:
        parent = step.tensors[view.parent]
        if view.reshaped:
            assert (parent.rows, parent.cols) == (1, 1)
            assert view.first + view.shape.elements <= parent.channels
        else:
            assert (parent.rows, parent.cols) == (view.shape.rows, view.shape.cols)
            assert view.first + view.shape.channels <= parent.channels
    for layer in step.layers:
        at_output = len(layer.operands) - layer.pixelwise
        for i, operand in enumerate(layer.operands):
            shapes = [step.tensors[name] for name in operand]
            total = TensorShape(sum(shape.channels for shape in shapes), shapes[0].rows, shapes[0].cols)
            assert all((shape.rows, shape.cols) == (total.rows, total.cols) for shape in shapes)
            under_kernel = TensorShape(layer.C, layer.H, layer.W)
            assert total == (under_kernel if i < at_output else layer.output)


def _gradients_match(network: Network, step: Network) -> None:
    by_op = {op: [layer for layer in step.layers if layer.op == op] for op in ("wgrad", "update", "unpool", "dgrad")}
    forward = [layer for layer in step.layers if layer.phase == "forward"]
    trained = {layer.name for layer in forward if layer.on_array}
    assert trained == {layer.name for layer in network.layers if layer.has_weights and layer.name in step.index}
    for op in ("wgrad", "update"):
        assert sorted(layer.name for layer in by_op[op]) == sorted(f"{name}:{op}" for name in trained)
    for layer in forward:
        if layer.mask_bits:
            bits = ceil(log2(layer.R * layer.S)) if layer.op == "maxpool" else 1
            assert layer.mask_bits == bits
            readers = step.consumers[layer.name + MASK]
            assert len(readers) == 1
    # Every map of a step is read by something: nothing is computed in vain.
    for layer in step.layers:
        if not layer.reduces and layer.op != "update" and layer.name not in network.outputs:
            assert step.readers[layer.name][0], layer.name
    params = sum(layer.params for layer in network.layers if layer.name in trained)
    assert sum(layer.params for layer in by_op["update"]) == params
    macs = sum(layer.macs for layer in network.layers if layer.name in trained)
    assert training_macs(step)[0] == training_macs(step)[2] == macs
