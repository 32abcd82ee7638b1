"""What a container engine leaves to the image of system calls: docker/seccomp.json, loaded into the
kernel as the engine does it."""

import errno
import os
import sys

import pyseccomp
import pytest

from docker import seccomp, under_seccomp
from tests import ordinary
from tests.ordinary import ROOT

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
PROFILE = ROOT / "docker/seccomp.json"
STUB = ROOT / "assignments/losses.py"
GRADE = """
import os, tempfile
with tempfile.TemporaryDirectory() as home:
    os.environ["HOME"] = home
    from autograder.cli import main
    main()
"""
REFUSED = """
    bpf kexec_load init_module perf_event_open swapon userfaultfd fsopen
    open_by_handle_at
"""
ASK = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
for number in map(int, sys.argv[1:]):
    libc.syscall(number, -1, -1, -1, -1, -1, -1)
    print(ctypes.get_errno())
"""


def under(profile, *command, **options):
    """As an ordinary user, without a capability, as the image runs."""
    started = ["-m", "docker.under_seccomp", str(profile), sys.executable, *command]
    return ordinary.run(started, capture_output=True, **options)


@needs_root
def test_student_code_is_graded_under_it():
    done = under(PROFILE, "-c", GRADE, "grade", "losses", str(STUB), timeout=240)
    assert done.returncode in (0, 1), done.stderr
    assert "losses  0 of" in done.stdout


@needs_root
def test_what_engines_refuse_stays_refused():
    numbers = [
        str(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)) for name in REFUSED.split()
    ]
    assert "-1" not in numbers
    done = under(PROFILE, "-c", ASK, *numbers, timeout=60)
    answers = {int(line) for line in done.stdout.split()}
    assert answers <= {errno.EPERM, errno.ENOSYS}, done.stderr


def test_nothing_but_what_the_sandbox_needs_is_added():
    default = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [
            {"names": ["read", "clone"], "action": "SCMP_ACT_ALLOW", "args": []},
            {"names": ["mount", "bpf"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
        ],
    }
    added = under_seccomp.allowed(seccomp.widened(default)) - under_seccomp.allowed(default)
    assert added == set(seccomp.NEEDED) - {"clone"}
    assert under_seccomp.compiled(seccomp.widened(default))
