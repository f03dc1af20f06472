"""Training steps of the shipped networks have the published multiply-accumulates, parameters and kept maps."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from specs import load_network
from specs.network import MASK, Network
from specs.study import MOMENTS, OPTIMIZERS
from specs.training import kept, training_macs, training_step

NETWORKS = Path(__file__).parent.parent / "specs" / "networks"
NOT_IN_THE_TABLE = {"resnet101", "resnet152"}


def totals() -> list[dict[str, str]]:
    lines = (NETWORKS / "training_totals.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


@cache
def inference(name: str) -> Network:
    return load_network(NETWORKS / f"{name}.yaml")


TOTALS = pytest.mark.parametrize("total", totals(), ids=lambda total: total["net"])


def test_all_shipped_networks_but_those_without_a_table_have_totals() -> None:
    shipped = {path.stem for path in NETWORKS.glob("*.yaml")}
    assert {total["net"] for total in totals()} == shipped - NOT_IN_THE_TABLE


@TOTALS
def test_multiply_accumulates(total: dict[str, str]) -> None:
    network = inference(total["net"])
    macs = training_macs(training_step(network))
    assert macs == tuple(int(total[key]) for key in ("fwd_macs", "dgrad_macs", "wgrad_macs"))
    assert f"{sum(macs) / network.macs:.3f}" == total["ratio"]


@pytest.mark.parametrize("name", sorted(NOT_IN_THE_TABLE))
def test_all_but_the_first_layer_of_a_chain_have_both_gradients(name: str) -> None:
    network = inference(name)
    expected = (network.macs, network.macs - network.layer("conv1").macs, network.macs)
    assert training_macs(training_step(network)) == expected


@TOTALS
def test_updates_change_all_parameters(total: dict[str, str]) -> None:
    step = training_step(inference(total["net"]))
    params = sum(layer.params for layer in step.layers if layer.op == "update")
    assert params == int(total["params"])
    # Gradient and weight read, weight written; each moment read and written.
    words = [(3 + 2 * MOMENTS[optimizer]) * params for optimizer in OPTIMIZERS]
    assert words == [int(total[f"{optimizer}_words"]) for optimizer in OPTIMIZERS]


@TOTALS
def test_kept_maps_are_the_inputs_of_layers_with_weights_and_what_norms_and_losses_read(total: dict[str, str]) -> None:
    network = inference(total["net"])
    step = training_step(network)
    maps = sum(shape.elements for name, shape in kept(step).items() if not name.endswith(MASK))
    network_inputs = sum(shape.elements for _, shape in network.inputs)
    normed = sum(layer.output.elements for layer in network.layers if layer.batch_norm)
    logits = sum(network.tensors[name].elements for name in network.outputs)
    assert maps == int(total["stored_mac_input_elems"]) - network_inputs + normed + logits
