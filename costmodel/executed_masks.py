"""Masks beside a chunk of outputs of a convolution alone: the one that it makes, and the one it is masked with."""

from __future__ import annotations

import numpy as np

from costmodel.buffers import Block, Index, Region, get, put
from costmodel.dram import pixel_bytes
from costmodel.executed_chip import Chip
from costmodel.executed_orders import tensor_channels
from costmodel.executed_tiles import Stage
from costmodel.reference_words import Ints, is_masked
from specs.network import MASK, Layer


class MasksBeside:
    """Room for both masks of a chunk of outputs, and the words in it."""

    def __init__(self, chip: Chip, layer: Layer) -> None:
        self.chip, self.layer, self.network = chip, layer, chip.study.network
        self.operand = layer.operands[-1] if is_masked(layer) else ()
        self.regions: list[Region] = []

    def made_bytes(self, channels: Index) -> int:
        """Bytes of one position of the mask that some output channels get."""
        return self._bytes(self.layer.name + MASK, len(channels)) if self.layer.mask_bits else 0

    def read_bytes(self, channels: Index) -> int:
        """Bytes of one position of the mask that some output channels are masked with."""
        return sum(self._bytes(name, len(some)) for name, some in self._parts(channels))

    def open(self, images: range, channels: Index, rows: Index, cols: Index) -> None:
        """Make room beside a chunk of outputs."""
        own = [(self.layer.name + MASK, channels)] if self.layer.mask_bits else []
        self.images, self.rows, self.cols = images, rows, cols
        self.regions = [
            Region(self.chip.features, name, len(images), some, rows, cols, 0, self.network.tensors[name].bits)
            for name, some in own + self._parts(channels)
        ]

    def load(self, channels: Index, stage: Stage) -> Ints | None:
        """Read the mask of a chunk of outputs, if there is one; shape (images, channels, rows, columns)."""
        parts = self._parts(channels)
        if not parts:
            return None
        dram = self.chip.dram
        blocks = {name: dram.load(name, self.images, some, self.rows, self.cols) for name, some in parts}
        stage.fill(blocks, len(self.images) * len(self.rows) * len(self.cols) * self.read_bytes(channels))
        for name, block in stage.empty().items():
            put(block, [region for region in self.regions if region.what == name], name)
        return np.concatenate([self._words(name).values for name, _ in parts], axis=1)

    def write(self, values: Ints) -> None:
        """Put the mask that the layer makes beside its words."""
        region = self.regions[0]
        put(Block(region.channels, self.rows, self.cols, values), [region], region.what)

    def made(self) -> dict[str, Block]:
        """What leaves with the layer's words."""
        return {self.regions[0].what: self._words(self.regions[0].what)} if self.layer.mask_bits else {}

    def close(self) -> None:
        for region in self.regions:
            region.free()
        self.regions = []

    def _words(self, name: str) -> Block:
        (region,) = (one for one in self.regions if one.what == name)
        return get(len(self.images), region.channels, self.rows, self.cols, [region], name)

    def _parts(self, channels: Index) -> list[tuple[str, Index]]:
        return [(n, some) for n, some in tensor_channels(self.network, self.operand, channels) if len(some)]

    def _bytes(self, name: str, channels: int) -> int:
        return pixel_bytes(self.network, self.chip.study.precision, name, channels)
