"""A study: everything a user stated, resolved to exact integers in base units.

No file is read here and nothing is priced; `specs.load` makes these objects from YAML, tests make
them by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import lcm
from typing import Literal

from specs.network import Network

Overlap = Literal["recompute", "cache-rows", "cache-all"]
OVERLAPS: tuple[Overlap, ...] = ("recompute", "cache-rows", "cache-all")
Mode = Literal["inference", "training"]
MODES: tuple[Mode, ...] = ("inference", "training")
Optimizer = Literal["sgd", "momentum", "adam"]
OPTIMIZERS: tuple[Optimizer, ...] = ("sgd", "momentum", "adam")
Recompute = Literal["none", "elementwise", "all"]
RECOMPUTES: tuple[Recompute, ...] = ("none", "elementwise", "all")
MOMENTS: dict[Optimizer, int] = {"sgd": 0, "momentum": 1, "adam": 2}
"""Words that an optimizer keeps beside each parameter."""
Goal = Literal["energy", "latency", "bandwidth", "edp", "area", "power", "throughput"]
GOALS: tuple[Goal, ...] = ("energy", "latency", "bandwidth", "edp", "area", "power", "throughput")
LAST_GOALS: tuple[Goal, ...] = ("edp", "power")
"""Goals that are no sums over groups: in a list of goals they can only be the last."""


@dataclass(frozen=True)
class Precision:
    """Word widths in bits, each a multiple of 8.

    ``gradient`` is that of weight gradients in DRAM, ``state`` that of what an optimizer keeps (the weights it changes
    and its moments); both matter in training alone. ``floating`` words are computed in floating point.
    """

    activation: int = 8
    weight: int = 8
    partial_sum: int = 32
    gradient: int = 32
    state: int = 32
    floating: bool = False

    @property
    def activation_bytes(self) -> int:
        return self.activation // 8

    @property
    def weight_bytes(self) -> int:
        return self.weight // 8

    @property
    def partial_sum_bytes(self) -> int:
        return self.partial_sum // 8

    @property
    def gradient_bytes(self) -> int:
        return self.gradient // 8

    @property
    def state_bytes(self) -> int:
        return self.state // 8


@dataclass(frozen=True)
class AcceleratorSpec:
    """Choices for one accelerator template: every combination of the listed values is an array.

    `specs.templates.accelerator` makes one with the template's defaults.

    Parameters
    ----------
    template
        Name of ``specs/templates/<name>.yaml``, which says what the numbers mean, and of ``costmodel/<name>.py``.
    numbers
        Pairs (key, listed values), every key of the template in its order.
    clock_hz
        Listed array clocks.
    double_buffer
        Whether loads and stores of neighbouring tiles overlap with compute.
    mapping
        Pinned mappings: pairs (layer name, pairs (letter, value)). Layers left out are mapped freely.
    skip_zeros
        Whether the array passes over the zeros that a strided layer's input gradient has between the words.
    """

    template: str
    numbers: tuple[tuple[str, tuple[int, ...]], ...]
    clock_hz: tuple[int, ...]
    double_buffer: bool
    mapping: tuple[tuple[str, tuple[tuple[str, int | str], ...]], ...] = ()
    skip_zeros: bool = False

    def combinations(self) -> Iterator[dict[str, int]]:
        """Every combination of the listed numbers, in the order of the lists, the first key slowest."""
        keys = [key for key, _ in self.numbers]
        for values in product(*(listed for _, listed in self.numbers)):
            yield dict(zip(keys, values, strict=True))


@dataclass(frozen=True)
class SeparateBuffers:
    """One buffer for feature maps and one for weights; every pair of listed sizes is a choice."""

    feature_bytes: tuple[int, ...]
    weight_bytes: tuple[int, ...]

    @property
    def most_feature_bytes(self) -> int:
        """The most that feature maps may take."""
        return max(self.feature_bytes)


@dataclass(frozen=True)
class SharedBuffer:
    """One scratchpad for both; each group divides it as it needs."""

    shared_bytes: tuple[int, ...]

    @property
    def most_feature_bytes(self) -> int:
        return max(self.shared_bytes)


@dataclass(frozen=True)
class SramPoint:
    """One row of an SRAM table. Energies per access of ``width_bits``."""

    capacity_bytes: int
    width_bits: int
    read_pj: float
    write_pj: float
    leakage_mw: float
    area_mm2: float


@dataclass(frozen=True)
class WordCost:
    """Energy (pJ per operation) and area (um2) of an arithmetic unit or a stored bit."""

    energy_pj: float
    area_um2: float


@dataclass(frozen=True)
class Technology:
    """Prices of one process node.

    Parameters
    ----------
    mac, add, float_mac, float_add
        By operand width in bits: multiply-accumulate and plain addition, of integers and in floating point.
    spad_pj_per_bit, spad_um2_per_bit
        One access to / one stored bit of the small storage inside a PE.
    hop_pj_per_bit
        One transfer between neighbouring PEs.
    sram
        Table of buffer SRAMs, interpolated in log space between its rows.
    feature_port_bits, weight_port_bits
        Bits that one access of the feature buffer and of the weight buffer moves.
    """

    name: str
    node_nm: int
    mac: tuple[tuple[int, WordCost], ...]
    add: tuple[tuple[int, WordCost], ...]
    spad_pj_per_bit: float
    spad_um2_per_bit: float
    hop_pj_per_bit: float
    sram: tuple[SramPoint, ...]
    feature_port_bits: int = 64
    weight_port_bits: int = 64
    float_mac: tuple[tuple[int, WordCost], ...] = ()
    float_add: tuple[tuple[int, WordCost], ...] = ()

    @property
    def shared_port_bits(self) -> int:
        """Port width of a scratchpad that serves both: the wider of the two."""
        return max(self.feature_port_bits, self.weight_port_bits)

    def table_widths(self, port_bits: int) -> tuple[int, ...]:
        """Return the table's width that a port has, or the two around it, or none if it lies outside."""
        widths = {point.width_bits for point in self.sram}
        if port_bits in widths:
            return (port_bits,)
        below, above = [w for w in widths if w < port_bits], [w for w in widths if w > port_bits]
        return (max(below), min(above)) if below and above else ()

    def capacity_range(self, port_bits: int) -> tuple[int, int] | None:
        """Least and most bytes that a buffer with such a port may have, or None if the table has no such port."""
        widths = self.table_widths(port_bits)
        by_width = [[p.capacity_bytes for p in self.sram if p.width_bits == width] for width in widths]
        least, most = max(map(min, by_width), default=1), min(map(max, by_width), default=0)
        return (least, most) if least <= most else None


