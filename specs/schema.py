"""The keys of a study file."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from specs.errors import alternatives, show
from specs.fields import Count, Counts, Sizes, Text, Weight, choice, each_once, one_or_more, whole_number
from specs.schema_precision import PrecisionDoc
from specs.study import (
    GOALS,
    LAST_GOALS,
    MODES,
    OPTIMIZERS,
    OVERLAPS,
    RECOMPUTES,
    Budgets,
    Fusion,
    Goal,
    Mode,
    Optimizer,
    Overlap,
    Precision,
    Recompute,
    SeparateBuffers,
    SharedBuffer,
    Tiling,
)
from specs.units import AREA, BANDWIDTH, ENERGY, ENERGY_PER_BIT, POWER, SIZE, TIME
from specs.validation import Doc

MOST_FUSED_LAYERS = 64


def _goals(value: object) -> tuple[str, ...]:
    """Read one goal or a list of goals, the first first."""
    listed = value if isinstance(value, list) else [value]
    goals = tuple(choice(GOALS)(item) for item in listed)
    if not goals or len(set(goals)) < len(goals):
        raise ValueError(f"must be {alternatives(GOALS)}, or a list of them, each once, not {show(value)}")
    for goal in goals[:-1]:
        if goal in LAST_GOALS:
            raise ValueError(f"must have {goal} as the last of its goals: it is no sum over groups")
    return goals


def _limit(read: Callable[[object], int]) -> BeforeValidator:
    """Read a budget, where none stands for no limit."""
    return BeforeValidator(lambda value: None if value == "none" else read(value))


def _splits(value: object) -> object:
    """Read all as None: every count that gives a distinct tile size."""
    if value == "all":
        return None
    if isinstance(value, str | dict | None):
        raise ValueError(f"must be all or a list of whole numbers, not {show(value)}")
    return one_or_more(value)


Splits = Annotated[Counts | None, BeforeValidator(_splits)]
ModeWord = Annotated[Mode, BeforeValidator(choice(MODES))]


class BuffersDoc(Doc):
    feature: Sizes | None = None
    """Feature-map buffer: one size or a list to choose from."""
    weight: Sizes | None = None
    """Weight buffer: likewise."""
    shared: Sizes | None = None
    """One scratchpad for both, in place of feature and weight."""

    @model_validator(mode="after")
    def _one_kind(self) -> BuffersDoc:
        if self.shared and (self.feature or self.weight):
            raise ValueError("must have either feature and weight, or shared, not both")
        return self

    def resolve(self) -> SeparateBuffers | SharedBuffer:
        if self.shared:
            return SharedBuffer(self.shared)
        # The defaults fill in whichever is missing.
        assert self.feature
        assert self.weight
        return SeparateBuffers(self.feature, self.weight)


class DramDoc(Doc):
    type: Text
    """Name of a preset in specs/technologies/dram.yaml, or, with `energy`, any name."""
    energy: Annotated[int, BeforeValidator(ENERGY_PER_BIT.whole)] | None = None
    """Energy of one transferred bit, when not a preset's."""
    bandwidth: Annotated[int, BeforeValidator(BANDWIDTH.whole)]
    """Peak bandwidth."""


class FusionDoc(Doc):
    max_layers: Annotated[int, BeforeValidator(whole_number(1, MOST_FUSED_LAYERS))]
    """Most layers in one fusion group; 1 is layer-by-layer."""
    overlap: Annotated[
        tuple[Annotated[Overlap, BeforeValidator(choice(OVERLAPS))], ...],
        BeforeValidator(one_or_more),
        AfterValidator(each_once),
        Field(min_length=1),
    ]
    """What may be done with halos."""

    def resolve(self) -> Fusion:
        return Fusion(self.max_layers, self.overlap)


def _fusion(value: object) -> object:
    if isinstance(value, dict):
        return value
    if value == "none":
        return {"max_layers": 1, "overlap": list(OVERLAPS)}
    raise ValueError(f"must be none or a mapping with max_layers and overlap, not {show(value)}")


class TilingDoc(Doc):
    row_splits: Splits
    column_splits: Splits
    channel_splits: Splits
    input_splits: Splits

    def resolve(self) -> Tiling:
        return Tiling(self.row_splits, self.column_splits, self.channel_splits, self.input_splits)


