"""What a group moves beside its maps: weights, constants and sums, and what happens after its last tile.

Weights and constants are read; a reduction's sums grow. Sums that stream are stored after every visit but the last
and loaded again before the next. When the last tile is done the sums leave at the width at which they are stored,
unless the layer's own update runs in the group: it reads parameters and optimizer state and writes them back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from costmodel.template import ArrayShape, Tile
from specs.network import Layer
from specs.study import MOMENTS, Optimizer, Study

UPDATE_OPERATIONS: dict[Optimizer, int] = {"sgd": 2, "momentum": 4, "adam": 12}
"""Products, additions, roots and quotients for each parameter [D], by the optimizers' definitions:

SGD w - r*g; momentum with m = b*m + g in place of g; Adam (Kingma & Ba, ICLR 2015) m = b1*m + (1 - b1)*g (3),
v = b2*v + (1 - b2)*g^2 (4), w - r*m/(sqrt(v) + e) (5), the corrections of its first steps being in r.
"""


def word_bytes(study: Study, layer: Layer) -> int:
    """Width of a layer's words in the weight buffer: constants of channels and sums are kept as partial sums are."""
    precision = study.precision
    return precision.weight_bytes if layer.on_array and not layer.reduces else precision.partial_sum_bytes


def result_bytes(study: Study, layer: Layer) -> int:
    """Width at which a reduction's sums are stored."""
    precision = study.precision
    return precision.gradient_bytes if layer.op == "wgrad" else precision.partial_sum_bytes


def kept_bytes(study: Study, layer: Layer) -> int:
    """Bytes of all of a layer's words in the weight buffer."""
    return layer.weight_words * word_bytes(study, layer)


def chunk_words(array: ArrayShape, layer: Layer, channels: int, input_channels: int) -> int:
    """Words that must be on chip at once while they stream: the array's filters, or the constants of one channel."""
    return array.weight_chunk_words(layer, channels, input_channels) if layer.on_array else layer.filter_words


@dataclass(frozen=True)
class Moved:
    """Bytes between DRAM and the weight buffer of some words.

    Attributes
    ----------
    load, store
        What comes once, or with every visit; what goes.
    """

    load: int = 0
    store: int = 0

    def __add__(self, other: Moved) -> Moved:
        return Moved(self.load + other.load, self.store + other.store)

    @property
    def total(self) -> int:
        return self.load + self.store


@dataclass(frozen=True)
class Finish:
    """What a group does after its last tile.

    Attributes
    ----------
    moved
        Parameters, states and gradients that come; results, parameters and states that go.
    sums_bytes
        Finished sums that are read from the weight buffer.
    updated_bytes
        Of what goes, that which updates wrote to the weight buffer before.
    room_bytes
        Most that one parameter of an update brings.
    """

    moved: Moved
    sums_bytes: int
    updated_bytes: int
    room_bytes: int

    @property
    def weight_read_bytes(self) -> int:
        return self.sums_bytes + self.moved.load + self.updated_bytes

    @property
    def weight_write_bytes(self) -> int:
        return self.moved.load + self.updated_bytes


NOTHING = Finish(Moved(), 0, 0, 0)


def finish(study: Study, layers: Sequence[Layer]) -> Finish:
    """Say what a group of these layers does after its last tile."""
    updates = {layer.waits_for[0]: layer for layer in layers if layer.op == "update"}
    summed = [layer for layer in layers if layer.reduces]
    ends = [finish_sums(study, layer, updates.pop(layer.name, None), layer.K, layer.weight_words) for layer in summed]
    for layer in updates.values():
        words = layer.params - 2 * layer.K * layer.batch_norm
        moved = _updated(study, layer, layer.K, words, first=True) + Moved(words * study.precision.gradient_bytes, 0)
        ends.append(Finish(moved, 0, moved.store, _update_room(study, layer, study.precision.gradient_bytes)))
    return Finish(
        moved=sum((end.moved for end in ends), Moved()),
        sums_bytes=sum(end.sums_bytes for end in ends),
        updated_bytes=sum(end.updated_bytes for end in ends),
        room_bytes=max((end.room_bytes for end in ends), default=0),
    )


def finish_sums(
    study: Study, layer: Layer, update: Layer | None, filters: int, words: int, first: bool = True
) -> Finish:
    """Say what happens to some of a reduction's sums when they are complete.

    Parameters
    ----------
    filters, words
        Output channels that they belong to, and how many they are.
    first
        Whether the first input channels are among them: with these come what each output channel has once.
    """
    sums_bytes = words * word_bytes(study, layer)
    if update is None:
        return Finish(Moved(0, words * result_bytes(study, layer)), sums_bytes, 0, 0)
    moved = _updated(study, update, filters, words, first)
    return Finish(moved, sums_bytes, moved.store, _update_room(study, update, 0))


def _update_room(study: Study, update: Layer, gradient_bytes: int) -> int:
    """Bytes of one parameter with its moments and what comes of its gradient: updates go word by word."""
    precision = study.precision
    of_norm = precision.partial_sum_bytes if update.batch_norm else 0
    return (1 + MOMENTS[study.optimizer]) * precision.state_bytes + max(gradient_bytes, of_norm)


def _updated(study: Study, update: Layer, filters: int, words: int, first: bool) -> Moved:
    """Parameters with their moments, and gradients of batch-norm; what goes also holds a copy at weights' width."""
    precision = study.precision
    params = updated_params(update, filters, words, first)
    states = params * (1 + MOMENTS[study.optimizer]) * precision.state_bytes
    copy = 0 if precision.state == precision.weight else params * precision.weight_bytes
    return Moved(states + (params - words) * precision.partial_sum_bytes, states + copy)


def updated_params(update: Layer, filters: int, words: int, first: bool = True) -> int:
    """Parameters that an update changes with some sums: scale and shift of each output channel among them."""
    return words + 2 * filters * (update.batch_norm and first)


def update_tile(study: Study, filters: int, params: int) -> Tile:
    """Some parameters as one tile, once for each operation on them."""
    return Tile(UPDATE_OPERATIONS[study.optimizer], filters, 1, 1, params // filters)
