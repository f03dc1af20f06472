"""How the output and input channels of a layer alone are cut into chunks."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.template import is_channelwise
from specs.network import Layer, Network


@dataclass(frozen=True)
class Chunks:
    """Output channels in equal chunks, the last of each group perhaps smaller.

    Attributes
    ----------
    sizes
        Pairs (channels of a chunk, how many such chunks), largest first.
    input_channels
        Channels, over all operands, of the input that one chunk needs.
    input_reloads
        How often the whole input is read when every chunk reads what it needs.
    """

    sizes: tuple[tuple[int, int], ...]
    input_channels: int
    input_reloads: int

    @property
    def count(self) -> int:
        return sum(number for _, number in self.sizes)

    @property
    def largest(self) -> int:
        return self.sizes[0][0]


def input_channels(network: Network, layer: Layer) -> int:
    """Channels of all distinct tensors that the layer reads; of one that sums over channels, those under its kernel."""
    every = is_channelwise(layer)
    names = dict.fromkeys(name for name, at_outputs in layer.reads if every or not at_outputs)
    return sum(network.tensors[name].channels for name in names)


@dataclass(frozen=True)
class Operands:
    """What a layer alone reads and makes, in bytes of one position, for some of its channels.

    Attributes
    ----------
    under, here
        Tensors under the kernel and at the outputs' own positions.
    by_outputs
        Whether what is under the kernel goes with output channels, not with input channels.
    kept
        Whether the map stays in DRAM for the backward pass.
    """

    network: Network
    layer: Layer
    activation_bytes: int
    kept: bool = False

    @property
    def by_outputs(self) -> bool:
        return is_channelwise(self.layer)

    @property
    def under(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name, at_outputs in self.layer.reads if not at_outputs))

    @property
    def here(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name, at_outputs in self.layer.reads if at_outputs))

    def under_bytes(self, channels: int, whole: bool) -> int:
        """Of what is under the kernel: all of it, or so many channels of each operand."""
        if whole:
            return sum(self.network.tensors[name].pixel_bytes(self.activation_bytes) for name in self.under)
        operands = self.layer.operands[: len(self.layer.operands) - self.layer.pixelwise]
        if not self.by_outputs:
            return channels * self.activation_bytes
        return sum(self._some(operand[0], channels) for operand in operands)

    def here_bytes(self, channels: int, whole: bool) -> int:
        """Of what is read at the outputs' own positions, which goes with output channels."""
        if whole:
            return sum(self.network.tensors[name].pixel_bytes(self.activation_bytes) for name in self.here)
        operands = self.layer.operands[len(self.layer.operands) - self.layer.pixelwise :]
        return sum(self._some(operand[0], channels) for operand in operands)

    def _some(self, tensor: str, channels: int) -> int:
        bits = self.network.tensors[tensor].bits
        return -(-channels * bits // 8) if bits else channels * self.activation_bytes

    def made_bytes(self, channels: int, word_bytes: int) -> int:
        """Of so many output channels in words of some width, with their mask; nothing where the layer only sums."""
        return self.map_bytes(channels, word_bytes) + self.mask_bytes(channels)

    def map_bytes(self, channels: int, word_bytes: int) -> int:
        return 0 if self.layer.reduces else channels * word_bytes

    def mask_bytes(self, channels: int) -> int:
        return -(-channels * self.layer.mask_bits // 8)

    def leaving_bytes(self, channels: int) -> int:
        """Of so many output channels, what something outside needs."""
        of_map, of_mask = self.network.readers[self.layer.name]
        map_leaves = bool(of_map) or self.kept or self.layer.name in self.network.outputs
        return self.map_bytes(channels, self.activation_bytes) * map_leaves + self.mask_bytes(channels) * bool(of_mask)


def cut_channels(network: Network, layer: Layer, splits: int) -> Chunks | None:
    """Cut a layer's output channels into ``splits`` chunks, or None if that is not one of its cuts.

    A chunk lies inside one group of a grouped convolution, so that it needs one group's inputs; a
    channelwise layer needs for a chunk the same channels of each operand. The count must be the one
    that its own chunk size gives (9 channels in 4 chunks of 3 would be 3 chunks: no cut).
    """
    read = input_channels(network, layer)
    if splits == 1:
        return Chunks(((layer.K, 1),), read, 1)
    if any(len(operand) > 1 and any(network.tensors[name].bits for name in operand) for operand in layer.operands):
        return None  # bits of several masks share no byte: a piece of them is no share of the whole
    if is_channelwise(layer):
        if read != len(layer.operands) * layer.K:
            return None  # operands share channels: a slice of one is no slice of the other
        sizes = _sizes(layer.K, splits)
        return None if sizes is None else Chunks(sizes, len(layer.operands) * sizes[0][0], 1)
    if layer.G > 1 and (splits % layer.G or read != layer.C):
        return None
    per_group = _sizes(layer.K // layer.G, splits // layer.G)
    if per_group is None:
        return None
    sizes = tuple((size, number * layer.G) for size, number in per_group)
    return Chunks(sizes, read // layer.G, splits // layer.G)


def _sizes(channels: int, splits: int) -> tuple[tuple[int, int], ...] | None:
    size = -(-channels // splits)
    if splits > channels or -(-channels // size) != splits:
        return None
    last = channels - (splits - 1) * size
    return ((size, splits),) if last == size else ((size, splits - 1), (last, 1))


def possible_splits(network: Network, layer: Layer, allowed: tuple[int, ...] | None) -> tuple[int, ...]:
    """Counts of chunks that the study allows and the layer has; 1 is always among them."""
    counts = range(1, layer.K + 1) if allowed is None else allowed
    return tuple(sorted({1} | {n for n in counts if cut_channels(network, layer, n) is not None}))


def cut_inputs(network: Network, layer: Layer, splits: int) -> tuple[tuple[int, int], ...] | None:
    """Cut the input channels of one group into ``splits`` chunks: pairs (channels, how many), or None if it is no cut.

    Only a layer that sums over channels and reads every one of them once can be cut.
    """
    if splits == 1:
        return ((layer.C // layer.G, 1),)
    if is_channelwise(layer) or input_channels(network, layer) != layer.C:
        return None
    if layer.pixelwise and not layer.reduces:
        return None  # what is read at the outputs would be needed with the last chunk alone: not in the space
    return _sizes(layer.C // layer.G, splits)


def possible_input_splits(network: Network, layer: Layer, allowed: tuple[int, ...] | None) -> tuple[int, ...]:
    """Counts of chunks of input channels that the study allows and the layer has; 1 is always among them."""
    counts = range(1, layer.C // layer.G + 1) if allowed is None else allowed
    return tuple(sorted({1} | {n for n in counts if cut_inputs(network, layer, n) is not None}))
