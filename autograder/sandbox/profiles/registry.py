"""Which profile belongs to which device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import metadata

from autograder.sandbox.limits import SandboxUnavailable
from autograder.sandbox.profiles.cuda import cuda
from autograder.sandbox.profiles.flat import asked_for, flat
from autograder.sandbox.profiles.profile import FULL, Profile

# Packages that bring another device to torch name here what gives its profile, by torch's name of
# the device's kind: a function of what stands behind the colon ("1" in "cuda:1", else "").
GROUP = "gradmark.devices"


def profile_for(device: str, *, confined: bool = True) -> Profile:
    """The profile for a device of this machine, as torch or its driver names it.

    Raises:
        SandboxUnavailable: there is no such device here, or no profile for its kind.
    """
    kind, _, which = device.partition(":")
    profile = _maker(kind, device)(which)
    return profile if confined else replace(profile, name="none", isolation="none")


def _maker(kind: str, device: str) -> Callable[[str], Profile]:
    if kind == "cpu":
        return _cpu
    if kind == "cuda":
        return cuda
    for entry in metadata.entry_points(group=GROUP, name=kind):
        maker: Callable[[str], Profile] = entry.load()
        return maker
    raise SandboxUnavailable(
        f"{device!r} is no device that student code can be confined on: name 'cpu', 'cuda:0' or "
        "another GPU, or install the package that brings the device to Gradmark."
    )


def _cpu(which: str) -> Profile:
    if which not in {"", "0"}:
        raise SandboxUnavailable(f"'cpu:{which}' is no device: there is one cpu, called 'cpu'.")
    return flat() if asked_for() else FULL
