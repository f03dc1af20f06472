"""The fusion groups of a design as a table of text, one line a group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from costmodel import Cost, Design, GroupCost, GroupDesign, Hardware
from costmodel.kept import running
from solver.folded_rows import folds
from specs.mix import SEPARATOR
from specs.network import Network
from specs.study import Study
from specs.training_layers import served

WIDTH = 100
NARROWEST_LAYERS = 18
WIDEST_OPERATIONS = 17
_OP_NAMES = {"dwconv": "dw", "maxpool": "pool", "avgpool": "pool"}
_ORDER_NAMES = {
    "weight-stationary": "WS",
    "input-stationary": "IS",
    "output-stationary": "OS",
    "weight-stationary-spilling": "WS*",
    "weight-input-stationary-spilling": "WIS*",
    "input-stationary-spilling": "IS*",
}
HEADER = ("#", "layers", "operations", "tiles", "run as", "kept", "DRAM MB", "E %", "F %", "W %")
_LEFT = (False, True, True, False, True, False, False, False, False, False)
_LAYERS = HEADER.index("layers")

LEGEND = (
    "run as: what is done with halos; a layer alone: WS, IS, OS (weights, inputs, outputs stay)/chunks,",
    "  * with partial sums that travel to DRAM; tiles: rows x columns, img: images at once",
    "kept: layers whose weights stay / that have any; E %: of all energy; F %, W %: buffers at peak",
)

LEGEND_OF_TRAINING = "layers: of the network, first to last, that a group is for; operations: what it does for them"
LEGEND_OF_MIX = "DRAM MB: of one run; E %: of the mix, each network as often as it runs"


def group_table(study: Study, design: Design, cost: Cost) -> list[str]:
    """Return the lines of the table, at most `WIDTH` wide as long as the other columns leave room for names."""
    network = study.network
    run = [replace(group, layers=running(network, group.layers)) for group in design.groups]
    pairs = list(zip(run, cost.groups, strict=True))
    rows = [
        (str(i), "", *_cells(network, design.hardware, group, part, runs, cost.energy_fj))
        for i, ((group, part), runs) in enumerate(zip(pairs, cost.runs or [1] * len(pairs), strict=True), 1)
    ]
    others = [max(len(row[c]) for row in (HEADER, *rows)) for c in range(len(HEADER)) if c != _LAYERS]
    room = max(NARROWEST_LAYERS + 2 * study.trains, WIDTH - sum(others) - 2 * len(HEADER))
    name = served_text if study.trains else group_text
    names = [name(study, group, room) for group, _ in pairs]
    lines = aligned([HEADER, *((row[0], name, *row[2:]) for row, name in zip(rows, names, strict=True))], _LEFT)
    return [lines[0], *_folded(lines[1:], [row[2:] for row in rows])] if study.trains else lines


def _folded(lines: list[str], keys: Sequence[object]) -> list[str]:
    """Write rows that come again and again once, if there are very many."""
    found = []
    for fold in folds(keys):
        found += lines[fold.first : fold.first + fold.period]
        if fold.times > 1:
            what = "this group" if fold.period == 1 else f"these {fold.period} groups"
            times = "once more" if fold.times == 2 else f"{fold.times - 1} times more"
            found.append(f"    {what} {times}, up to {fold.end}, of other layers")
    return found


def served_text(study: Study, group: GroupDesign, room: int) -> str:
    """Name the layers that a training step's layers are there for, first to last: what is done stands beside it."""
    names = list(dict.fromkeys(served(study.network.layer(name)) for name in group.layers))
    number = ""
    if study.mix:
        which = study.workload_of[study.network.index[group.layers[0]]]
        number, prefix = f"[{which + 1}] ", study.mix[which].name + SEPARATOR
        names = [name.removeprefix(prefix) for name in names]
    return number + layers_text(names if len(names) < 2 else [names[0], names[-1]], room - len(number))


