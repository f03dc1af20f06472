"""``python -m plots.gallery``: solve a few shipped studies, and write docs/gallery.md with a picture of every kind."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes

from plots.energy import energy_levels
from plots.fusion_map import fusion_map
from plots.gallery_data import Gallery, solve_gallery
from plots.occupancy import buffer_occupancy
from plots.pictures import image
from plots.roofline import roofline
from plots.saving_grid import saving_grid
from plots.savings import saving_bars
from plots.style import COLUMN, written
from plots.timeline import group_timeline
from plots.whatif import what_if
from solver.export import design_object, package_version
from solver.files import write_whole

PAGE, FOLDER = "gallery.md", "gallery"
DPI = 100
INTRODUCTION = """\
# Gallery

Pictures of results of the studies in `specs/studies`, made by `python -m plots.gallery` (do not edit: run it).
Each is one function of `plots/` that takes a result and returns matplotlib axes. `solve --out DIR --plots svg STUDY`
(or `pdf`, `png`) writes those that say something about a single result. In Python, any of them as SVG or PDF:

```python
from plots.timeline import group_timeline
from solver import solve
from specs import load

ax = group_timeline(solve(load("specs/studies/alexnet_eyeriss.yaml")), number=1, width=3.5)
ax.figure.savefig("timeline.svg")  # or .pdf
```

Figures are 7.2 inches wide, or as wide as you ask for: below 5 inches letters shrink and less is written.
"""


@dataclass(frozen=True)
class Exhibit:
    """One picture: the function that draws it is ``call``, as somebody would type it."""

    name: str
    section: str
    call: str
    ax: Axes


def exhibits(gallery: Gallery) -> Iterator[Exhibit]:
    """Draw everything, section by section."""
    few, many, mix = gallery.results
    yield Exhibit("savings", "What fusion saves", "saving_bars(design_json)", saving_bars(design_object(many)))
    section = "Energy by level of the memory hierarchy, each group beside its layers one by one"
    for name, result in (("energy", many), ("energy_mix", mix)):
        yield Exhibit(name, section, "energy_levels(result)", energy_levels(result))
    section = "Roofline, before and after fusion"
    for name, result in (("roofline", many), ("roofline_mix", mix)):
        yield Exhibit(name, section, "roofline(result)", roofline(result))
    section = "Fusion map: 11 layers, 64 layers, and a mix of two networks"
    for name, result in (("fusion_map_few", few), ("fusion_map", many), ("fusion_map_mix", mix)):
        yield Exhibit(name, section, "fusion_map(result)", fusion_map(result))
    section = "Timeline of one group"
    for name, result, number in (("timeline_few", few, 1), ("timeline", many, 1), ("timeline_mix", mix, 1)):
        yield Exhibit(name, section, f"group_timeline(result, {number})", group_timeline(result, number))
    section = "Feature buffer over time"
    for name, result, number in (("occupancy", many, 1), ("occupancy_mix", mix, 1)):
        yield Exhibit(name, section, f"buffer_occupancy(result, {number})", buffer_occupancy(result, number))
    yield Exhibit("what_if", "What a larger budget buys", "what_if(curve)", what_if(gallery.curve))
    title = "Savings on 4 mm2 in 40 nm, for least energy"
    section = "Savings over networks, accelerators and DRAMs"
    yield Exhibit("saving_grid", section, "saving_grid(rows, title)", saving_grid(gallery.rows, title)[0])
    section = "In a column of 3.5 inches"
    for name, call, ax in (
        ("small_energy", "energy_levels(result, width=3.5)", energy_levels(many, width=COLUMN)),
        ("small_roofline", "roofline(result, width=3.5)", roofline(many, width=COLUMN)),
        ("small_fusion_map", "fusion_map(result, width=3.5)", fusion_map(few, width=COLUMN)),
        ("small_timeline", "group_timeline(result, 2, width=3.5)", group_timeline(few, 2, width=COLUMN)),
        ("small_what_if", "what_if(curve, width=3.5)", what_if(gallery.curve, width=COLUMN)),
    ):
        yield Exhibit(name, section, call, ax)


def versions_text() -> str:
    """Name what made the pictures."""
    packages = [f"{name} {package_version(name)}" for name in ("laminate", "ortools", "matplotlib", "numpy")]
    return f"Made with {', '.join(packages)}, Python {platform.python_version()}."


def write_gallery(gallery: Gallery, docs: Path) -> list[Path]:
    """Write the page and its pictures into a folder; return the pictures' paths."""
    page, section, paths = [INTRODUCTION], "", []
    for exhibit in exhibits(gallery):
        if exhibit.section != section:
            section = exhibit.section
            page.append(f"## {section}\n")
        path = docs / FOLDER / f"{exhibit.name}.png"
        write_whole(path, image(exhibit.ax, "png", dpi=DPI))
        paths.append(path)
        page.append(f"`{exhibit.call}`\n\n![{written(exhibit.ax, 'title')}]({FOLDER}/{path.name})\n")
    write_whole(docs / PAGE, "\n".join([*page, versions_text(), ""]).encode())
    return paths


def main() -> None:
    """Write the gallery into ``docs/``, or the folder named on the command line."""
    began = time.monotonic()
    paths = write_gallery(solve_gallery(), Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
    largest = max(path.stat().st_size for path in paths)
    print(f"{len(paths)} pictures in {time.monotonic() - began:.0f} s; the largest has {largest} bytes")


if __name__ == "__main__":
    main()
