"""Which designs exist: the rules that every candidate and every checked design obeys."""

from __future__ import annotations

from dataclasses import replace

from costmodel.chunks import possible_input_splits, possible_splits
from costmodel.design import ORDERS_ALONE, Design, GroupDesign, Order
from costmodel.groups import is_connected, is_convex, neighbours, predecessors
from costmodel.hardware import hardware_points
from costmodel.layer_sets import apart, layer_indices
from costmodel.plain_regions import RegionPlan
from costmodel.template import PREFERENCES, Preference, is_channelwise
from specs.network import BESIDE, Layer, Network
from specs.study import Overlap, Study
from specs.training_recompute import AGAIN


class DesignError(ValueError):
    """A design that does not exist in the study's space or does not fit its hardware."""


def group_outputs(network: Network, names: tuple[str, ...]) -> tuple[str, ...]:
    """Layers of the group whose map or mask something outside needs, and those that sum over theirs."""
    inside = set(names)
    tiled = [name for name in names if network.layer(name).op not in BESIDE]
    if any(network.layer(name).op == "use" for name in names):
        return ()  # it stands for a kept map: nothing runs
    return tuple(
        name
        for name in tiled
        if name in network.outputs
        or network.keepers.get(name) in inside
        or any(not readers <= inside for readers in network.readers[name])
        or network.layer(name).reduces
    )


