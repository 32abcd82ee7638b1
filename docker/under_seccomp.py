"""Run a command under a container engine's profile of system calls, without the engine:
`python docker/under_seccomp.py PROFILE.json COMMAND ...`.

The profile is read as an engine reads it for a container without a capability on this machine's
architecture, compiled by libseccomp and loaded into the kernel before the command starts.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyseccomp

from autograder.sandbox.inside import kernel

_ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}
_DEFAULT = errno.EPERM  # of a refusal that names no error


def compiled(profile: dict[str, Any]) -> bytes:
    """
    Raises:
        ValueError: the profile has a rule that is not understood.
    """
    default = _action(profile["defaultAction"], profile.get("defaultErrnoRet", _DEFAULT))
    rules = pyseccomp.SyscallFilter(default)
    for rule in profile["syscalls"]:
        action = _action(rule["action"], rule.get("errnoRet", _DEFAULT))
        if action == default or not _holds(rule):
            continue
        arguments = [_argument(one) for one in rule.get("args") or ()]
        for name in rule["names"]:
            if pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) != -1:  # of libseccomp's time
                rules.add_rule(action, name, *arguments)
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def allowed(profile: dict[str, Any]) -> set[str]:
    """The system calls that it allows, if only with some arguments."""
    return {
        name
        for rule in profile["syscalls"]
        if rule["action"] == "SCMP_ACT_ALLOW" and _holds(rule)
        for name in rule["names"]
    }


def _holds(rule: dict[str, Any]) -> bool:
    """For a container without a capability."""
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    arch = _ARCHES[platform.machine()]
    return (
        not includes.get("caps")
        and arch in (includes.get("arches") or [arch])
        and arch not in (excludes.get("arches") or [])
    )


def _action(name: str, number: int) -> int:
    if name == "SCMP_ACT_ALLOW":
        return int(pyseccomp.ALLOW)
    if name == "SCMP_ACT_ERRNO":
        return int(pyseccomp.ERRNO(number))
    raise ValueError(f"{name} is no action that is understood here.")


def _argument(said: dict[str, Any]) -> pyseccomp.Arg:
    operator = getattr(pyseccomp, said["op"].removeprefix("SCMP_CMP_"))
    return pyseccomp.Arg(said["index"], operator, said["value"], said.get("valueTwo", 0))


def main() -> None:
    profile, *command = sys.argv[1:]
    program = compiled(json.loads(Path(profile).read_text("utf-8")))
    if os.geteuid() != 0:  # who may not administer must renounce what gives privileges
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.install_seccomp(program)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
