"""Orders and cuts of a layer alone; see `plain_alone` for the loop orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from costmodel.chunks import Chunks, cut_channels, cut_inputs, possible_input_splits, possible_splits
from costmodel.design import Order
from costmodel.legal import orders_alone, streams_input
from specs.network import Layer
from specs.study import Study


@dataclass(frozen=True)
class Way:
    """One order with one cut of the output and one of the input channels (of one group).

    ``stays``: whether all weights stay in an order in which they may also stream.
    """

    order: Order
    layer: Layer
    chunks: Chunks
    inputs: tuple[tuple[int, int], ...]
    stays: bool = False

    @property
    def spills(self) -> bool:
        return self.order.endswith("-spilling")

    @property
    def streams_input(self) -> bool:
        return streams_input(self.layer, self.order, self.num_inputs)

    @property
    def weights_stay(self) -> bool:
        return self.stays or "weight" in self.order

    @property
    def resident(self) -> int:
        """As in `costmodel.candidates.Kind`."""
        return int(self.weights_stay and self.layer.has_weights)

    @property
    def num_inputs(self) -> int:
        return sum(number for _, number in self.inputs)

    @property
    def groups_at_once(self) -> int:
        """Groups whose inputs a chunk of input channels holds."""
        one = self.chunks.count > 1 and "input-stationary" not in self.order
        return 1 if one else self.layer.G

    @property
    def channels_loaded(self) -> int:
        """Input channels under the kernel that all chunks load, those loaded again included."""
        times = 1 if "input-stationary" in self.order else self.chunks.count
        return self.layer.C // self.layer.G * self.groups_at_once * times

    @property
    def parts_per_visit(self) -> int:
        """Parts in which results leave a visit."""
        if self.order in ("weight-stationary", "weight-stationary-spilling"):
            return 1
        return self.chunks.count * (self.num_inputs if self.order == "input-stationary-spilling" else 1)

    def positions(self) -> Iterator[tuple[int, bool, bool, int]]:
        """Chunks of input channels: size, whether first and last, and how many such."""
        size, last, middle = self.inputs[0][0], self.inputs[-1][0], self.num_inputs - 2
        if self.num_inputs == 1:
            yield size, True, True, 1
            return
        yield size, True, False, 1
        if middle:
            yield size, False, False, middle
        yield last, False, True, 1

    def weight_words(self, output_channels: int, size: int, first: bool) -> int:
        """Weights of some output channels for a chunk of input channels; biases come with the first."""
        if self.num_inputs == 1:
            return output_channels * self.layer.filter_words
        return output_channels * (size * self.layer.R * self.layer.S + int(self.layer.bias and first))


def all_chunks(study: Study, layer: Layer) -> tuple[Chunks, ...]:
    """Every cut of the layer's output channels that the study allows."""
    splits = possible_splits(study.network, layer, study.tiling.channel_splits)
    cuts = [cut_channels(study.network, layer, n) for n in splits]
    return tuple(chunks for chunks in cuts if chunks is not None)


def uncut_ways(study: Study, layer: Layer) -> tuple[Way, ...]:
    """Ways whose tiles have all their input channels."""
    inputs, found = ((layer.C // layer.G, 1),), []
    for chunks in all_chunks(study, layer):
        found.append(Way("weight-stationary", layer, chunks, inputs))
        if "input-stationary" not in orders_alone(layer) or (layer.reduces and chunks.count > 1):
            continue
        masks = (False,) if layer.reduces else (False, True)  # sums that stay are weight-stationary
        found += [Way("input-stationary", layer, chunks, inputs, stays) for stays in masks]
    return tuple(found)


def cut_ways(study: Study, layer: Layer) -> tuple[Way, ...]:
    """Ways whose input channels come in several chunks."""
    found, every = [], all_chunks(study, layer)
    for splits in possible_input_splits(study.network, layer, study.tiling.input_splits):
        inputs = cut_inputs(study.network, layer, splits)
        if splits == 1 or inputs is None:
            continue
        found += [Way(order, layer, chunks, inputs) for order in orders_alone(layer, splits) for chunks in every]
    return tuple(found)
