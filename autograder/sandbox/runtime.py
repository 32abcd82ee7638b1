"""Which of this machine's files the Python runtime inside the sandbox consists of."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from autograder.sandbox.limits import SandboxUnavailable

DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
# torch chooses its kernels by these, and without them it would choose slow ones.
CPU_FACTS = ("/proc/cpuinfo", "/sys/devices/system/cpu")
# Not for anyone who runs beside student code, wherever it may be installed.
_NEVER = {"autograder", "reference", "server", "gradmark"}


@dataclass(frozen=True)
class Runtime:
    python: str
    trees: tuple[str, ...]  # to be seen inside
    masks: tuple[str, ...]  # directories in the trees whose content is not
    path: tuple[str, ...]  # what sys.path needs beyond the standard library


def find_runtime() -> Runtime:
    """What submissions run on.

    Raises SandboxUnavailable when torch and numpy are not installed as packages.
    """
    import torch  # noqa: F401  so that what it needs is mapped

    return python_with("torch", "numpy")


def python_with(*distributions: str) -> Runtime:
    """Python with these distributions and all that they require.

    Raises SandboxUnavailable when one is not installed as a package.
    """
    stdlib = sysconfig.get_path("stdlib")
    python = os.path.realpath(sys.executable)
    packages = _packages(*distributions)
    masks = (f"{stdlib}/{name}" for name in ("site-packages", "dist-packages"))
    return Runtime(
        python=python,
        trees=(python, stdlib, *_shared_libraries(), *packages, *DEVICES),
        masks=tuple(path for path in masks if os.path.isdir(path)),
        path=tuple(dict.fromkeys(os.path.dirname(path) for path in packages)),
    )


def _packages(*names: str) -> list[str]:
    """The files and directories of these distributions and of all that they require."""
    pending, seen, found = list(names), set(), []
    while pending:
        name = re.sub(r"[-_.]+", "-", pending.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if name in names:
                raise SandboxUnavailable(f"{name} is not installed: pip install {name}.") from None
            continue  # needed on other platforms only
        for requirement in distribution.requires or ():
            wanted, _, marker = requirement.partition(";")
            match = re.match(r"[\w.-]+", wanted)
            if match and "extra" not in marker:
                pending.append(match[0])
        tops = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
        for top in sorted(tops - _NEVER):
            path = str(distribution.locate_file(top))
            if os.path.exists(path):
                found.append(path)
    return found


def _shared_libraries() -> list[str]:
    """The system's library directories, and single libraries from anywhere else, of those that
    this process has mapped."""
    maps = Path("/proc/self/maps").read_text()
    libraries = set(re.findall(r"(/\S*\.so[\w.]*)$", maps, re.MULTILINE))
    python = (*filter(None, sys.path), sysconfig.get_path("stdlib"))
    packages = {os.path.realpath(path) for path in python} - {"/"}  # `python -m` run from there
    found = {path for path in ("/lib64", "/etc/ld.so.cache") if os.path.exists(path)}
    for library in libraries:
        directory = os.path.dirname(library)
        if any(Path(directory).is_relative_to(path) for path in packages):
            continue
        if re.fullmatch(r"(/usr)?/lib(64|/[\w-]*-linux-gnu\w*)?", directory):
            found.add(directory)
            # The dynamic linker may know it by its other name.
            twin = directory[4:] if directory.startswith("/usr") else f"/usr{directory}"
            found.update({twin} if os.path.isdir(twin) else ())
        elif os.path.exists(library):
            found.add(library)
            found.update(
                entry.path
                for entry in os.scandir(directory)
                if entry.is_symlink() and os.path.realpath(entry.path) == library
            )
    return sorted(found)
