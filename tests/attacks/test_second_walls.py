"""With the system-call filter open, the other walls still stand."""

import os
import platform
import struct
import textwrap

import pytest

from autograder.handin.submission import Source
from autograder.judging.call import Call
from autograder.sandbox import Sandbox
from tests.attacks.attack import PRELUDE

SECOND_WALLS = {
    "become root": "os.setuid(0)" if os.geteuid() == 0 else "os.setuid(1)",
    "signal the zygote": "os.kill(1, 0) or os.kill(2, 0)",
    "mount": "syscall(165, b'none', b'/tmp', b'tmpfs', 0, None)",
    "chroot": "os.chroot('/tmp')",
    "a raw socket": "socket.socket(socket.AF_INET, socket.SOCK_RAW)",
    "the network": "socket.create_connection(('127.0.0.1', 1), 1)",
    "a way out": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 53))",
    "write to the library": "open(torch.__file__, 'a')",
    "run a program": "os.execv(sys.executable, [sys.executable])",
    "host name": "socket.sethostname('x')",
    "more than one's limits": "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "a device": "os.mknod('/tmp/mem', 0o20666, 0x101)",
    "fork": "os.fork()",
    "a user namespace": "syscall(272, 0x10000000)",
}


def source(body: str) -> Source:
    code = f"{PRELUDE}def attack():\n{textwrap.indent(body, '    ')}\ndef honest(x): return x + 1\n"
    return Source("submission", (code,))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="system calls by x86-64 numbers")
def test_the_other_walls_stand_without_the_filter(monkeypatch):
    """Namespaces, capabilities, Landlock and limits each do their part behind seccomp."""
    allow_everything = struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF0000)
    monkeypatch.setattr(
        "autograder.sandbox.zygote.compile_filter", lambda profile: allow_everything
    )
    with Sandbox() as sandbox:
        for name, body in SECOND_WALLS.items():
            with sandbox.session([source(body)]) as session:
                answer = session.call(Call("attack", {}, 0), 5)
                assert answer.failure is not None, name
                assert answer.failure.kind == "exception", (name, answer.failure)
        with sandbox.session([source("os.kill(-1, 23)")]) as session:
            session.call(Call("attack", {}, 0), 5)
            assert session.call(Call("honest", {"x": 1}, 1)).value == 2
