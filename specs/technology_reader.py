"""From a technology file to a `Technology`: with numbers of its own, or scaled from another node's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from specs.errors import KeyPath, alternatives, key_text, show
from specs.library import LIBRARY, NODE_FACTORS, Library, open_named
from specs.scaling import NodeFactors
from specs.schema_precision import PrecisionDoc, Word
from specs.schema_technology import ScaledDoc, ScalingDoc, TechnologyDoc, stated
from specs.study import Technology
from specs.validation import read_as
from specs.yaml_reader import Document, read_yaml


def read_technology(document: Document, library: Library = LIBRARY) -> Technology | None:
    """Read a technology file, and check that its SRAM table can be interpolated."""
    doc: TechnologyDoc | ScaledDoc | None
    if isinstance(document.data, dict) and "scaled_from" in document.data:
        doc = read_as(ScaledDoc, document)
        base = _scaled(document, doc, library) if doc else None
        technology = replace(base, **stated(doc)) if doc and base else None
    else:
        doc = read_as(TechnologyDoc, document)
        technology = Technology(**stated(doc)) if doc else None
    if technology is not None and doc is not None:
        if doc.sram is not None:
            _check_rows(document, technology)
        _check_ports(document, technology)
    return technology


def _scaled(document: Document, doc: ScaledDoc, library: Library) -> Technology | None:
    """Read the technology that a file starts from and carry it to the file's node."""
    base_document = open_named(document, ("scaled_from",), doc.scaled_from, "technologies", library)
    if base_document is None:
        return None
    if isinstance(base_document.data, dict) and "scaled_from" in base_document.data:
        message = f"must be a technology with numbers of its own: {show(doc.scaled_from)} is scaled itself"
        document.refuse(("scaled_from",), message)
        return None
    base, factors = read_technology(base_document, library), _node_factors(document, library)
    if base is None or factors is None:
        return None
    covered = f"from {min(factors.energy)} to {max(factors.energy)} nm, where scaling factors are known"
    if not factors.covers(base.node_nm):
        document.refuse(("scaled_from",), f"must be a technology {covered}, not of {base.node_nm} nm")
        return None
    if not factors.covers(doc.node):
        document.refuse(("node",), f"must be {covered}, not {doc.node}")
        return None
    return factors.scale(base, doc.name, doc.node)


def _node_factors(document: Document, library: Library) -> NodeFactors | None:
    factors_document = read_yaml(library.file("technologies", NODE_FACTORS), document.problems)
    doc = read_as(ScalingDoc, factors_document) if factors_document else None
    if doc is None:
        return None
    return NodeFactors(
        energy={int(node): entry.energy for node, entry in doc.nodes.items()},
        area={int(node): entry.area for node, entry in doc.nodes.items()},
    )


def _check_rows(document: Document, technology: Technology) -> None:
    """Refuse two rows for one memory."""
    first_row: dict[tuple[int, int], int] = {}
    for i, point in enumerate(technology.sram):
        first = first_row.setdefault((point.capacity_bytes, point.width_bits), i)
        if first != i:
            document.refuse(("sram", "rows", i), f"has the capacity and width of {key_text(('sram', 'rows', first))}")


def _check_ports(document: Document, technology: Technology) -> None:
    """Refuse ports for which the table does not hold two capacities to interpolate between."""
    assert isinstance(document.data, dict)
    ports: dict[KeyPath, int] = {("buffer_width",): technology.feature_port_bits}
    if isinstance(document.data.get("buffer_width"), dict):
        ports = {
            ("buffer_width", "feature"): technology.feature_port_bits,
            ("buffer_width", "weight"): technology.weight_port_bits,
        }
    for key, port_bits in ports.items():
        widths = technology.table_widths(port_bits)
        if not widths:
            table = [point.width_bits for point in technology.sram]
            document.refuse(key, f"must be from {min(table)} to {max(table)} bits as in sram.rows, not {port_bits}")
            continue
        least, most = technology.capacity_range(port_bits) or (0, 0)
        if least == most:
            at = " and ".join(map(str, widths)) + " bits"
            wanted = f"must have two capacities or more at {at}, for a buffer width of {port_bits} bits"
            document.refuse(("sram", "rows"), wanted)


def check_precision(document: Document, key: KeyPath, precision: PrecisionDoc, technology: Technology) -> None:
    """Refuse word widths whose arithmetic the technology does not price.

    Parameters
    ----------
    key
        Where the widths stand: a mapping with activation and weight, all combined with each other.
    """
    floating = precision.floating
    macs = dict(technology.float_mac if floating else technology.mac)
    additions = dict(technology.float_add if floating else technology.add)
    if not (macs and additions):
        document.refuse(key, f"must be whole bits: technology {technology.name} prices no floating point")
        return

    def refuse(name: str, index: int, word: Word, priced: Mapping[int, object], noun: str) -> None:
        if word.bits not in priced:
            at = (*key, name, index) if isinstance(document.at((*key, name)), list) else (*key, name)
            kind = "floating-point " if floating else ""
            allowed = f"{alternatives(list(priced))} bits (technology {technology.name} prices no other {kind}{noun})"
            document.refuse(at, f"must be {allowed}, not {word.written}")

    for i, activation in enumerate(precision.activation):
        for j, weight in enumerate(precision.weight):
            widest = ("activation", i, activation) if activation.bits >= weight.bits else ("weight", j, weight)
            refuse(*widest, macs, "multiply-accumulates")
        refuse("activation", i, activation, additions, "additions")
