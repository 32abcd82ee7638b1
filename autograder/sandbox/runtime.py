"""Which of this machine's files the Python runtime inside the sandbox consists of."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from autograder.sandbox.limits import SandboxUnavailable
from autograder.secret import own_cache

DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
# torch chooses its kernels by these, and without them it would choose slow ones.
CPU_FACTS = ("/proc/cpuinfo", "/sys/devices/system/cpu")
# Not for anyone who runs beside student code, wherever it may be installed.
_KEPT = "runtime-"
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
    return python_with("torch", "numpy")


def python_with(*distributions: str) -> Runtime:
    """Python with these distributions and all that they require.

    To find it with torch takes an import of torch: so it is kept for as long as nothing is
    installed or removed.

    Raises SandboxUnavailable when one is not installed as a package.
    """
    path = own_cache() / f"{_KEPT}{_digest(distributions)}.json"
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept = _read(path)
        if all(map(os.path.exists, (*kept.trees, *kept.masks, *kept.path))):
            return kept
    found = _find(distributions)
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(asdict(found)))
        draft.replace(path)
    return found


def forget() -> None:
    """Let the next runtime be found anew: with the one that is kept, something did not start."""
    with suppress(OSError):
        for path in own_cache().glob(f"{_KEPT}*"):
            path.unlink()


def _read(path: Path) -> Runtime:
    kept = json.loads(path.read_text())
    return Runtime(kept["python"], tuple(kept["trees"]), tuple(kept["masks"]), tuple(kept["path"]))


def _digest(distributions: Sequence[str]) -> str:
    """Of what changes when Python, a package or a system library comes or goes."""

    def facts() -> Iterator[str]:
        yield from (sys.version, os.path.realpath(sys.executable), Path(__file__).read_text())
        yield from distributions
        packages = [path for path in sys.path if path.endswith("-packages")]
        wanted = [find_spec(name) for name in distributions]
        places = [spec.origin for spec in wanted if spec is not None and spec.origin]
        for path in (*packages, *places, "/etc/ld.so.cache"):
            with suppress(OSError):
                yield f"{path} {os.stat(path).st_mtime_ns}"

    return hashlib.sha256("\0".join(facts()).encode()).hexdigest()


def _find(distributions: Sequence[str]) -> Runtime:
    if "torch" in distributions:
        with suppress(ImportError):  # which is said in plain words below
            import torch  # noqa: F401  so that what it needs is mapped
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
