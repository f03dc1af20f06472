"""What a design is priced to do, beside what it does when it is executed."""

from __future__ import annotations

from typing import NamedTuple

from costmodel.design import Design
from costmodel.evaluate import evaluate
from costmodel.execute import execute
from specs.study import Study

COMPARED = ("dram_read_bytes", "dram_write_bytes", "macs", "feature_peak_bytes", "weight_peak_bytes")


class Compared(NamedTuple):
    """One quantity of one group, such as ``conv1+conv2: macs``; both numbers are exact."""

    what: str
    evaluated: int
    executed: int

    @property
    def agrees(self) -> bool:
        return self.evaluated == self.executed


def compare(study: Study, design: Design, seed: int = 0) -> list[Compared]:
    """Evaluate and execute a design, and put every shared quantity of every group side by side.

    Raises
    ------
    DesignError
        If the design does not exist or fit.
    ExecutionError
        If it cannot run as it is priced, or makes wrong words.
    """
    cost, trace = evaluate(study, design), execute(study, design, seed)
    return [
        Compared(f"{'+'.join(done.layers)}: {name}", getattr(priced, name), getattr(done, name))
        for priced, done in zip(cost.groups, trace.groups, strict=True)
        for name in COMPARED
    ]
