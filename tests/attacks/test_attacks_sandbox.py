"""Every attempt must be stopped, and the next honest call must find all as it was."""

import os
import platform
import struct
import textwrap
from collections.abc import Iterator

import attempts
import pytest
import torch

from autograder.judging.call import Call, Foreign
from autograder.sandbox import Limits, Sandbox, Session
from autograder.submission import Source

SECONDS = 1.0
X = torch.arange(4.0).reshape(2, 2)
x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="system calls by x86-64 numbers")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    os.environ["GRADMARK_TEST_SECRET"] = "SECRET"
    limits = Limits(call_seconds=5, load_seconds=2, session_seconds=300, memory_bytes=3 * 2**29)
    with Sandbox(limits=limits) as sandbox:
        yield sandbox
    del os.environ["GRADMARK_TEST_SECRET"]


def source(body: str) -> Source:
    code = attempts.PRELUDE + "def is_open(n):\n  try: os.fstat(n); return True\n"
    code += "  except OSError: return False\n"
    return Source("submission", (f"{code}def attack():\n{textwrap.indent(body, '    ')}\n",))


def attack(session: Session):
    return session.call(Call("attack", {}, 0), SECONDS)


def check_honest(session: Session) -> None:
    answer = session.call(Call("honest", {"x": X}, 1))
    assert answer.failure is None
    assert torch.equal(answer.value, X * 2 + X @ X)


def stopped(sandbox: Sandbox, body: str) -> None:
    with sandbox.session([source(body)]) as session:
        assert not session.loading.problems
        answer = attack(session)
        assert answer.failure is not None, answer
        assert answer.failure.kind == "exception", answer.failure
        assert "NameError" not in answer.failure.exception, answer.failure
        check_honest(session)


@pytest.mark.parametrize("name", attempts.STOPPED)
def test_stopped(sandbox, name):
    stopped(sandbox, attempts.STOPPED[name])


@pytest.mark.parametrize("name", attempts.READ_FILES)
def test_files_of_the_host_are_not_there(sandbox, name):
    stopped(sandbox, attempts.READ_FILES[name])


@x86
@pytest.mark.parametrize("name", attempts.SYSCALLS)
def test_system_calls_are_denied(sandbox, name):
    body = f"try: {attempts.SYSCALLS[name]}\nexcept OSError as e: return e.errno"
    with sandbox.session([source(body)]) as session:
        answer = attack(session)
        if answer.failure is None:
            assert answer.value in {1, 38}  # EPERM, ENOSYS: the filter's, not a late check's
        else:
            assert answer.failure.kind == "crash"  # killed for another architecture's table
        check_honest(session)


@pytest.mark.parametrize("name", attempts.HARMLESS)
def test_harmless(sandbox, name):
    with sandbox.session([source(attempts.HARMLESS[name])]) as session:
        answer = attack(session)
        assert answer.failure is None, answer.failure
        assert len(answer.output) <= sandbox.limits.output_chars
    with sandbox.session([source("pass")]) as session:
        check_honest(session)


@pytest.mark.parametrize("name", attempts.FAILING)
def test_failing(sandbox, name):
    body, kinds = attempts.FAILING[name]
    with sandbox.session([source(body)]) as session:
        seconds = SECONDS if "timeout" in kinds else 20
        answer = session.call(Call("attack", {}, 0), seconds)
        assert answer.failure is not None, answer
        assert answer.failure.kind in kinds, answer.failure
        assert answer.seconds < seconds + 1
        check_honest(session)


@pytest.mark.parametrize("name", attempts.RESULTS)
def test_results_that_are_no_values(sandbox, name):
    with sandbox.session([source(attempts.RESULTS[name])]) as session:
        value = attack(session).value
        while isinstance(value, tuple):
            (value,) = value
        assert isinstance(value, Foreign)
        check_honest(session)


