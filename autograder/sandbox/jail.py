"""A folder to be the root of flat workers: Python's runtime by hard links, and nothing else.

It serves where the kernel has no Landlock, and where the runtime lies below directories that only
root may enter. Made on the same file system it takes no space.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from autograder.sandbox.inside.view import resolve
from autograder.sandbox.runtime import DEVICES, Runtime
from autograder.sandbox.zygote import INSIDE

_OPEN = 0o755


def make_jail(folder: Path, runtimes: Iterable[Runtime]) -> int:
    """Make it of what these runtimes consist of; returns how many files are in it.

    Raises:
        FileExistsError: there is something at `folder` already.
        OSError: it cannot be made.
    """
    folder.mkdir(mode=_OPEN, parents=True)
    links: dict[str, str] = {}
    count = 0
    for runtime in runtimes:
        masks = {resolve(mask, links) for mask in runtime.masks}
        for tree in (*runtime.trees, INSIDE):
            if tree not in DEVICES and os.path.exists(tree):
                count += _add(resolve(tree, links), folder, masks)
    for path, target in links.items():
        place = folder / path.lstrip("/")
        _parents(place, folder)
        if not os.path.lexists(place):
            place.symlink_to(target)
    for device in DEVICES:
        place = folder / device.lstrip("/")
        _parents(place, folder)
        with suppress(PermissionError):  # a container without CAP_MKNOD: torch is imported before
            os.mknod(place, stat.S_IFCHR | 0o666, os.stat(device).st_rdev)
            place.chmod(0o666)
    return count


def _add(tree: str, folder: Path, masks: set[str]) -> int:
    if not os.path.isdir(tree):
        return _link(tree, folder)
    count = 0
    for where, names, files in os.walk(tree):
        names[:] = [name for name in names if os.path.join(where, name) not in masks]
        place = folder / where.lstrip("/")
        _parents(place / "x", folder)
        for name in (*files, *(n for n in names if os.path.islink(os.path.join(where, n)))):
            count += _link(os.path.join(where, name), folder)
    return count


def _link(path: str, folder: Path) -> int:
    place = folder / path.lstrip("/")
    _parents(place, folder)
    if os.path.lexists(place):
        return 0
    if os.path.islink(path):
        place.symlink_to(os.readlink(path))
        return 1
    try:
        os.link(path, place)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK}:
            raise
        shutil.copy(path, place)
    return 1


def _parents(place: Path, folder: Path) -> None:
    """Folders that everybody may enter, whatever they are outside."""
    missing = []
    for parent in place.parents:
        if parent == folder or parent.exists():
            break
        missing.append(parent)
    for parent in reversed(missing):
        parent.mkdir()
        parent.chmod(_OPEN)
