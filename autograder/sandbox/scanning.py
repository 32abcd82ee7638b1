"""What a submission's source uses, looked for in a process of its own while its session goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from types import TracebackType

from autograder.sandbox import codec
from autograder.sandbox.inside import wire
from autograder.sandbox.inside.loading.source import Source
from autograder.sandbox.limits import SandboxFault
from autograder.sandbox.zygote import Worker

_TO_READ = 1.0  # seconds for what lies ready


class Scan:
    """It begins with `with`, and runs nothing of the submission.

    Args:
        fork: makes a worker, or has one on its way.
        seconds: how long it may take, on the clock.
    """

    def __init__(
        self, fork: Callable[[], Worker], sources: Sequence[Source], seconds: float
    ) -> None:
        self._fork = fork
        self._request = {"scan": [asdict(source) for source in sources]}
        self._seconds = seconds
        self._worker: Worker | None = None

    def __enter__(self) -> Scan:
        self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    @cached_property
    def statements(self) -> tuple[codec.Statement, ...] | None:
        """What each top-level statement uses, for a source policy; None where looking for it takes
        more than it may.

        Raises:
            SandboxFault: something of ours failed, twice in a row.
        """
        try:
            return self._read()
        except SandboxFault:  # once may be bad luck
            self._begin()
            return self._read()

    def _begin(self) -> None:
        self._worker = self._fork()
        self._worker.deadline = time.monotonic() + self._seconds
        with suppress(OSError):  # which whoever reads is told as well
            wire.send(self._worker.write, self._request, [])

    def _read(self) -> tuple[codec.Statement, ...] | None:
        worker = self._worker
        assert worker is not None  # noqa: S101 - it has begun
        # Perhaps it has been done for long.
        worker.deadline = max(worker.deadline, time.monotonic() + _TO_READ)
        try:
            return codec.read_statements(worker.read)
        except (TimeoutError, codec.ReplyError):
            return None
        except (EOFError, OSError):
            self._worker = None
            worker.end()  # which says if it was not the submission's doing
            return None