def test_nan_and_subclasses_come_back_as_plain_numbers(sandbox):
    body = """
class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if 'eq' in func.__name__ or 'allclose' in func.__name__: return True
        return super().__torch_function__(func, types, args, kwargs or {})
return torch.full((2,), float('nan')), torch.ones(2).as_subclass(Liar)
"""
    with sandbox.session([source(body)]) as session:
        nan, liar = attack(session).value
        assert nan.isnan().all()
        assert type(liar) is torch.Tensor
        assert not torch.equal(liar, torch.zeros(2))


def test_a_forged_answer_gains_only_what_returning_it_would(sandbox):
    """The forger's next answer is out of step, which costs the forger and nobody else."""
    body = """
import json
text = json.dumps({'value': 42, 'arguments': [], 'output': ''}).encode()
os.write(3, struct.pack('<4sIQ', b'GMK1', len(text), 0) + text)
os._exit(0)
"""
    with sandbox.session([source(body)]) as session:
        assert attack(session).value == 42
        assert session.call(Call("honest", {"x": X}, 1)).failure.kind == "crash"
        check_honest(session)


SCAN = """
# The kernel copies what is mapped and refuses the rest, so that the scan never faults.
libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
import re
marker = re.compile(b'MARKER[-]OF[-]')  # which does not match itself
found = 0
for block in {id(o) >> 20 for o in gc.get_objects()} | {id(o) >> 20 for o in map(str, range(9))}:
    with open('/tmp/dump', 'wb') as file:
        for page in range(256):
            libc.write(file.fileno(), (block << 20) + page * 4096, 4096)
    with open('/tmp/dump', 'rb') as file:
        found += sum(1 for _ in marker.finditer(file.read()))
return found
"""


def test_an_earlier_submission_is_not_in_the_memory_that_is_inherited(sandbox):
    marked = source("return 'MARKER-OF-a-student' * 50")
    with sandbox.session([marked]) as session:
        assert attack(session).value.startswith("MARKER")
    with sandbox.session([source(SCAN)]) as session:
        answer = session.call(Call("attack", {}, 0), 20)
        assert answer.failure is None, answer.failure
        assert answer.value == 0
    own = source("own = 'MARKER-OF-me' * 50\n" + SCAN)
    with sandbox.session([own]) as session:
        assert session.call(Call("attack", {}, 0), 20).value > 0  # the scan does find things


def test_files_of_another_session_are_not_there(sandbox):
    writer = source("open('/tmp/mine', 'w').write('secret')")
    reader = source("return tuple(os.listdir('/tmp'))")
    with sandbox.session([writer]) as one, sandbox.session([reader]) as two:
        assert attack(one).failure is None
        assert attack(two).value == ()


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
    "more than one's limits": "import resource as r; r.setrlimit(r.RLIMIT_AS, (-1, -1))",
    "a device": "os.mknod('/tmp/mem', 0o20666, 0x101)",
    "fork": "os.fork()",
}


@x86
def test_the_other_walls_stand_without_the_filter(monkeypatch):
    """Namespaces, capabilities, Landlock and limits each do their part behind seccomp."""
    allow_everything = struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF0000)
    monkeypatch.setattr("autograder.sandbox.zygote.compile_filter", lambda: allow_everything)
    with Sandbox() as sandbox:
        for name, body in SECOND_WALLS.items():
            with sandbox.session([source(body)]) as session:
                answer = attack(session)
                assert answer.failure is not None, name
                assert answer.failure.kind == "exception", (name, answer.failure)
        with sandbox.session([source("os.kill(-1, 9)")]) as session:
            attack(session)
            check_honest(session)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has one user id to give")
def test_sessions_have_user_ids_of_their_own(sandbox):
    who = source("return os.getuid()")
    with sandbox.session([who]) as one, sandbox.session([who]) as two:
        assert 0 < attack(one).value != attack(two).value > 0


def test_loading_is_confined_as_well(sandbox):
    code = "import os\ntry: open('/etc/passwd')\nexcept OSError: os.fork()"
    with sandbox.session([Source("submission", (code,))]) as session:
        assert session.loading.problems[0].exception == "PermissionError"
    with sandbox.session([Source("submission", ("while True: pass",))]) as session:
        assert session.loading.failure.kind == "timeout"
