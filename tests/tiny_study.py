"""A study of three layers on disk, and ways to run ``solve`` on it in this process and in another."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from solver.cli import main
from solver.result import Result as SolveResult
from specs.study import Study

Stub = Callable[[Callable[[Study], SolveResult]], list[dict[str, Any]]]
"""Takes what is to answer in place of `solve`, returns the list of calls."""

ROOT = Path(__file__).parent.parent

NETWORK = """\
name: tiny
inputs: {input: [3, 16, 16]}
layers:
  - {name: conv1, op: conv, inputs: [input], K: 8, R: 3, S: 3, pad: 1}
  - {name: conv2, op: conv, inputs: [conv1], K: 8, R: 3, S: 3, pad: 1}
  - {name: pool, op: maxpool, inputs: [conv2], R: 2, S: 2, stride: 2}
"""
STUDY = """\
network: tiny.yaml
accelerators: [{template: vwa, blocks: [2, 4], rows: 7, taps: 3, clock: 500 MHz}]
buffers: {feature: [2 KiB, 4 KiB], weight: [1 KiB]}
technology: 40nm
dram: {type: DDR3, bandwidth: 6.4 GB/s}
"""


def write_study(folder: Path) -> Path:
    """Write the study and its network; return the study's path."""
    (folder / "tiny.yaml").write_text(NETWORK, encoding="utf-8")
    path = folder / "edge.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def run(*args: object) -> Result:
    """Run ``solve`` in this process."""
    return CliRunner().invoke(main, [str(arg) for arg in args])


def python(code: str) -> subprocess.Popen[str]:
    """Run Python code that may import the project and the tests' helpers."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, "-c", code],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )
