"""The keys of a technology file and of the DRAM presets; every number carries its source."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from specs.errors import alternatives, key_text, show
from specs.fields import Count, Number, Picojoules, SquareMicrometres, Text, choice
from specs.study import SramPoint, Technology, WordCost
from specs.units import ENERGY_PER_BIT
from specs.validation import Doc, read_as
from specs.yaml_reader import Document

WIDTHS = ("8", "16", "32")
COLUMNS = ("capacity_bytes", "width_bits", "read_pj", "write_pj", "leakage_mw", "area_mm2")
LEAST_CAPACITIES = 2


class UnitDoc(Doc):
    """Price of one arithmetic unit."""

    energy: Picojoules
    area: SquareMicrometres
    source: Text


def _every_width(units: dict[str, UnitDoc]) -> dict[str, UnitDoc]:
    missing = [width for width in WIDTHS if width not in units]
    if missing:
        raise ValueError(f"must have a price for 8, 16 and 32 bits; {alternatives(missing)} is missing")
    return units


Width = Annotated[str, BeforeValidator(choice(WIDTHS, noun=" bits"))]
UnitsDoc = Annotated[dict[Width, UnitDoc], AfterValidator(_every_width)]


class SpadDoc(Doc):
    """Small storage inside a processing element."""

    energy_per_bit: Picojoules
    area_per_bit: SquareMicrometres
    source: Text


class HopDoc(Doc):
    """A transfer between neighbouring processing elements."""

    energy_per_bit: Picojoules
    source: Text


def _columns(value: object) -> object:
    if value == list(COLUMNS):
        return value
    raise ValueError(f"must be [{', '.join(COLUMNS)}], in this order")


def _row(value: object) -> object:
    if isinstance(value, list) and len(value) == len(COLUMNS):
        return value
    raise ValueError(f"must be a list of {len(COLUMNS)} numbers, one for each column, not {show(value)}")


Row = Annotated[tuple[Count, Count, Number, Number, Number, Number], BeforeValidator(_row)]


class SramDoc(Doc):
    """Table of buffer SRAMs."""

    source: Text
    columns: Annotated[tuple[str, ...], BeforeValidator(_columns)]
    rows: tuple[Row, ...]


class TechnologyDoc(Doc):
    name: Text
    node: Count
    """Process node in nm."""
    source: Text
    mac: UnitsDoc
    """Multiply-accumulate units, by operand width in bits."""
    add: UnitsDoc
    """Adders, by operand width in bits."""
    spad: SpadDoc
    hop: HopDoc
    buffer_width: Count = Technology.buffer_width_bits
    """Port width of the feature and weight buffers, in bits."""
    sram: SramDoc

    def resolve(self) -> Technology:
        return Technology(
            name=self.name,
            node_nm=self.node,
            mac=_word_costs(self.mac),
            add=_word_costs(self.add),
            spad_pj_per_bit=self.spad.energy_per_bit,
            spad_um2_per_bit=self.spad.area_per_bit,
            hop_pj_per_bit=self.hop.energy_per_bit,
            sram=tuple(SramPoint(*row) for row in self.sram.rows),
            buffer_width_bits=self.buffer_width,
        )


class PresetDoc(Doc):
    """Price of one kind of off-chip memory."""

    energy: Annotated[int, BeforeValidator(ENERGY_PER_BIT.whole)]
    source: Text


class DramPresetsDoc(Doc):
    presets: dict[str, PresetDoc]
    """By the name that a study's `dram.type` gives."""


def read_technology(document: Document) -> Technology | None:
    """Read a technology file, and check that its SRAM table can be interpolated."""
    doc = read_as(TechnologyDoc, document)
    if doc is None:
        return None
    technology = doc.resolve()
    first_row: dict[tuple[int, int], int] = {}
    for i, point in enumerate(technology.sram):
        first = first_row.setdefault((point.capacity_bytes, point.width_bits), i)
        if first != i:
            document.refuse(("sram", "rows", i), f"has the capacity and width of {key_text(('sram', 'rows', first))}")
    width = technology.buffer_width_bits
    num_capacities = sum(of_width == width for _, of_width in first_row)
    if num_capacities < LEAST_CAPACITIES:
        wanted = f"at least {LEAST_CAPACITIES} capacities at the buffer width of {width} bits"
        document.refuse(("sram", "rows"), f"must have {wanted}, not {num_capacities}")
    return technology


def _word_costs(units: dict[str, UnitDoc]) -> tuple[tuple[int, WordCost], ...]:
    return tuple((int(width), WordCost(units[width].energy, units[width].area)) for width in WIDTHS)
