"""Pictures as files: names, formats, what has nothing to show, and the gallery's page."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from drawn import mixed_result
from made_results import chain_study, solved, unsolved
from plots.gallery import PAGE, write_gallery
from plots.gallery_data import Gallery, sram_curve
from plots.pictures import picture
from plots.saving_grid import saving_row
from solver.export import design_object
from solver.picture_files import FORMATS, PICTURES, picture_names

MAGIC = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_in_every_format(name: str, suffix: str) -> None:
    result = solved(chain_study())
    content = picture(f"{name}.{suffix}", result, design_object(result))
    assert content is not None
    assert content.startswith(MAGIC[suffix])


@pytest.mark.parametrize("name", PICTURES)
def test_equal_results_make_equal_files(name: str) -> None:
    result = solved(chain_study())
    once, again = (picture(f"{name}.svg", result, design_object(result)) for _ in range(2))
    assert once == again


def test_what_has_nothing_to_show_is_left_out() -> None:
    alone = replace(solved(chain_study()), layer_by_layer=None, layer_by_layer_same_hardware=None)
    assert picture("savings.png", alone, design_object(alone)) is None
    assert picture("fusion_map.png", alone, design_object(alone)) is not None
    nothing = unsolved(chain_study(), "unknown")
    assert [picture(f"{name}.png", nothing, design_object(nothing)) for name in PICTURES] == [None] * 4


def test_names_of_files() -> None:
    assert picture_names(None) == ("savings.png",)
    assert picture_names("none") == ()
    assert picture_names("pdf") == ("savings.pdf", "energy.pdf", "roofline.pdf", "fusion_map.pdf")


def test_the_gallery_shows_every_kind_and_its_versions(tmp_path: Path) -> None:
    study = chain_study()
    result = solved(study)
    curve = sram_curve(study, (4096, 8192, 20480))
    assert [point.status for point in curve.points] == ["infeasible", "optimal", "optimal"]
    gallery = Gallery(result, result, mixed_result(), curve, (saving_row(result, "vwa", "DDR3"),))
    pictures = write_gallery(gallery, tmp_path)
    page = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert re.findall(r"\]\((gallery/\w+\.png)\)", page) == [f"gallery/{path.name}" for path in pictures]
    assert all(path.stat().st_size < 150_000 for path in pictures)
    assert re.search(r"^Made with laminate .*, ortools .*, matplotlib .*, Python \d", page, re.MULTILINE)


def test_pyplot_is_not_imported() -> None:
    code = "import sys, plots.gallery, plots.pictures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_command_imports_matplotlib_only_to_draw() -> None:
    code = "import sys, solver.cli; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
