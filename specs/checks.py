"""Checking a network as a whole: names, graph, shapes; and building the `Network` if all is well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from specs.errors import did_you_mean, show
from specs.graph import find_cycle, topological_order
from specs.network import Layer, Network, TensorShape
from specs.schema_network import ConcatDoc, LayerDoc, NetworkDoc, written_name
from specs.shapes import View, infer_layer, stacked
from specs.yaml_reader import Document


def check_network(document: Document, header: NetworkDoc, layers: Sequence[LayerDoc | None]) -> Network | None:
    """Build a network from its file, layers sorted so that each follows all it reads.

    Parameters
    ----------
    document
        The file; every problem is noted there, under the key it belongs to.
    header
        The file's own keys.
    layers
        Each entry of `layers`, None where it is already known to be wrong.

    Returns
    -------
    Network or None
        None if there is any problem.
    """
    num_problems = len(document.problems)
    check = _NetworkCheck(document, header, layers)
    check.names()
    check.references()
    if len(document.problems) > num_problems:
        return None  # a name that means two things or nothing would only cause follow-up problems
    order = check.order()
    if order is None:
        return None
    check.shapes(order)
    if None in layers:
        return None  # who reads what is only known when every layer is
    check.uses()
    outputs = check.outputs(order)
    if not outputs and len(document.problems) == num_problems:
        document.refuse(("layers",), "must hold a layer that computes something")
    if len(document.problems) > num_problems:
        return None
    return Network(
        name=header.name or Path(document.file).stem,
        inputs=tuple((name, TensorShape(*shape)) for name, shape in header.inputs.items()),
        layers=tuple(check.layers[name] for name in order if name in check.layers),
        outputs=outputs,
        source=header.source,
    )


class _NetworkCheck:
    """One pass over a network; what each step finds out is what the next ones use."""

    def __init__(self, document: Document, header: NetworkDoc, layers: Sequence[LayerDoc | None]) -> None:
        self.document = document
        self.header = header
        self.docs = {doc.name: doc for doc in layers if doc is not None}
        self.written = [(i, doc) for i, doc in enumerate(layers) if doc is not None]
        self.index = {doc.name: i for i, doc in self.written}
        raw_layers = document.at(("layers",))
        assert isinstance(raw_layers, list)
        self.layer_names = [written_name(data) for data in raw_layers]
        self.known = set(header.inputs) | {name for name in self.layer_names if name}
        self.reads = {doc.name: doc.inputs for doc in self.docs.values()}
        self.views: dict[str, View] = {name: (name,) for name in header.inputs}
        self.tensors = {name: TensorShape(*shape) for name, shape in header.inputs.items()}
        self.layers: dict[str, Layer] = {}

    def names(self) -> None:
        """Refuse a name that is given twice."""
        first: dict[str, str] = dict.fromkeys(self.header.inputs, "a network input")
        for i, name in enumerate(self.layer_names):
            if name in first:
                self.document.refuse(("layers", i, "name"), f"must be unique: {show(name)} is already {first[name]}")
            elif name:
                first[name] = f"the name of layers[{i}]"

    def references(self) -> None:
        """Refuse tensors that nothing makes, in layers and in outputs."""
        for i, doc in self.written:
            for j, name in enumerate(doc.inputs):
                self._known(name, ("layers", i, "inputs", j), self.known - {doc.name})
        for j, name in enumerate(self.header.outputs or ()):
            self._known(name, ("outputs", j), self.known - set(self.header.inputs))

    def _known(self, name: str, key: tuple[str | int, ...], allowed: set[str]) -> None:
        if isinstance(self.document.at(key[:-1]), str):
            key = key[:-1]
        if name in self.known and name not in allowed and key[0] == "outputs":
            self.document.refuse(key, f"must be made by a layer, but {show(name)} is a network input")
        elif name not in self.known:
            hint = did_you_mean(name, sorted(allowed))
            self.document.refuse(key, f"must be a network input or the name of a layer, not {show(name)}{hint}")

    def order(self) -> list[str] | None:
        """Sort layers and concatenations; refuse a cycle and name it."""
        order = topological_order(self.reads)
        if order is None:
            cycle = find_cycle(self.reads)
            path = " -> ".join([*cycle, cycle[0]])
            self.document.refuse(("layers", self.index[cycle[0]]), f"must not read its own output: {path}")
        return order

    def shapes(self, order: list[str]) -> None:
        """Infer every layer whose inputs have a shape; what follows a problem is not blamed for it."""
        for name in order:
            doc = self.docs[name]
            if not all(source in self.views for source in doc.inputs):
                continue
            try:
                counts = self._concatenate(doc) if isinstance(doc, ConcatDoc) else self._infer(doc)
            except ValueError as error:
                self.document.refuse(("layers", self.index[name]), f"({name}) {error}")
                continue
            self._compare(doc, counts)

    def _concatenate(self, doc: ConcatDoc) -> dict[str, int]:
        if len(doc.inputs) < 2:
            raise ValueError("must have two or more inputs to concatenate, not 1")
        view = tuple(tensor for source in doc.inputs for tensor in self.views[source])
        shape = stacked(view, self.tensors)
        self.views[doc.name] = view
        return {"C": shape.channels, "P": shape.rows, "Q": shape.cols, "params": 0, "macs": 0}

    def _infer(self, doc: LayerDoc) -> dict[str, int]:
        layer = infer_layer(doc, [self.views[source] for source in doc.inputs], self.tensors)
        self.layers[doc.name] = layer
        self.views[doc.name] = (doc.name,)
        self.tensors[doc.name] = layer.output
        return {"C": layer.C, "P": layer.P, "Q": layer.Q, "params": layer.params, "macs": layer.macs}

    def _compare(self, doc: LayerDoc, counts: dict[str, int]) -> None:
        """Hold the optional counts of a file against those of the shapes."""
        for key, count in counts.items():
            stated = getattr(doc, key)
            if stated is not None and stated != count:
                message = f"must be {count}, as the shapes of {doc.name} give, not {stated}"
                self.document.refuse(("layers", self.index[doc.name], key), message)

    def uses(self) -> None:
        """Refuse network inputs that nothing reads."""
        read = {name for sources in self.reads.values() for name in sources}
        for name in self.header.inputs:
            if name not in read:
                self.document.refuse(("inputs", name), "must be read by some layer")

    def outputs(self, order: list[str]) -> tuple[str, ...]:
        """List the layers whose results leave the network: those named, and those that nothing reads."""
        read = {name for sources in self.reads.values() for name in sources}
        ends = [*(self.header.outputs or ()), *(name for name in order if name not in read)]
        tensors = dict.fromkeys(tensor for name in ends for tensor in self.views.get(name, ()))
        return tuple(name for name in tensors if name in self.layers)