@dataclass(frozen=True)
class Dram:
    """Off-chip memory: energy in fJ per byte (pJ/bit x 8000), peak bandwidth in bytes per second."""

    name: str
    fj_per_byte: int
    bytes_per_s: int


@dataclass(frozen=True)
class Fusion:
    """Which fusion groups may be formed. ``max_layers=1`` is layer-by-layer."""

    max_layers: int = 12
    overlap: tuple[Overlap, ...] = OVERLAPS


@dataclass(frozen=True)
class Tiling:
    """The tile sizes that the search considers.

    ``None`` means every count that gives a distinct tile size (``ceil(P/n)`` takes about ``2*sqrt(P)``
    values); otherwise the counts listed, and always 1. Splits of output channels (``channel_splits``) and of input
    channels (``input_splits``) apply to layers alone.
    """

    row_splits: tuple[int, ...] | None = None
    column_splits: tuple[int, ...] | None = (1, 2, 4, 8)
    channel_splits: tuple[int, ...] | None = (1, 2, 4, 8, 16, 32, 64, 128, 256)
    input_splits: tuple[int, ...] | None = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True)
class Budgets:
    """Upper limits, each inclusive; ``None`` is no limit. Integers in base units.

    ``power_nw`` and ``dram_bytes_per_s`` are averages over the run: energy, or DRAM bytes, per latency.
    """

    area_um2: int | None = None
    sram_bytes: int | None = None
    pes: int | None = None
    latency_fs: int | None = None
    energy_fj: int | None = None
    power_nw: int | None = None
    dram_bytes_per_s: int | None = None
    dram_bytes: int | None = None
    activation_bytes: int | None = None
    """Of activations that may be recomputed, those that are kept in DRAM from the forward to the backward pass."""

    @property
    def rates(self) -> bool:
        """Whether a total is limited per time, so that a slower design may keep what a faster one does not."""
        return self.power_nw is not None or self.dram_bytes_per_s is not None

    @property
    def weigh_energy(self) -> bool:
        """Whether energy is limited, in all or per time."""
        return self.energy_fj is not None or self.power_nw is not None

    def times(self, number: int) -> Budgets:
        """The same limits on what is ``number`` times as much work; hardware and averages over time stay."""

        def scaled(limit: int | None) -> int | None:
            return None if limit is None else limit * number

        return replace(
            self,
            latency_fs=scaled(self.latency_fs),
            energy_fj=scaled(self.energy_fj),
            dram_bytes=scaled(self.dram_bytes),
        )


