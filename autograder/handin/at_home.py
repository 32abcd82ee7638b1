"""A student's own folder, loaded by the rules by which what is handed in is loaded.

It runs in the student's own process: nothing is confined there, and nothing needs to be.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.handin.archive import Member, is_own
from autograder.handin.submission import MAX_CODE, gather
from autograder.sandbox.inside.loading.loader import Submission

MAX_FILES = 500
_OURS = ("test_", "conftest.")


def load(folder: Path, homes: Mapping[str, str]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The functions in a folder, and what failed while they were loaded, one sentence each.

    Args:
        homes: the functions that are asked for, each with the topic that asks for it.
    """
    return _load(folder.resolve(), tuple(homes.items()))


@cache
def _load(
    folder: Path, homes: tuple[tuple[str, str], ...]
) -> tuple[Mapping[str, Callable[..., Any]], tuple[str, ...]]:
    notes: list[str] = []
    submission = Submission(gather(_members(folder), notes), dict(homes))
    submission.load()
    submission.close()
    found = {name: submission.find(name) for name, _ in homes}
    failed = [
        f"{one['place']}, line {one['line']}: {one['exception']}: {one['message']}"
        for one in submission.problems
    ]
    return {name: f for name, f in found.items() if f is not None}, (*failed, *notes)


def _members(folder: Path) -> Iterator[Member]:
    left = MAX_FILES
    for place, folders, names in os.walk(folder):
        inside = PurePosixPath(Path(place).relative_to(folder).as_posix())
        environment = "pyvenv.cfg" in names
        folders[:] = sorted(
            name for name in folders if not environment and is_own(inside / name / "a.py")
        )
        for name in () if environment else sorted(names):
            path = Path(place) / name
            is_code = path.suffix.lower() in {".py", ".ipynb"} and not name.startswith(_OURS)
            if not left or not is_code or path.stat().st_size > 8 * MAX_CODE:
                continue
            left -= 1
            modified = time.localtime(path.stat().st_mtime)[:6]
            yield Member(inside / name, path.read_bytes(), tuple(modified))
