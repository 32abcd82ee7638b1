"""The system calls that a worker of a profile may make, compiled for the kernel."""

from __future__ import annotations

import errno
import fcntl
import tempfile

from autograder.sandbox.limits import SandboxUnavailable
from autograder.sandbox.profiles import Profile

# With no fork, exec, sockets, pipes or memfds a session is one process with one address space,
# which is what makes its memory, time and file limits true ones.
_ALLOWED = """
    read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek close close_range
    open openat creat access faccessat faccessat2 stat lstat fstat newfstatat statx statfs fstatfs
    readlink readlinkat getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat
    rename renameat renameat2 truncate ftruncate fsync fdatasync fallocate fadvise64 umask
    chmod fchmod fchmodat utimensat dup dup2 dup3 poll ppoll select pselect6
    brk mmap munmap mremap mprotect madvise futex
    rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack restart_syscall
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times
    getrandom getrusage getrlimit sched_getaffinity sched_yield getcpu sysinfo uname
    getpid gettid getppid getpgrp getpgid getsid getuid geteuid getgid getegid getgroups
    getresuid getresgid set_robust_list rseq exit exit_group
"""
_OF_OTHERS = ("getpgid", "getsid")
_FCNTL = (
    *(fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC, fcntl.F_GETFD, fcntl.F_SETFD),
    *(fcntl.F_GETFL, fcntl.F_SETFL),
)


# How the C library makes a thread: all that a process has is shared, and nothing new is made.
_THREAD = 0x003D_0F00
_PR_SET_NAME = 15


def compile_filter(profile: Profile) -> bytes:
    """The allow-list as BPF.

    Raises:
        SandboxUnavailable: libseccomp is not installed.
    """
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError):
        raise SandboxUnavailable(
            "code cannot be confined, for libseccomp is missing: apt install libseccomp2."
        ) from None
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in (*_ALLOWED.split(), *profile.system_calls):
        if profile.isolation == "flat" and name in _OF_OTHERS:
            continue
        try:
            rules.add_rule(pyseccomp.ALLOW, name)
        except (OSError, ValueError):
            continue  # this architecture has no such call
    if profile.isolation == "flat":  # with no PID namespace, of oneself alone
        for name in _OF_OTHERS:
            rules.add_rule(pyseccomp.ALLOW, name, pyseccomp.Arg(0, pyseccomp.EQ, 0))
    # Descriptors and their flags; no locks, leases or notices, which other sessions could feel
    # through the files that all of them see.
    for command in _FCNTL:
        rules.add_rule(pyseccomp.ALLOW, "fcntl", pyseccomp.Arg(1, pyseccomp.EQ, command))
    # Reading one's own limits, as the C library does; never setting them, or another's.
    read_own = pyseccomp.Arg(0, pyseccomp.EQ, 0), pyseccomp.Arg(2, pyseccomp.EQ, 0)
    rules.add_rule(pyseccomp.ALLOW, "prlimit64", *read_own)
    for mask, command in profile.ioctls:
        # The kernel looks at 32 bits of the command, so the filter must not look at more.
        wanted = pyseccomp.Arg(1, pyseccomp.MASKED_EQ, mask, command)
        rules.add_rule(pyseccomp.ALLOW, "ioctl", wanted)
    if profile.threads > 1:
        rules.add_rule(pyseccomp.ALLOW, "clone", pyseccomp.Arg(0, pyseccomp.EQ, _THREAD))
        rules.add_rule(pyseccomp.ALLOW, "prctl", pyseccomp.Arg(0, pyseccomp.EQ, _PR_SET_NAME))
    # The C library falls back to clone only when clone3 does not exist.
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
