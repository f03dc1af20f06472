"""Which pictures are written beside a design, under which names; `plots.pictures` draws them."""

from __future__ import annotations

from pathlib import Path

from solver.files import remove

PICTURES = ("savings", "energy", "roofline", "fusion_map")
FORMATS = ("png", "svg", "pdf")
CHOICES = (*FORMATS, "none")
PICTURE_FILES = tuple(f"{name}.{suffix}" for name in PICTURES for suffix in FORMATS)


def picture_names(choice: str | None) -> tuple[str, ...]:
    """Return file names for ``--plots``: all pictures in a format, none, or what is written without the option."""
    if choice is None:
        return (f"{PICTURES[0]}.{FORMATS[0]}",)
    return () if choice == "none" else tuple(f"{name}.{choice}" for name in PICTURES)


def remove_pictures(folder: Path) -> None:
    """Remove every picture of an older design, in any format."""
    for name in PICTURE_FILES:
        remove(folder / name)
