"""The parent's handles on the zygote and on the workers it forks."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from autograder.sandbox.inside.frame import Read, Write
from autograder.sandbox.inside.shelf import Shelf
from autograder.sandbox.inside.shelf import make as make_shelf
from autograder.sandbox.inside.view import CODE
from autograder.sandbox.inside.zygote import REQUEST
from autograder.sandbox.limits import SandboxFault, SandboxUnavailable
from autograder.sandbox.profiles import Profile
from autograder.sandbox.runtime import CPU_FACTS, Runtime, find_runtime
from autograder.sandbox.seccomp import compile_filter

START_SECONDS = 180.0  # importing torch from a cold disk takes its time
BUFFER = 4 * 2**20
AHEAD = 64 * 2**10  # bytes that are read at once, if they are there: most answers are much smaller
REAP_SECONDS = 10.0
_SCHEDULED = 2  # the kind of a process' clock in its number: see clock_getcpuclockid(3)
INSIDE = str(Path(__file__).parent / "inside")
_FLAGS = ("-s", "-P", "-S", "-B")
# No -I, which would ignore the hash seed: the order of sets shall be the same in every run.
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OMP_THREAD_LIMIT": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TORCH_DEVICE_BACKEND_AUTOLOAD": "0",
    "LC_ALL": "C.UTF-8",
}
_BOOT = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location(
    "gradmark_inside", sys.argv[1] + "/__init__.py", submodule_search_locations=[sys.argv[1]])
sys.modules[spec.name] = importlib.util.module_from_spec(spec)
del sys.argv[1]
from gradmark_inside.{module} import main
main()
"""


class WorkerGone(Exception):
    """The worker has closed its end of the call socket."""


