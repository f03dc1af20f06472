"""What a study means by a key that it leaves out, in the words of a study file."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULTS: Mapping[str, object] = {
    "mode": "inference",
    "batch": 1,
    "precision": {"activation": 8, "weight": 8, "partial_sum": 32},
    "accelerators": ["vwa", "eyeriss"],
    "buffers": {
        "feature": ["32 KiB", "64 KiB", "128 KiB", "256 KiB", "512 KiB"],
        "weight": ["32 KiB", "64 KiB", "128 KiB", "256 KiB"],
    },
    "technology": "40nm",
    "dram": {"type": "DDR3", "bandwidth": "6.4 GB/s"},
    "fusion": {"max_layers": 12, "overlap": ["recompute", "cache-rows", "cache-all"]},
    "tiling": {
        "row_splits": "all",
        "column_splits": [1, 2, 4, 8],
        "channel_splits": [1, 2, 4, 8, 16, 32, 64, 128, 256],
        "input_splits": [1, 2, 4, 8, 16, 32, 64, 128, 256],
    },
    "goal": "energy",
    "budgets": {},
}

TRAINING_PRECISION: Mapping[str, object] = {
    "activation": "bf16",
    "weight": "bf16",
    "partial_sum": "fp32",
    "gradient": "fp32",
    "state": "fp32",
}
"""In place of the default's precision if any network is trained."""

_FILLED_KEY_BY_KEY = ("precision", "fusion", "tiling", "buffers", "dram")
_WRITTEN_WHOLE = {"buffers": ("shared",), "dram": ("type", "energy")}
"""A mapping with one of these keys is complete: another kind of buffer or memory has no use for the default's rest."""


def trains(study: Mapping[str, object]) -> bool:
    """Tell whether a study as written trains any network."""
    networks = study.get("networks")
    if not isinstance(networks, list):
        return study.get("mode") == "training"
    return any(mode_of(entry, study) == "training" for entry in networks)


def mode_of(entry: object, study: Mapping[str, object]) -> object:
    """Return the mode of one network of a mix: its own, or the study's."""
    return entry["mode"] if isinstance(entry, dict) and "mode" in entry else study.get("mode")


def with_defaults(study: Mapping[str, object]) -> dict[str, object]:
    """Add what a study leaves out; whatever else it holds is left for the schema to judge."""
    # Budgets that are all commented out leave an empty key behind.
    given_keys = {key: value for key, value in study.items() if (key, value) != ("budgets", None)}
    defaults = dict(DEFAULTS) | ({"precision": dict(TRAINING_PRECISION)} if trains(study) else {})
    filled = defaults | given_keys
    for key in _FILLED_KEY_BY_KEY:
        given, default = filled[key], defaults[key]
        assert isinstance(default, dict)
        if isinstance(given, dict) and not any(word in given for word in _WRITTEN_WHOLE.get(key, ())):
            filled[key] = default | given
        if key == "precision" and isinstance(given, list):
            filled[key] = [default | choice if isinstance(choice, dict) else choice for choice in given]
    return filled
