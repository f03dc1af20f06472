"""A resolved study as plain values."""

from __future__ import annotations

import json

from specs import describe
from test_specs_study_reader import STUDY_KEYS, _a_folder_with_a_library, study

__all__ = ["_a_folder_with_a_library"]


def test_describe_is_plain_and_complete() -> None:
    found = describe(study("budgets: {area: 4 mm2}"))
    assert json.loads(json.dumps(found)) == found
    keys = STUDY_KEYS.replace("precision", "precision_bits").replace("networks", "mix")
    assert set(found) == {"name", *keys.split(", ")}
    assert found["budgets"] == {
        "area_um2": 4_000_000,
        "sram_bytes": None,
        "pes": None,
        "latency_fs": None,
        "energy_fj": None,
        "power_nw": None,
        "dram_bytes_per_s": None,
        "dram_bytes": None,
        "activation_bytes": None,
    }
    assert found["tiling"]["row_splits"] == "all"
    assert found["tiling"]["column_splits"] == [1, 2, 4, 8]
    assert found["technology"]["mac"]["8_bits"] == {"energy_pj": 0.3, "area_um2": 419.0}
    assert found["accelerators"][0]["clock_hz"] == [500_000_000]
    assert found["dram"] == [{"name": "DDR3", "fj_per_byte": 560_000, "bytes_per_s": 6_400_000_000}]
    assert found["network"]["outputs"] == ["a"]