@dataclass(frozen=True)
class Workload:
    """One network of a mix: so many consecutive layers of `Study.network`.

    Attributes
    ----------
    name
        Its layers and inputs are called ``name/...``.
    weight
        How often it runs in the mix: totals of the mix are sums of weight x the network's total.
    budgets
        Limits on totals of this network alone; those on hardware are the study's.
    mode
        Whether the layers are those of a training step.
    """

    name: str
    weight: Fraction
    num_layers: int
    budgets: Budgets = field(default_factory=Budgets)
    mode: Mode = "inference"


@dataclass(frozen=True)
class Study:
    """One question: a network, what may be built, in which technology, under which budgets, for which goal."""

    name: str
    network: Network
    accelerators: tuple[AcceleratorSpec, ...]
    buffers: SeparateBuffers | SharedBuffer
    technology: Technology
    dram: tuple[Dram, ...]
    goal: Goal = "energy"
    then: tuple[Goal, ...] = ()
    """Further goals: each decides among the designs that are optimal for those before it."""
    budgets: Budgets = field(default_factory=Budgets)
    batch: int = 1
    precision: Precision = field(default_factory=Precision)
    precisions: tuple[Precision, ...] = ()
    """Word widths that the solver chooses ``precision`` from, each once; none if there is no choice."""
    fusion: Fusion = field(default_factory=Fusion)
    tiling: Tiling = field(default_factory=Tiling)
    mode: Mode = "inference"
    """In training, ``network`` is the training step that `specs.training` made of the network.

    Networks of a mix have modes of their own.
    """
    optimizer: Optimizer = "sgd"
    inference: Network | None = None
    """In training, the network that is trained, as inference runs it."""
    mix: tuple[Workload, ...] = ()
    """The networks that ``network`` joins, if it joins several; they run one after another."""

    @cached_property
    def num_mixes(self) -> int:
        """The fewest mixes in which each network runs a whole number of times; the solver's totals are of so many."""
        return lcm(*(workload.weight.denominator for workload in self.mix))

    @cached_property
    def runs(self) -> tuple[int, ...]:
        """How often each network of the mix runs in `num_mixes` mixes."""
        return tuple(int(workload.weight * self.num_mixes) for workload in self.mix)

    @cached_property
    def workload_of(self) -> tuple[int, ...]:
        """Which network of the mix each layer is of; 0 without a mix."""
        if not self.mix:
            return (0,) * len(self.network.layers)
        return tuple(i for i, workload in enumerate(self.mix) for _ in range(workload.num_layers))

    @property
    def trains(self) -> bool:
        """Whether any network is trained."""
        return "training" in ([workload.mode for workload in self.mix] or [self.mode])

    @property
    def limits(self) -> Budgets:
        """The budgets for `num_mixes` mixes."""
        return self.budgets.times(self.num_mixes)

    @property
    def all_budgets(self) -> tuple[Budgets, ...]:
        """The study's budgets and those of every network."""
        return (self.budgets, *(workload.budgets for workload in self.mix))

    @property
    def goals(self) -> tuple[Goal, ...]:
        """All goals, the first first."""
        return (self.goal, *self.then)

    @property
    def precision_choices(self) -> tuple[Precision, ...]:
        """All precisions that the study allows, in their order."""
        return self.precisions or (self.precision,)

    @property
    def weighs_energy(self) -> bool:
        """Whether energy decides anything."""
        limited = any(budgets.weigh_energy for budgets in self.all_budgets)
        return limited or any(goal in ("energy", "edp", "power") for goal in self.goals)

    @property
    def slowness_pays(self) -> bool:
        """Whether a design may be better for being slower: where energy or traffic count per time."""
        return any(budgets.rates for budgets in self.all_budgets) or "power" in self.goals
