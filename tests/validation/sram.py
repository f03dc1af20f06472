"""SRAM prices: the interpolation against its own table, and the table against other authors.

The table is CACTI 7 in Accelergy's default configuration, 86 memories a node (`specs/technologies`). *Left out*: each
row inside the table (a capacity between two others of its width) is priced from its neighbours with itself taken
away, between capacities a factor of four apart where the table has a factor of two. *Power law*: the least-squares
plane through the logarithms of the whole table, as many models use it (it sees every row); it stands in the column
of published values. Errors are absolute, in per cent of the row. Other authors' numbers are single memories at 45 and
65 nm: Horowitz, ISSCC 2014 (from memory; 10 pJ for 8 KiB also in stillwater-sc/universal, generic_45nm.hpp);
timeloop-accelergy-exercises, 04_eyeriss_like reference output; nn_dataflow, test_eyeriss_isscc16. They have no target:
cells, banks and voltages are unknown to us.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from costmodel.technology import sram_price
from specs.study import SramPoint, Technology
from tests.validation.row import Row
from tests.validation.technologies import shipped

NODES = ("65nm", "45nm", "40nm", "28nm")
QUANTITIES = ("read_pj", "write_pj", "leakage_mw", "area_mm2")
KIB = 1024


def rows() -> Iterator[Row]:
    """Exactness, left-out errors against the power law's, and other authors' memories."""
    for name in NODES:
        technology = shipped(name)
        wrong = sum(not _is_exact(technology, point) for point in technology.sram)
        yield Row(f"{name}, rows that their own price misses", 0, wrong, relative=False)
    for name in NODES:
        for quantity in QUANTITIES:
            yield from _errors(name, quantity)
    yield from _others()


def _is_exact(technology: Technology, point: SramPoint) -> bool:
    price = sram_price(technology, point.capacity_bytes, point.width_bits)
    fj_per_byte = 8000 / point.width_bits
    return (
        price.read_fj_per_byte == round(point.read_pj * fj_per_byte)
        and price.write_fj_per_byte == round(point.write_pj * fj_per_byte)
        and price.leakage_mw == point.leakage_mw
        and price.area_um2 == round(point.area_mm2 * 1e6)
    )


def _errors(name: str, quantity: str) -> Iterator[Row]:
    technology = shipped(name)
    left_out = np.array([_left_out(technology, point, quantity) for point in _inner(technology)])
    fitted = np.abs(_power_law(technology, quantity))
    what = f"{name} {quantity.split('_')[0]}, {{}} error: power law, left out"
    yield Row(what.format("median"), float(np.median(fitted)), float(np.median(left_out)), "%", 0, False, "above")
    yield Row(what.format("largest"), float(fitted.max()), float(left_out.max()), "%", 0, False, "above")


def _inner(technology: Technology) -> list[SramPoint]:
    """Rows with a smaller and a larger memory of the same width."""
    found = []
    for point in technology.sram:
        capacities = [p.capacity_bytes for p in technology.sram if p.width_bits == point.width_bits]
        if min(capacities) < point.capacity_bytes < max(capacities):
            found.append(point)
    return found


def _left_out(technology: Technology, point: SramPoint, quantity: str) -> float:
    """Price a row without itself; the absolute error in per cent."""
    without = replace(technology, sram=tuple(p for p in technology.sram if p != point))
    price = sram_price(without, point.capacity_bytes, point.width_bits)
    ours = {
        "read_pj": price.read_fj_per_byte * point.width_bits / 8000,
        "write_pj": price.write_fj_per_byte * point.width_bits / 8000,
        "leakage_mw": price.leakage_mw,
        "area_mm2": price.area_um2 / 1e6,
    }[quantity]
    return abs(100 * (ours / float(getattr(point, quantity)) - 1))


def _power_law(technology: Technology, quantity: str) -> np.ndarray:
    """Errors in per cent of a plane through the logarithms, at the rows that can be left out."""

    def logs(points: tuple[SramPoint, ...] | list[SramPoint]) -> tuple[np.ndarray, np.ndarray]:
        inputs = np.array([[1.0, np.log(p.capacity_bytes), np.log(p.width_bits)] for p in points])
        return inputs, np.log([float(getattr(p, quantity)) for p in points])

    inputs, values = logs(technology.sram)
    plane, *_ = np.linalg.lstsq(inputs, values, rcond=None)
    inner, wanted = logs(_inner(technology))
    return np.asarray(100 * (np.exp(inner @ plane - wanted) - 1))


def _others() -> Iterator[Row]:
    horowitz, accelergy = "Horowitz, ISSCC 2014", "Accelergy, 04_eyeriss_like"
    at_45, at_65 = shipped("45nm"), shipped("65nm")
    for capacity, published in ((8 * KIB, 10.0), (32 * KIB, 20.0), (1024 * KIB, 100.0)):
        what = f"45 nm, {capacity // KIB} KiB, 64 bit, read"
        yield Row(what, published, _read_pj(at_45, capacity, 64), "pJ", None, source=horowitz)
    yield Row("45 nm, 8 KiB, 64 bit, read", 5.16, _read_pj(at_45, 8 * KIB, 64), "pJ", None, source=accelergy)
    yield Row("45 nm, 100 KiB, 64 bit, read", 34.0, _read_pj(at_45, 100 * KIB, 64), "pJ", None, source=accelergy)
    nn_dataflow = "nn_dataflow, test_eyeriss_isscc16: fitted to the chip"
    yield Row("65 nm, 108 KiB, 16 bit, read", 15.0, _read_pj(at_65, 108 * KIB, 16), "pJ", None, source=nn_dataflow)


def _read_pj(technology: Technology, capacity_bytes: int, port_bits: int) -> float:
    return sram_price(technology, capacity_bytes, port_bits).read_fj_per_byte * port_bits / 8000