class Worker:
    """One forked process. Its socket is read and written against a deadline, also while the process
    is on its way."""

    def __init__(
        self, calls: socket.socket, status: socket.socket, shelf: Shelf, seconds: float
    ) -> None:
        """Args: seconds: how long it may be on its way."""
        self.shelf = shelf
        self._calls = calls
        self._status = status
        self._pidfd = -1  # until it is there
        self._status.settimeout(seconds)
        self._ended = threading.Lock()  # held from the moment when its descriptors are closed
        self._store = memoryview(bytearray(AHEAD))
        self._ahead = self._store[:0]  # what was read and not yet asked for
        self.held_too_much = False
        self.deadline = 0.0

    def born(self) -> None:
        """Wait until it is there. Raises SandboxFault when it does not come."""
        if self._pidfd >= 0:
            return
        try:
            message, pidfds, _, _ = socket.recv_fds(self._status, 4096, 1)
            if not pidfds:
                _status(message)
            os.set_inheritable(pidfds[0], False)
            self._pidfd = pidfds[0]
        except (OSError, IndexError, SandboxFault) as error:
            self._calls.close()
            self._status.close()
            raise SandboxFault(f"the sandbox cannot fork: {error}") from error

    def _arm(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._calls.settimeout(left)

    @property
    def read(self) -> Read:
        def read(buffer: memoryview) -> int:
            if not self._ahead:
                self._arm()
                if len(buffer) >= AHEAD:
                    return self._calls.recv_into(buffer)
                self._ahead = self._store[: self._calls.recv_into(self._store)]
            count = min(len(buffer), len(self._ahead))
            buffer[:count] = self._ahead[:count]
            self._ahead = self._ahead[count:]
            return count

        return read

    @property
    def write(self) -> Write:
        def write(buffers: Sequence[memoryview]) -> int:
            self._arm()
            return self._calls.sendmsg(buffers)

        return write

    def end(self) -> int:
        """Kill and bury the worker. Returns how it ended: an exit status, or minus a signal.

        Raises:
            SandboxFault: the zygote does not say.
        """
        self.born()
        self._ended.acquire()
        self._calls.close()
        try:
            # What has just closed its socket is about to end by itself, and how is worth knowing.
            self._status.settimeout(0.2)
            message = self._status.recv(4096)
        except TimeoutError:
            message = self._kill()
        except OSError as error:
            raise SandboxFault(f"the sandbox lost a worker: {error}") from error
        finally:
            os.close(self._pidfd)
            self._status.close()
        return _status(message)

    @property
    def pid(self) -> int:
        """Its number here, -1 when it has ended: a signal goes by its descriptor, not by this."""
        self.born()
        return _pid(self._pidfd)

    @property
    def waits(self) -> bool:
        """Whether it is there and goes on."""
        try:
            self.born()
        except SandboxFault:
            return False
        return not select.select([self._pidfd], [], [], 0)[0]

    @property
    def has_sent(self) -> bool:
        """Whether something is there to be read."""
        return bool(self._ahead) or bool(select.select([self._calls], [], [], 0)[0])

    def processor_seconds(self) -> float:
        """How long the kernel has had it on a processor, all its threads together."""
        return time.clock_gettime(~self.pid << 3 | _SCHEDULED)

    def out_of_memory(self) -> None:
        """End the worker, which holds more than it may. From any thread."""
        if self._ended.acquire(blocking=False):
            self.held_too_much = True
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            self._ended.release()

    def kill(self) -> None:
        """Kill the worker, and leave burying it to the zygote."""
        try:
            self.born()
        except SandboxFault:
            return
        self._ended.acquire()
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        os.close(self._pidfd)
        self._calls.close()
        self._status.close()

    def _kill(self) -> bytes:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        try:
            self._status.settimeout(REAP_SECONDS)
            return self._status.recv(4096)
        except OSError as error:
            raise SandboxFault(f"the sandbox cannot end a worker: {error}") from error


def _check_threads(pid: int) -> None:
    threads = re.search(r"^Threads:\s*(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.M)
    if threads is None or threads[1] != "1":
        # Forked from several threads, a worker would hang at torch's first parallel loop.
        raise SandboxFault("the zygote runs more than one thread")


def _pid(pidfd: int) -> int:
    """The process' number here, whatever it is called in its own namespace."""
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        if line.startswith("Pid:"):
            return int(line.split()[1])
    raise SandboxFault("a process of the sandbox has no number: /proc is not the kernel's own.")


def _status(message: bytes) -> int:
    report = json.loads(message) if message else {"fault": "the zygote is gone"}
    if "status" not in report:
        raise SandboxFault(f"the sandbox failed: {report.get('fault', report)}")
    return int(report["status"])


@dataclass(frozen=True)
class Program:
    """What a zygote's workers do, and what of this machine's files they see."""

    module: str  # with `warm_up(*warm)` and `serve(shelf)`
    runtime: Callable[[], Runtime]
    optional: tuple[str, ...] = ()  # paths to be seen inside, where there are such
    warm: tuple[str, ...] = ()


SUBMISSIONS = Program("gradmark_inside.worker", find_runtime, CPU_FACTS)


class Allowance(Protocol):
    """What one worker may use."""

    @property
    def memory_bytes(self) -> int: ...
    @property
    def cpu_seconds(self) -> int: ...
    @property
    def scratch_bytes(self) -> int: ...


class Zygote:
    """A process that has imported what its program needs, and forks workers.

    Starting one with torch takes seconds, in which the caller may do something else: it is over
    when `ready` returns.
    """

    def __init__(self, profile: Profile, program: Program = SUBMISSIONS) -> None:
        runtime = program.runtime()
        confined = profile.confined
        code = CODE if profile.isolation == "namespaces" else INSIDE
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        config = {
            "control": theirs.fileno(),
            "isolation": profile.isolation,
            "seccomp": base64.b64encode(compile_filter(profile) if confined else b"").decode(),
            "path": (*runtime.path, *profile.path),
            "imports": profile.imports,
            "program": [
                program.module,
                *program.warm,
                *([profile.device] if profile.context else []),
            ],
            "command": (runtime.python, *_FLAGS, "-c", _BOOT.format(module="zygote"), code),
            "environment": {**_ENVIRONMENT, **profile.environment},
            "walls": {
                "nodes": tuple(profile.nodes),
                "own_proc": profile.own_proc,
                "threads": profile.threads,
                "address_space": profile.address_space,
                "trees": (*runtime.trees, *profile.trees, INSIDE),
                "masks": runtime.masks,
                "jail": profile.jail,
            },
            "view": {
                "trees": runtime.trees,
                "elsewhere": {**profile.nodes, **profile.trees},
                "optional": program.optional,
                "masks": runtime.masks,
                "code": INSIDE,
                "own_proc": profile.own_proc,
            },
        }
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        launcher = _BOOT.format(module="launcher")
        self._launcher = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", launcher, INSIDE],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            pass_fds=[theirs.fileno()],
            env={},
            cwd="/",
        )
        theirs.close()
        self._pid = 0  # until it is ready
        assert self._launcher.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):  # it has ended, and `ready` says why
            self._launcher.stdin.write(json.dumps(config).encode())
            self._launcher.stdin.close()

    def ready(self) -> None:
        """Wait until it can fork.

        Raises:
            SandboxUnavailable: this machine cannot confine code.
            SandboxFault: it does not start although it should.
        """
        if self._pid:
            return
        try:
            self._pid = self._await_start()
        except BaseException:
            self.close()
            raise

    def _await_start(self) -> int:
        self._control.settimeout(START_SECONDS)
        pid = 0
        while True:
            try:
                message, pidfds, _, _ = socket.recv_fds(self._control, 65536, 1)
            except TimeoutError:
                raise SandboxFault("the sandbox did not start in time") from None
            if not message:
                raise SandboxFault(f"the sandbox did not start: {self._last_words()}")
            news: dict[str, Any] = json.loads(message)
            if "unavailable" in news:
                raise SandboxUnavailable(news["unavailable"])
            for pidfd in pidfds:
                pid = _pid(pidfd)
                os.close(pidfd)
            if "ready" in news:
                break
        _check_threads(pid)
        return pid

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it ended without a word"

    @property
    def alive(self) -> bool:
        return self._launcher.poll() is None

    def fork(self, slot: int, allowance: Allowance, *, more: bool = False) -> Worker:
        """A new worker.

        Args:
            more: whether it is to find imported what few of them need.

        Raises:
            SandboxUnavailable, SandboxFault: as from `ready`.
            SandboxFault: the zygote cannot fork or has gone.
        """
        worker = self.begin(slot, allowance, more=more)
        worker.born()
        if more:
            _check_threads(self._pid)
        return worker

    def begin(self, slot: int, allowance: Allowance, *, more: bool = False) -> Worker:
        """As `fork`, with the worker still on its way: `born` waits for it."""
        self.ready()
        try:
            shelf_fd = make_shelf()
        except OSError as error:
            raise SandboxFault(f"the sandbox cannot fork: {error}") from error
        calls, worker_calls = socket.socketpair()
        for end in (calls, worker_calls):  # as much as the kernel gives: fewer waits for the peer
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        status, zygote_status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        numbers = allowance.memory_bytes, allowance.cpu_seconds, allowance.scratch_bytes
        request = REQUEST.pack(slot, more, *numbers)
        descriptors = [worker_calls.fileno(), zygote_status.fileno(), shelf_fd]
        try:
            socket.send_fds(self._control, [request], descriptors)
            shelf = Shelf(shelf_fd)
        except OSError as error:
            calls.close()
            status.close()
            raise SandboxFault(f"the sandbox cannot fork: {error}") from error
        finally:
            worker_calls.close()
            zygote_status.close()
            os.close(shelf_fd)
        return Worker(calls, status, shelf, START_SECONDS if more else REAP_SECONDS)

    def close(self) -> None:
        """End the zygote, and with it every worker."""
        self._control.close()
        self._launcher.kill()
        self._launcher.wait()
        if self._launcher.stdin is not None:
            self._launcher.stdin.close()
        self._log.close()
