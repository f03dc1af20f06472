"""Executing a layer alone that reduces, or has no kernels: a sweep over all tiles for each part of its channels."""

from __future__ import annotations

from dataclasses import replace

from costmodel.design import GroupDesign
from costmodel.execute_fused import FusedGroup
from costmodel.executed_chip import Chip
from costmodel.executed_orders import cuts_of
from costmodel.executed_weights import WeightChunk


class ChannelSweeps:
    """One layer on a chip, chunk by chunk of its channels; a weight gradient perhaps with its update.

    What is beside the maps stays for a sweep over all tiles, unless the order lets the sums of a reduction stream.
    """

    def __init__(self, chip: Chip, group: GroupDesign) -> None:
        self.chip, self.layer = chip, chip.study.network.layer(group.layers[0])
        stays = group.order == "weight-stationary" and self.layer.has_weights
        self.group = replace(group, resident=frozenset([self.layer.name]) if stays else group.resident)

    def run(self) -> None:
        """Run all sweeps."""
        cuts = cuts_of(self.layer, self.group)
        for k, outputs in enumerate(cuts.outputs):
            for c, inputs in enumerate(cuts.inputs):
                FusedGroup(self.chip, self.group, WeightChunk(self.layer, outputs, inputs), (k, c)).run()