def tile_counts(extent: int, allowed: tuple[int, ...] | None) -> tuple[int, ...]:
    """Numbers of tiles along an axis: each is the count that its own tile size gives, and is allowed or 1."""
    asked = set(range(1, extent + 1)) if allowed is None else {1, *allowed}
    sizes = {-(-extent // n) for n in asked if n <= extent}
    return tuple(sorted({-(-extent // size) for size in sizes} & asked))


def group_tile_counts(study: Study, names: tuple[str, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Row and column tile counts of a group; the largest output decides."""
    shapes = [study.network.tensors[name] for name in group_outputs(study.network, names)]
    rows, cols = max((s.rows for s in shapes), default=1), max((s.cols for s in shapes), default=1)
    return tile_counts(rows, study.tiling.row_splits), tile_counts(cols, study.tiling.column_splits)


def image_counts(study: Study) -> tuple[int, ...]:
    """How many images a tile may hold: each the largest share when the batch is cut into some number of parts."""
    return tuple(sorted({-(-study.batch // parts) for parts in range(1, study.batch + 1)}))


def distinct_overlaps(study: Study, tile_rows: int, tile_cols: int) -> tuple[Overlap, ...]:
    """The study's overlap modes that differ on a tile grid, in the study's order."""
    seen: dict[tuple[bool, bool], Overlap] = {}
    for mode in study.fusion.overlap:
        seen.setdefault(keeps(mode, tile_rows, tile_cols), mode)
    return tuple(seen.values())


def keeps(mode: Overlap, tile_rows: int, tile_cols: int) -> tuple[bool, bool]:
    """Whether a mode keeps any rows and any columns on a tile grid."""
    return (mode != "recompute" and tile_rows > 1, mode == "cache-all" and tile_cols > 1)


def orders_alone(layer: Layer, input_splits: int = 1) -> tuple[Order, ...]:
    """DRAM-level orders of a layer alone whose input channels are cut into some chunks.

    A channelwise layer reads everything once in any order: it has one. So has a weight gradient whose sums are cut both
    ways: each piece of them stays until all tiles are summed. The orders in which a tile's input
    comes in chunks, or partial sums travel, need more than one chunk to differ from the others.
    """
    if is_channelwise(layer) or (layer.reduces and input_splits > 1):
        return ORDERS_ALONE[:1]
    if input_splits == 1:
        return ORDERS_ALONE[:2]
    return tuple(order for order in ORDERS_ALONE if order != "input-stationary")


def keeps_no_halos(order: Order, input_splits: int) -> bool:
    """Whether an order's inputs stream through in chunks, so that no halo of them can stay."""
    return order in ("output-stationary", "input-stationary-spilling") or (
        order == "weight-stationary" and input_splits > 1
    )


def streams_input(layer: Layer, order: Order, input_splits: int) -> bool:
    """Whether a tile's input comes in chunks while the array works; a weight gradient keeps a chunk for all tiles."""
    return keeps_no_halos(order, input_splits) and not layer.reduces


def mappings(study: Study) -> tuple[Preference, ...]:
    """By what array mappings are chosen in the search.

    The fastest mapping of every tile is in no design slower than another. Where energy matters each group has the
    choice: prices differ between buffers, so neither way is always the better one.
    """
    return PREFERENCES if study.weighs_energy else PREFERENCES[:1]


def pinned_layers(study: Study) -> frozenset[str]:
    """Layers whose mapping the study prescribes on some accelerator."""
    return frozenset(name for spec in study.accelerators for name, _ in spec.mapping)


def check_design(study: Study, design: Design) -> None:
    """Check a design against the study's space and the network's graph; fits are checked by `evaluate`.

    Raises
    ------
    DesignError
        With one sentence that names the group and what is wrong.
    """
    network = study.network
    if design.hardware not in set(hardware_points(study)):
        raise DesignError(f"hardware {design.hardware} is not a point of the study")
    before, adjacent, never = predecessors(network), neighbours(network), apart(network)
    done = 0
    kept = sum(1 << network.index[f"{layer.copy_of}{AGAIN}"] for layer in _kept(network, design))
    for group in design.groups:
        label = "+".join(group.layers)
        unknown = [name for name in group.layers if name not in network.index]
        if unknown or not group.layers:
            raise DesignError(f"group {label} names layers that are not in the network: {unknown}")
        indices = [network.index[name] for name in group.layers]
        layers = sum(1 << i for i in set(indices))
        if indices != sorted(set(indices)):
            raise DesignError(f"group {label} must list each layer once, in topological order")
        if layers & done:
            raise DesignError(f"group {label} runs a layer that already ran")
        _check_together(network, indices, layers, never, label)
        if any(before[i] & ~(done | layers | kept) for i in indices):
            raise DesignError(f"group {label} runs before a layer that it needs")
        if sum(network.layers[i].op != "keep" for i in indices) > study.fusion.max_layers:
            raise DesignError(f"group {label} has more than {study.fusion.max_layers} layers")
        if not is_connected(layers, adjacent) or not is_convex(layers, before):
            raise DesignError(f"group {label} must be connected and convex")
        _check_group(study, group, label)
        done |= layers
    _check_cover(network, done)


def _check_together(network: Network, indices: list[int], layers: int, never: tuple[int, ...], label: str) -> None:
    """Check that no two layers of a group stay apart, and that an update has its own gradient or nobody beside it."""
    for i in indices:
        layer = network.layers[i]
        if len(indices) > 1 and layer.op in BESIDE and not layers >> network.index[layer.waits_for[0]] & 1:
            raise DesignError(f"group {label} runs {layer.name} without {layer.waits_for[0]}")
        for other in layer_indices(never[i] & layers):
            names = f"{layer.name} and {network.layers[other].name}"
            raise DesignError(f"group {label} must not hold both {names}: one is complete before the other begins")


def _kept(network: Network, design: Design) -> list[Layer]:
    """What the design says is kept for the backward pass."""
    layers = [network.layer(name) for group in design.groups for name in group.layers if name in network.index]
    return [layer for layer in layers if layer.op == "keep"]


def _check_cover(network: Network, done: int) -> None:
    """Every layer must run; of an activation that may be recomputed, it is kept or made again, not both."""
    for i, layer in enumerate(network.layers):
        if layer.op == "use" and done >> i & 1:
            raise DesignError(f"{layer.name} runs in no group of a design")
        if layer.op in ("keep", "use"):
            continue
        keeper = network.keepers.get(layer.copy_of)
        runs = bool(done >> i & 1)
        if keeper is None and not runs:
            raise DesignError("the groups must cover every layer")
        if keeper is not None and runs == bool(done >> network.index[keeper] & 1):
            raise DesignError(f"the map of {layer.copy_of} must be either kept or made again")


def _check_group(study: Study, group: GroupDesign, label: str) -> None:
    """Check tiling, overlap, order and weights of one group."""
    layers = [study.network.layer(name) for name in group.layers]
    row_counts, col_counts = group_tile_counts(study, group.layers)
    if group.tile_rows not in row_counts or group.tile_cols not in col_counts:
        raise DesignError(f"group {label} has no tile grid {group.tile_rows} x {group.tile_cols}")
    if group.images not in image_counts(study):
        raise DesignError(f"group {label} cannot hold {group.images} of {study.batch} images in a tile")
    if group.overlap not in study.fusion.overlap:
        raise DesignError(f"group {label} uses overlap {group.overlap}, which the study does not allow")
    if not group.resident <= {layer.name for layer in layers if layer.has_weights}:
        raise DesignError(f"group {label} keeps weights of layers that have none")
    if group.start == "stepwise":
        _check_stepwise(study, group, layers, label)
    tiled = [layer for layer in layers if layer.op not in BESIDE]
    if len(tiled) > 1:
        if group.order != "fused" or group.channel_splits != 1 or group.input_splits != 1:
            raise DesignError(f"group {label} of several layers must be fused, with one chunk of channels")
        return
    if tiled:
        _check_alone(study, group, tiled[0], label)
    elif (group.order, group.channel_splits, group.input_splits) != ("weight-stationary", 1, 1):
        raise DesignError(f"update {label} alone has one order, weight-stationary, and one chunk of channels")


def _check_stepwise(study: Study, group: GroupDesign, layers: list[Layer], label: str) -> None:
    """A stepwise start exists where halos are kept and it holds less than making the first tile at once."""
    at_once = RegionPlan(study.network, layers, replace(group, start="at-once"))
    if not RegionPlan(study.network, layers, group).holds_less_than(at_once):
        raise DesignError(f"group {label} holds no less when its first tile is made stepwise")


def _check_alone(study: Study, group: GroupDesign, layer: Layer, label: str) -> None:
    """Check order, cuts and weights of a layer alone."""
    if layer.reduces and group.order == "input-stationary" and (group.channel_splits > 1 or group.resident):
        raise DesignError(f"sums of layer {label} that stay are weight-stationary, those that stream come in one chunk")
    if group.channel_splits not in possible_splits(study.network, layer, study.tiling.channel_splits):
        raise DesignError(f"layer {label} cannot be cut into {group.channel_splits} chunks of channels")
    if group.input_splits not in possible_input_splits(study.network, layer, study.tiling.input_splits):
        raise DesignError(f"layer {label} cannot be cut into {group.input_splits} chunks of input channels")
    if group.order not in orders_alone(layer, group.input_splits):
        chunks = f" with {group.input_splits} chunks of input channels" if group.input_splits > 1 else ""
        raise DesignError(f"layer {label} alone cannot run {group.order}{chunks}")
    stays = "weight" in group.order
    if layer.has_weights and group.order != "input-stationary" and stays != bool(group.resident):
        raise DesignError(f"layer {label} alone keeps its weights exactly when it is weight-stationary")
    if streams_input(layer, group.order, group.input_splits) and any(
        keeps(group.overlap, group.tile_rows, group.tile_cols)
    ):
        raise DesignError(f"layer {label} cannot keep halos of inputs that stream through")
