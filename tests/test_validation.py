"""docs/validation.md is what the facts give today, and its reader is told the truth about misses."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.validation.report import ROOT, TARGET, Section, module_names, number, report, section, without_stamp
from tests.validation.row import Row


@pytest.fixture(scope="module")
def sections() -> list[Section]:
    return [section(name) for name in module_names()]


def test_the_report_is_up_to_date(sections: list[Section]) -> None:
    written = TARGET.read_text(encoding="utf-8")
    assert without_stamp(report(sections)) == without_stamp(written), "run python -m tests.validation"


def test_every_section_says_where_its_facts_come_from(sections: list[Section]) -> None:
    for part in sections:
        assert part.rows, part.name
        assert len(part.text) > 100, part.name


def test_no_lower_bound_is_undercut(sections: list[Section]) -> None:
    (limits,) = (part for part in sections if part.name == "limits")
    assert all(row.is_met for row in limits.rows)


def test_the_module_runs_from_the_root_of_the_repository() -> None:
    found = subprocess.run(
        [sys.executable, "-c", "import tests.validation.__main__"], cwd=ROOT, capture_output=True, check=False
    )
    assert found.returncode == 0, found.stderr


def test_a_difference_is_per_cent_of_the_published_value_or_absolute() -> None:
    assert Row("q", 200, 190, "mW", target=4).difference == pytest.approx(-5)
    assert Row("q", 200, 190, "mW", target=4).is_met is False
    assert Row("q", 200, 190, "mW", target=10, relative=False).is_met is True
    assert Row("q", 200, 190, "mW", target=None).is_met is None


def test_a_one_sided_target_is_met_by_any_value_on_the_other_side() -> None:
    assert Row("q", 200, 10, target=0, side="above").is_met
    assert not Row("q", 200, 201, target=0, side="above").is_met
    assert Row("q", 200, 1000, target=0, side="below").is_met
    assert not Row("q", 200, 199, target=0, side="below").is_met


def test_a_miss_is_written_as_a_miss() -> None:
    part = Section("s", "Title.\n\nText.", [Row("q", 10, 20, target=1), Row("r", 10, 10), Row("t", 3, 4, target=None)])
    text = report([part])
    assert "1 targets met, 1 missed, 1 rows for information." in text
    assert "| q | 10 | 20 | +100% | ±1% | **missed** |" in text
    assert "| r | 10 | 10 | 0% | equal | met |" in text
    assert "| t | 3 | 4 | +33.33% |  |  |" in text


@pytest.mark.parametrize(
    ("value", "text"), [(1234567, "1,234,567"), (3.64, "3.64"), (0.12345678, "0.1235"), (0, "0"), (123456.7, "123,457")]
)
def test_integers_in_full_and_the_rest_with_four_digits(value: float, text: str) -> None:
    assert number(value) == text
