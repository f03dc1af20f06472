"""Every row-stationary mapping of a convolution onto an Eyeriss-like array, less those that another one beats.

A mapping (e, p, q, r, t) of K output and C input channels enters cycles, energy and traffic of any tile through
six numbers alone (`costmodel.eyeriss_counts` has the formulas; R' x S' is the kernel part of one pass)::

    D = ceil(K/(p*t))    filter passes: how often the inputs are read from the feature buffer
    B = ceil(C/(q*r))    channel passes: how often an output's partial sum is written there
    A = D*p * B*q        MACs of one PE, per output column, strip of e rows and kernel column
    H = B*(R'*r + 1)     moves of the partial sums of one output
    L = ceil(K/p)        PE sets that each input row is delivered to
    ceil(h/e)            strips

Cycles, array energy and the bytes at both buffers rise with each of them (never fall). So a mapping whose
numbers are all as small as those of another one replaces it, in either preference, for every tile and
batch. Therefore, and without loss, of all integers (e, p, q, r, t) only these are looked at:

* e: the widest set of those that fit equally often (`Limits.set_widths`): ceil(h/e) is least, nothing else changes.
  Widths of more than the layer's P rows have one strip in every tile, as has the narrowest of them.
* r: the least with its ceil(C/r). B*q = ceil(ceil(C/r)/q)*q stays, H falls, t and p have more room.
* q: the least with its ceil(ceil(C/r)/q) = B. A falls, p and t have more room.
* p: the least with its ceil(K/p) = L. As D = ceil(L/t): A falls and t has more room.
* t: the most that fits: D and A fall, nothing rises.

Then dominated ones are dropped, with B, H and L merged into two prices (`Space.prices`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from costmodel.skyline import undominated
from costmodel.template import Ints

Widths = tuple[tuple[int, int, int], ...]
E, A, B, D, H, L, P_, Q_, R_, T_ = range(10)
"""Rows of a front: the numbers of the module's text (E: the set width), then p, q, r, t."""

