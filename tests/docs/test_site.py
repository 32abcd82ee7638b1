"""The pages build as a site, in which everything is linked and can be searched."""

import subprocess
import sys
from pathlib import Path

from tests.test_directions import ROOMS

ROOT = Path(__file__).parents[2]
BUILD = (sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", ROOT / "docs")


def test_the_site_builds_without_a_warning_and_can_be_searched(tmp_path: Path):
    """A link that leads nowhere, to a page, a heading or a file, is a warning."""
    built = subprocess.run([*BUILD, ROOT, tmp_path], capture_output=True, text=True, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    assert "sandbox" in (tmp_path / "searchindex.js").read_text("utf-8")
    for page in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        assert (tmp_path / page.relative_to(ROOT).with_suffix(".html")).exists()


def test_a_broken_link_breaks_the_build(tmp_path: Path):
    page = "# Page\n\n[good](#page)\n"
    only = ("-D", "root_doc=index", "-D", "include_patterns=index.md")
    for text, code in ((page, 0), (f"{page}[bad](#pages)\n", 1), (f"{page}[bad](other.md)\n", 1)):
        (tmp_path / "index.md").write_text(text)
        built = subprocess.run([*BUILD, *only, tmp_path, tmp_path / "site"], capture_output=True)
        assert built.returncode == code, built.stderr


def test_the_map_of_rooms_shows_every_room():
    map_ = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    for rooms in ROOMS.values():
        for room in rooms:
            assert f"`{room}`" in map_, room
