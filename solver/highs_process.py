"""HiGHS in a process of its own: a question on stdin, an answer on stdout, both JSON.

It is run as a file, not imported: OR-tools brings its own copy of HiGHS, and two of them do not fit into one process.
So this imports nothing of the project.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import highspy

_TOLERANCES = ("mip_feasibility_tolerance", "primal_feasibility_tolerance", "dual_feasibility_tolerance")


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Solve one file.

    Parameters
    ----------
    question
        ``file``; ``tolerance``; ``seconds`` or None; ``rows`` to add, each with the numbers of columns by name and a
        limit, and the integer columns from 0 that they need (``carries``, each with its largest value). With rows the
        objective is left out: the question then is whether anything is feasible.
    """
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.silent()
    options: dict[str, float] = dict.fromkeys(_TOLERANCES, question["tolerance"])
    options |= {"mip_rel_gap": 0.0, "mip_abs_gap": 0.5}  # costs are integers
    if question["seconds"] is not None:
        options["time_limit"] = question["seconds"]
    for option, value in options.items():
        assert highs.setOptionValue(option, value) == highspy.HighsStatus.kOk, option
    if highs.readModel(question["file"]) == highspy.HighsStatus.kError:
        return {"version": highs.version(), "status": "cannot read the file", "value": None, "columns": 0, "ones": []}
    names = list(highs.getLp().col_names_)
    if question["rows"]:
        _ask_for_less(highs, names, question)
    highs.run()
    status = highs.getModelStatus()
    optimal = status == highspy.HighsModelStatus.kOptimal
    values = highs.getSolution().col_value if optimal else []
    return {
        "version": highs.version(),
        "status": highs.modelStatusToString(status),
        "value": highs.getInfo().objective_function_value if optimal else None,
        "columns": len(names),
        "ones": [name for name, value in zip(names, values, strict=False) if value > 0.5],
    }


def _ask_for_less(highs: Any, names: list[str], question: dict[str, Any]) -> None:
    index = {name: i for i, name in enumerate(names)}
    for column in range(len(names)):
        highs.changeColCost(column, 0.0)
    for name, most in question["carries"].items():
        index[name] = len(index)
        highs.addCol(0.0, 0.0, most, 0, [], [])
        highs.changeColIntegrality(index[name], highspy.HighsVarType.kInteger)
    for numbers, limit in question["rows"]:
        columns = [index[name] for name in numbers]
        highs.addRow(-highspy.kHighsInf, limit, len(columns), columns, list(numbers.values()))


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
