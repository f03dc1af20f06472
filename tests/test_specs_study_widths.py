"""Precisions and buffers of a study, held to what its technology prices."""

from __future__ import annotations

from pathlib import Path

from specs import describe
from specs.study import Precision
from test_specs_study_reader import _a_folder_with_a_library, refusal, study
from test_specs_technology_reader import GOOD as TECHNOLOGY

__all__ = ["_a_folder_with_a_library"]


def test_a_word_width_that_the_technology_does_not_price_is_refused_with_those_it_does() -> None:
    lines = TECHNOLOGY.replace("[2048, 64,", "[1048576, 64,").splitlines()
    Path("mine.yaml").write_text("\n".join(line for line in lines if not line.startswith("  32:")))
    assert refusal("technology: mine.yaml\nprecision: {activation: 8, weight: 32}\n") == (
        "s.yaml:3: precision.weight must be 8 or 16 bits (technology mine prices no other multiply-accumulates), not 32"
    )
    assert refusal("technology: mine.yaml\nprecision: {activation: 32}\n").splitlines() == [
        f"s.yaml:3: precision.activation must be 8 or 16 bits (technology mine prices no other {noun}), not 32"
        for noun in ("multiply-accumulates", "additions")
    ]


def test_a_list_of_precisions_is_every_combination_once_in_order() -> None:
    assert study("precision: {activation: [8, 16], weight: [16, 8, 16]}").precisions == tuple(
        Precision(activation, weight, 32) for activation in (8, 16) for weight in (16, 8)
    )
    found = study("precision: [{activation: 16}, {weight: [8, 16], partial_sum: 16}, {activation: 16}]")
    assert found.precisions == (Precision(16, 8, 32), Precision(8, 8, 16), Precision(8, 16, 16))
    assert found.precision == found.precisions[0]
    assert study("precision: [{weight: [16, 16]}]").precisions == ()
    assert study("", {"precision": "[{weight: 8}, {weight: 16}]"}).precisions == (Precision(), Precision(8, 16, 32))
    assert [one["weight"] for one in describe(found)["precision_bits"]] == [8, 8, 16]


def test_every_word_width_of_a_list_is_held_to_the_technology() -> None:
    lines = TECHNOLOGY.replace("[2048, 64,", "[1048576, 64,").splitlines()
    Path("mine.yaml").write_text("\n".join(line for line in lines if not line.startswith("  32:")))
    allowed = "must be 8 or 16 bits (technology mine prices no other"
    assert refusal("technology: mine.yaml\nprecision: {activation: [8, 16], weight: [8, 8, 32]}\n") == (
        f"s.yaml:3: precision.weight[2] {allowed} multiply-accumulates), not 32"
    )
    assert refusal("technology: mine.yaml\nprecision:\n  - {activation: 8}\n  - {activation: 32}\n").splitlines() == [
        f"s.yaml:5: precision[1].activation {allowed} {noun}), not 32" for noun in ("multiply-accumulates", "additions")
    ]


def test_each_buffer_is_held_to_the_capacities_of_its_own_port() -> None:
    ports = TECHNOLOGY.replace("buffer_width: 64", "buffer_width: {feature: 32, weight: 64}")
    Path("mine.yaml").write_text(ports + "    - [16384, 32, 2, 2, 0.01, 0.1]\n")
    assert refusal("technology: mine.yaml\nbuffers: {feature: 32 KiB, weight: 2 KiB}\n") == (
        's.yaml:3: buffers.feature must be from 1 KiB to 16 KiB (mine prices no other 32-bit buffers), not "32 KiB"'
    )
