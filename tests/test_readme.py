"""The README's commands print what the README shows, and its Python example runs.

``python tests/test_readme.py`` runs the commands and writes what they print into the README.
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


def shown_in_part() -> re.Match[str]:
    found = re.search(r"<!-- part of the output of: solve (.*?) -->\n```text\n(.*?)```", README, re.DOTALL)
    assert found, "README.md shows no part of a report"
    return found


def part_of(report: str) -> str:
    """What the README shows of a long report: title, facts, phases, and what is proven."""
    blocks = report.split("\n\n")
    assert blocks[2].startswith("  phase")
    return "\n\n".join([*blocks[:3], blocks[-1]])


def printed(arguments: str) -> str:
    command = [sys.executable, "-m", "solver.cli", *arguments.split()]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.rstrip()


def test_the_main_command_prints_the_report_shown() -> None:
    assert printed(shown()[1]) == shown()[2]


def test_the_training_command_prints_the_part_shown() -> None:
    assert part_of(printed(shown_in_part()[1])) == shown_in_part()[2].rstrip("\n")


def test_the_python_example_runs() -> None:
    found = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert found
    run = subprocess.run([sys.executable, "-c", found[1]], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.startswith("optimal ")


if __name__ == "__main__":
    matches = ((shown(), printed(shown()[1])), (shown_in_part(), part_of(printed(shown_in_part()[1])) + "\n"))
    for found, text in sorted(matches, key=lambda pair: -pair[0].start()):  # from the end, so that places stay
        start, end = found.span(2)
        README = README[:start] + text + README[end:]
    (ROOT / "README.md").write_text(README, encoding="utf-8")
