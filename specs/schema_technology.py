"""The keys of a technology file and of the DRAM presets; every number carries its source."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from specs.errors import show
from specs.fields import Count, Number, Picojoules, SquareMicrometres, Text, choice, whole_number
from specs.study import SramPoint, Technology, WordCost
from specs.units import ENERGY_PER_BIT
from specs.validation import Doc

WIDTHS = ("8", "16", "32")
FLOAT_WIDTHS = ("16", "32")
COLUMNS = ("capacity_bytes", "width_bits", "read_pj", "write_pj", "leakage_mw", "area_mm2")


class UnitDoc(Doc):
    """Price of one arithmetic unit."""

    energy: Picojoules
    area: SquareMicrometres
    source: Text


Width = Annotated[str, BeforeValidator(choice(WIDTHS, noun=" bits"))]
FloatWidth = Annotated[str, BeforeValidator(choice(FLOAT_WIDTHS, noun=" bits"))]
UnitsDoc = Annotated[dict[Width, UnitDoc], Field(min_length=1)]
FloatUnitsDoc = Annotated[dict[FloatWidth, UnitDoc], Field(min_length=1)]


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


class PortsDoc(Doc):
    """Bits that one access moves."""

    feature: Count
    weight: Count


def _both_ports(value: object) -> object:
    """Let one number stand for both buffers."""
    return value if isinstance(value, dict) else dict.fromkeys(("feature", "weight"), whole_number(1)(value))


Ports = Annotated[PortsDoc, BeforeValidator(_both_ports)]


class TechnologyDoc(Doc):
    name: Text
    node: Count
    """Process node in nm."""
    source: Text
    mac: UnitsDoc
    """Multiply-accumulate units, by operand width in bits."""
    add: UnitsDoc
    """Adders, by operand width in bits."""
    float_mac: FloatUnitsDoc | None = None
    """Multiply-accumulate units in floating point, likewise; one price for all formats of a width."""
    float_add: FloatUnitsDoc | None = None
    """Adders in floating point."""
    spad: SpadDoc
    hop: HopDoc
    buffer_width: Ports = PortsDoc(feature=Technology.feature_port_bits, weight=Technology.weight_port_bits)
    """Port width of the buffers in bits: one number, or one for each of feature and weight."""
    sram: SramDoc


class ScaledDoc(Doc):
    """A technology with another's numbers, carried to its own node; what it gives itself is not scaled."""

    name: Text
    node: Count
    source: Text
    scaled_from: Text
    """Name in specs/technologies, or a path."""
    mac: UnitsDoc | None = None
    add: UnitsDoc | None = None
    float_mac: FloatUnitsDoc | None = None
    float_add: FloatUnitsDoc | None = None
    spad: SpadDoc | None = None
    hop: HopDoc | None = None
    buffer_width: Ports | None = None
    sram: SramDoc | None = None


def stated(doc: TechnologyDoc | ScaledDoc) -> dict[str, Any]:
    """Return the fields of a `Technology` for which a file has numbers of its own."""
    fields: dict[str, Any] = {"name": doc.name, "node_nm": doc.node}
    if doc.mac:
        fields["mac"] = _word_costs(doc.mac)
    if doc.add:
        fields["add"] = _word_costs(doc.add)
    if doc.float_mac:
        fields["float_mac"] = _word_costs(doc.float_mac)
    if doc.float_add:
        fields["float_add"] = _word_costs(doc.float_add)
    if doc.spad:
        fields |= {"spad_pj_per_bit": doc.spad.energy_per_bit, "spad_um2_per_bit": doc.spad.area_per_bit}
    if doc.hop:
        fields["hop_pj_per_bit"] = doc.hop.energy_per_bit
    if doc.buffer_width:
        fields |= {"feature_port_bits": doc.buffer_width.feature, "weight_port_bits": doc.buffer_width.weight}
    if doc.sram:
        fields["sram"] = tuple(SramPoint(*row) for row in doc.sram.rows)
    return fields


def _word_costs(units: dict[str, UnitDoc]) -> tuple[tuple[int, WordCost], ...]:
    by_width = sorted((int(width), unit) for width, unit in units.items())
    return tuple((bits, WordCost(unit.energy, unit.area)) for bits, unit in by_width)


class NodeDoc(Doc):
    """One circuit at one node."""

    supply: Text
    """For the reader: the voltage at which the energy holds."""
    energy: Number
    area: Number


class ScalingDoc(Doc):
    """How the energy and the area of one circuit change with the node, both relative."""

    source: Text
    nodes: Annotated[dict[str, NodeDoc], Field(min_length=1)]


class PresetDoc(Doc):
    """Price of one kind of off-chip memory."""

    energy: Annotated[int, BeforeValidator(ENERGY_PER_BIT.whole)]
    source: Text


class DramPresetsDoc(Doc):
    presets: dict[str, PresetDoc]
    """By the name that a study's `dram.type` gives."""
