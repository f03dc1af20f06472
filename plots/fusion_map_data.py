"""The fusion map's layout: which layers stand in which line, and which part of a group is drawn where."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.kept import running
from plots.group_rows import solved_design
from solver.group_table import run_as
from solver.result import Result
from specs.mix import SEPARATOR


@dataclass(frozen=True)
class MapGroup:
    """One fusion group: its layers' names, how it is tiled, and how full it makes the buffers.

    Attributes
    ----------
    workload
        Which network of a mix it is of; 0 without a mix.
    weight_share
        Of the weight buffer; of a shared scratchpad, of the whole.
    grid, run_as
        Empty for updates alone, which have no tiles.
    """

    number: int
    workload: int
    layers: tuple[str, ...]
    grid: str
    run_as: str
    feature_share: float
    weight_share: float
    trains: bool = False

    @property
    def words(self) -> list[str]:
        """What is written over the group, the most telling first."""
        shares = [f"F{100 * self.feature_share:.0f}%"] + [f"W{100 * self.weight_share:.0f}%"] * (self.weight_share > 0)
        return [str(self.number), *self.grid.split(), *self.run_as.split(), *shares]


@dataclass(frozen=True)
class Piece:
    """A part of a group in one line: layers ``first`` to before ``last`` of the group, from cell ``cell`` on."""

    group: MapGroup
    first: int
    last: int
    line: int
    cell: int

    @property
    def cells(self) -> int:
        return self.last - self.first


def map_groups(result: Result) -> tuple[MapGroup, ...]:
    """Return the groups of the best design in run order."""
    design, cost = solved_design(result)
    study, hardware = result.study, design.hardware
    weight_room = hardware.feature_bytes if hardware.shared else hardware.weight_bytes
    groups = []
    for number, (group, price) in enumerate(zip(design.groups, cost.groups, strict=True), 1):
        workload = study.workload_of[study.network.index[group.layers[0]]]
        prefix = study.mix[workload].name + SEPARATOR if study.mix else ""
        updates = all(study.network.layer(name).op == "update" for name in group.layers)
        images = f"/{group.images}img" if group.images > 1 else ""
        groups.append(
            MapGroup(
                number=number,
                workload=workload,
                layers=tuple(name.removeprefix(prefix) for name in running(study.network, group.layers)),
                grid="" if updates else f"{group.tile_rows}x{group.tile_cols}{images}",
                run_as="" if updates else run_as(group),
                feature_share=price.feature_peak_bytes / hardware.feature_bytes,
                weight_share=price.weight_peak_bytes / weight_room if weight_room else 0.0,
                trains=study.trains,
            )
        )
    return tuple(groups)


def lines_of(groups: tuple[MapGroup, ...], cells_per_line: int) -> list[Piece]:
    """Fill lines with layers, cell by cell; another network of a mix begins a line of its own."""
    pieces: list[Piece] = []
    line, cell = 0, 0
    for before, group in zip((None, *groups), groups, strict=False):
        if cell and before is not None and before.workload != group.workload:
            line, cell = line + 1, 0
        first = 0
        while first < len(group.layers):
            if cell == cells_per_line:
                line, cell = line + 1, 0
            last = min(len(group.layers), first + cells_per_line - cell)
            pieces.append(Piece(group, first, last, line, cell))
            cell, first = cell + last - first, last
    return pieces


def main_pieces(pieces: list[Piece]) -> set[Piece]:
    """Return the longest piece of every group, of equal ones the first: there its words are written."""
    longest: dict[int, Piece] = {}
    for piece in pieces:
        known = longest.setdefault(piece.group.number, piece)
        if piece.cells > known.cells:
            longest[piece.group.number] = piece
    return set(longest.values())
