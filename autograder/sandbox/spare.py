"""A worker ahead: its device is set up while another one works, so that nobody waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable

from autograder.sandbox.inside import frame
from autograder.sandbox.limits import DeviceFault
from autograder.sandbox.zygote import Worker

# A first context on a cold machine takes seconds; a device that needs longer is no use.
TRY_SECONDS = 60.0
MAX_HEADER = 4096
_ENDED = "the process that was to use it has ended"


class Spare:
    """One worker that has its device set up and has not met a submission.

    Args:
        fork: makes a confined worker.
        device: what operators call the device.
        inside: what workers call it.
    """

    def __init__(self, fork: Callable[[], Worker], device: str, inside: str) -> None:
        self._fork = fork
        self._device = device
        self._inside = inside
        self._worker: Worker | None = None
        self._asked = False  # whether it owes an answer

    def prepare(self) -> None:
        """Have one on its way."""
        if self._worker is None:
            self._worker = self._fork()
            self._ask(self._worker)

    def take(self) -> Worker:
        """The worker, after it has shown that the device works now.

        Raises:
            DeviceFault: the device does not work, in a fresh process either.
        """
        self.examine()
        worker, self._worker = self._worker, None
        assert worker is not None  # noqa: S101 - `examine` has made one
        return worker

    def examine(self) -> None:
        """Let the device work, in a process that no submission was in. Raises DeviceFault."""
        wrong = self._try()
        if wrong:  # perhaps that process' fault
            self.drop()
            wrong = self._try()
        if wrong:
            self.drop()
            raise DeviceFault(self._device, wrong)

    def drop(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def _try(self) -> str:
        """What is wrong now: what the worker said when it was made says nothing about that."""
        self.prepare()
        worker = self._worker
        assert worker is not None  # noqa: S101
        wrong = self._answer(worker) if self._asked else ""
        if not wrong:
            try:
                self._ask(worker)
            except OSError:
                return _ENDED
            wrong = self._answer(worker)
        return wrong

    def _ask(self, worker: Worker) -> None:
        worker.deadline = time.monotonic() + TRY_SECONDS
        frame.send(worker.write, {"try": self._inside}, [])
        self._asked = True

    def _answer(self, worker: Worker) -> str:
        self._asked = False
        worker.deadline = time.monotonic() + TRY_SECONDS
        try:
            text, _ = frame.read_header(worker.read, MAX_HEADER)
        except TimeoutError:
            return f"it does not answer within {TRY_SECONDS:g} seconds"
        except (EOFError, OSError):
            return _ENDED
        return str(frame.decode(text)["wrong"])
