"""Builds the zygote's namespaces and view of the file system, then starts and guards it.

Runs in a new interpreter with an empty environment and the standard library alone, so that
nothing of the parent's memory comes along.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import kernel
from .confine import enter
from .view import Unreadable, build, check_readable

ISOLATED = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWCGROUP
)
UIDS = 256  # of a sandbox that root started: its own root, and one for each concurrent worker
FIRST_UID = 0x7000_0000  # far from anybody's account
# What it needs to know.
_ZYGOTE = ("control", "isolation", "seccomp", "path", "program", "imports", "walls")


def main() -> None:
    config = json.load(sys.stdin)
    control = socket.socket(fileno=config["control"])
    os.umask(0o022)
    try:
        uids, first = 1, 0
        namespaces = config["isolation"] == "namespaces"
        enclosed = namespaces and config["view"]["own_proc"]
        if enclosed:
            enclose()
        if namespaces:
            uids = isolate(config["view"])
        elif config["isolation"] == "flat":
            uids, first = UIDS, flatten(config["walls"])
        if enclosed:  # changing its user has made it forget
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        zygote = os.fork()
    except (OSError, Unreadable, Unsuitable) as error:
        control.send(json.dumps({"unavailable": explain(error)}).encode())
        sys.exit(1)
    if not zygote:
        start(config, {"uids": uids, "first_uid": first}, control)
    # Its number would mean nothing to a parent in another PID namespace.
    socket.send_fds(control, [b'{"zygote": true}'], [os.pidfd_open(zygote)])
    control.close()
    os.waitpid(zygote, 0)


def start(config: dict[str, Any], users: dict[str, int], control: socket.socket) -> None:
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    os.chdir("/")
    control.set_inheritable(True)
    zygote = {name: config[name] for name in _ZYGOTE}
    zygote["walls"] = {**config["walls"], **users}
    command = [*config["command"], json.dumps(zygote)]
    try:
        os.execve(command[0], command, config["environment"])  # noqa: S606
    except OSError as error:
        message = f"{command[0]} cannot be run inside the sandbox: {error.strerror}"
        control.send(json.dumps({"unavailable": message}).encode())
        os._exit(1)


class Unsuitable(Exception):
    """Why the flat profile is not for this machine, in a sentence."""


def flatten(walls: dict[str, Any]) -> int:
    """Check that workers can be confined without namespaces, and have to be. Returns the first of
    their user ids.

    Raises:
        Unsuitable: they cannot, or need not.
    """
    if os.geteuid() != 0:
        raise Unsuitable(
            "the flat profile gives each worker a user id of its own, which only root can: start "
            "as root."
        )
    if not kernel.landlock_version() and not os.path.isdir(walls["jail"]):
        raise Unsuitable(
            "this kernel has no Landlock, and there is no jail: name a folder of hard links to "
            "the runtime by GRADMARK_JAIL (gradmark jail makes it)."
        )
    first = _first_uid()
    if first is None:
        raise Unsuitable(f"this container has fewer than {2 * UIDS} user ids.")
    if not _in_child(lambda: _look(walls, first + 1)):
        raise Unsuitable(
            "the flat profile's unprivileged users cannot read Python and torch where they are: "
            "install them where everybody may read, or make a jail (gradmark jail FOLDER) and "
            "name it by GRADMARK_JAIL."
        )
    if _in_child(_isolate):
        raise Unsuitable(
            "this machine lets Gradmark make namespaces, so the full sandbox works here: unset "
            "GRADMARK_CONTAINER."
        )
    os.setgroups([])
    return first


def _in_child(attempt: Callable[[], None]) -> bool:
    """Whether it succeeds, in a child that ends with what it has changed."""
    child = os.fork()
    if not child:
        try:
            attempt()
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status == 0


def _isolate() -> None:
    """What the full sandbox needs most."""
    kernel.unshare(ISOLATED)
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", "/tmp", "tmpfs", kernel.MS_NOSUID, "size=1m")  # noqa: S108


def _look(walls: dict[str, Any], user: int) -> None:
    enter(walls["jail"])
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    check_readable([path for path in walls["trees"] if not path.startswith("/dev/")])


def enclose() -> None:
    """Go on in a child that is the first process of a PID namespace, with a procfs of it at /proc.

    A worker may mount a procfs only where one is to be seen already, and the host's shall not be.
    """
    if os.geteuid() != 0 or not _try_unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWPID):
        own = os.geteuid(), os.getegid()
        kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS | kernel.CLONE_NEWPID)
        _map_one(own)
    guard = os.fork()
    if guard:
        _, status = os.waitpid(guard, 0)
        os._exit(0 if status == 0 else 1)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", "/proc", "proc", flags)


def _map_one(own: tuple[int, int]) -> None:
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {own[0]} 1")
    Path("/proc/self/gid_map").write_text(f"0 {own[1]} 1")


def isolate(view: dict[str, Any]) -> int:
    """Enter the namespaces and the view. Returns how many user ids there are inside."""
    own = os.geteuid(), os.getegid()
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)  # the view has none
    first = _first_uid() if own[0] == 0 else None
    helper = _Helper(first) if first is not None else None
    # Real root builds the view first: it can reach what lies below private directories.
    early = helper is not None and _try_unshare(kernel.CLONE_NEWNS)
    if early:
        build(**view)
    kernel.unshare(ISOLATED)
    if helper is not None:
        helper.map_range()
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
    else:
        _map_one(own)
    if not early:
        check_readable(view["trees"])
        build(**view)
    check_readable(view["trees"])
    _forbid_user_namespaces(proc)
    socket.sethostname("sandbox")  # the host's name is nobody's business
    return 1 if helper is None else UIDS


def _forbid_user_namespaces(proc: int) -> None:
    """None below this one, where all capabilities could be had. A second wall behind seccomp, and
    the one that may be missing: in some containers the setting is read-only."""
    with contextlib.suppress(OSError):
        setting = os.open("sys/user/max_user_namespaces", os.O_WRONLY, dir_fd=proc)
        os.write(setting, b"0")
        os.close(setting)
    os.close(proc)


def _try_unshare(flags: int) -> bool:
    try:
        kernel.unshare(flags)
    except PermissionError:
        return False
    return True


def _first_uid() -> int | None:
    """Where this namespace has UIDS unprivileged ids to give away, None when nowhere."""
    extents = []
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        inside, _, count = map(int, line.split())
        extents.append((count, inside))
        if inside <= FIRST_UID and inside + count >= FIRST_UID + UIDS:
            return FIRST_UID
    count, inside = max(extents)
    return inside + count - UIDS if count >= 2 * UIDS else None


class _Helper:
    """A process that stays behind, with root's rights and /proc, to map ids for this one."""

    def __init__(self, first: int) -> None:
        go, self._go = os.pipe()
        self._pid = os.fork()
        if self._pid:
            os.close(go)
            return
        os.close(self._go)
        if os.read(go, 1):  # nothing when the launcher has failed before
            for kind in ("uid_map", "gid_map"):
                Path(f"/proc/{os.getppid()}/{kind}").write_text(f"0 {first} {UIDS}")
        os._exit(0)

    def map_range(self) -> None:
        os.write(self._go, b"1")
        os.close(self._go)
        _, status = os.waitpid(self._pid, 0)
        if status:
            raise PermissionError(errno.EPERM, "mapping user ids: Operation not permitted")


def explain(error: OSError | Unreadable | Unsuitable) -> str:
    if isinstance(error, Unsuitable):
        return str(error)
    if isinstance(error, Unreadable):
        return (
            f"the sandbox's unprivileged user cannot read {error}: make it readable for others, "
            "or install Python and torch where it is."
        )
    if error.errno in {errno.EPERM, errno.EACCES, errno.ENOSPC, errno.EINVAL, errno.EUSERS}:
        return (
            f"this machine does not let Gradmark make namespaces ({error.strerror}): allow user "
            "namespaces (sysctl user.max_user_namespaces above 0 and, on Ubuntu, "
            "kernel.apparmor_restrict_unprivileged_userns=0); in a container add "
            "--security-opt seccomp=unconfined --security-opt apparmor=unconfined "
            "--security-opt systempaths=unconfined, and --cap-add SYS_ADMIN if that is not enough; "
            "where that is not to be had, GRADMARK_CONTAINER=flat asks for the weaker flat profile."
        )
    if error.errno == errno.ENOSYS:
        return f"this kernel is too old for the sandbox ({error.strerror}): Linux 5.12 is needed."
    return f"the sandbox's view of the file system cannot be built: {error}."
