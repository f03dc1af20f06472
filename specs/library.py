"""Finding the files that a study speaks of: by name in the ready-made library, or by path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from specs.errors import KeyPath, closest, did_you_mean, show
from specs.yaml_reader import Document, displayed, read_yaml

SUFFIXES = (".yaml", ".yml")
SUFFIXES_NOT_YET = (".onnx", ".csv")
DRAM_PRESETS = "dram"
NODE_FACTORS = "scaling"
_NOT_TECHNOLOGIES = (DRAM_PRESETS, NODE_FACTORS)


@dataclass(frozen=True)
class Library:
    """A folder laid out like `specs`: networks, accelerators and technologies as YAML files."""

    root: Path

    def names(self, kind: str) -> list[str]:
        """Return the names that a study may use, for example of ``technologies``."""
        found = sorted(path.stem for path in (self.root / kind).glob("*.yaml"))
        return [name for name in found if kind != "technologies" or name not in _NOT_TECHNOLOGIES]

    def file(self, kind: str, name: str) -> Path:
        return self.root / kind / f"{name}.yaml"


LIBRARY = Library(Path(__file__).parent)


def is_path(reference: str) -> bool:
    """Tell a path from a name in the library."""
    return reference.endswith((*SUFFIXES, *SUFFIXES_NOT_YET)) or "/" in reference or "\\" in reference


def open_named(document: Document, key: KeyPath, reference: str, kind: str, library: Library) -> Document | None:
    """Open the file that a name or a path stands for; note a problem at `key` if there is none."""
    if is_path(reference):
        return open_path(document, key, reference)
    names = library.names(kind)
    if reference not in names:
        allowed = f"must be a path to a .yaml file or one of {', '.join(names)}"
        document.refuse(key, f"{allowed}, not {show(reference)}{did_you_mean(reference, names)}")
        return None
    return read_yaml(library.file(kind, reference), document.problems)


def open_path(document: Document, key: KeyPath, reference: str) -> Document | None:
    """Open the file at a path that a document gives, relative to that document.

    A path from the command line may also be relative to the working folder, where it was typed.
    """
    suffix = Path(reference).suffix
    if suffix in SUFFIXES_NOT_YET:
        document.refuse(key, f"must be a .yaml file: {suffix} files are not available in this version")
        return None
    candidates: Sequence[Path] = [document.path_from_here(reference)]
    if document.origin(key).line is None:
        candidates = [*candidates, Path(reference)]
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        wanted = candidates[0]
        match = closest(wanted.stem, sorted(neighbour.stem for neighbour in wanted.parent.glob("*.yaml")))
        hint = f"; did you mean {show(match + '.yaml')}?" if match else ""
        document.refuse(key, f"must be an existing file, and there is no {show(displayed(wanted))}{hint}")
        return None
    return read_yaml(path, document.problems)
