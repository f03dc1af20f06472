"""The hardware points of a study and their prices, all integers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from costmodel.design import Hardware
from costmodel.technology import SramPrice, sram_price
from costmodel.template import Preference, Terms, array_shapes
from specs.study import SharedBuffer, Study, Technology


@dataclass(frozen=True)
class Prices:
    """What one byte or one cycle costs on a hardware point, in fJ, and the point's area in um2."""

    feature_read_fj: int
    feature_write_fj: int
    weight_read_fj: int
    weight_write_fj: int
    dram_fj: int
    leakage_fj_per_cycle: int
    area_um2: int


def hardware_points(study: Study) -> Iterator[Hardware]:
    """Every hardware point that the study lists: accelerator, array, clock, DRAM and buffer sizes."""
    buffers = study.buffers
    if isinstance(buffers, SharedBuffer):
        sizes = [(size, 0) for size in buffers.shared_bytes]
    else:
        sizes = list(product(buffers.feature_bytes, buffers.weight_bytes))
    for spec in study.accelerators:
        for array, clock_hz, dram in product(array_shapes(spec), spec.clock_hz, study.dram):
            for feature_bytes, weight_bytes in sizes:
                yield Hardware(
                    template=spec.template,
                    array=array,
                    clock_hz=clock_hz,
                    double_buffer=spec.double_buffer,
                    dram=dram,
                    feature_bytes=feature_bytes,
                    weight_bytes=weight_bytes,
                    shared=isinstance(buffers, SharedBuffer),
                    skip_zeros=spec.skip_zeros,
                )


class PriceList:
    """Prices of a study's hardware points; every buffer size is looked up in the technology once."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._buffers: dict[tuple[int, int], SramPrice] = {}

    def _buffer(self, capacity_bytes: int, port_bits: int) -> SramPrice:
        key = capacity_bytes, port_bits
        if key not in self._buffers:
            self._buffers[key] = sram_price(self._study.technology, capacity_bytes, port_bits)
        return self._buffers[key]

    def of(self, hardware: Hardware) -> Prices:
        """Price a hardware point; energies are rounded here, once, and exact from here on.

        A shared scratchpad serves both kinds of access at its own price, through the wider port. Leakage is that
        of the buffers: the technology tables hold none for logic.
        """
        study, technology = self._study, self._study.technology
        port_bits = technology.shared_port_bits if hardware.shared else technology.feature_port_bits
        feature = self._buffer(hardware.feature_bytes, port_bits)
        weight = feature if hardware.shared else self._buffer(hardware.weight_bytes, technology.weight_port_bits)
        banks = (feature,) if hardware.shared else (feature, weight)
        leakage_mw = sum(bank.leakage_mw for bank in banks)
        return Prices(
            feature_read_fj=feature.read_fj_per_byte,
            feature_write_fj=feature.write_fj_per_byte,
            weight_read_fj=weight.read_fj_per_byte,
            weight_write_fj=weight.write_fj_per_byte,
            dram_fj=hardware.dram.fj_per_byte,
            leakage_fj_per_cycle=round(leakage_mw * hardware.period_fs / 1000),
            area_um2=hardware.array.area_um2(study.technology, study.precision) + sum(bank.area_um2 for bank in banks),
        )


def prices(study: Study, hardware: Hardware) -> Prices:
    """Price one hardware point."""
    return PriceList(study).of(hardware)


def within_hardware_budgets(study: Study, hardware: Hardware, price_list: PriceList | None = None) -> bool:
    """Whether a hardware point alone keeps the area, SRAM and PE budgets."""
    limits = study.budgets
    return (
        (limits.pes is None or hardware.array.pes <= limits.pes)
        and (limits.sram_bytes is None or hardware.sram_bytes <= limits.sram_bytes)
        and (limits.area_um2 is None or (price_list or PriceList(study)).of(hardware).area_um2 <= limits.area_um2)
    )


RANKED_AT_BYTES = 64 * 1024
"""Buffer size at whose prices mappings are ranked."""


def mapping_terms(study: Study, hardware: Hardware, prefer: Preference) -> Terms:
    """By what mappings are chosen on a hardware point: the same for all buffer sizes of an array."""
    return terms_at(study, hardware.period_fs, prefer, hardware.skip_zeros)


def terms_at(study: Study, period_fs: int, prefer: Preference, skip_zeros: bool) -> Terms:
    """By what mappings are chosen at a clock period in femtoseconds.

    They are ranked at the prices of two buffers of `RANKED_AT_BYTES`, or of the nearest size that the technology
    has, so that what else a study lists does not change them. These prices enter no cost.
    """
    technology = study.technology
    shared = isinstance(study.buffers, SharedBuffer)
    feature = _ranking_price(technology, technology.shared_port_bits if shared else technology.feature_port_bits)
    weight = feature if shared else _ranking_price(technology, technology.weight_port_bits)
    leakage_mw = feature.leakage_mw + (0 if shared else weight.leakage_mw)
    return Terms(
        technology=technology,
        precision=study.precision,
        prefer=prefer,
        feature_fj_per_byte=(feature.read_fj_per_byte + feature.write_fj_per_byte) // 2,
        weight_fj_per_byte=weight.read_fj_per_byte,
        leakage_fj_per_cycle=round(leakage_mw * period_fs / 1000),
        skip_zeros=skip_zeros,
    )


def _ranking_price(technology: Technology, port_bits: int) -> SramPrice:
    low, high = technology.capacity_range(port_bits) or (RANKED_AT_BYTES, RANKED_AT_BYTES)
    return sram_price(technology, min(max(RANKED_AT_BYTES, low), high), port_bits)