def group_text(study: Study, group: GroupDesign, room: int) -> str:
    """Name a group's layers; in a mix with the network's number in place of its name."""
    if not study.mix:
        return layers_text(group.layers, room)
    which = study.workload_of[study.network.index[group.layers[0]]]
    number, prefix = f"[{which + 1}] ", study.mix[which].name + SEPARATOR
    return number + layers_text([name.removeprefix(prefix) for name in group.layers], room - len(number))


def aligned(rows: Sequence[Sequence[str]], left: Sequence[bool]) -> list[str]:
    """Pad cells to columns two spaces apart, indented by two; numbers to the right."""
    widths = [max(len(row[c]) for row in rows) for c in range(len(left))]
    padded = [
        [
            cell.ljust(width) if is_left else cell.rjust(width)
            for cell, width, is_left in zip(row, widths, left, strict=True)
        ]
        for row in rows
    ]
    return ["  " + "  ".join(cells).rstrip() for cells in padded]


def layers_text(names: Sequence[str], room: int) -> str:
    """Write layers as ``first .. last (+3)``, names cut in the middle if there is no room for them."""
    if len(names) == 1:
        return cut(names[0], room)
    more = f" (+{len(names) - 2})" if len(names) > 2 else ""
    for_names = room - len(" .. ") - len(more)
    first, last = names[0], names[-1]
    if len(first) + len(last) > for_names:
        half = for_names // 2
        first = cut(first, max(half, for_names - len(last)))
        last = cut(last, for_names - len(first))
    return f"{first} .. {last}{more}"


def cut(name: str, room: int) -> str:
    """Cut a name in the middle if it has more letters than there is room for."""
    if len(name) <= room:
        return name
    tail = room // 2
    return name[: room - tail - 1] + "~" + name[len(name) - tail :]


def _cells(
    network: Network, hardware: Hardware, group: GroupDesign, cost: GroupCost, runs: int, total_fj: int
) -> tuple[str, ...]:
    weighty = [name for name in group.layers if network.layer(name).has_weights]
    weight_room = hardware.feature_bytes if hardware.shared else hardware.weight_bytes
    is_update = all(network.layer(name).op == "update" for name in group.layers)
    return (
        _operations(network, group.layers),
        "-" if is_update else _tiles(group),
        "-" if is_update else run_as(group),
        f"{len(group.resident)}/{len(weighty)}" if weighty else "-",
        f"{cost.dram_bytes / 10**6:.3f}",
        f"{100 * runs * cost.energy_fj / total_fj:.1f}" if total_fj else "-",
        f"{100 * cost.feature_peak_bytes / hardware.feature_bytes:.0f}",
        f"{100 * cost.weight_peak_bytes / weight_room:.0f}" if weight_room else "-",
    )


def _tiles(group: GroupDesign) -> str:
    return f"{group.tile_rows}x{group.tile_cols}" + (f" {group.images}img" if group.images > 1 else "")


def _operations(network: Network, names: Sequence[str]) -> str:
    """Count the operations, the rarest summed up where there are too many kinds to print: ``5 conv 2 dw +3``."""
    counts = Counter(_OP_NAMES.get(op, op) for op in (network.layer(name).op for name in names)).most_common()
    for shown in range(len(counts), 0, -1):
        texts = [f"{number} {op}" if number > 1 else op for op, number in counts[:shown]]
        rest = sum(number for _, number in counts[shown:])
        text = " ".join([*texts, f"+{rest}"] if rest else texts)
        if len(text) <= WIDEST_OPERATIONS:
            return text
    return f"{len(names)} layers"


def run_as(group: GroupDesign) -> str:
    """Say what a group does with halos, or in which order a layer alone runs."""
    stepwise = " steps" if group.start == "stepwise" else ""
    halos = [group.overlap + stepwise] if group.tile_rows * group.tile_cols > 1 else []
    if group.order == "fused":
        return halos[0] if halos else "whole maps"
    cuts = f"{group.channel_splits}x{group.input_splits}" if group.input_splits > 1 else f"{group.channel_splits}"
    chunks = f"/{cuts}" if cuts != "1" else ""
    kept = [halo for halo in halos if halo != "recompute"]  # one layer recomputes nothing: it reads halos again
    return " ".join([_ORDER_NAMES[group.order] + chunks, *kept])
