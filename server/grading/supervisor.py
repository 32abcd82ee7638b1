"""Keeps grader processes running: both ends of it, the parent's and the child's."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from server.storage.config import DatabaseAway

log = logging.getLogger(__name__)

_READY = b"ready\n"
_GRACE = 10.0  # seconds that a grader has to give back what it is grading
# Seconds before a dead grader is replaced; doubled each time while they die young.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


class GraderEnded(Exception):
    """A grader ended by itself before it was ready; it has said why on its standard error."""

    def __init__(self, status: int) -> None:
        super().__init__(f"A grader process could not start (exit status {status}).")
        self.status = status


class Supervisor:
    """Starts graders, replaces those that die, and stops them.

    Args:
        commands: one for each grader.
        give_up: called once, from another thread, when a grader ends before it could grade: it has
            said why, and no other one would do better.
    """

    def __init__(
        self, commands: Sequence[Sequence[str]], give_up: Callable[[GraderEnded], object]
    ) -> None:
        self._commands = commands
        self._give_up = give_up
        self._graders: list[_Grader] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the graders, which takes them seconds, and do not wait for them."""
        self._graders = [_Grader(command) for command in self._commands]
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for grader in self._graders:
            grader.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join()
        self._stop_all()

    def _watch(self) -> None:
        try:
            for grader in self._graders:
                grader.wait_until_ready()
        except GraderEnded as ended:
            if not self._stopping.is_set():
                self._give_up(ended)
            return
        while not self._stopping.wait(0.2):
            for grader in self._graders:
                grader.restart_if_dead()

    def _stop_all(self) -> None:
        for grader in self._graders:
            grader.ask_to_stop()
        deadline = time.monotonic() + _GRACE
        for grader in self._graders:
            grader.end(deadline)


class _Grader:
    """One grader's place: the process in it changes when it dies."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process = self._start(subprocess.PIPE)
        self._pause = _SHORTEST_PAUSE
        self._next_start: float | None = None

    def wait_until_ready(self) -> None:
        with self._process.stdout or nullcontext() as told:
            if told is None or told.readline() == _READY:
                return
        status = self._process.wait()
        if status >= 0 and status != DatabaseAway.exit_status:
            raise GraderEnded(status)  # killed, or too early, it is replaced like any other

    def restart_if_dead(self) -> None:
        if self._process.poll() is None:
            return
        now = time.monotonic()
        if self._next_start is None:
            log.error("A grader died (exit status %d); starting another.", self._process.returncode)
            if now - self._started > 2 * _LONGEST_PAUSE:
                self._pause = _SHORTEST_PAUSE
            self._next_start = now + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        elif now >= self._next_start:
            self._process = self._start(subprocess.DEVNULL)
            self._next_start = None

    def ask_to_stop(self) -> None:
        self._process.terminate()

    def end(self, deadline: float) -> None:
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.error("A grader did not stop in time and is killed; its submission is kept.")
            self._process.kill()
            self._process.wait()

    def _start(self, stdout: int) -> subprocess.Popen[bytes]:
        # In a process group of its own, so that Ctrl-C in a terminal reaches only the server,
        # which then stops its graders in good order. Nothing is ever written to its standard
        # input: that it ends tells the grader that this process is gone.
        self._started = time.monotonic()
        return subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=stdout, process_group=0
        )


def say_ready() -> None:
    """In the grader: tell the supervisor that it can grade.

    Standard output then gives way to standard error: nobody reads the pipe any more.
    """
    os.write(1, _READY)
    os.dup2(2, 1)


def die_with_parent() -> None:
    """In the grader: stop as on SIGTERM when the supervisor is gone, however and whenever it went.

    Standard input tells, and not the parent's process id: by the time that a grader could ask for
    that, the supervisor may be gone already.
    """

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
