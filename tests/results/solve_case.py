"""One case solved in a process of its own, so that memory is given back and a crash ends no run.

python -m tests.results.solve_case NETWORK ACCELERATOR MEMORY SECONDS
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

from solver.export import package_version
from solver.result import Outcome
from specs.study import Fusion
from tests.results.cases import ROOT, Case


def solved(case: Case, seconds: float) -> dict[str, Any]:
    """Solve a case in a fresh process.

    Raises
    ------
    RuntimeError
        With the last line of what it said, if it fails.
    """
    command = [sys.executable, "-m", "tests.results.solve_case", case.network, case.accelerator, case.memory]
    ran = subprocess.run([*command, str(seconds)], cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError((ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"])[-1])
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def row(case: Case, seconds: float) -> dict[str, Any]:
    """Solve a case: fused, layer by layer on its own best hardware, and on the hardware of the fused design."""
    from solver import solve

    begin, study = time.perf_counter(), case.study()
    result = solve(study, time_limit=seconds)
    own, same = result.layer_by_layer, result.layer_by_layer_same_hardware
    if own is None or own.design is None:  # fused took all the time: layer by layer has as much of its own
        own = solve(replace(study, fusion=Fusion(1)), time_limit=seconds, baseline=False).best
    return {
        "network": case.network,
        "accelerator": case.accelerator,
        "memory": case.memory,
        "goal": study.goal,
        "digest": case.digest(),
        "time_limit_s": seconds,
        "layers": len(study.network.layers),
        "macs": study.network.macs,
        "hardware_points": result.space.hardware_points,
        "fused": outcome_object(result.best),
        "layer_by_layer": outcome_object(own),
        "same_hardware": outcome_object(same),
        "groups": 0 if result.design is None else len(result.design.groups),
        "seconds": time.perf_counter() - begin,
        "versions": {"python": platform.python_version()}
        | {package: package_version(package) for package in ("laminate", "numpy", "ortools")},
    }


def outcome_object(outcome: Outcome | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    cost = outcome.cost
    totals = cost and {"energy_j": cost.energy_j, "latency_s": cost.latency_s, "dram_bytes": cost.mean("dram_bytes")}
    return {"status": outcome.status, "gap": outcome.gap, "totals": totals}


if __name__ == "__main__":
    network, accelerator, memory, limit = sys.argv[1:]
    print(json.dumps(row(Case(network, accelerator, memory), float(limit))))
