"""The scripts that make the shipped files, on tables small enough to check by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from specs.convert.activations import LINEAR, has_activation
from specs.convert.networks import SOURCES, layer_line, network_yaml, true_pad
from specs.convert.resnets import PUBLISHED, resnet_rows
from specs.convert.rows import Row
from specs.convert.technologies import Scaling, Value

CONV = Row("a", "conv", ("input",), 1, 4, 3, 8, 8, 4, 4, 3, 3, 2, (0, 0, 1, 1), 4 * 27 + 4, 4 * 27 * 16)


def test_a_pad_that_gives_the_output_is_kept():
    assert true_pad(CONV) == (0, 0, 1, 1)


def test_a_pad_in_the_order_top_bottom_left_right_is_recognised():
    assert true_pad(replace(CONV, pad=(0, 1, 0, 1))) == (0, 0, 1, 1)


def test_a_ceil_mode_pool_gets_the_rows_that_it_reads_beyond_the_map():
    # ceil((8 - 3) / 2) + 1 = 4 rows read 3 * 2 + 3 = 9 rows of 8.
    assert true_pad(replace(CONV, op="maxpool", pad=(0, 0, 0, 0))) == (0, 0, 1, 1)


def test_a_convolution_without_the_right_pad_is_refused():
    with pytest.raises(ValueError, match="a: no padding gives 4 x 4"):
        true_pad(replace(CONV, pad=(0, 0, 0, 0)))


@pytest.mark.parametrize("extra", [0, 1, 2])
def test_words_beside_the_weights_are_a_bias_or_a_batch_norm(extra):
    line = layer_line(replace(CONV, params=108 + 4 * extra))
    assert f"params: {108 + 4 * extra}," in line
    assert ("bias: false" in line) == (extra == 0)
    assert ("batch_norm: true" in line) == (extra == 2)


def test_parameters_that_fit_no_shape_are_refused():
    with pytest.raises(ValueError, match="a: 113 parameters do not fit its shape"):
        layer_line(replace(CONV, params=113))


def test_every_shipped_network_has_a_rule_for_its_activations():
    assert set(LINEAR) == set(SOURCES)


@pytest.mark.parametrize(
    ("network", "name", "op", "expected"),
    [
        ("resnet18", "conv3_1a", "conv", True),
        ("resnet18", "conv3_1b", "conv", False),
        ("resnet18", "conv3_1_sc", "conv", False),
        ("resnet18", "conv3_1_add", "add", True),
        ("resnet50_v1", "conv3_1b", "conv", True),
        ("resnet50_v1", "conv3_1c", "conv", False),
        ("mobilenet_v2", "b3_dw", "dwconv", True),
        ("mobilenet_v2", "b3_prj", "conv", False),
        ("mobilenet_v2", "b3_add", "add", False),
        ("vgg16", "fc7", "fc", True),
        ("vgg16", "fc8", "fc", False),
        ("vgg16", "pool1", "maxpool", False),
        ("squeezenet_v1_1", "conv10", "conv", True),
    ],
)
def test_activations_are_where_the_papers_have_them(network, name, op, expected):
    assert has_activation(network, replace(CONV, name=name, op=op)) == expected


def test_an_activation_is_written_beside_the_layer():
    assert "relu: true" in layer_line(CONV, relu=True)
    assert "relu" not in layer_line(CONV)


def test_the_rule_for_bottlenecks_gives_the_shipped_resnet50():
    shipped = (Path(__file__).parent.parent / "specs" / "networks" / "resnet50_v1.yaml").read_text(encoding="utf-8")
    assert network_yaml("resnet50_v1", resnet_rows((3, 4, 6, 3))) == shipped


@pytest.mark.parametrize(("name", "depth", "published_gmacs"), [("resnet101", 101, 7.6), ("resnet152", 152, 11.3)])
def test_deep_resnets_have_their_depth_and_their_published_multiply_accumulates(name, depth, published_gmacs):
    rows = resnet_rows(PUBLISHED[name].blocks)
    on_the_longest_path = [row for row in rows if row.op in ("conv", "fc") and not row.name.endswith("_sc")]
    assert len(on_the_longest_path) == depth
    assert round(sum(row.macs for row in rows) / 1e9, 1) == published_gmacs
    assert sum(row.params for row in rows) == PUBLISHED[name].params


def test_a_node_between_two_lies_on_a_line_in_log_space():
    # 80 nm is the geometric mean of 160 nm and 40 nm, so its energy is that of 16 and 4.
    scaling = Scaling(energy={160: 16.0, 40: 4.0}, area={160: 1.0, 40: 0.25})
    assert scaling.carry("energy", Value(1.0, "x"), 160, 80).amount == pytest.approx(0.5)
    assert scaling.carry("area", Value(3.0, "x"), 40, 160).amount == pytest.approx(12.0)
    assert "scaled from 160 nm: 1 pJ x 0.500 (x)" in scaling.carry("energy", Value(1.0, "x"), 160, 80).source
