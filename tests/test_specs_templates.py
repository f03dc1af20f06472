"""Templates are described by data: defaults, choices, limits and pinned mappings, from YAML and from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.template import TemplateError, array_shapes
from specs import SpecError, describe, load
from specs.study import AcceleratorSpec
from specs.templates import FOLDER, accelerator, describe_template, template_names

NETWORK = """\
inputs: {input: [3, 8, 8]}
layers:
  - {name: conv1, op: conv, inputs: input, K: 4, kernel: 3}
  - {name: pool1, op: maxpool, inputs: conv1, kernel: 2, stride: 2}
  - {name: e, op: conv, inputs: pool1, K: 2, kernel: 1}
"""
SHIPPED = sorted((FOLDER.parent / "accelerators").glob("*.yaml"))


def read(tmp_path: Path, accelerators: str) -> tuple[AcceleratorSpec, ...]:
    (tmp_path / "net.yaml").write_text(NETWORK)
    (tmp_path / "s.yaml").write_text(f"network: net.yaml\naccelerators: {accelerators}\n")
    return load(tmp_path / "s.yaml").accelerators


def refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accelerators: str) -> str:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError) as error:
        read(tmp_path, accelerators)
    return str(error.value)


def test_there_are_templates() -> None:
    assert {"vwa", "eyeriss"} <= set(template_names())


@pytest.mark.parametrize("name", template_names())
def test_every_template_is_described_and_priced(name: str, tmp_path: Path) -> None:
    described = describe_template(name)
    spec = accelerator(name)
    assert read(tmp_path, f"{{template: {name}}}") == (spec,)
    assert spec.clock_hz == (described.clock.default,)
    (array,) = array_shapes(spec)
    assert array.pes > 0
    assert array.pins == ()
    assert set(array.numbers) <= set(described.numbers)
    assert hash(array) == hash(next(iter(array_shapes(spec))))
    assert all(number.default >= number.lowest for number in described.numbers.values())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_ready_made_accelerators_can_be_read(path: Path, tmp_path: Path) -> None:
    (spec,) = read(tmp_path, path.stem)
    assert list(array_shapes(spec))


def test_combinations_follow_the_lists_first_key_slowest() -> None:
    spec = accelerator("vwa", blocks=(4, 2), rows=(7, 14))
    assert list(spec.combinations()) == [
        {"blocks": 2, "rows": 7, "taps": 3},
        {"blocks": 2, "rows": 14, "taps": 3},
        {"blocks": 4, "rows": 7, "taps": 3},
        {"blocks": 4, "rows": 14, "taps": 3},
    ]
    assert [array.numbers for array in array_shapes(spec)] == list(spec.combinations())


def test_a_template_without_a_module_is_one_clear_line() -> None:
    spec = AcceleratorSpec("nothing", (("rows", (1,)),), (10**9,), True)
    with pytest.raises(TemplateError) as error:
        list(array_shapes(spec))
    assert str(error.value) == "template nothing cannot be priced: there is no array_shape in costmodel/nothing.py"


def test_mappings_are_pinned_in_the_order_of_the_letters(tmp_path: Path) -> None:
    written = "{template: eyeriss, mapping: {e: {t: 2, e: 7}, conv1: {p: 16}}}"
    (spec,) = read(tmp_path, written)
    assert spec.mapping == (("e", (("e", 7), ("t", 2))), ("conv1", (("p", 16),)))
    assert spec == accelerator("eyeriss", mapping={"e": {"t": 2, "e": 7}, "conv1": {"p": 16}})
    (array,) = array_shapes(spec)
    assert array.pins == spec.mapping
    told = describe(load(tmp_path / "s.yaml"))["accelerators"][0]
    assert told["mapping"] == {"e": {"e": 7, "t": 2}, "conv1": {"p": 16}}
    assert told["filter_spad_words"] == [224]


@pytest.mark.parametrize(
    ("accelerators", "message"),
    [
        ("{template: vwa, mapping: {conv2: {blocks_on: K}}}", '.conv2 is not a layer of net; did you mean "conv1"?'),
        (
            "{template: vwa, mapping: {pool1: {blocks_on: K}}}",
            '.pool1 must be a layer with weights: "maxpool" has no mapping to pin',
        ),
        (
            "{template: vwa, mapping: {conv1: {blocks_on: k}}}",
            '.conv1.blocks_on must be K or C, not "k"; did you mean "K"?',
        ),
        (
            "{template: vwa, mapping: {conv1: {block_on: K}}}",
            '.conv1.block_on is not a key here; did you mean "blocks_on"? (allowed: blocks_on)',
        ),
        ("{template: eyeriss, mapping: {e: {e: 0}}}", ".e.e must be a positive whole number, not 0"),
        ("{template: eyeriss, mapping: {e: {z: 1}}}", ".e.z is not a key here (allowed: m, n, e, p, q, r, t)"),
        ("{template: vwa, mapping: {conv1: {}}}", ".conv1 must pin at least one of blocks_on"),
        ("{template: vwa, mapping: {conv1: K}}", '.conv1 must be a mapping of keys to values, not "K"'),
        ("{template: vwa, mapping: [conv1]}", " must be a mapping of keys to values, not a list"),
    ],
)
def test_a_wrong_pin_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accelerators: str, message: str
) -> None:
    assert refusal(tmp_path, monkeypatch, accelerators) == f"s.yaml:2: accelerators.mapping{message}"


def test_pins_in_an_accelerator_file_are_refused_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text("template: vwa\nmapping:\n  fc1: {blocks_on: K}\n")
    assert refusal(tmp_path, monkeypatch, "a.yaml") == "a.yaml:3: mapping.fc1 is not a layer of net"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accelerator("vwb"), 'template must be one of {names}, not "vwb"; did you mean "vwa"?'),
        (
            lambda: accelerator("vwa", row=7),
            '"row" is not a key of vwa; did you mean "rows"? (known: blocks, rows, taps)',
        ),
        (lambda: accelerator("vwa", rows=0), "rows must be at least 1, not 0"),
        (lambda: accelerator("vwa", rows=()), "rows must be one number or more, not []"),
        (lambda: accelerator("eyeriss", psum_spad_words=(1, 2)), "psum_spad_words must be one number, not [1, 2]"),
        (lambda: accelerator("vwa", mapping={"a": {"blocks_on": 3}}), "blocks_on must be K or C, not 3"),
        (
            lambda: accelerator("eyeriss", mapping={"a": {"p": "K"}}),
            'p must be a whole number of at least 1, not "K"',
        ),
    ],
)
def test_python_users_are_refused_in_the_same_words(call: object, message: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        call()  # type: ignore[operator]
    assert str(error.value) == message.replace("{names}", ", ".join(template_names()))


def test_a_description_that_is_wrong_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd.yaml").write_text(
        "summary: x\nsource: y\nclock: {default: 1 GHz, source: z}\ndouble_buffer: {default: true, source: z}\n"
        "numbers:\n  rows: {defualt: 3, means: rows, source: z}\n"
    )
    with pytest.raises(SpecError) as error:
        describe_template("odd", Path())
    assert str(error.value) == (
        'odd.yaml:6: numbers.rows.defualt is not a key here; did you mean "default"?'
        " (allowed: means, unit, default, lowest, choice, source)"
    )
