"""One study solved in a process of its own; prints what a benchmark shows of it as JSON.

python tests/bench/one_run.py STUDY '{"goal": "edp"}' [solve's options as JSON]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def run(study: Path, overrides: dict[str, str], **options: Any) -> dict[str, Any]:
    """Solve a study in a fresh process, so that memory and what was remembered are its own."""
    command = [sys.executable, __file__, str(study), json.dumps(overrides), json.dumps(options)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def measure(study: str, overrides: dict[str, str], options: dict[str, Any]) -> dict[str, Any]:
    from solver import solve
    from specs import load

    result = solve(load(study, overrides=overrides), **options)
    seconds, space, own = result.seconds, result.space, result.layer_by_layer
    children, self = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
    return {
        "status": result.status,
        "objective": result.objective,
        "gap": result.best.gap,
        "layers": len(result.study.network.layers),
        "points": space.hardware_points,
        "groups": space.groups,
        "table": seconds.table,
        "bounds": seconds.bounds,
        "cpsat": seconds.cpsat,
        "total": seconds.total,
        "saving": 1 - result.objective / own.objective if result.objective and own and own.objective else None,
        "memory": (children + self) / 1024,
    }


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    print(json.dumps(measure(sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3]))))
