"""Become an ordinary user, who can reach this checkout all the same."""

import os
import subprocess
import sys
from pathlib import Path

from autograder.sandbox.inside import kernel

ROOT = Path(__file__).parents[1]
NOBODY = 65534


def run(arguments: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments as an unprivileged user. Only root can."""
    paths = [os.path.realpath(path) for path in (sys.base_prefix, sys.prefix, str(ROOT))]
    return subprocess.run(
        [sys.executable, *arguments],
        env={"PYTHONPATH": str(ROOT), "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        preexec_fn=lambda: _become_nobody(paths),
        text=True,
        check=False,
        **options,  # type: ignore[call-overload]
    )


def _become_nobody(paths: list[str]) -> None:
    """Become an unprivileged user who can reach `paths`, even below private directories."""
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    trees = {path: kernel.clone_tree(path) for path in paths}
    private = set()
    for path in paths:
        closed = [p for p in Path(path).parents if not p.stat().st_mode & 0o001]
        private.update(str(p) for p in closed[-1:])
    for directory in private:
        kernel.mount("tmpfs", directory, "tmpfs", 0, "mode=755")
    for path, tree in trees.items():
        if not os.path.exists(path):
            os.makedirs(path)
            kernel.attach_tree(tree, path)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
