"""One study solved in a process of its own; prints what a benchmark shows of it as JSON.

python tests/bench/one_run.py STUDY '{"goal": "edp"}' [solve's options as JSON]
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def run(study: Path, overrides: dict[str, str], *, limit: float | None = None, **options: Any) -> dict[str, Any]:
    """Solve a study in a fresh process, so that memory and what was remembered are its own.

    Parameters
    ----------
    limit
        Seconds: the solver is asked to end by then, and ended where it does not within as long again. A run that is
        ended or fails is told as ``{"error": why}``; without a limit it raises.
    """
    if limit is not None:
        options["time_limit"] = limit
    command = [sys.executable, __file__, str(study), json.dumps(overrides), json.dumps(options)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, start_new_session=True)
    try:
        answer, said = process.communicate(timeout=None if limit is None else 2 * limit + 10)
    except subprocess.TimeoutExpired as late:
        os.killpg(process.pid, signal.SIGKILL)  # the processes that it started, too
        process.communicate()
        return {"error": f"ended after {late.timeout:.0f} s"}
    if process.returncode:
        if limit is None:
            raise RuntimeError(said)
        return {"error": f"failed: {(said.strip().splitlines() or [f'exit code {process.returncode}'])[-1]}"}
    found: dict[str, Any] = json.loads(answer)
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
