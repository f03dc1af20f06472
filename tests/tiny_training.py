"""A training study of three layers on disk, solved once."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from solver import solve
from solver.result import Result
from specs import load
from specs.study import Study
from tiny_study import STUDY

NETWORK = """\
name: tiny
inputs: {input: [3, 16, 16]}
layers:
  - {name: conv1, op: conv, inputs: [input], K: 8, R: 3, S: 3, pad: 1, relu: true, batch_norm: true}
  - {name: pool, op: maxpool, inputs: [conv1], R: 2, S: 2, stride: 2}
  - {name: fc, op: fc, inputs: [pool], K: 4}
"""
TRAINING = STUDY.replace("weight: [1 KiB]", "weight: [16 KiB]") + "mode: training\noptimizer: momentum\nbatch: 2\n"


def write_training_study(folder: Path) -> Path:
    """Write the study and its network; return the study's path."""
    (folder / "tiny.yaml").write_text(NETWORK, encoding="utf-8")
    path = folder / "learn.yaml"
    path.write_text(TRAINING, encoding="utf-8")
    return path


def training_study() -> Study:
    """Load the study."""
    with TemporaryDirectory() as folder:
        return load(write_training_study(Path(folder)))


@lru_cache
def trained() -> Result:
    """Solve the study."""
    return solve(training_study(), workers=1)
