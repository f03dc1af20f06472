"""Mappings that a study prescribes for an Eyeriss-like array: read, checked against the array, or refused."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.eyeriss_space import Limits
from costmodel.template import MappingError, Pins

LETTERS = "mnepqrt"


@dataclass(frozen=True)
class Pinned:
    """Prescribed letters of one layer; 0 leaves a letter to the search."""

    m: int = 0
    n: int = 0
    e: int = 0
    p: int = 0
    q: int = 0
    r: int = 0
    t: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{letter}={getattr(self, letter)}" for letter in LETTERS if getattr(self, letter))


def pinned_letters(pins: Pins, layer_name: str) -> Pinned:
    """Read what is prescribed for a layer, as positive integers under the letters of JSSC 2017.

    Raises
    ------
    MappingError
        If a letter is unknown or its value is no positive integer.
    """
    given = dict(dict(pins).get(layer_name, ()))
    for letter, value in given.items():
        if letter not in tuple(LETTERS):
            raise MappingError(f"layer {layer_name}: a mapping has the letters {' '.join(LETTERS)}, not {letter!r}")
        if not isinstance(value, int) or value < 1:
            raise MappingError(f"layer {layer_name}: {letter} must be a positive integer, not {value!r}")
    return Pinned(**{letter: int(value) for letter, value in given.items()})


def check_pins(pinned: Pinned, limits: Limits, channelwise: bool, layer_name: str) -> None:
    """Refuse letters that no mapping on the array can have; letters not given count as 1.

    Raises
    ------
    MappingError
        Names the layer, the letters and the limit that they break.
    """
    e, p, q, r, t = (max(1, value) for value in (pinned.e, pinned.p, pinned.q, pinned.r, pinned.t))
    S, words, chunk_words = limits.kernel_cols, p * q * limits.kernel_cols, p * q * r * t * limits.kernel_words
    interleaved = q if channelwise else p
    stacks = limits.most_t(e, 1 if channelwise else r)
    wanted = r if channelwise else t
    broken = [
        (channelwise and p * t > 1, "p and t are 1 where each channel has its own filter"),
        (q * S > limits.ifmap_spad, f"q*S = {q * S} words, the ifmap spad holds {limits.ifmap_spad}"),
        (words > limits.filter_spad, f"p*q*S = {words} words, the filter spad holds {limits.filter_spad}"),
        (interleaved > limits.psum_spad, f"{interleaved} partial sums, the psum spad holds {limits.psum_spad}"),
        (
            wanted > stacks,
            f"{r * t} sets of {limits.kernel_rows} x {e} PEs, r of them above each other,"
            f" do not fit {limits.slots * limits.kernel_rows} rows x {limits.cols} columns",
        ),
        (
            chunk_words > limits.chunk,
            f"p*q*r*t*R*S = {chunk_words} filter words of a pass, the limit is {limits.chunk}",
        ),
    ]
    for is_broken, sentence in broken:
        if is_broken:
            raise MappingError(f"layer {layer_name}: mapping {pinned}: {sentence}")