NONE = np.int64(1) << 40
"""MACs of a mapping that does not fit."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """What of array and kernel bounds a mapping. Words; ``slots`` sets of R' rows stand above each other."""

    slots: int
    cols: int
    kernel_rows: int
    kernel_cols: int
    filter_spad: int
    ifmap_spad: int
    psum_spad: int
    chunk: int

    def width(self, e: int) -> tuple[int, int, int]:
        """(e, sets side by side, slots that one set takes): a set wider than the array is folded into strips."""
        return (e, self.cols // e, 1) if e <= self.cols else (e, 1, -(-e // self.cols))

    def most_t(self, e: int, r: int) -> int:
        """How many stacks of r sets of width e fit: partial sums go straight up from set to set."""
        _, beside, slots = self.width(e)
        return beside * (self.slots // (r * slots))

    @property
    def kernel_words(self) -> int:
        return self.kernel_rows * self.kernel_cols

    @property
    def most_q(self) -> int:
        return min(self.ifmap_spad, self.filter_spad) // self.kernel_cols

    def set_widths(self, rows: int) -> Widths:
        """The widest set of each way to place sets, widest first; of those with all ``rows`` at once the narrowest."""
        side_by_side = {self.cols // (self.cols // e) for e in range(1, self.cols + 1)}
        folded = {slots * self.cols for slots in range(2, self.slots + 1)}
        widths = sorted(side_by_side | folded)
        useful = [e for e in widths if e < rows] + [e for e in widths if e >= rows][:1]
        return tuple(self.width(e) for e in reversed(useful))


@dataclass(frozen=True)
class Space:
    """The mappings of layers with one kernel and C input channels on one array.

    Attributes
    ----------
    widths
        Set widths looked at, widest first, with how they are placed (`Limits.width`).
    m, p, q, r, t
        Prescribed letters; 0 leaves one to the search. m cuts the output channels into blocks.
    prices
        For the narrowest and the widest tile: energy of a unit of (K*B, K*H, L), in a common unit. Energy is linear
        in input columns per output column, which lie between those of the two: who is dearer at both is dearer in
        all tiles.
    """

    limits: Limits
    widths: Widths
    C: int
    prices: tuple[tuple[int, int, int], ...]
    channelwise: bool = False
    m: int = 0
    p: int = 0
    q: int = 0
    r: int = 0
    t: int = 0


def compute_fronts(space: Space, num_filters: list[int]) -> list[Ints]:
    """Mappings that no other one replaces, (10, mapping), for each K; of a channelwise layer for each G."""
    if space.channelwise:
        return [_channelwise_front(space, channels) for channels in num_filters]
    limits = space.limits
    r, q, channel_passes = _channel_side(limits, space.C, space.q, space.r, space.prices[0][:2])
    e, beside, slots = (np.array(column, dtype=np.int64) for column in zip(*space.widths, strict=True))
    most_p = min(limits.psum_spad, limits.filter_spad, max(num_filters))
    p = np.array([space.p]) if space.p else np.arange(1, most_p + 1)
    # Axes from here on: (r, q), e, p.
    room = limits.chunk // (limits.kernel_words * (q * r)[:, None] * p)
    room = np.where(p * q[:, None] * limits.kernel_cols <= limits.filter_spad, room, 0)[:, None, :]
    placed = (limits.slots // (r[:, None] * slots) * beside)[:, :, None]
    t = np.minimum(placed, room)
    if space.t:
        t = np.where(t >= space.t, space.t, 0)
    found = []
    for K in num_filters:
        tried = np.arange(1) if space.p else np.array(_least_divisors(K, most_p)) - 1
        L_ = _in_blocks(K, space.m, p[tried])
        t_tried = t[:, :, tried]
        D_ = _passes(K, space.m, p[tried], t_tried)
        kept = _worth_a_look(D_, p[tried])
        rq_at, e_at, p_at = np.nonzero(kept)
        passes, filters, p_ = D_[kept].astype(np.int64), L_[p_at], p[tried][p_at]
        q_, r_, sums = q[rq_at], r[rq_at], channel_passes[rq_at]
        sets = t_tried[kept] if space.t or space.m else -(-filters // passes)  # no more sets than have work
        moves = sums * (limits.kernel_rows * r_ + 1)
        front = np.stack([e[e_at], passes * p_ * sums * q_, sums, passes, moves, filters, p_, q_, r_, sets])
        found.append(front[:, _kept(space, K, front)])
    return found


def _worth_a_look(D_: Floats, p: Ints) -> NDArray[np.bool_]:
    """A narrower set must save filter passes, a smaller p save MACs: else all their numbers are as large."""
    kept = np.inf > D_
    fewest = D_[:, 0].copy()
    for e_at in range(1, D_.shape[1]):
        kept[:, e_at] &= D_[:, e_at] < fewest
        np.minimum(fewest, D_[:, e_at], out=fewest)
    steps = D_ * p
    fewest = steps[:, :, -1].copy()
    for p_at in range(len(p) - 2, -1, -1):
        kept[:, :, p_at] &= steps[:, :, p_at] < fewest
        np.minimum(fewest, steps[:, :, p_at], out=fewest)
    return kept


def _kept(space: Space, K: int, front: Ints) -> NDArray[np.intp]:
    prices = [K * sums * front[B] + K * moves * front[H] + sets * front[L] for sums, moves, sets in space.prices]
    return undominated(np.stack([-front[E], front[A], front[B], front[D], *prices]))


def _in_blocks(K: int, m: int, at_once: Ints) -> Ints:
    """Sum of ceil(block/at_once) over blocks of m output channels (one block if m is 0)."""
    if not m:
        return -(-K // at_once)
    return K // m * -(-m // at_once) - (-(K % m) // at_once)


def _passes(K: int, m: int, p: Ints, t: Ints) -> Floats:
    """D: sum of ceil(block/(p*t)), infinite where t is 0.

    Exact although in floating point (which divides faster): a quotient of integers below 2^26 that is no integer
    is further from one than it is rounded.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if not m:
            return np.ceil(-(-K // p) / t)
        rest = np.ceil(-(-(K % m) // p) / t) if K % m else 0.0
        return np.where(t > 0, K // m * np.ceil(-(-m // p) / t) + rest, np.inf) if m <= K else np.ceil(-(-K // p) / t)


@lru_cache(maxsize=4096)
def _channel_side(limits: Limits, C: int, only_q: int, only_r: int, prices: tuple[int, int]) -> tuple[Ints, Ints, Ints]:
    """Columns (r, q, channel passes) worth a look, ``prices`` being those of K*B and K*H.

    One is dropped if another has A, B and the energy of partial sums no larger and leaves p and t no less room. The
    chunk has more room if q*r is smaller, the array if slots // r is larger; the filter spad then too: a larger q with
    no larger q*r and B means a larger A.
    """
    rows = []
    for r in [only_r] if only_r else _least_divisors(C, limits.slots):
        share = -(-C // r)
        for q in [only_q] if only_q else _least_divisors(share, limits.most_q):
            if r * q * limits.kernel_words <= limits.chunk:
                passes = -(-share // q)
                energy = prices[0] * passes + prices[1] * passes * (limits.kernel_rows * r + 1)
                rows.append((r, q, passes, passes * q, energy, -(limits.slots // r), r * q))
    columns = np.array(rows, dtype=np.int64).T
    r, q, passes = columns[:3, undominated(columns[2:])]
    return r, q, passes


def _least_divisors(amount: int, most: int) -> list[int]:
    """For each value of ceil(amount/x) the least such x, up to ``most``."""
    return [x for x in range(1, min(amount, most) + 1) if x == 1 or -(-amount // x) < -(-amount // (x - 1))]


def _channelwise_front(space: Space, channels: int) -> Ints:
    """Sets work on r channels and a PE interleaves q of them, p = t = 1 and no sums meet: B = D = L = 1.

    A = ceil(G/(q*r))*q is least at q = 1; of the q that reach it the largest is taken, which has the fewest passes.
    """
    limits = space.limits
    most_q = min(limits.most_q, limits.psum_spad, limits.chunk // limits.kernel_words, channels)
    q = np.array([space.q] if space.q else range(1, most_q + 1), dtype=np.int64)
    best: list[tuple[int, ...]] = []
    for e, beside, slots in space.widths:
        sets = limits.slots // slots * beside
        room = np.minimum(sets, limits.chunk // (q * limits.kernel_words))
        r = np.where(room >= space.r, space.r, 0) if space.r else np.minimum(room, channels)
        fits = r > 0
        if not fits.any():
            continue
        passes = _in_blocks(channels, space.m, q * np.maximum(r, 1))
        macs = np.where(fits, passes * q, NONE)
        at = len(q) - 1 - int(macs[::-1].argmin())
        if not best or macs[at] < best[-1][A]:
            used = int(r[at]) if space.r or space.m else -(-channels // int(passes[at] * q[at]))
            best.append((e, int(macs[at]), 1, 1, limits.kernel_rows + 1, 1, 1, int(q[at]), used, 1))
    return np.array(best, dtype=np.int64).T
