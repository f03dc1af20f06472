"""Strict YAML: what scalars mean, where values stand, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.errors import Origin, Problem, SpecError
from specs.yaml_reader import Document, parse_yaml, read_yaml
from specs.yaml_scalars import plain_scalar


def parse(text: str) -> Document:
    problems: list[Problem] = []
    document = parse_yaml(text, "f.yaml", problems)
    assert document is not None
    assert not problems
    return document


def problems_of(text: str) -> list[str]:
    problems: list[Problem] = []
    parse_yaml(text, "f.yaml", problems)
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e6", 1_000_000),
        ("1.5e3", 1500),
        ("1e-3", 0.001),
        ("010", 10),
        ("-3", -3),
        ("+3", 3),
        ("4.0", 4.0),
        (".5", 0.5),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("off", "off"),
        ("n", "n"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("0o17", "0o17"),
        ("2024-01-01", "2024-01-01"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("6.4 GB/s", "6.4 GB/s"),
        (".inf", float("inf")),
        ("9" * 40, "9" * 40),
    ],
)
def test_plain_scalars_mean_what_people_mean(text: str, value: object) -> None:
    found = plain_scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_quoted_scalars_stay_text() -> None:
    assert parse("{a: '12', b: \"true\", c: ''}").data == {"a": "12", "b": "true", "c": ""}


def test_keys_stay_text() -> None:
    assert parse("{8: a, no: b, 1.5: c}").data == {"8": "a", "no": "b", "1.5": "c"}


def test_every_value_knows_its_line() -> None:
    document = parse("a: 1\nbuffers:\n  feature:\n    - 32 KiB\n    - [1,\n       2]\n")
    assert document.origin(("a",)) == Origin("f.yaml", 1)
    assert document.origin(("buffers",)) == Origin("f.yaml", 2)
    assert document.origin(("buffers", "feature", 0)) == Origin("f.yaml", 4)
    assert document.origin(("buffers", "feature", 1, 1)) == Origin("f.yaml", 6)


def test_a_missing_key_stands_where_its_parent_does() -> None:
    assert parse("a: 1\nb:\n  c: 2\n").origin(("b", "d", "e")) == Origin("f.yaml", 2)
    assert parse("\n\na: 1\n").origin(("z",)) == Origin("f.yaml", 1)


def test_aliases_are_copies_with_the_lines_of_the_anchor() -> None:
    document = parse("a: &x [1, 2]\nb: *x\n")
    assert document.data == {"a": [1, 2], "b": [1, 2]}
    assert isinstance(document.data, dict)
    assert document.data["a"] is not document.data["b"]
    assert document.origin(("b", 0)) == Origin("f.yaml", 1)


def test_duplicate_keys_are_refused_with_both_lines() -> None:
    assert problems_of("goal: a\nx: 1\ngoal: b\n") == ["f.yaml:3: goal is given twice; the first is in line 1"]
    assert problems_of("a: [{b: 1, b: 2}]\n") == ["f.yaml:1: a[0].b is given twice; the first is in line 1"]


def test_merge_keys_are_ordinary_keys() -> None:
    assert parse("<<: {a: 1}").data == {"<<": {"a": 1}}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1, 2", 1),
        ("a: 1\n b: 2", 2),
        ("a:\n\t- 1", 2),
        ("a: 1\n---\nb: 1", 2),
        ("x: 1\na: *nowhere", 2),
        ("a: 1\nb: \x07", 2),
        ("a: @b", 1),
        ("a: %", 1),
        ("[" * 1000 + "]" * 1000, 1),
        ("- " * 200_000, 1),
    ],
)
def test_syntax_errors_are_one_line(text: str, line: int) -> None:
    (problem,) = problems_of(text)
    assert "\n" not in problem
    # libyaml and the pure parser may differ by where an open bracket is missed.
    assert problem.startswith((f"f.yaml:{line}: is not valid YAML: ", f"f.yaml:{line + 1}: is not valid YAML: "))


def test_endless_aliases_are_refused() -> None:
    assert problems_of("a: &x [*x]") == ["f.yaml:1: a is nested too deeply or holds too many values"]
    laughs = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))
    (problem,) = problems_of(laughs)
    assert problem.endswith("is nested too deeply or holds too many values")


def test_tags_and_compound_keys_are_refused() -> None:
    assert problems_of("a: !!int '3'") == ["f.yaml:1: a must be a plain value, without the tag tag:yaml.org,2002:int"]
    assert problems_of("a:\n  ? [1]\n  : 2") == ["f.yaml:2: a must have plain words as keys"]


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("latin.yaml").write_bytes("name: caf\xe9".encode("latin-1"))
    problems: list[Problem] = []
    for name in ("none.yaml", "latin.yaml", "."):
        assert read_yaml(Path(name), problems) is None
    assert [str(problem) for problem in problems] == [
        "none.yaml: there is no such file",
        "latin.yaml: is not a text file in UTF-8",
        ".: cannot be read: Is a directory",
    ]


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: two\r\n")
    document = read_yaml(path, [])
    assert document is not None
    assert document.data == {"a": 1, "b": "two"}
    assert document.origin(("b",)).line == 2


def test_spec_error_sorts_lines_within_files_and_drops_repetitions() -> None:
    problems = [
        Problem(Origin("s.yaml", 9), ("b",), "must be x"),
        Problem(Origin("n.yaml", 1), (), "must be y"),
        Problem(Origin("s.yaml", 2), ("a", 0, "c"), "must be z"),
        Problem(Origin("s.yaml", 9), ("b",), "must be x"),
        Problem(Origin("--set goal"), ("goal",), "must be w"),
    ]
    assert str(SpecError(problems)).splitlines() == [
        "s.yaml:2: a[0].c must be z",
        "s.yaml:9: b must be x",
        "n.yaml:1: must be y",
        "--set goal: goal must be w",
    ]