class BudgetsDoc(Doc):
    """Upper limits, each inclusive."""

    area: Annotated[int | None, _limit(AREA.whole)] = None
    sram: Annotated[int | None, _limit(SIZE.whole)] = None
    pes: Annotated[int | None, _limit(whole_number(1))] = None
    latency: Annotated[int | None, _limit(TIME.whole)] = None
    energy: Annotated[int | None, _limit(ENERGY.whole)] = None
    power: Annotated[int | None, _limit(POWER.whole)] = None
    """Average over the run."""
    dram_bandwidth: Annotated[int | None, _limit(BANDWIDTH.whole)] = None
    """DRAM bytes per second, average over the run."""
    dram_traffic: Annotated[int | None, _limit(SIZE.whole)] = None
    """DRAM bytes of the run."""
    activation_memory: Annotated[int | None, _limit(SIZE.whole)] = None
    """What a training step keeps in DRAM from its forward to its backward pass, of all images."""

    def resolve(self) -> Budgets:
        return Budgets(
            self.area,
            self.sram,
            self.pes,
            self.latency,
            self.energy,
            self.power,
            self.dram_bandwidth,
            self.dram_traffic,
            self.activation_memory,
        )


class WorkloadBudgetsDoc(Doc):
    """Upper limits on one network of a mix, as in `BudgetsDoc`; what limits hardware is the study's."""

    latency: Annotated[int | None, _limit(TIME.whole)] = None
    energy: Annotated[int | None, _limit(ENERGY.whole)] = None
    power: Annotated[int | None, _limit(POWER.whole)] = None
    dram_bandwidth: Annotated[int | None, _limit(BANDWIDTH.whole)] = None
    dram_traffic: Annotated[int | None, _limit(SIZE.whole)] = None

    def resolve(self) -> Budgets:
        return Budgets(
            latency_fs=self.latency,
            energy_fj=self.energy,
            power_nw=self.power,
            dram_bytes_per_s=self.dram_bandwidth,
            dram_bytes=self.dram_traffic,
        )


class WorkloadDoc(Doc):
    """One network of a mix."""

    network: Text
    """Path to a network file."""
    weight: Weight = Fraction(1)
    """How often it runs, beside the others."""
    mode: ModeWord | None = None
    """If not the study's."""
    budgets: WorkloadBudgetsDoc = WorkloadBudgetsDoc()
    """Limits on one run of this network."""


def _workloads(value: object) -> list[object]:
    """Read a list of networks; a lone path stands for a mapping with it."""
    if not isinstance(value, list) or not value:
        raise ValueError(f"must be a list of networks, not {show(value)}")
    return [{"network": entry} if isinstance(entry, str) else entry for entry in value]


class StudyDoc(Doc):
    """A study file after `specs.defaults.with_defaults`, which is why only the network can be missing."""

    network: Text | None = None
    """Path to a network file."""
    networks: Annotated[tuple[WorkloadDoc, ...] | None, BeforeValidator(_workloads)] = None
    """A workload mix, in place of network."""
    mode: ModeWord
    optimizer: Annotated[Optimizer, BeforeValidator(choice(OPTIMIZERS))] = "sgd"
    """How weights are updated; in training alone."""
    recompute: Annotated[Recompute, BeforeValidator(choice(RECOMPUTES))] = "none"
    """Which activations the backward pass may make again instead of reading them; in training alone."""
    batch: Count
    """Images that are processed together."""
    precision: Annotated[tuple[PrecisionDoc, ...], BeforeValidator(one_or_more), Field(min_length=1)]
    """Word widths, or several to choose from."""
    accelerators: Annotated[tuple[Any, ...], BeforeValidator(one_or_more), Field(min_length=1)]
    """Names, paths or mappings, each a choice; their keys are in `specs.schema_accelerators`."""
    buffers: BuffersDoc
    technology: Text
    """Name in specs/technologies, or a path."""
    dram: Annotated[tuple[DramDoc, ...], BeforeValidator(one_or_more), Field(min_length=1)]
    """One memory, or several to choose from."""
    fusion: Annotated[FusionDoc, BeforeValidator(_fusion)]
    tiling: TilingDoc
    goal: Annotated[tuple[Goal, ...], BeforeValidator(_goals)]
    """What to make least of (of throughput: most), first, second and so on."""
    budgets: BudgetsDoc

    def precisions(self) -> tuple[Precision, ...]:
        """List every precision once, in the order of the file."""
        return tuple(dict.fromkeys(precision for doc in self.precision for precision in doc.resolve()))
