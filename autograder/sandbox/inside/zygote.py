"""Imports once what its workers need, then forks one confined worker per request.

What it imports and what a worker does is the business of a program: a module with `warm_up()` and
`serve(shelf)`, named by whoever starts the zygote. If it has `warm_up_more()` as well, that is done
before the first worker for whom more is asked.

It never reads a submission, an argument or a result: it gets descriptors and a few numbers, and
what it forks talks to the parent directly. Otherwise a later submission could find an earlier
one in the memory it inherits.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from . import kernel
from .confine import Confinement, Walls, confine, confine_flat, hidden_by_scratch, keep_only, limit
from .shelf import Shelf

REQUEST = struct.Struct("<I?QQQ")  # slot, more, memory_bytes, cpu_seconds, scratch_bytes


def main() -> None:
    config = json.loads(sys.argv[1])
    control = socket.socket(fileno=config["control"])
    sys.argv[1:] = []
    sys.path[:] = [*sys.path, *config["path"]]
    try:
        gc.disable()  # imports make many objects and little garbage
        module, *warm = config["program"]
        program = importlib.import_module(module)
        program.warm_up(*warm)
        for name in config["imports"]:
            importlib.import_module(name)
    except Exception as error:
        _tell(control, {"unavailable": f"what it runs cannot be imported inside: {error!r}"})
        raise
    settle()
    _tell(control, {"ready": os.getpid()})
    Zygote(control, config, program).run()


class Zygote:
    def __init__(self, control: socket.socket, config: dict[str, Any], program: Any) -> None:
        self._control = control
        self._serve: Callable[[Shelf], None] = program.serve
        self._warm_up_more: Callable[[], None] | None = getattr(program, "warm_up_more", None)
        self._isolation: str = config["isolation"]
        seccomp = base64.b64decode(config["seccomp"])
        walls = config["walls"]
        self._walls = Walls(seccomp=seccomp, in_scratch=hidden_by_scratch(walls["trees"]), **walls)
        self._self = os.pidfd_open(os.getpid())
        self._workers: dict[int, tuple[int, socket.socket]] = {}  # by the worker's pidfd

    def run(self) -> None:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor in self._workers:
                    poll.unregister(descriptor)
                    self._bury(descriptor)
                else:
                    message, descriptors, _, _ = socket.recv_fds(self._control, REQUEST.size, 3)
                    if not message:
                        os._exit(0)
                    worker = self._fork(REQUEST.unpack(message), *descriptors)
                    if worker is not None:
                        poll.register(worker, select.POLLIN)

    def _fork(
        self, numbers: tuple[int, ...], call_fd: int, status_fd: int, shelf_fd: int
    ) -> int | None:
        status = socket.socket(fileno=status_fd)
        slot, more, *rest = numbers
        if more and self._warm_up_more is not None:
            gc.disable()
            self._warm_up_more()
            self._warm_up_more = None
            settle()
        how = Confinement(self._walls, slot, *rest)
        try:
            if self._isolation == "namespaces":
                kernel.unshare(kernel.CLONE_NEWPID)
            try:
                pid = os.fork()
                if not pid:
                    self._work(call_fd, status, shelf_fd, how)
            finally:
                if self._isolation == "namespaces":
                    kernel.setns(self._self, kernel.CLONE_NEWPID)
        except OSError as error:
            _tell(status, {"fault": f"fork: {error}"})
            status.close()
            return None
        finally:
            os.close(call_fd)
            os.close(shelf_fd)
        pidfd = os.pidfd_open(pid)
        self._workers[pidfd] = pid, status
        try:
            socket.send_fds(status, [b"{}"], [pidfd])
        except OSError:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)  # nobody is waiting for it
        return pidfd

    def _work(
        self, call_fd: int, status: socket.socket, shelf_fd: int, how: Confinement
    ) -> NoReturn:
        """What the forked process does. It must never return into the zygote's loop."""
        try:
            try:
                shelf = Shelf(shelf_fd)
                if self._isolation == "namespaces":
                    confine(call_fd, how)
                elif self._isolation == "flat":
                    confine_flat(call_fd, how)
                else:
                    os.setsid()
                    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
                    keep_only(call_fd)
                    limit(how)
            except BaseException as error:
                _tell(status, {"fault": f"confine: {error!r}"})
                os._exit(1)
            status.detach()
            self._control.detach()
            self._serve(shelf)
        except BaseException:
            os._exit(1)
        os._exit(0)

    def _bury(self, pidfd: int) -> None:
        pid, status = self._workers.pop(pidfd)
        _, code = os.waitpid(pid, 0)
        _tell(status, {"status": os.waitstatus_to_exitcode(code)})
        status.close()
        os.close(pidfd)


def _tell(peer: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the parent has gone, or let go of this worker
        peer.send(json.dumps(message).encode())


def settle() -> None:
    """Let no collection in a worker touch, and thereby copy, what is shared: what is there now is
    never collected."""
    gc.freeze()
    gc.enable()
