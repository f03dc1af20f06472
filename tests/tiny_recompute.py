"""A training study on disk in which activations may be made again, solved once for each budget on what is kept."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from solver import solve
from solver.result import Result
from specs import load
from specs.study import Study

NETWORK = """\
name: tiny
inputs: {input: [16, 12, 12]}
layers:
  - {name: conv1, op: conv, inputs: [input], K: 2, R: 1, S: 1, relu: true}
  - {name: conv2, op: conv, inputs: [conv1], K: 4, R: 3, S: 3, pad: 1, relu: true, batch_norm: true}
  - {name: fc, op: fc, inputs: [conv2], K: 4}
"""
TRAINING = """\
network: tiny.yaml
mode: training
recompute: all
accelerators: [{template: vwa, blocks: 2, rows: 7, taps: 3, clock: 500 MHz}]
buffers: {feature: [4 KiB], weight: [16 KiB]}
technology: 40nm
dram: {type: DDR3, bandwidth: 6.4 GB/s}
fusion: {max_layers: 2}
tiling: {row_splits: [1, 2, 4], column_splits: [1, 2], channel_splits: [1], input_splits: [1]}
"""


def write_recompute_study(folder: Path, more: str = "") -> Path:
    """Write the study and its network; return the study's path."""
    (folder / "tiny.yaml").write_text(NETWORK, encoding="utf-8")
    path = folder / "learn.yaml"
    path.write_text(TRAINING + more, encoding="utf-8")
    return path


def recompute_study(more: str = "") -> Study:
    """Load the study."""
    with TemporaryDirectory() as folder:
        return load(write_recompute_study(Path(folder), more))


@lru_cache
def recomputed(more: str = "") -> Result:
    """Solve the study with further keys."""
    return solve(recompute_study(more), workers=1)
