"""What may stand behind ``--vary``: ranges, steps, counts and lists, with one sentence for each mistake."""

from __future__ import annotations

import pytest

from solver.vary import BUDGET_UNITS, FORMS, Varied, base_value, read_varied
from specs.schema import BudgetsDoc


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("sram", "64KiB:256KiB:x2", ("64 KiB", "128 KiB", "256 KiB")),
        ("sram", "64KiB:200KiB:x2", ("64 KiB", "128 KiB")),
        ("sram", "1KiB:2KiB:x1.5", ("1 KiB", "1.5 KiB")),
        ("budgets.sram", "64 KiB : 128 KiB : +32 KiB", ("64 KiB", "96 KiB", "128 KiB")),
        ("pes", "100:300:+100", ("100", "200", "300")),
        ("pes", "100:200:3", ("100", "150", "200")),
        ("latency", "1ms:2 ms:3", ("1 ms", "1.5 ms", "2 ms")),
        ("area", "1mm2:2mm2:2", ("1 mm2", "2 mm2")),
        ("power", "100mW:400mW:x4", ("100 mW", "400 mW")),
        ("latency", "none, 4 ms", ("none", "4 ms")),
        ("dram.bandwidth", "3.2GB/s:6.4GB/s:x2", ("3.2 GB/s", "6.4 GB/s")),
        ("accelerators.0.clock", "100MHz:200MHz:+50MHz", ("100 MHz", "150 MHz", "200 MHz")),
        ("batch", "1,2, 4", ("1", "2", "4")),
        ("batch", "[1, 2]", ("1", "2")),
        ("batch", "1:4:x2", ("1", "2", "4")),
        ("buffers.feature", "64 KiB,[64 KiB, 128 KiB]", ("64 KiB", "[64 KiB, 128 KiB]")),
        (
            "precision",
            "{activation: 8, weight: 8},{activation: 16}",
            ("{activation: 8, weight: 8}", "{activation: 16}"),
        ),
    ],
)
def test_values(name: str, text: str, values: tuple[str, ...]) -> None:
    assert read_varied(name, text) == Varied(name.removeprefix("budgets."), values)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("sram", "64:1MiB:x2", 'must be a positive size such as "64 KiB", not "64" (its unit is missing)'),
        ("sram", "1MiB:64KiB:x2", 'must go up, not from "1MiB" to "64KiB"'),
        ("sram", "1KiB:64KiB:x1", 'must have a factor above 1, not "x1"'),
        ("sram", "1KiB:64KiB:xx", 'must hold a number, not "x"'),
        ("sram", "1KiB:64KiB:1", 'must have from 2 to 10000 values, not "1"'),
        ("sram", "1KiB:64KiB:2.5", 'must have from 2 to 10000 values, not "2.5"'),
        ("sram", "1KiB:64KiB:+4", 'must be a positive size such as "64 KiB", not "4" (its unit is missing)'),
        ("sram", "1KiB:2MiB:+1B", "must have at most 10000 values"),
        ("pes", "a:b:c", 'must hold a number, not "a"'),
        ("pes", "-3:3:+1", 'must hold a positive number, not "-3"'),
        ("batch", "1,,2", f'must be {FORMS}, not "1,,2"'),
        ("batch", "[1", f'must be {FORMS}, not "[1"'),
        ("batch", "1,1", 'must have each value once, not "1,1"'),
        ("sram", "1GiB:1GiB:x2", None),
        ("sram", "1KiB:2KiB", f'must be {FORMS}, not "1KiB:2KiB"'),
        ("sram", "1KiB:", f'must be {FORMS}, not "1KiB:"'),
    ],
)
def test_mistakes(name: str, text: str, message: str | None) -> None:
    if message is None:
        assert len(read_varied(name, text).values) == 1
        return
    with pytest.raises(ValueError, match="must") as error:
        read_varied(name, text)
    assert str(error.value) == message


def test_every_budget_can_be_varied() -> None:
    assert list(BUDGET_UNITS) == BudgetsDoc.keys()
    assert base_value("area", "4 mm2") == 4_000_000
    assert base_value("pes", "12") == 12
    assert base_value("power", "none") is None
    with pytest.raises(ValueError, match="must be a positive whole number"):
        base_value("pes", "1.5")


def test_what_takes_many_digits_is_written_in_base_units() -> None:
    assert read_varied("latency", "1ms:2ms:4").values[1] == "1333333333333 fs"
