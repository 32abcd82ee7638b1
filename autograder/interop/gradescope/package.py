"""The zip that an instructor uploads as an autograder.

Gradescope unpacks it to `/autograder/source`, runs `setup.sh` once when it builds the image, and
`run_autograder` for each submission. The zip holds the engine, the one assignment's topics and the
course's secret; what the engine needs is installed by `setup.sh`.
"""

from __future__ import annotations

import json
import zipfile
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

from autograder.errors import AuthoringError
from autograder.topics.catalogue import EVERYTHING, Assignment

# What the engine itself imports; the server's packages stay at home.
NEEDED = (
    *("torch", "numpy", "click", "rich", "nbformat", "jsonschema", "jinja2", "markupsafe"),
    *("pyseccomp", "platformdirs", "ipython", "scikit-learn", "scipy"),
)
_ALWAYS = (1980, 1, 1, 0, 0, 0)
_SKIPPED = {"__pycache__"}


def package(
    assignment: Assignment, secret: bytes, to: Path, *, leaderboard: bool = False
) -> list[str]:
    """Write the zip.

    Args:
        leaderboard: also send each submission's points to Gradescope's leaderboard.

    Returns:
        The names of what it holds.

    Raises:
        AuthoringError: the assignment cannot be graded there.
    """
    if assignment.name == EVERYTHING:
        raise AuthoringError(f"name one assignment: {EVERYTHING!r} is all of them")
    files: dict[str, bytes] = {}
    _tree(resources.files("autograder"), "engine/autograder", files)
    version = metadata.version("gradmark")
    described = metadata.distribution("gradmark").read_text("METADATA") or ""
    files[f"engine/gradmark-{version}.dist-info/METADATA"] = described.encode()
    for topic in assignment.topics:
        for part in (topic, *topic.beside):
            for path, content in part.contents.items():
                files[f"topics/{path.relative_to(part.path.parent).as_posix()}"] = content
    files["secret"] = secret
    files["assignment.json"] = json.dumps(
        {"assignment": assignment.name, "leaderboard": leaderboard}, indent=2
    ).encode()
    files["requirements.txt"] = "".join(f"{line}\n" for line in _requirements()).encode()
    templates = resources.files("autograder").joinpath("render/templates/gradescope")
    for name in ("setup.sh", "run_autograder"):
        files[name] = templates.joinpath(name).read_bytes()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            member = zipfile.ZipInfo(name, _ALWAYS)
            executable = name in {"setup.sh", "run_autograder"}
            member.external_attr = (0o100755 if executable else 0o100600) << 16
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return list(files)


def _requirements() -> list[str]:
    """The versions that the instructor grades with, so that both graders say the same."""
    found = []
    for name in NEEDED:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        found.append(f"{name}=={version.partition('+')[0]}")
    return found


def _tree(folder: Traversable, prefix: str, files: dict[str, bytes]) -> None:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name in _SKIPPED:
            continue
        if entry.is_dir():
            _tree(entry, f"{prefix}/{entry.name}", files)
        else:
            files[f"{prefix}/{entry.name}"] = entry.read_bytes()
