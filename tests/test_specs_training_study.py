"""Study files that train: modes, optimizers, floating formats, and one clear line for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs import describe
from specs.mix import alone
from specs.study import Precision
from specs.training import training_step
from test_specs_mix import refusal, study
from test_specs_technology_reader import GOOD as TECHNOLOGY

NETWORK = "inputs: {input: [3, 8, 8]}\nlayers:\n  - {name: a, op: conv, inputs: input, K: 2, kernel: 3, relu: true}\n"
TWO = NETWORK + "  - {name: b, op: fc, inputs: a, K: 5}\n"
POOL = "inputs: {input: [3, 8, 8]}\nlayers:\n  - {name: p, op: maxpool, inputs: input, kernel: 2, stride: 2}\n"
TRAIN = "network: two.yaml\nmode: training\n"
MIXED = "must have whole bits everywhere or floating formats everywhere, not"


@pytest.fixture(autouse=True)
def _networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.yaml").write_text(NETWORK)
    Path("two.yaml").write_text(TWO)
    Path("pool.yaml").write_text(POOL)
    Path("mine.yaml").write_text(TECHNOLOGY.replace("[2048, 64,", "[8388608, 64,"))


def test_training_makes_the_step_of_the_network_and_has_defaults_of_its_own() -> None:
    found = study(TRAIN)
    assert found.network == training_step(study("network: two.yaml").network)
    assert (found.mode, found.optimizer, found.trains) == ("training", "sgd", True)
    assert found.precision == Precision(16, 16, 32, gradient=32, state=32, floating=True)
    assert describe(found)["optimizer"] == "sgd"
    assert describe(found)["precision_bits"]["gradient"] == 32
    assert not any(accelerator.skip_zeros for accelerator in found.accelerators)


def test_inference_stays_as_it_was() -> None:
    found = study("network: two.yaml")
    assert (found.mode, found.trains, found.precision) == ("inference", False, Precision())
    assert describe(found)["optimizer"] is None


def test_everything_stated() -> None:
    found = study(
        TRAIN + "optimizer: adam\n"
        "precision: {activation: fp16, weight: fp32, gradient: bf16, state: [fp32, bf16]}\n"
        "accelerators: [{template: vwa, skip_zeros: true}]\n"
    )
    assert found.optimizer == "adam"
    assert found.precisions == tuple(Precision(16, 32, 32, 16, state, floating=True) for state in (32, 16))
    assert found.accelerators[0].skip_zeros


def test_training_in_whole_bits() -> None:
    words = "activation: 8, weight: 8, partial_sum: 32, gradient: 16, state: 16"
    assert study(TRAIN + f"precision: {{{words}}}").precision == Precision(8, 8, 32, 16, 16)


def test_inference_in_floating_point() -> None:
    found = study("network: two.yaml\nprecision: {activation: bf16, weight: bf16, partial_sum: fp32}")
    assert found.precision == Precision(16, 16, 32, floating=True)


def test_layers_of_a_step_may_be_pinned() -> None:
    pin = "accelerators: [{template: vwa, mapping: {%s: {blocks_on: K}}}]"
    found = study(TRAIN + pin % '"b:wgrad"')
    assert found.accelerators[0].mapping == (("b:wgrad", (("blocks_on", "K"),)),)
    assert 'must be a layer with weights: "update" has no mapping to pin' in refusal(TRAIN + pin % '"a:update"')


def test_networks_of_a_mix_have_modes_of_their_own() -> None:
    found = study("networks: [one.yaml, {network: two.yaml, mode: training, weight: 0.2}]\noptimizer: momentum")
    assert [workload.mode for workload in found.mix] == ["inference", "training"]
    assert (found.mode, found.trains, found.optimizer) == ("inference", True, "momentum")
    assert found.precision.floating
    assert found.mix[0].num_layers == 1
    network = found.network
    assert network.outputs == ("one/a",)
    assert network.layer("two/b:update").waits_for == ("two/b:wgrad",)
    assert network.maker["two/b:dgrad:a"] == "two/b:dgrad"
    assert network.layer("two/a:masked").operands == (("two/b:dgrad:a",), ("two/a:mask",))
    assert "two/a:mask" in network.tensors
    assert [entry["mode"] for entry in describe(found)["mix"]] == ["inference", "training"]
    trained = alone(found, 1)
    assert (trained.mode, trained.trains) == ("training", True)
    assert trained.network.views == network.views
    assert not alone(found, 0).trains
    assert not alone(found, 0).network.views


def test_a_network_of_a_mix_takes_the_mode_of_the_study() -> None:
    found = study("mode: training\nnetworks: [one.yaml, {network: two.yaml, mode: inference}]")
    assert [workload.mode for workload in found.mix] == ["training", "inference"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "network: pool.yaml\nmode: training",
            "s.yaml:1: network cannot be trained: no layer with weights leads to an output",
        ),
        (
            "networks:\n  - one.yaml\n  - {network: pool.yaml, mode: training}",
            "s.yaml:3: networks[1].network cannot be trained: no layer with weights leads to an output",
        ),
        (
            "networks: [{network: one.yaml, mode: train}]",
            's.yaml:1: networks[0].mode must be inference or training, not "train"; did you mean "training"?',
        ),
        (
            TRAIN + "optimizer: adm",
            's.yaml:3: optimizer must be sgd, momentum or adam, not "adm"; did you mean "adam"?',
        ),
        (
            "network: one.yaml\noptimizer: adam",
            "s.yaml:2: optimizer must stand in a study that trains a network (mode: training)",
        ),
        (
            "network: one.yaml\nprecision: [{weight: 8}, {gradient: 32}]",
            "s.yaml:2: precision[1].gradient must stand in a study that trains a network (mode: training)",
        ),
        (
            "network: one.yaml\nprecision: {activation: bf16}",
            f"s.yaml:2: precision {MIXED} activation bf16 beside weight 8",
        ),
        (TRAIN + "precision: {weight: 8}", f"s.yaml:3: precision {MIXED} activation bf16 beside weight 8"),
        (
            TRAIN + "precision: {weight: [fp32, bf15]}",
            's.yaml:3: precision.weight[1] must be 8, 16 or 32 bits, or fp32, fp16 or bf16, not "bf15";'
            ' did you mean "bf16"?',
        ),
        (
            TRAIN + "technology: mine.yaml\nprecision: {weight: bf16}",
            "s.yaml:4: precision must be whole bits: technology mine prices no floating point",
        ),
        (
            TRAIN + "accelerators: [{template: vwa, skip_zeros: 1}]",
            "s.yaml:3: accelerators[0].skip_zeros must be true or false, not 1",
        ),
    ],
)
def test_one_mistake_is_one_line(text: str, message: str) -> None:
    assert refusal(text) == message


def test_a_floating_format_that_the_technology_does_not_price() -> None:
    unit = '{16: {energy: 2 pJ, area: 5824 um2, source: "A"}}'
    text = Path("mine.yaml").read_text() + f"float_mac: {unit}\nfloat_add: {unit}\n"
    Path("mine.yaml").write_text(text)
    start = TRAIN + "technology: mine.yaml\n"
    assert study(start).technology.float_mac[0][0] == 16
    assert refusal(start + "precision: {weight: fp32}") == (
        "s.yaml:4: precision.weight must be 16 bits (technology mine prices no other floating-point"
        " multiply-accumulates), not fp32"
    )
