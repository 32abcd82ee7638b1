"""A student's own folder, loaded by the rules by which what is handed in is loaded.

It runs in the student's own process: nothing is confined there, and nothing needs to be.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from selfcheck.handin.archive import Member, is_code, is_own
from selfcheck.handin.submission import MAX_CODE, gather
from selfcheck.loading.loader import Submission

MAX_FILES = 500
SECONDS = 10  # of a statement
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
    clock = _Clock()
    submission = Submission(gather(_members(folder), notes), dict(homes), announce=clock.begin)
    try:
        submission.load()
    finally:
        clock.stop()
    found = {name: submission.find(name) for name, _ in homes}
    failed = [_sentence(problem) for problem in submission.problems]
    return {name: f for name, f in found.items() if f is not None}, (*failed, *notes)


def _sentence(problem: Mapping[str, Any]) -> str:
    said = f"{problem['exception']}: {problem['message']}"
    if problem["exception"] == "KeyboardInterrupt":
        said = f"it was left out after {SECONDS} seconds"
    return f"{problem['place']}, line {problem['line']}: {said}"


class _Clock:
    """Interrupts a statement that goes on for long, such as a training run, and whatever would end
    the process: both are left out, as in grading."""

    def __init__(self) -> None:
        self._timer = threading.Timer(SECONDS, _thread.interrupt_main)
        self._exit, here = os._exit, os.getpid()
        os._exit = lambda code: sys.exit(code) if os.getpid() == here else self._exit(code)  # type: ignore

    def begin(self, _: object) -> None:
        self._timer.cancel()
        self._timer = threading.Timer(SECONDS, _thread.interrupt_main)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        self._timer.cancel()
        os._exit = self._exit


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
            code = is_code(path) and not name.startswith(_OURS)
            if not left or not code or path.stat().st_size > 8 * MAX_CODE:
                continue
            left -= 1
            modified = time.localtime(path.stat().st_mtime)[:6]
            yield Member(inside / name, path.read_bytes(), tuple(modified))
