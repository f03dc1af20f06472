"""What a layer alone reads and makes of a tile."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from costmodel.chunks import Operands
from costmodel.group_plan import GroupPlan
from costmodel.template import Ints
from specs.network import Layer
from specs.study import Study


@dataclass(frozen=True)
class Maps:
    """What a layer alone reads and makes of a tile, in bytes of one image: (row class, col class)."""

    plan: GroupPlan
    operands: Operands

    @cached_property
    def under(self) -> int:
        """A tensor under the kernel; others are as large."""
        return self.plan.tensors.names.index(self.operands.under[0])

    @cached_property
    def here(self) -> int:
        """Likewise at the outputs' own positions."""
        return self.plan.tensors.names.index((self.operands.here or self.operands.under)[0])

    @cached_property
    def under_area(self) -> Ints:
        return self.plan.area(self.under)

    @cached_property
    def here_area(self) -> Ints:
        return self.plan.area(self.here)

    def load(self, under_bytes: int | Ints, here_bytes: int | Ints) -> Ints:
        """What a tile loads, with so many bytes of one position."""
        return under_bytes * self.under_area + here_bytes * self.here_area

    def held_area(self, tensor: int) -> Ints:
        """Positions of a tensor that are held in a tile."""
        one = np.zeros_like(self.plan.tensors.pixel_bytes)
        one[tensor] = 1
        return self.plan.throughout(one) + self.plan.passing(tensor)


def update_of(plan: GroupPlan) -> Layer | None:
    """The update that runs with a weight gradient."""
    return plan.tensors.updates[0] if plan.tensors.updates else None


def maps_of(study: Study, plan: GroupPlan) -> Maps:
    layer = plan.tensors.layers[0]
    kept = layer.name in plan.tensors.kept
    return Maps(plan, Operands(study.network, layer, study.precision.activation_bytes, kept))
