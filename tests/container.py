"""A container as Docker's defaults make it, as far as system calls and capabilities go.

Docker's own list says what is allowed; this says what of it matters here is refused: namespaces,
mounts and keys, with the capabilities that a container's root has. An approximation, on the host's
own files.
"""

import errno
import os
import subprocess
import sys
import tempfile
from functools import cache

import pyseccomp

from autograder.sandbox.inside import kernel
from tests.ordinary import ROOT

_REFUSED = """
    unshare setns mount umount2 pivot_root open_tree move_mount mount_setattr fsopen fsconfig
    fsmount fspick keyctl add_key request_key bpf perf_event_open userfaultfd kexec_load swapon
    swapoff reboot init_module finit_module delete_module
"""
_OURS = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
_NAMESPACES = (0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000)
_NAMESPACES += (0x4000_0000,)
# CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW,
# SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP
_CAPABILITIES = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}


def run(
    arguments: list[str], environment: dict[str, str] | None = None, **options: object
) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments as such a container's root. Only root can."""
    program = _filter()
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "CI") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        env={
            **kept,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            **(environment or {}),
        },
        cwd="/",
        preexec_fn=lambda: _enter(program),
        text=True,
        check=False,
        **options,  # type: ignore[call-overload]
    )


def _enter(program: bytes) -> None:
    kernel.install_seccomp(program)
    for capability in range(64):
        if capability not in _CAPABILITIES:
            try:
                kernel.prctl(kernel.PR_CAPBSET_DROP, capability)
            except OSError:
                break


@cache
def _filter() -> bytes:
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    refuse = pyseccomp.ERRNO(errno.EPERM)
    for name in _REFUSED.split():
        rules.add_rule(refuse, name)
    for flag in _NAMESPACES:
        rules.add_rule(refuse, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
