"""Keep or recompute: a training step in which activations may be made again in the backward pass.

For each activation ``u`` that may be recomputed, made by the forward layer of that name:

- ``u:again`` is a copy of that layer in the backward pass. Backward layers read its map, which is the one of the
  forward pass where that was kept.
- ``u:keep`` runs with its forward layer, whose map then stays in DRAM; or by itself, which means that it does not.
- ``u:use`` runs with ``u:again`` alone, which then is nothing but the kept map; or by itself: then ``u:again`` runs.

Just one of the two happens: ``u:keep`` by itself, or ``u:use`` with ``u:again``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specs.network import Layer, Network
from specs.study import Recompute

AGAIN, KEEP, USE = ":again", ":keep", ":use"
ELEMENTWISE = frozenset({"norm", "add", "maxpool", "avgpool"})
"""Layers without multiply-accumulates on the array."""


def with_choices(step: Network, recompute: Recompute, max_layers: int) -> Network:
    """Let activations of a training step be recomputed.

    Parameters
    ----------
    recompute
        ``elementwise``: those made without the array. ``all``: others, too. Each is made from maps that are kept.
    max_layers
        Of a fusion group. An activation that one group of so many layers could read once for the forward and the
        backward pass, from DRAM or on chip, is never recomputed: a choice about it would cost that group a second read.
    """
    if recompute == "none":
        return step
    chosen = _from_kept(step, candidates(step, max_layers), recompute)
    names = {layer.name for layer in chosen}
    losses = [layer for layer in step.layers if layer.op == "loss"]
    forward = [layer for layer in step.layers if layer.phase == "forward"]
    backward = [layer for layer in step.layers if layer.phase != "forward" and layer.op != "loss"]

    def seen(layer: Layer) -> Layer:
        operands = tuple(tuple(n + AGAIN if n in names else n for n in operand) for operand in layer.operands)
        return replace(layer, operands=operands)

    layers: list[Layer] = []
    for layer in forward:
        layers.append(layer)
        if layer.name in names:
            layers.append(_beside(layer, KEEP, layer.name, layer.name))
    layers += map(seen, losses)
    for layer in chosen:
        again = replace(
            seen(layer), name=layer.name + AGAIN, phase="backward", mask_bits=0, copy_of=layer.name
        )  # fmt: skip
        layers += [again, _beside(layer, USE, again.name, layer.name)]
    return replace(step, layers=(*layers, *map(seen, backward)))


def with_keepers(layers: Sequence[str], kept: Sequence[str]) -> tuple[str, ...]:
    """Names of a group's layers and, behind their makers, of those that keep maps."""
    found = [one for name in layers for one in ([name, name + KEEP] if name in kept else [name])]
    return (*found, *(name + KEEP for name in kept if name not in layers))


def _beside(layer: Layer, ending: str, partner: str, copy_of: str) -> Layer:
    shape = layer.output
    return Layer(
        layer.name + ending, "keep" if ending == KEEP else "use", (), G=shape.channels, K=shape.channels,
        C=shape.channels, H=0, W=0, P=shape.rows, Q=shape.cols, waits_for=(partner,),
        phase="forward" if ending == KEEP else "backward", copy_of=copy_of,
    )  # fmt: skip


def _from_kept(step: Network, found: list[Layer], recompute: Recompute) -> list[Layer]:
    """Candidates of which none is made from another one's map; those made without the array before others."""
    cheap = [layer for layer in found if layer.op in ELEMENTWISE]
    chosen: dict[str, Layer] = {}
    used: set[str] = set()
    for layer in cheap + [layer for layer in found if layer.op not in ELEMENTWISE and recompute == "all"]:
        makers = {step.maker[name] for name in layer.input_tensors}
        if makers.isdisjoint(chosen) and layer.name not in used:
            chosen[layer.name] = layer
            used |= makers
    return [layer for layer in found if layer.name in chosen]


def candidates(step: Network, max_layers: int) -> list[Layer]:
    """Forward layers whose map the backward pass reads, so far away that no group reads it for both passes.

    What they read is kept for sure: the backward pass reads it, too, out of the reach of its maker's groups.
    """
    needs = _needs(step)

    def apart(first: str, last: str) -> bool:
        """Whether no group has both layers: too many are between them."""
        i, end = step.index[first], step.index[last]
        return 2 + sum(1 for j in range(i + 1, end) if needs[j] >> i & 1 and needs[end] >> j & 1) > max_layers

    found = []
    for layer in step.layers:
        if layer.phase != "forward" or layer.reduces:
            continue
        early, late = _readers(step, layer.name)
        makers = {step.maker[name] for name in layer.input_tensors} & step.index.keys()
        if not all(any(apart(name, reader) for reader in _readers(step, name)[1]) for name in makers):
            continue
        far = all(apart(one, reader) for one in (layer.name, *early) for reader in late)
        if late and far and not any(step.layer(reader).op == "loss" for reader in late):
            found.append(layer)
    return found


def _needs(step: Network) -> list[int]:
    """Of each layer, all that it depends on, as a set of bits."""
    position, needs = step.index, list[int]()
    for layer in step.layers:
        direct = {step.maker[name] for name in layer.input_tensors} | set(layer.waits_for)
        depends = 0
        for name in direct & position.keys():
            depends |= needs[position[name]] | 1 << position[name]
        needs.append(depends)
    return needs


def _readers(step: Network, name: str) -> tuple[list[str], list[str]]:
    """Layers of the forward pass, and of the backward pass, that read a map."""
    early, late = list[str](), list[str]()
    for reader in step.readers[name][0]:
        (early if step.layer(reader).phase == "forward" else late).append(reader)
    return early, late
