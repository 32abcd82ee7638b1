"""The file system that a zygote and its workers see: the Python runtime, read-only, and no more."""

from __future__ import annotations

import os
import stat
from pathlib import PurePosixPath

from . import kernel

CODE = "/gradmark/gradmark_inside"  # where this package stands in the view
# Where a worker that may see itself mounts a procfs of its own. Nothing of the machine's is in it:
# what else there is below /proc are single files and folders of the host's.
OWN_PROC = "/proc/own"
_OWN_LINKS = ("self", "thread-self", "1")  # the worker is the first process of its namespace
_ROOT = "/tmp"  # noqa: S108  any directory that exists: the new root is mounted over it
_TMPFS = "size=1m,mode=755"


class Unreadable(Exception):
    """A part of the runtime that the sandbox's unprivileged user may not read."""


def build(
    trees: list[str],
    elsewhere: dict[str, str],
    optional: list[str],
    masks: list[str],
    code: str,
    own_proc: bool,
) -> None:
    """Build the view from the host's files and make it this process's root.

    `trees` keep the path they have on the host, with the symbolic links that lead to them, and
    `elsewhere` are shown under the path that is their key. `masks` are directories to show empty,
    but for the trees inside. `code` is shown at CODE. With `own_proc`, the procfs of this process'
    PID namespace is at OWN_PROC, for workers to mount theirs over it.
    """
    links: dict[str, str] = {}
    entries: dict[str, int | None] = {}  # path -> detached tree, None for a mask
    for path in (*trees, *(path for path in optional if os.path.exists(path))):
        real = resolve(path, links)
        if real not in entries:
            entries[real] = kernel.clone_tree(real)
    entries.update((resolve(path, links), None) for path in masks)
    entries.update((path, kernel.clone_tree(at)) for path, at in elsewhere.items())
    entries[CODE] = kernel.clone_tree(code)
    proc = kernel.clone_tree("/proc") if own_proc else None

    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", _ROOT, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, _TMPFS)
    scratch = f"{_ROOT}/tmp"  # noqa: S108  for torch's imports; each worker mounts its own
    os.makedirs(scratch)
    kernel.mount("tmpfs", scratch, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m")
    for path in sorted(entries, key=lambda path: PurePosixPath(path).parts):
        _attach(entries[path], _ROOT + path)
    if proc is not None:
        os.makedirs(_ROOT + OWN_PROC)
        # Writable: a procfs that is read-only here lets no worker mount a writable one.
        kernel.attach_tree(proc, _ROOT + OWN_PROC)
        os.close(proc)
        links.update((f"/proc/{name}", f"own/{name}") for name in _OWN_LINKS)
    for path, target in links.items():
        if not os.path.lexists(_ROOT + path):
            os.makedirs(os.path.dirname(_ROOT + path), exist_ok=True)
            os.symlink(target, _ROOT + path)
    for path in (*(path for path, tree in entries.items() if tree is None), "/"):
        kernel.remount_read_only(_ROOT + path)
    os.chdir(_ROOT)
    kernel.pivot_root_here()


def check_readable(paths: list[str]) -> None:
    """Raises Unreadable for the first path that this process's user may not read."""
    for path in paths:
        if not os.access(path, os.R_OK | (os.X_OK if os.path.isdir(path) else 0)):
            raise Unreadable(path)


def resolve(path: str, links: dict[str, str]) -> str:
    """The path without symbolic links; those met on the way are added to `links`."""
    current = "/"
    pending = list(reversed(PurePosixPath(path).parts[1:]))
    while pending:
        part = pending.pop()
        step = os.path.normpath(os.path.join(current, part))
        if part != ".." and os.path.islink(step):
            target = links[step] = os.readlink(step)
            if len(links) > 1000:
                raise OSError(f"too many symbolic links at {path}")
            parts = PurePosixPath(target).parts
            if target.startswith("/"):
                current, parts = "/", parts[1:]
            pending.extend(reversed(parts))
        else:
            current = step
    return current


def _attach(tree: int | None, target: str) -> None:
    if tree is None:
        os.makedirs(target, exist_ok=True)
        kernel.mount("tmpfs", target, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, _TMPFS)
        return
    mode = os.fstat(tree).st_mode
    if not os.path.lexists(target):  # else it is seen already, as part of a larger tree
        if stat.S_ISDIR(mode):
            os.makedirs(target)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        kernel.restrict_tree(tree, device=stat.S_ISCHR(mode))
        kernel.attach_tree(tree, target)
    os.close(tree)
