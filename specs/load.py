"""From a study file to a `Study`: every file it speaks of read, every problem in them said at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from specs.checks import check_network
from specs.defaults import mode_of, trains, with_defaults
from specs.errors import KeyPath, Problem, SpecError, closest, did_you_mean, show
from specs.fields import one_or_more
from specs.library import DRAM_PRESETS, LIBRARY, Library, open_named, open_path
from specs.mix import each_its_own, joined
from specs.network import Network
from specs.overrides import apply_overrides
from specs.schema import BuffersDoc, DramDoc, StudyDoc
from specs.schema_accelerators import read_accelerator
from specs.schema_network import NetworkDoc, read_layer
from specs.schema_technology import DramPresetsDoc
from specs.study import MODES, RECOMPUTES, AcceleratorSpec, Dram, Recompute, Study, Technology, Workload
from specs.technology_reader import check_precision, read_technology
from specs.training import training_step
from specs.training_recompute import with_choices
from specs.units import SIZE, size_text
from specs.validation import read_as
from specs.yaml_reader import Document, read_yaml


def load(
    path: str | os.PathLike[str], overrides: Mapping[str, object] | None = None, *, library: Library = LIBRARY
) -> Study:
    """Read a study and every file it speaks of.

    Parameters
    ----------
    path
        The study file; paths in it are relative to it.
    overrides
        Dotted key to the value that replaces it, as in ``{"budgets.area": "4 mm2", "fusion": "none"}``.
        Text is read as YAML.
    library
        Where named accelerators, technologies and DRAM presets are looked up.

    Raises
    ------
    SpecError
        With one line for each problem found in any of the files.
    """
    problems: list[Problem] = []
    document = read_yaml(Path(path), problems)
    study = None
    if document is not None:
        apply_overrides(document, overrides or {})
        study = _Resolver(document, library).study()
    if problems or study is None:
        raise SpecError(problems)
    return study


def load_network(path: str | os.PathLike[str]) -> Network:
    """Read a network file.

    Raises
    ------
    SpecError
        With one line for each problem.
    """
    problems: list[Problem] = []
    document = read_yaml(Path(path), problems)
    network = _network(document) if document else None
    if problems or network is None:
        raise SpecError(problems)
    return network


def _network(document: Document) -> Network | None:
    header = read_as(NetworkDoc, document)
    if header is None:
        return None
    layers = [read_layer(document, i) for i in range(len(header.layers))]
    return check_network(document, header, layers)


class _Resolver:
    """Resolves one study document; None from any method means that a problem was noted."""

    def __init__(self, document: Document, library: Library) -> None:
        self.document = document
        self.library = library
        self.inference: Network | None = None

    def study(self) -> Study | None:
        if isinstance(self.document.data, dict):
            self._has_networks(self.document.data)
            self.document.data = with_defaults(self.document.data)
            self._trains_or_says_nothing_of_it(self.document.data)
        doc = read_as(StudyDoc, self.document)
        # Also when the study itself is wrong: a user sees what is wrong in the other files at once.
        members = self._members()
        network = self._joined(members)
        accelerators = self._accelerators(network)
        technology = self._technology()
        if doc is None:
            return None
        dram = [self._dram(i, entry) for i, entry in enumerate(doc.dram)]
        if technology is not None:
            self._check_buffers(doc.buffers, technology)
            for i, choice in enumerate(doc.precision):
                key = self._entry(i, "precision")
                check_precision(self.document, key, choice, technology)
        if network is None or technology is None or self.document.problems:
            return None
        precisions = doc.precisions()
        return Study(
            name=Path(self.document.file).stem,
            network=network,
            accelerators=accelerators,
            buffers=doc.buffers.resolve(),
            technology=technology,
            dram=tuple(dict.fromkeys(choice for choice in dram if choice is not None)),
            goal=doc.goal[0],
            then=doc.goal[1:],
            budgets=doc.budgets.resolve(),
            batch=doc.batch,
            precision=precisions[0],
            precisions=precisions if len(precisions) > 1 else (),
            fusion=doc.fusion.resolve(),
            tiling=doc.tiling.resolve(),
            mode=doc.mode,
            optimizer=doc.optimizer,
            inference=None if self.is_mix else self.inference,
            mix=tuple(
                Workload(
                    name, workload.weight, len(member.layers), workload.budgets.resolve(), workload.mode or doc.mode
                )
                for (name, member), workload in zip(members or (), doc.networks or (), strict=False)
            ),
        )

    @property
    def is_mix(self) -> bool:
        return isinstance(self.document.data, dict) and "networks" in self.document.data

    def _reference(self, key: str) -> str | None:
        """Return the text under a key; anything else the schema has refused."""
        value = self.document.data.get(key) if isinstance(self.document.data, dict) else None
        return value if isinstance(value, str) and value.strip() else None

    def _has_networks(self, data: Mapping[str, object]) -> None:
        """Refuse a study without a network, or with two ways to name it."""
        keys = StudyDoc.keys()
        meant = {closest(key, keys) for key in data if key not in keys}
        if "network" in data and "networks" in data:
            self.document.refuse(("networks",), "must not stand beside network: a study has one of them")
        elif not {"network", "networks"} & {*data, *meant}:
            self.document.refuse(("network",), "is missing (or networks, for a mix of several)")

    def _trains_or_says_nothing_of_it(self, data: Mapping[str, object]) -> None:
        """Refuse keys that matter in training alone if nothing is trained."""
        if trains(data) or data["mode"] not in MODES:
            self._mix_says_nothing_of_activations(data)
            return
        written = {("optimizer",): data, ("recompute",): data, ("budgets", "activation_memory"): data["budgets"]} | {
            (*self._entry(i, "precision"), name): entry
            for i, entry in enumerate(one_or_more(data["precision"]))
            for name in ("gradient", "state")
        }
        for key, entry in written.items():
            if isinstance(entry, dict) and key[-1] in entry:
                self.document.refuse(key, "must stand in a study that trains a network (mode: training)")

    def _mix_says_nothing_of_activations(self, data: Mapping[str, object]) -> None:
        """Refuse keys that speak of the activations of one training step."""
        if not self.is_mix:
            return
        for key, entry in {("recompute",): data, ("budgets", "activation_memory"): data["budgets"]}.items():
            if isinstance(entry, dict) and key[-1] in entry:
                message = "must stand in a study of one network: in a mix of networks all activations are kept"
                self.document.refuse(key, message)

    def _members(self) -> list[tuple[str, Network]] | None:
        """Read every network, each with a name of its own; None if one has a problem."""
        if not self.is_mix:
            network = self._network(("network",), self._reference("network"), self._mode(None))
            return None if network is None else [(network.name, network)]
        found, written = [], self.document.at(("networks",))
        for i, entry in enumerate(written if isinstance(written, list) else []):
            key: KeyPath = ("networks", i, "network") if isinstance(entry, dict) else ("networks", i)
            reference = entry.get("network") if isinstance(entry, dict) else entry
            found.append(self._network(key, reference if isinstance(reference, str) else None, self._mode(entry)))
        names = each_its_own([network.name for network in found if network is not None])
        networks = [network for network in found if network is not None]
        return list(zip(names, networks, strict=True)) if found and len(networks) == len(found) else None

    def _mode(self, entry: object) -> object:
        return mode_of(entry, self.document.data) if isinstance(self.document.data, dict) else None

    def _recompute(self) -> tuple[Recompute, int]:
        """Which activations may be recomputed, and the most layers of a group; what the schema refuses is left out."""
        data = self.document.data if isinstance(self.document.data, dict) else {}
        written, fusion = data.get("recompute", "none"), data.get("fusion")
        most = fusion.get("max_layers", 12) if isinstance(fusion, dict) else 1
        wanted: Recompute = next((one for one in RECOMPUTES if one == written), "none")
        return wanted, most if isinstance(most, int) else 1

    def _network(self, key: KeyPath, reference: str | None, mode: object) -> Network | None:
        """Read a network, and make its training step if it is trained."""
        document = open_path(self.document, key, reference) if reference else None
        network = _network(document) if document else None
        if network is None or mode != "training":
            return network
        self.inference = network
        try:
            return with_choices(training_step(network), *self._recompute())
        except ValueError as error:
            self.document.refuse(key, str(error))
            return None

    def _joined(self, members: list[tuple[str, Network]] | None) -> Network | None:
        if members is None:
            return None
        return joined(members) if self.is_mix else members[0][1]

    def _technology(self) -> Technology | None:
        reference = self._reference("technology")
        if reference is None:
            return None
        document = open_named(self.document, ("technology",), reference, "technologies", self.library)
        return read_technology(document, self.library) if document else None

    def _accelerators(self, network: Network | None) -> tuple[AcceleratorSpec, ...]:
        """Read every entry, repetitions once."""
        data = self.document.data
        written = data["accelerators"] if isinstance(data, dict) else None
        entries = [] if written is None else one_or_more(written)
        specs = [self._accelerator(self._entry(i, "accelerators"), entry, network) for i, entry in enumerate(entries)]
        return tuple(dict.fromkeys(spec for spec in specs if spec is not None))

    def _entry(self, index: int, *key: str) -> KeyPath:
        """Return the key of one entry; a lone value stands for a list of one and has no index."""
        return (*key, index) if isinstance(self.document.at(key), list) else key

    def _accelerator(self, key: KeyPath, written: object, network: Network | None) -> AcceleratorSpec | None:
        if not isinstance(written, str):
            return read_accelerator(self.document, key, network)
        document = open_named(self.document, key, written, "accelerators", self.library)
        return read_accelerator(document, network=network) if document else None

    def _dram(self, index: int, doc: DramDoc) -> Dram | None:
        if doc.energy is not None:
            return Dram(doc.type, doc.energy, doc.bandwidth)
        presets_document = read_yaml(self.library.file("technologies", DRAM_PRESETS), self.document.problems)
        presets = read_as(DramPresetsDoc, presets_document) if presets_document else None
        if presets is None:
            return None
        if doc.type not in presets.presets:
            names = ", ".join(presets.presets)
            message = f'must be one of {names}, or stand beside an energy such as "12 pJ/bit", not {show(doc.type)}'
            self.document.refuse(
                (*self._entry(index, "dram"), "type"), message + did_you_mean(doc.type, presets.presets)
            )
            return None
        return Dram(doc.type, presets.presets[doc.type].energy, doc.bandwidth)

    def _check_buffers(self, doc: BuffersDoc, technology: Technology) -> None:
        """Refuse capacities that the technology has no price for."""
        ports = {
            "feature": technology.feature_port_bits,
            "weight": technology.weight_port_bits,
            "shared": technology.shared_port_bits,
        }
        for name in sorted(doc.model_fields_set):
            limits = technology.capacity_range(ports[name])
            if limits is None:
                continue  # said of the technology file
            prices = f"{technology.name} prices no other {ports[name]}-bit buffers"
            allowed = f"from {size_text(limits[0])} to {size_text(limits[1])} ({prices})"
            for i, written in enumerate(one_or_more(self.document.at(("buffers", name)))):
                if not limits[0] <= SIZE.whole(written) <= limits[1]:
                    self.document.refuse(self._entry(i, "buffers", name), f"must be {allowed}, not {show(written)}")
