"""Layers alone: pricing only what is promising gives what pricing everything gives (docs/solver.md, D16)."""

import sys
from pathlib import Path

import numpy as np
import pytest

from costmodel import alone_listing, pricing_alone
from costmodel.group_candidates import candidates
from costmodel.pricing import FamilyPricer
from costmodel.selection import cheapest_somewhere
from costmodel.table import Frame, table_frame
from specs import load
from specs.study import Study

SPECS = Path(__file__).parent.parent / "specs"
STUDY = """
network: {specs}/networks/{network}.yaml
mode: {mode}
batch: {batch}
accelerators:
  - {{template: vwa, blocks: [8, 16], rows: [7], taps: 3, clock: 500 MHz}}
  - {{template: eyeriss, rows: 12, cols: 14, clock: 200 MHz, double_buffer: false}}
buffers: {buffers}
goal: {goal}
fusion: none
"""
APART = "{feature: [16 KiB, 64 KiB, 256 KiB, 4 MiB], weight: [8 KiB, 32 KiB, 128 KiB, 2 MiB]}"
SHARED = "{shared: [32 KiB, 256 KiB, 2 MiB]}"
CASES = [
    ("alexnet", "inference", 3, "energy", APART),
    ("alexnet", "inference", 2, "latency", SHARED),
    ("alexnet", "training", 2, "energy", SHARED),
    ("alexnet", "training", 3, "latency", APART),
    ("alexnet", "training", 2, "bandwidth", APART),
]


def study_of(tmp_path: Path, network: str, mode: str, batch: int, goal: str, buffers: str) -> Study:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.format(specs=SPECS, network=network, mode=mode, batch=batch, goal=goal, buffers=buffers))
    return load(path)


def pricers_of(frame: Frame) -> list[FamilyPricer]:
    return [FamilyPricer(frame.study, family, frame.plans) for family, _ in frame.families]


@pytest.mark.parametrize(("network", "mode", "batch", "goal", "buffers"), CASES)
def test_the_promising_are_enough(
    tmp_path: Path, network: str, mode: str, batch: int, goal: str, buffers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_of(tmp_path, network, mode, batch, goal, buffers)
    least = alone_listing.Listing.least_cycles

    def checked(self: alone_listing.Listing, sums: np.ndarray) -> np.ndarray:
        lower = least(self, sums)
        assert (lower <= self.cycles()).all()
        return lower

    monkeypatch.setattr(alone_listing.Listing, "least_cycles", checked)
    frame = table_frame(study)
    left_out = 0
    for pricer in pricers_of(frame):
        for index in range(len(frame.members)):
            pricer.announce([index], lambda: None)
            promising, number = candidates(study, pricer.family, pricer.works, frame.plans[index], pricer.grid)
            every, all_of_them = candidates(study, pricer.family, pricer.works, frame.plans[index])
            assert number == all_of_them
            assert (promising is None) == (every is None)
            if promising is None or every is None:
                continue
            left_out += len(every) - len(promising)
            some = cheapest_somewhere(promising, pricer.family, pricer.grid, study.goal, in_order=False)
            whole = cheapest_somewhere(every, pricer.family, pricer.grid, study.goal, in_order=False)
            assert np.array_equal(some.best, whole.best)
            for name in ("tile_rows", "tile_cols", "images", "overlap", "stepwise", "feature_cap", "cycles"):
                assert np.array_equal(getattr(some.rows, name), getattr(whole.rows, name)), name
            kinds = [[rows.kinds[kind] for kind in rows.kind] for rows in (some.rows, whole.rows)]
            assert kinds[0] == kinds[1]
    assert left_out > 0


def test_a_further_process_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing_alone, "_WORTH_A_PROCESS", 0)
    frame = table_frame(study_of(tmp_path, *CASES[0]))
    classes = list(range(len(frame.members)))
    serial, parallel = pricers_of(frame), pricers_of(frame)
    pricing_alone.price_alone(frame.study, serial, frame.plans, classes, lambda: None)
    pricing_alone.price_alone(frame.study, parallel, frame.plans, classes, lambda: None, processes=2)
    for one, other in zip(serial, parallel, strict=True):
        assert one.done == other.done
        expected, found = one.result(), other.result()
        assert expected.cheapest is not None
        assert found.cheapest is not None
        assert np.array_equal(expected.cheapest, found.cheapest)
        assert expected.priced == found.priced


def test_the_reader_of_a_broken_process_does_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing_alone, "_WORTH_A_PROCESS", 0)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    frame = table_frame(study_of(tmp_path, *CASES[0]))
    pricers = pricers_of(frame)
    pricing_alone.price_alone(frame.study, pricers, frame.plans, [0, 1], lambda: None, processes=2)
    assert pricers[0].done == [0, 1]
