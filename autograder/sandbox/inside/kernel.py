"""The kernel calls that the standard library of Python 3.11 does not offer."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REC, MS_PRIVATE = 0x4000, 0x40000

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
PR_CAPBSET_DROP, PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 24, 28, 38, 47

# These numbers are the same on every architecture that Linux runs on.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446

_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 4

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _syscall(what: str, number: int, *arguments: object) -> int:
    plain = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _check(_libc.syscall(ctypes.c_long(number), *plain), what)


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def setns(descriptor: int, kind: int) -> None:
    _check(_libc.setns(descriptor, kind), "setns")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    texts = (text.encode() for text in (source, target, kind))
    _check(_libc.mount(*texts, ctypes.c_ulong(flags), data.encode()), f"mount {target}")


def pivot_root_here() -> None:
    """Make the working directory the root, and let go of the old one."""
    _check(_libc.pivot_root(b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", 2), "umount2")  # MNT_DETACH
    os.chdir("/")


def clone_tree(path: str) -> int:
    """A detached copy of the mounts at `path`, as a descriptor."""
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    return _syscall(f"open_tree {path}", _OPEN_TREE, _AT_FDCWD, path.encode(), flags)


def restrict_tree(descriptor: int, *, device: bool = False) -> None:
    """Make a detached tree read-only, without set-uid and, if it is none, without devices."""
    flags = MS_RDONLY | MS_NOSUID | (MS_NOEXEC if device else MS_NODEV)
    attributes = (ctypes.c_uint64 * 4)(flags, 0, 0, 0)
    how = _AT_EMPTY_PATH | _AT_RECURSIVE
    _syscall("mount_setattr", _MOUNT_SETATTR, descriptor, b"", how, attributes, 32)


def attach_tree(descriptor: int, target: str) -> None:
    where = (_AT_FDCWD, target.encode(), _MOVE_MOUNT_F_EMPTY_PATH)
    _syscall(f"move_mount {target}", _MOVE_MOUNT, descriptor, b"", *where)


def remount_read_only(path: str) -> None:
    attributes = (ctypes.c_uint64 * 4)(MS_RDONLY | MS_NOSUID | MS_NODEV, 0, 0, 0)
    _syscall("mount_setattr", _MOUNT_SETATTR, _AT_FDCWD, path.encode(), 0, attributes, 32)


def prctl(option: int, *arguments: int) -> None:
    plain = [ctypes.c_ulong(a) for a in (*arguments, 0, 0, 0, 0)[:4]]
    _check(_libc.prctl(option, *plain), f"prctl {option}")


def drop_capabilities() -> None:
    """Leave no capability in any set, and no way to regain one."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # past the last one this kernel knows
    prctl(PR_CAP_AMBIENT, 4)  # PR_CAP_AMBIENT_CLEAR_ALL


def clear_capabilities() -> None:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


class _SockFprog(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install_seccomp(program: bytes) -> None:
    fprog = _SockFprog(len(program) // 8, program)
    plain = (ctypes.c_ulong(2), ctypes.byref(fprog), ctypes.c_ulong(0), ctypes.c_ulong(0))
    _check(_libc.prctl(PR_SET_SECCOMP, *plain), "seccomp")


def landlock_version() -> int:
    """The version of Landlock that this kernel offers, 0 for none."""
    try:
        return _syscall("landlock", _LANDLOCK_CREATE, None, 0, 1)
    except OSError:
        return 0


def landlock(files: int, network: int, scopes: int, allowed: dict[str, int]) -> None:
    """Deny the handled accesses except, below each path of `allowed`, those it names."""
    attributes = (ctypes.c_uint64 * 3)(files, network, scopes)
    size = 24 if scopes else 16 if network else 8
    ruleset = _syscall("landlock", _LANDLOCK_CREATE, attributes, size, 0)
    for path, access in allowed.items():
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = access.to_bytes(8, "little") + parent.to_bytes(4, "little")
        _syscall("landlock rule", _LANDLOCK_ADD, ruleset, 1, rule, 0)
        os.close(parent)
    _syscall("landlock", _LANDLOCK_RESTRICT, ruleset, 0)
    os.close(ruleset)
