"""How a freshly forked process gives up everything that calling functions does not need."""

from __future__ import annotations

import os
import resource
import signal
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from . import kernel
from .view import OWN_PROC

CALL_FD = 3  # the one descriptor that a worker keeps besides three times /dev/null
MAX_FILE = 64 * 2**20
SCRATCH = "/tmp"  # noqa: S108


@dataclass(frozen=True)
class Walls:
    """What is the same for all workers of a zygote: its profile's part in this."""

    uids: int  # how many user ids there are; with only one, all workers share it
    first_uid: int  # the one before the workers'
    seccomp: bytes
    nodes: Sequence[str]  # devices to be opened for reading and writing
    own_proc: bool
    threads: int
    address_space: bool  # whether it is what limits memory
    trees: Sequence[str]  # of the host's files, what may be read
    in_scratch: Sequence[str]  # those of them that a worker's scratch space would hide
    masks: Sequence[str]  # folders in them that may not
    jail: str  # a folder to be the root without a view, where there is one


@dataclass(frozen=True)
class Confinement:
    walls: Walls
    slot: int
    memory_bytes: int
    cpu_seconds: int
    scratch_bytes: int


def confine(call_fd: int, how: Confinement) -> None:
    """Confine this process. Raises OSError when any part fails; the caller must then exit."""
    os.setsid()
    kernel.unshare(
        kernel.CLONE_NEWNS
        | kernel.CLONE_NEWNET
        | kernel.CLONE_NEWIPC
        | kernel.CLONE_NEWUTS
        | kernel.CLONE_NEWCGROUP
    )
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    size = f"size={how.scratch_bytes},nr_inodes=4096,mode=777"
    # Detached before it is mounted. This package is a tree, too, but stands elsewhere in a view.
    trees = how.walls.in_scratch
    hidden = {path: kernel.clone_tree(path) for path in trees if os.path.exists(path)}
    kernel.mount("tmpfs", SCRATCH, "tmpfs", flags, size)
    for path, tree in hidden.items():
        _make_place(path, tree)
        kernel.attach_tree(tree, path)
        os.close(tree)
    if how.walls.own_proc:  # over the zygote's, which shows its other workers
        kernel.mount("proc", OWN_PROC, "proc", flags, "subset=pid")
    os.chdir(SCRATCH)
    os.umask(0o022)
    keep_only(call_fd)
    limit(how)
    _give_up_privileges(how)
    _landlock(_allowed(how.walls))
    kernel.install_seccomp(how.walls.seccomp)


def hidden_by_scratch(trees: Sequence[str]) -> list[str]:
    """What of the trees a mount on SCRATCH hides."""
    real = {os.path.realpath(tree) for tree in trees}
    return sorted(path for path in real if path.startswith(f"{SCRATCH}/"))


def _make_place(path: str, tree: int) -> None:
    """What the tree can be attached to, unless it is seen already, as part of a larger one."""
    if os.path.lexists(path):
        return
    if stat.S_ISDIR(os.fstat(tree).st_mode):
        os.makedirs(path)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o444))


def confine_flat(call_fd: int, how: Confinement) -> None:
    """Confine this process without namespaces or a view of its own. Raises as `confine` does.

    It has no scratch space, and sees of the machine's files what Landlock or its root leaves.
    """
    os.setsid()
    os.umask(0o077)
    keep_only(call_fd)
    limit(how)
    enter(how.walls.jail)
    _give_up_privileges(how)
    _landlock(_allowed_flat(how.walls))
    kernel.install_seccomp(how.walls.seccomp)


def enter(jail: str) -> None:
    """Make the jail this process's root, if there is one."""
    if jail:
        os.chroot(jail)
    os.chdir("/")


def keep_only(call_fd: int) -> None:
    """Close every descriptor but the call socket, which becomes CALL_FD."""
    call_fd = os.dup2(call_fd, CALL_FD, inheritable=False) if call_fd != CALL_FD else call_fd
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.closerange(CALL_FD + 1, 65536)


def limit(how: Confinement) -> None:
    unlimited = resource.RLIM_INFINITY
    limits = {
        resource.RLIMIT_AS: how.memory_bytes if how.walls.address_space else unlimited,
        resource.RLIMIT_CPU: how.cpu_seconds,
        resource.RLIMIT_FSIZE: MAX_FILE,
        resource.RLIMIT_NOFILE: 128,
        resource.RLIMIT_NPROC: how.walls.threads,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 64,
    }
    for which, most in limits.items():
        hard = resource.getrlimit(which)[1]
        if hard != unlimited:
            most = hard if most == unlimited else min(most, hard)
        resource.setrlimit(which, (most, most))


def _give_up_privileges(how: Confinement) -> None:
    kernel.drop_capabilities()
    # Root means nothing any more, and each of these bits is locked with its neighbour:
    # NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE; KEEP_CAPS locked off.
    kernel.prctl(kernel.PR_SET_SECUREBITS, 0b11101111)
    if how.walls.uids > 1:
        own = how.walls.first_uid + 1 + how.slot % (how.walls.uids - 1)
        os.setgroups([])
        os.setresgid(own, own, own)
        os.setresuid(own, own, own)
    kernel.clear_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # setresuid has cleared it


_READ_FILE, _WRITE_FILE, _READ_DIR = 0b100, 0b10, 0b1000
_READ = _READ_FILE | _READ_DIR
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15  # of versions 2, 3 and 5
# READ and WRITE, REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG
_SCRATCH = _READ | _WRITE_FILE | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8


def _landlock(allowed: dict[str, int]) -> None:
    """Deny all access to files but what is allowed, as high as this kernel can build that wall."""
    version = kernel.landlock_version()
    if not version:
        return
    known = _known(version)
    network = 0b11 if version >= 4 else 0  # BIND_TCP, CONNECT_TCP
    scopes = 0b11 if version >= 6 else 0  # abstract sockets, signals
    kernel.landlock(
        known, network, scopes, {path: rights & known for path, rights in allowed.items()}
    )


def _known(version: int) -> int:
    """The rights to files that this version of Landlock knows: it takes no others."""
    newer = {2: _REFER, 3: _TRUNCATE, 5: _IOCTL_DEV}
    return (1 << 13) - 1 | sum(right for since, right in newer.items() if version >= since)


def _allowed(walls: Walls) -> dict[str, int]:
    """Behind the view: all of it may be read, and a second wall stands behind its mounts."""
    node = _READ_FILE | _WRITE_FILE
    allowed = {"/": _READ, SCRATCH: _SCRATCH | _REFER | _TRUNCATE, "/dev/null": node}
    allowed.update(dict.fromkeys(walls.nodes, node | _IOCTL_DEV))
    if walls.own_proc:  # for naming threads
        allowed[OWN_PROC] = _READ | _WRITE_FILE | _TRUNCATE
    return allowed


def _allowed_flat(walls: Walls) -> dict[str, int]:
    """Without a view: the runtime alone, and what is masked of it left out entry by entry."""
    allowed: dict[str, int] = {}
    if os.path.exists("/dev/null"):
        allowed["/dev/null"] = _READ_FILE | _WRITE_FILE

    def allow(path: str) -> None:
        if any(mask == path or mask.startswith(f"{path}/") for mask in walls.masks):
            allowed[path] = _READ_DIR  # or Python finds no module in it; names are no secret
            for entry in os.scandir(path):
                if entry.path not in walls.masks:
                    allow(entry.path)
        elif os.path.exists(path):
            allowed.setdefault(path, _READ if os.path.isdir(path) else _READ_FILE)

    for tree in walls.trees:
        allow(tree)
    return allowed
