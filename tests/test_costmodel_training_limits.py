"""Lower bounds on the traffic of training steps: by hand, and against every order of work of tiny gradients."""

from __future__ import annotations

from dataclasses import replace

import pytest

import test_costmodel_limits
from costmodel.limits import compulsory_bytes, network_compulsory_bytes, pebble_bytes
from specs.network import Layer, Network, TensorShape
from specs.study import Precision, Study
from specs.training import training_step
from test_costmodel_limits import TINY, conv, least_traffic, study_of

WORDS = Precision(16, 16, 32, 32, 32)


def trained_study(precision: Precision, *layers: Layer, shape: tuple[int, int, int]) -> Study:
    study = study_of(*layers, shape=shape, precision=precision, batch=2)
    return replace(study, network=training_step(study.network), mode="training", optimizer="momentum")


def test_a_step_moves_weights_states_and_inputs_once() -> None:
    study = trained_study(WORDS, conv(4, 3, 6, 3, bias=True), shape=(3, 6, 6))
    # Inputs 3*6*6 and targets 4*4*4 of two images, in 2 bytes; 4*28 weights of 2 bytes, read and written; masters and
    # momentum of 4 bytes, read and written.
    assert network_compulsory_bytes(study) == 2 * 2 * (108 + 64) + 112 * (2 * 2 + 2 * 2 * 4)
    # At one width the weights of the forward pass are those that are updated.
    study = replace(study, precision=Precision(16, 16, 32, 32, 16))
    assert network_compulsory_bytes(study) == 2 * 2 * (108 + 64) + 112 * 2 * 2 * 2


def test_layers_of_a_step_alone() -> None:
    layers = conv(4, 3, 6, 3, relu=True), Layer("b", "conv", (("a",),), 1, 2, 4, 4, 4, 4, 4)
    study = trained_study(WORDS, *layers, shape=(3, 6, 6))
    found = {layer.name: compulsory_bytes(study, layer) for layer in study.network.layers}
    images = 2
    assert found == {
        "a": images * (2 * (108 + 64) + 16) + 2 * 108,  # its mask: 4 bits of 16 places, each in a byte
        "b": images * 2 * (64 + 32) + 2 * 8,
        "loss": images * 2 * 3 * 32,
        "b:wgrad": images * 2 * (64 + 32) + 4 * 8,
        "b:update": 8 * (4 + 2 * 2 * 4 + 2),
        "b:dgrad": images * (2 * (32 + 64) + 16) + 2 * 8,
        "a:wgrad": images * 2 * (108 + 64) + 4 * 108,
        "a:update": 108 * (4 + 2 * 2 * 4 + 2),
    }


def test_input_gradients_of_strided_layers_have_no_pebble_bound() -> None:
    layers = conv(4, 3, 7, 3), Layer("b", "conv", (("a",),), 1, 4, 4, 5, 5, 2, 2, 3, 3, (2, 2))
    study = trained_study(WORDS, *layers, shape=(3, 7, 7))
    assert pebble_bytes(study, study.network.layer("b:dgrad"), 8) == 0
    assert pebble_bytes(study, study.network.layer("b:wgrad"), 8) > 0


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize(("act", "gradient"), [(1, 1), (2, 1), (1, 2)])
def test_no_order_of_work_of_a_weight_gradient_moves_less(
    name: str, act: int, gradient: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = TINY[name]
    study = study_of(layer, shape=(layer.C, 1, layer.W), precision=Precision(8 * act, 8, 8 * gradient, 8 * gradient))
    inputs = (*study.network.inputs, ("dy", layer.output))
    summed = replace(layer, name="g", op="wgrad", operands=(("x",), ("dy",)), pixelwise=1)
    study = replace(study, network=Network("n", inputs, (summed,), ()))
    forward = test_costmodel_limits._macs
    # The forward layer's MACs, where outputs are read (w) and weights are summed (o).
    monkeypatch.setattr(
        test_costmodel_limits, "_macs", lambda one: [(i, "w" + o[1:], "o" + w[1:]) for i, w, o in forward(one)]
    )
    room = 2 * act + gradient
    least = least_traffic(layer, room, (act, act, gradient))
    assert least is not None
    assert max(pebble_bytes(study, summed, room), compulsory_bytes(study, summed)) <= least


def test_masks_are_packed() -> None:
    assert TensorShape(5, 2, 2, 3).pixel_bytes(2) == 2
