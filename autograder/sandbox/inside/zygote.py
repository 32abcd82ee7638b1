"""Imports torch once, then forks one confined worker per request.

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
from typing import Any, NoReturn

from . import kernel
from .confine import Confinement, confine, keep_only, limit

# What submissions import, or torch and Python do at first use.
LIKELY = (
    *(
        "collections",
        "copy",
        "dataclasses",
        "enum",
        "functools",
        "inspect",
        "itertools",
        "linecache",
    ),
    *("math", "numpy.random", "random", "statistics", "tokenize", "traceback", "typing"),
    "torch._dynamo",  # optimizers and torch.func need it, and it takes more than a second
)
REQUEST = struct.Struct("<IQQQ")  # slot, memory_bytes, cpu_seconds, scratch_bytes


def main() -> None:
    config = json.loads(sys.argv[1])
    control = socket.socket(fileno=config["control"])
    sys.argv[1:] = []
    sys.path[:] = [*sys.path, *config["path"]]
    try:
        warm_up()
    except Exception as error:
        _tell(control, {"unavailable": f"torch cannot be imported inside: {error!r}"})
        raise
    gc.collect()
    gc.freeze()  # so that no collection in a worker touches, and thereby copies, what is shared
    _tell(control, {"ready": os.getpid()})
    Zygote(control, config).run()


class Zygote:
    def __init__(self, control: socket.socket, config: dict[str, Any]) -> None:
        self._control = control
        self._confined: bool = config["confined"]
        self._uids: int = config["uids"]
        self._seccomp = base64.b64decode(config["seccomp"])
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
                    message, descriptors, _, _ = socket.recv_fds(self._control, REQUEST.size, 2)
                    if not message:
                        os._exit(0)
                    worker = self._fork(REQUEST.unpack(message), *descriptors)
                    if worker is not None:
                        poll.register(worker, select.POLLIN)

    def _fork(self, numbers: tuple[int, ...], call_fd: int, status_fd: int) -> int | None:
        status = socket.socket(fileno=status_fd)
        slot, memory, cpu, scratch = numbers
        how = Confinement(slot, memory, cpu, scratch, self._uids, self._seccomp)
        try:
            if self._confined:
                kernel.unshare(kernel.CLONE_NEWPID)
            try:
                pid = os.fork()
                if not pid:
                    self._work(call_fd, status, how)
            finally:
                if self._confined:
                    kernel.setns(self._self, kernel.CLONE_NEWPID)
        except OSError as error:
            _tell(status, {"fault": f"fork: {error}"})
            status.close()
            return None
        finally:
            os.close(call_fd)
        pidfd = os.pidfd_open(pid)
        self._workers[pidfd] = pid, status
        try:
            socket.send_fds(status, [b"{}"], [pidfd])
        except OSError:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)  # nobody is waiting for it
        return pidfd

    def _work(self, call_fd: int, status: socket.socket, how: Confinement) -> NoReturn:
        """What the forked process does. It must never return into the zygote's loop."""
        try:
            try:
                if self._confined:
                    confine(call_fd, how)
                else:
                    os.setsid()
                    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
                    keep_only(call_fd)
                    limit(how.memory_bytes, how.cpu_seconds)
            except BaseException as error:
                _tell(status, {"fault": f"confine: {error!r}"})
                os._exit(1)
            status.detach()
            self._control.detach()
            from .worker import serve

            serve()
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


def warm_up() -> None:
    """Import what submissions use and run what torch sets up lazily, so that workers need not."""
    for name in LIKELY:
        importlib.import_module(name)
    import numpy as np
    import torch

    from . import scan, trace, worker  # noqa: F401

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    # Warn only: what has no deterministic kernel shall still run.
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.default_generator.manual_seed(0)
    np.random.seed(0)
    for dtype in (torch.float32, torch.float64):
        image = torch.rand(2, 3, 8, 8, dtype=dtype, requires_grad=True)
        kernels = torch.rand(4, 3, 3, 3, dtype=dtype)
        matrix = torch.rand(6, 6, dtype=dtype)
        out = torch.nn.functional.conv2d(image, kernels, padding=1)
        out = torch.nn.functional.max_pool2d(out, 2).flatten(1)
        out = torch.log_softmax(out, 1) + torch.sigmoid(out) * torch.tanh(out).exp()
        out = out.sum() + torch.nn.functional.batch_norm(image, None, None, training=True).sum()
        torch.autograd.grad(out, image)
        torch.nn.functional.unfold(image, 3)
        torch.einsum("ij,jk->ik", matrix, matrix)
        torch.fft.fft(matrix)
        torch.linalg.svd(matrix)
        torch.linalg.solve(matrix, matrix)
        torch.erf(matrix).sort()
        torch.where(matrix > 0.5, matrix, 0.0).var(0)
        torch.bernoulli(matrix)
        torch.randn(4, dtype=dtype).clamp(min=0).sqrt().pow(2).topk(2)
        matrix[matrix > 0.5].cumsum(0)
        np.asarray(matrix) @ np.asarray(matrix)
    torch.randperm(5)
    str(torch.rand(2, 2))
    torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())(torch.rand(1, 2))
    with trace.Operators():
        torch.rand(2, 2).sum(dim=[0, 1])
    scan.scan([{"module": "a", "chunks": ["import torch\ntorch.rand(2)"], "notebook": False}])
