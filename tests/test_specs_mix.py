"""Mixes of networks in study files: what is read, what is refused, and networks side by side."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from specs import SpecError, load
from specs.mix import each_its_own, joined
from specs.network import Network
from specs.study import Budgets, Study

NETWORK = "inputs: {input: [3, 8, 8]}\nlayers:\n  - {name: a, op: conv, inputs: input, K: 2, kernel: 3, pad: 1}\n"
TWO = NETWORK + "  - {name: b, op: fc, inputs: a, K: 5}\n"


@pytest.fixture(autouse=True)
def _networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.yaml").write_text(NETWORK)
    Path("two.yaml").write_text(TWO)


def study(text: str) -> Study:
    Path("s.yaml").write_text(text)
    return load("s.yaml")


def refusal(text: str) -> str:
    with pytest.raises(SpecError) as error:
        study(text)
    return str(error.value)


def test_networks_with_weights_and_budgets() -> None:
    found = study(
        "networks:\n"
        "  - {network: one.yaml, weight: 0.7}\n"
        "  - {network: two.yaml, weight: 0.25, budgets: {latency: 2 ms, power: 1 W}}\n"
        "budgets: {energy: 3 mJ, power: 2 W}\n"
    )
    assert [workload.name for workload in found.mix] == ["one", "two"]
    assert [workload.weight for workload in found.mix] == [Fraction(7, 10), Fraction(1, 4)]
    assert [workload.num_layers for workload in found.mix] == [1, 2]
    assert [workload.budgets for workload in found.mix] == [
        Budgets(),
        Budgets(latency_fs=2 * 10**12, power_nw=10**9),
    ]
    assert (found.num_mixes, found.runs) == (20, (14, 5))
    assert found.limits == Budgets(energy_fj=20 * 3 * 10**12, power_nw=2 * 10**9)
    assert [layer.name for layer in found.network.layers] == ["one/a", "two/a", "two/b"]
    assert found.network.layers[2].operands == (("two/a",),)
    assert found.network.outputs == ("one/a", "two/b")
    assert [name for name, _ in found.network.inputs] == ["one/input", "two/input"]
    assert found.workload_of == (0, 1, 1)
    assert found.slowness_pays
    assert found.weighs_energy


def test_a_path_alone_is_a_network_that_runs_once_and_equal_names_are_numbered() -> None:
    found = study("networks: [one.yaml, two.yaml, one.yaml]")
    assert [workload.name for workload in found.mix] == ["one", "two", "one-2"]
    assert (found.num_mixes, found.runs) == (1, (1, 1, 1))


def test_without_a_mix_nothing_runs_more_than_once() -> None:
    found = study("network: two.yaml\nbudgets: {energy: 3 mJ}")
    assert (found.num_mixes, found.runs, found.workload_of) == (1, (), (0, 0))
    assert found.limits == found.budgets


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("networks: []", "s.yaml:1: networks must be a list of networks, not []"),
        ("networks: {network: one.yaml}", "s.yaml:1: networks must be a list of networks, not a mapping"),
        ("networks: one.yaml", 's.yaml:1: networks must be a list of networks, not "one.yaml"'),
        (
            "network: one.yaml\nnetworks: [two.yaml]",
            "s.yaml:2: networks must not stand beside network: a study has one of them",
        ),
        (
            "networks: [one.yaml, tvo.yaml]",
            's.yaml:1: networks[1] must be an existing file, and there is no "tvo.yaml"; did you mean "two.yaml"?',
        ),
        ("networks: [{weight: 2}]", "s.yaml:1: networks[0].network is missing"),
        (
            "networks:\n  - one.yaml\n  - {network: two.yaml, weight: 0}",
            "s.yaml:3: networks[1].weight must be a positive number of at most 1000, with up to four digits behind the"
            " point, not 0",
        ),
        (
            "networks: [{network: two.yaml, weight: 0.33333}]",
            "s.yaml:1: networks[0].weight must be a positive number of at most 1000, with up to four digits behind the"
            " point, not 0.33333",
        ),
        (
            "networks: [{network: two.yaml, budgets: {area: 3 mm2}}]",
            "s.yaml:1: networks[0].budgets.area is not a key here"
            " (allowed: latency, energy, power, dram_bandwidth, dram_traffic)",
        ),
        (
            "networks: [{network: two.yaml, budgets: {latency: 3}}]",
            's.yaml:1: networks[0].budgets.latency must be a positive time such as "40 ms", not 3'
            " (its unit is missing)",
        ),
        ("networks: [7]", "s.yaml:1: networks[0] must be a mapping of keys to values, not 7"),
    ],
)
def test_one_mistake_is_one_line(text: str, message: str) -> None:
    assert refusal(text) == message


def test_networks_side_by_side_keep_their_shapes_and_numbers() -> None:
    members: list[tuple[str, Network]] = []
    for name in ("one", "two"):
        members.append((name, study(f"network: {name}.yaml").network))
    together = joined(members)
    assert together.name == "one + two"
    assert (together.macs, together.params) == (
        sum(network.macs for _, network in members),
        sum(network.params for _, network in members),
    )
    assert each_its_own(["a", "b", "a", "a-2", "a"]) == ["a", "b", "a-2", "a-2-2", "a-3"]
