"""What this machine can confine, wall by wall, and what to do where it cannot."""

from __future__ import annotations

import ctypes.util
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from autograder.judging.call import Call
from autograder.sandbox import Limits, Sandbox, SandboxFault, SandboxUnavailable, watch
from autograder.sandbox.inside import kernel
from autograder.sandbox.inside.loading.source import Source
from autograder.sandbox.profiles import FULL, Profile, profile_for
from autograder.sandbox.runtime import find_runtime
from autograder.sandbox.seccomp import compile_filter

KERNEL = (5, 12)

# Runs as a submission does, and tells what it meets.
_PROBE = """
import ctypes, os, resource, socket
import torch
def denied(action):
    try:
        action()
    except (OSError, PermissionError) as error:
        return True
    return False
def probe(host_files):
    def read():
        for path in host_files:
            try: os.close(os.open(path, os.O_RDONLY))
            except OSError: continue
            return
        raise PermissionError
    libc = ctypes.CDLL(None, use_errno=True)
    def ptrace():
        if libc.ptrace(0, 0, 0, 0) < 0: raise OSError
    return (
        denied(read), denied(lambda: open(torch.__file__, 'a')), denied(socket.socket),
        denied(os.fork), denied(lambda: os.kill(-1, 0)), denied(ptrace),
        resource.getrlimit(resource.RLIMIT_AS)[0] < 2**40, os.getuid(),
    )
"""


@dataclass(frozen=True)
class Wall:
    """One part of the confinement. A wall that is not `needed` makes it stronger."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""  # what to install or change; empty when it is ok
    needed: bool = True

    def document(self) -> dict[str, Any]:
        return asdict(self)


def examine(device: str = "cpu") -> list[Wall]:
    """Look at every wall, and put a probe through the sandbox if it can be built.

    Args:
        device: to look at all that work on it needs as well.
    """
    try:
        profile = profile_for(device)
    except SandboxUnavailable as error:
        return [*_parts(), Wall("device", False, f"no {device}", str(error))]
    return [*_parts(profile), *_device(profile), *_probe(device, profile)]


def can_confine(walls: list[Wall]) -> bool:
    return all(wall.ok for wall in walls if wall.needed)


def _device(profile: Profile) -> Iterator[Wall]:
    """What of the machine the device's profile shows, and what cannot be told from outside."""
    for path in profile.nodes:
        yield Wall(path, True, "may be opened for reading and writing")
    if profile.nodes:
        library = ctypes.util.find_library("cuda") or _in_folders("libcuda.so.1", profile)
        remedy = "install NVIDIA's driver library, or mount it into the container"
        yield Wall("driver library", bool(library), library or "missing", "" if library else remedy)
        shown = ", ".join(path for path in profile.trees if path.startswith("/proc")) or "nothing"
        remedy = "load the nvidia module, or show its /proc/driver/nvidia in the container"
        seen = "/proc/driver/nvidia" in profile.trees
        yield Wall("the driver's words", seen, shown, "" if seen else remedy, needed=False)
    if profile.own_proc:
        version = kernel.landlock_version()
        remedy = "" if version >= 5 else "Linux 6.10 or newer, so that ioctls are bound to devices"
        yield Wall("ioctls by device", version >= 5, f"Landlock {version}", remedy, needed=False)


def _in_folders(name: str, profile: Profile) -> str | None:
    folders = profile.environment.get("LD_LIBRARY_PATH", "").split(":")
    paths = (f"{folder}/{name}" for folder in folders if folder)
    return next((path for path in paths if os.path.exists(path)), None)


def _parts(profile: Profile = FULL) -> Iterator[Wall]:
    linux = sys.platform.startswith("linux")
    yield Wall("Linux", linux, platform.system(), "" if linux else "grade on a Linux machine")
    if not linux:
        return
    numbers = re.match(r"(\d+)\.(\d+)", platform.release())
    recent = numbers is not None and tuple(map(int, numbers.groups())) >= KERNEL
    yield Wall(
        "kernel",
        recent,
        platform.release(),
        "" if recent else f"install Linux {KERNEL[0]}.{KERNEL[1]} or newer",
    )
    yield _tried("system-call filter", lambda: f"{len(compile_filter(profile)) // 8} instructions")
    yield _tried("torch and numpy", lambda: f"{len(find_runtime().trees)} trees to be seen")
    version = kernel.landlock_version()
    yield Wall(
        "Landlock",
        version > 0,
        f"version {version}" if version else "not offered by this kernel",
        "" if version else "boot with landlock in lsm=: a second wall behind the read-only view",
        needed=False,
    )
    root = os.geteuid() == 0
    yield Wall(
        "a user id per worker",
        root,
        "started by root" if root else "started by an ordinary user: all workers share one",
        "" if root else "start as root, or rely on the other walls between workers",
        needed=False,
    )


def _tried(name: str, build: Callable[[], str]) -> Wall:
    try:
        return Wall(name, True, build())
    except SandboxUnavailable as error:
        return Wall(name, False, "missing", str(error))


def _probe(device: str, profile: Profile) -> Iterator[Wall]:
    limits = Limits(call_seconds=20, load_seconds=60)
    source = Source("probe", (_PROBE,))
    try:
        with (
            Sandbox(device, limits, profile=profile) as sandbox,
            sandbox.session([source]) as session,
        ):
            # This file is there outside, wherever Python and its packages are.
            hidden: tuple[str, ...] = ("/etc/passwd", "/dev/shm", "/proc/sys", __file__)  # noqa: S108
            if not profile.own_proc:
                hidden = (*hidden, "/proc/self/status")
            answer = session.call(Call("probe", {"host_files": hidden}, 1))
    except (SandboxUnavailable, SandboxFault) as error:
        yield Wall("namespaces and view", False, "the sandbox cannot be built", str(error))
        return
    seen: Any = answer.value
    if not isinstance(seen, tuple) or len(seen) != 8:
        why = "" if answer.failure is None else f": {answer.failure.kind} {answer.failure.message}"
        yield Wall("probe", False, f"it did not answer{why}", "report this with the output")
        return
    if profile.isolation == "flat":
        yield Wall("namespaces and view", True, "none: the weaker flat profile, as you asked for")
    else:
        yield Wall("namespaces and view", True, "the sandbox was built, and a probe ran in it")
    walls = [
        ("the host's files", "not to be seen", "visible"),
        ("the packages", "read-only", "writable"),
        ("network", "no socket can be made", "sockets can be made"),
        ("processes", "none can be made", "others can be made"),
        ("signals", "reach nobody", "reach other processes"),
        ("tracing", "denied", "possible"),
        ("memory", "limited per worker", "not limited"),
    ]
    if not profile.address_space:
        seen = (*seen[:6], True)
        walls[6] = ("memory", f"watched by the parent every {watch.SECONDS:g} s", "")
    for (name, well, badly), ok in zip(walls, seen, strict=False):
        remedy = "" if ok else "do not grade on this machine, and report this"
        yield Wall(name, ok is True, well if ok is True else badly, remedy)
