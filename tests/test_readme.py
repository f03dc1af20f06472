"""The README's command prints what the README shows, and its Python example runs.

``python tests/test_readme.py`` runs the command and writes what it prints into the README.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def shown() -> re.Match[str]:
    found = re.search(r"<!-- output of: solve (.*?) -->\n```text\n(.*?)\n```", README, re.DOTALL)
    assert found, "README.md shows no report"
    return found


def printed(arguments: str) -> str:
    command = [sys.executable, "-m", "solver.cli", *arguments.split()]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.rstrip()


def test_the_main_command_prints_the_report_shown() -> None:
    assert printed(shown()[1]) == shown()[2]


def test_the_python_example_runs() -> None:
    found = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert found
    run = subprocess.run([sys.executable, "-c", found[1]], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.startswith("optimal ")


if __name__ == "__main__":
    start, end = shown().span(2)
    (ROOT / "README.md").write_text(README[:start] + printed(shown()[1]) + README[end:], encoding="utf-8")
