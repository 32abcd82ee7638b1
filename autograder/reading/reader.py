"""The parent's side: a warm process without torch, and a fork of it for each job."""

from __future__ import annotations

import atexit
import threading
import time
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from autograder.handin.submission import MAX_BYTES, Submission, SubmissionError
from autograder.reading.answer import MAX_SENTENCE, AnswerError, decode, receive, storable
from autograder.reading.inside.code import File
from autograder.reading.inside.jobs import JOBS, Job
from autograder.sandbox.inside import frame
from autograder.sandbox.limits import SandboxFault
from autograder.sandbox.profiles import profile_for
from autograder.sandbox.runtime import Runtime, python_with
from autograder.sandbox.zygote import Program, Worker, Zygote

AT_ONCE = 4  # jobs; what they may use together is that many times what one may
PATIENCE = 60.0  # seconds on the clock: so long only a machine that is short of everything takes
_NEEDED = ("nbformat", "ipython", "pillow")
_OF_USE = ("copydetect",)  # where they are installed
_CODE = ("__init__.py", "handin", "reading/inside", "sandbox/inside")  # of ours, to be seen inside


class TooMuch(SubmissionError):
    """Reading it takes more than it may: more processor time, more memory, or its reader's life."""


class Reader:
    """Reads what was handed in. It starts with the first job, and may be used from any thread.

    Args:
        confined: False runs the same processes with no namespaces and no system-call filter: for
            files that the caller wrote.
        warm: jobs that shall find warm what they need, at the price of a later start.

    Raises:
        SandboxUnavailable: this machine cannot confine.
    """

    def __init__(self, confined: bool = True, warm: tuple[str, ...] = ()) -> None:
        self._confined = confined
        self._program = Program("autograder.reading.inside.program", runtime, warm=warm)
        self._lock = threading.Lock()
        self._free = list(range(AT_ONCE))
        self._gate = threading.BoundedSemaphore(AT_ONCE)
        self._zygote: Zygote | None = None

    def start(self, *, wait: bool = True) -> None:
        """Be warm, if it is not yet, or on the way there."""
        if wait:
            self._warm()
        else:
            with self._lock:
                self._start()

    def read(self, name: str, content: bytes) -> Submission:
        """What was handed in under that name.

        Raises:
            SubmissionError: it cannot be read; the message is one sentence for the student.
            SandboxFault: something of ours failed.
        """
        found: Submission = self.run("read", (name, content))
        return found

    def run(self, job: str, *files: File, **arguments: Any) -> Any:
        """The result of that job. Errors as for `read`."""
        wanted = JOBS[job]
        # One byte more than there may be says as much as all of them.
        cut = [(name, content[: MAX_BYTES + 1]) for name, content in files]
        header = {
            "job": job,
            "files": [[name, len(content)] for name, content in cut],
            "arguments": arguments,
        }
        if not self._gate.acquire(timeout=PATIENCE):
            raise SandboxFault("too much is being read at the moment")
        try:
            return self._run(wanted, header, [memoryview(content) for _, content in cut])
        finally:
            self._gate.release()

    def _run(self, job: Job, header: dict[str, Any], contents: list[memoryview]) -> Any:
        with self._lock:
            slot = self._free.pop()
        try:
            worker = self._fork(slot, job)
            worker.deadline = time.monotonic() + PATIENCE
            try:
                frame.send(worker.write, header, contents)
                node, texts = receive(worker.read, job.reply_bytes)
                if "result" in node:
                    return decode(job.result, node["result"], texts)
            except AnswerError:
                raise TooMuch(_beyond(header)) from None
            except (EOFError, ConnectionError):  # its limits, or a crash of what reads
                raise TooMuch(_beyond(header)) from None
            except TimeoutError:
                raise SandboxFault("reading took too long: the machine is overloaded") from None
            finally:
                worker.kill()
        finally:
            with self._lock:
                self._free.append(slot)
        refused = node.get("refused")
        if type(refused) is str:
            raise SubmissionError(storable(refused)[:MAX_SENTENCE])
        raise TooMuch(_beyond(header))

    def _fork(self, slot: int, job: Job) -> Worker:
        zygote = self._warm()
        try:
            return zygote.fork(slot, job)
        except SandboxFault:  # once may be bad luck
            with self._lock:
                if self._zygote is zygote:
                    zygote.close()
                    self._zygote = None
            return self._warm().fork(slot, job)

    def _warm(self) -> Zygote:
        with self._lock:
            zygote = self._start()
            zygote.ready()
            return zygote

    def _start(self) -> Zygote:
        if self._zygote is None or not self._zygote.alive:
            if self._zygote is not None:
                self._zygote.close()
            self._zygote = None
            self._zygote = Zygote(profile_for("cpu", confined=self._confined), self._program)
        return self._zygote

    def close(self) -> None:
        """End every process. The next job starts afresh."""
        with self._lock:
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None


@cache
def reader() -> Reader:
    """A warm one for all that this process reads."""
    shared = Reader(warm=("read",))
    atexit.register(shared.close)
    return shared


def runtime() -> Runtime:
    """Python, what jobs import, and of the project the code that reads."""
    runtime = python_with(*_NEEDED, *(name for name in _OF_USE if _installed(name)))
    package = Path(__file__).parents[1]
    trees = (*runtime.trees, *(str(package / name) for name in _CODE))
    path = dict.fromkeys((*runtime.path, str(package.parent)))
    return Runtime(runtime.python, trees, runtime.masks, tuple(path))


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _beyond(header: dict[str, Any]) -> str:
    name = str(header["files"][0][0]) if header["files"] else "the file"
    shown = repr(storable(name if len(name) <= 80 else name[:77] + "..."))
    return f"{shown} takes too long or too much memory to read: hand in the plain file."
