"""The README's command prints what the README shows, and its Python example runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_main_command_prints_the_report_shown() -> None:
    found = re.search(r"<!-- output of: solve (.*?) -->\n```text\n(.*?)\n```", README, re.DOTALL)
    assert found, "README.md shows no report"
    command = [sys.executable, "-m", "solver.cli", *found[1].split()]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.rstrip() == found[2]


def test_the_python_example_runs() -> None:
    found = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert found
    run = subprocess.run([sys.executable, "-c", found[1]], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.startswith("optimal ")
