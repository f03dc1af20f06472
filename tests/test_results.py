"""The page of results: rows survive a kill, stale ones do not count, and every number on it comes from rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.results import __main__ as command
from tests.results import log
from tests.results.cases import ACCELERATORS, MEMORIES, Case, cases, network_names
from tests.results.report import MEASURES, report, savings
from tests.results.solve_case import row

EVERY = list(cases(["alexnet", "vgg16"]))


def made(case: Case, fused: float = 0.5, status: str = "optimal", **changes: Any) -> dict[str, Any]:
    """A row whose fused design needs this fraction of layer by layer."""

    def side(scale: float, how: str = "optimal") -> dict[str, Any]:
        totals = {"energy_j": 4.0 * scale, "latency_s": 2.0 * scale, "dram_bytes": 10**6 * scale}
        return {"status": how, "gap": 0.0 if how == "optimal" else 0.0123, "totals": totals}

    found = {"network": case.network, "accelerator": case.accelerator, "memory": case.memory, "goal": "energy"}
    found |= {"digest": case.digest(), "time_limit_s": 60.0, "layers": 8, "macs": 10**9, "hardware_points": 150}
    found |= {"fused": side(fused, status), "layer_by_layer": side(1.0), "same_hardware": side(1.25), "groups": 3}
    return found | {"seconds": 2.0, "versions": {"python": "3", "laminate": "0"}} | changes


def test_every_case_is_a_valid_study_of_a_moderate_space() -> None:
    from costmodel.hardware import hardware_points

    assert len(network_names()) >= 15
    for case in cases(network_names()[:1]):
        study = case.study()
        assert study.goal == "energy"
        assert study.accelerators[0].template == case.accelerator
        assert study.dram[0].name == case.memory
        assert 100 <= len(list(hardware_points(study))) <= 300
    assert len(EVERY) == 2 * len(ACCELERATORS) * len(MEMORIES)


def test_rows_survive_a_kill_and_stale_ones_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    log.append(path, made(EVERY[0]))
    log.append(path, made(EVERY[1], digest="of an older cost model"))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"network": "alexnet", "accel')  # killed while writing
    assert list(log.read(path, EVERY)) == [EVERY[0]]
    log.append(path, made(EVERY[2]))
    log.append(path, made(EVERY[0], fused=0.25))
    found = log.read(path, EVERY)
    assert set(found) == {EVERY[0], EVERY[2]}
    assert savings(found[EVERY[0]]) == (75.0, 75.0, 75.0)


def test_a_run_continues_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Case] = []

    def solved(case: Case, seconds: float) -> dict[str, Any]:
        asked.append(case)
        if len(asked) == 3:
            raise KeyboardInterrupt
        if len(asked) == 5:
            raise RuntimeError("out of memory")
        return made(case)

    monkeypatch.setattr(command, "solved", solved)
    options = ["--rows", str(tmp_path / "rows.jsonl"), "--page", str(tmp_path / "page.md"), "alexnet", "vgg16"]
    with pytest.raises(KeyboardInterrupt):
        command.main(options)
    assert f"**{4 * len(network_names()) - 2} cases have not been run yet.**" in (tmp_path / "page.md").read_text()
    assert command.main(options) == 1
    assert asked == [*EVERY[:3], *EVERY[2:]]
    assert command.main(options) == 0
    assert asked == [*EVERY[:3], *EVERY[2:], EVERY[3]]
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == len(EVERY)


def test_the_page_has_the_summary_beside_the_papers_figures() -> None:
    rows = {case: made(case, fused=0.1 * (i + 1)) for i, case in enumerate(EVERY)}
    rows[EVERY[0]] = made(EVERY[0], fused=0.1, status="feasible")
    rows[EVERY[1]]["fused"] = {"status": "infeasible", "gap": None, "totals": None}
    page = report(rows, 0)
    assert len(MEASURES) == 3
    assert "| alexnet | vwa | DDR3 | 90.0 % | 90.0 % | 90.0 % | 92.0 % | 3 / 8 | fused: gap 1.3 % | 2 |" in page
    assert "| alexnet | vwa | LPDDR4 | n/a | n/a | n/a | n/a | 3 / 8 | fused: infeasible | 2 |" in page
    assert "| all (7) | mean | 51.4 % | 51.4 % | 51.4 % |" in page
    assert "| all (7) | most | 90.0 % | 90.0 % | 90.0 % |" in page
    assert "| the paper | as stated | 55.6 % | 36.7 % | 49.2 % |" in page
    assert "nothing is reproduced here" in page
    assert "have not been run yet" not in page
    assert "Fusion saves most energy for alexnet on vwa with DDR3 (90.0 %)" in " ".join(page.split())


def test_a_page_without_rows_says_so() -> None:
    assert "Too few cases have been run to say." in report({}, 60)


@pytest.mark.long
def test_one_case_is_solved() -> None:
    found = row(EVERY[0], 120.0)
    assert found["fused"]["status"] == found["layer_by_layer"]["status"] == "optimal"
    assert savings(found)
