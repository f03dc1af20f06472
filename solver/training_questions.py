"""The questions behind a comparison of inference with training: each alone, both in turn, both on given hardware."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from costmodel import Hardware
from costmodel.hardware import hardware_points
from costmodel.kept import decided
from specs.mix import SEPARATOR, joined
from specs.network import Network
from specs.study import (
    AcceleratorSpec,
    Budgets,
    Mode,
    Precision,
    SeparateBuffers,
    SharedBuffer,
    Study,
    Workload,
)

INFERENCE: Mode = "inference"
TRAINING: Mode = "training"


class NotComparableError(ValueError):
    """A study that trains no single network; ``str()`` is one line."""


def inference_of(study: Study) -> Study:
    """Inference with the network that a study trains, on the same images; limits on a step's totals do not hold."""
    return replace(
        study, network=trained_network(study), mode="inference", inference=None, budgets=_of_hardware(study.budgets)
    )


def both_of(study: Study) -> Study:
    """One run of inference and one training step, as a mix of equal weights; a step keeps its limits on totals."""
    networks: tuple[tuple[Mode, Network], ...] = ((INFERENCE, trained_network(study)), (TRAINING, study.network))
    totals = replace(Budgets(), **{name: getattr(study.budgets, name) for name in _TOTALS})
    limits = {INFERENCE: Budgets(), TRAINING: totals}
    return replace(
        study,
        network=joined(networks),
        mode="inference",
        inference=None,
        accelerators=tuple(_pinned_in_both(spec) for spec in study.accelerators),
        budgets=_of_hardware(study.budgets),
        mix=tuple(Workload(name, Fraction(1), len(network.layers), limits[name], name) for name, network in networks),
    )


def trained_network(study: Study) -> Network:
    """The network that a study trains.

    Raises
    ------
    NotComparableError
        If there is none, or several, or activations may be recomputed.
    """
    if decided(study.network) or study.budgets.activation_bytes is not None:
        raise NotComparableError("recompute and budgets on activation_memory cannot be compared yet: leave them out")
    if study.mix or study.inference is None:
        raise NotComparableError("there is nothing to compare: the study must train one network (mode: training)")
    return study.inference


def only(study: Study, hardware: Hardware, precision: Precision) -> Study:
    """The study with one hardware point of its space, and one precision."""
    buffers = (
        SharedBuffer((hardware.feature_bytes,))
        if hardware.shared
        else SeparateBuffers((hardware.feature_bytes,), (hardware.weight_bytes,))
    )
    for spec in study.accelerators:
        array = hardware.array.numbers
        numbers = tuple((key, (array[key],)) for key, _ in spec.numbers if key in array)
        one = replace(
            study,
            accelerators=(replace(spec, numbers=numbers, clock_hz=(hardware.clock_hz,)),),
            buffers=buffers,
            dram=(hardware.dram,),
            precision=precision,
            precisions=(),
        )
        if spec.template == hardware.template and list(hardware_points(one)) == [hardware]:
            return one
    raise AssertionError("the hardware is a point of the study")


_TOTALS = ("latency_fs", "energy_fj", "dram_bytes")


def _of_hardware(budgets: Budgets) -> Budgets:
    """Without limits on totals: those on hardware and on averages over time hold for whatever runs."""
    return replace(budgets, **dict.fromkeys(_TOTALS))


def _pinned_in_both(spec: AcceleratorSpec) -> AcceleratorSpec:
    """Pins hold for the layers of that name in both networks."""
    names = (INFERENCE, TRAINING)
    pins = tuple((name + SEPARATOR + layer, letters) for name in names for layer, letters in spec.mapping)
    return replace(spec, mapping=pins)
