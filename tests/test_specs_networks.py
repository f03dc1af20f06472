"""Every shipped network has the parameters and multiply-accumulates published with its architecture."""

import csv
from pathlib import Path
from typing import NamedTuple

import pytest

from specs import load_network

NETWORKS = Path(__file__).parent.parent / "specs" / "networks"


class Total(NamedTuple):
    net: str
    layers_with_macs: int
    params: int
    macs: int


def published() -> list[Total]:
    lines = (NETWORKS / "totals.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [Total(row.pop("net"), **{key: int(value) for key, value in row.items()}) for row in rows]


TOTALS = pytest.mark.parametrize("total", published(), ids=lambda total: total.net)


def test_every_network_file_has_a_total():
    assert {path.stem for path in NETWORKS.glob("*.yaml")} == {total.net for total in published()}


@TOTALS
def test_multiply_accumulates_equal_the_published_total(total):
    network = load_network(NETWORKS / f"{total.net}.yaml")
    assert network.name == total.net
    assert network.macs == sum(layer.macs for layer in network.layers) == total.macs
    assert sum(layer.has_weights for layer in network.layers) == total.layers_with_macs


@TOTALS
def test_parameters_equal_the_published_total(total):
    assert load_network(NETWORKS / f"{total.net}.yaml").params == total.params


def test_a_folded_batch_norm_stores_one_word_less_per_channel_than_is_published():
    # ResNet-18: 20 normalised convolutions of 64 to 512 channels, 4,800 in all.
    network = load_network(NETWORKS / "resnet18.yaml")
    assert sum(layer.weight_words for layer in network.layers) == 11_689_512 - 4_800


def test_alexnet_layer_by_layer():
    # conv1: 96 filters of 3*11*11 weights on 55*55 outputs; fc6: 4096 filters over 256*6*6 inputs.
    network = load_network(NETWORKS / "alexnet.yaml")
    conv1, fc6 = network.layer("conv1"), network.layer("fc6")
    assert (conv1.params, conv1.macs) == (96 * (363 + 1), 96 * 363 * 55 * 55)
    assert (fc6.params, fc6.macs) == (4096 * (9216 + 1), 4096 * 9216)
    assert network.layer("conv2").G == 2


def test_ceil_mode_pools_of_googlenet_keep_their_size():
    # 112 -> 56 with a 3x3 window and stride 2 reads one row and one column beyond the map.
    pool = load_network(NETWORKS / "googlenet.yaml").layer("pool1")
    assert (pool.H, pool.P, pool.Q, pool.pad) == (112, 56, 56, (0, 0, 1, 1))


def test_a_concatenation_is_read_not_made():
    network = load_network(NETWORKS / "googlenet.yaml")
    assert network.layer("inc3b_1x1").operands == (("inc3a_1x1", "inc3a_3x3", "inc3a_5x5", "inc3a_proj"),)
    assert network.layer("inc3b_1x1").C == 64 + 128 + 32 + 32
