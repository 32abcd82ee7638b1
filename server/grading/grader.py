"""The process that claims submissions, has them graded and stores their reports.

`gradmark grader --data DIR` runs one; any number may share a data directory.
"""

from __future__ import annotations

import atexit
import gc
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError

from autograder.handin.submission import Submission
from autograder.reading import reader
from server import engine, logs, options
from server.engine import (
    CannotConfine,
    DeviceBroken,
    DeviceUnfit,
    Grade,
    OpenGrader,
    Progress,
    ReferenceChanged,
    Report,
)
from server.grading import presence
from server.grading.exercises import Digests, Same
from server.grading.heartbeat import repeated
from server.grading.presence import Sign
from server.grading.queue import Claim, LeaseLost, Patience, Queue
from server.grading.supervisor import die_with_parent, say_ready
from server.storage.config import Config, ConfigError
from server.storage.database import forgiving, is_full, opened, passes, why
from server.storage.files import Files

log = logging.getLogger("server.grading.grader")  # also when run as a program

EXIT_CANNOT_GRADE = 3

_SECONDS_PER_STEP = 0.5
_SECONDS_BETWEEN_LOOKS = 5.0  # at exercises that cannot be loaded
_SECONDS_BETWEEN_TRIES = 60.0  # of a device that is set aside
_SECONDS_BETWEEN_STORES = 0.5  # while the database is away
_NICE = 5  # a third of what others of the machine get, not the little that is left of them
_SECONDS_BETWEEN_CLAIMS = 1.0  # while nobody writes: time alone makes something due


def always() -> bool:
    return True


def give_way() -> None:
    """From now on, what this process does and starts leaves the processors to whoever else wants
    them: to the server beside it, which somebody waits for. Nor does it take one from whoever runs
    when it wakes up, as it does with each answer of a sandbox."""
    os.nice(_NICE)
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


class _Stopped(BaseException):
    """Asked to stop in the middle of something long. No Exception, so that nothing on the way takes
    it for a fault."""


class GraderLoop:
    """Grade what waits, one after the other, until told to stop."""

    def __init__(
        self,
        queue: Queue,
        files: Files,
        open_grader: OpenGrader,
        *,
        poll: float = 0.15,
        may_claim: Callable[[], bool] = always,
        sign: Sign | None = None,
    ) -> None:
        self._queue = queue
        self._files = files
        self._open_grader = open_grader
        self._poll = poll
        self._may_claim = may_claim
        self.sign = sign  # by which others see what it grades on, and whether that works
        self._set_aside = False
        self._tries_again = 0.0  # when to look again for what is missing, on the monotonic clock
        self._stopping = threading.Event()
        self._at_length = False
        self._kept = ExitStack()
        self._grade: Grade | None = None

    def run(self, ready: Callable[[], None] | None = None) -> None:
        """Grade until stopped; call `ready` once the first submission could be graded.

        Raises:
            CannotConfine: there is no sandbox (any more).
            ConfigError: the exercises cannot be loaded at the start.
        """
        started = False
        try:
            while not self._stopping.is_set():
                if not self._open(strict=not started):
                    self._stopping.wait(max(self._tries_again - time.monotonic(), 0.0))
                    continue
                if ready is not None and not started:
                    ready()
                started = True
                seen = self._queue.writes()
                if not self.grade_next():
                    self._await_news(seen)
        finally:
            self.close()

    def _set_device_aside(self, error: DeviceBroken) -> None:
        """Nothing is claimed while it does not work, and whoever looks is told."""
        log.error("set aside: %s", error)
        self._set_aside = True
        self._tries_again = time.monotonic() + _SECONDS_BETWEEN_TRIES
        if self.sign is not None:
            self.sign.set_aside(str(error))

    def _device_works(self) -> None:
        if self._set_aside:
            log.info("the device works again")
            self._set_aside = False
            if self.sign is not None:
                self.sign.works_again()

    def drain(self) -> None:
        """Grade until nothing waits.

        Raises:
            CannotConfine: there is no sandbox.
        """
        more = True
        while more:
            with self._open_grader() as grade:
                more = self._drain(grade)

    def _drain(self, grade: Grade) -> bool:
        """Whether the grader is to be opened anew because something still waits."""
        while (claim := self._queue.claim()) is not None:
            if not self._grade_one(claim, grade):
                return True
        return False

    def open(self) -> bool:
        """Have a grader ready that stays open from one `grade_next` to another, until `close`;
        False when there is none for now: the exercises cannot be loaded, or the device is set aside
        and it is not yet time to try it again.

        Raises:
            CannotConfine: there is no sandbox.
        """
        return self._open(strict=False)

    def _open(self, *, strict: bool) -> bool:
        """Raises ConfigError as well, if strict."""
        if self._grade is None and time.monotonic() >= self._tries_again:
            try:
                with self._ended_by_stop():
                    self._grade = self._kept.enter_context(self._open_grader())
                self._device_works()
            except ConfigError as error:
                if strict:
                    raise
                log.error("nothing is graded until this is mended: %s", error)
                self._tries_again = time.monotonic() + _SECONDS_BETWEEN_LOOKS
            except DeviceBroken as error:
                self._set_device_aside(error)
            except CannotConfine:
                if not self._set_aside:
                    raise
                self._tries_again = time.monotonic() + _SECONDS_BETWEEN_TRIES
            except _Stopped:
                pass
        return self._grade is not None and not self._stopping.is_set()

    def grade_next(self) -> bool:
        """Grade one that is due; False when none is, or nothing can be graded here for now."""
        if not self.open() or self._grade is None:
            return False
        claim = None
        with forgiving("nothing is claimed"):
            claim = self._queue.claim() if self._may_claim() else None
        if claim is None:
            return False
        try:
            if not self._grade_one(claim, self._grade):
                self.close()
        except DeviceBroken as error:
            self.close()
            self._set_device_aside(error)
        return True

    def close(self) -> None:
        self._grade = None
        self._kept.close()

    def stop(self, *_signal: object) -> None:
        """Give back what is being graded and return from `run`; for use as a signal handler."""
        first = not self._stopping.is_set()
        self._stopping.set()
        if first and self._at_length:
            raise _Stopped

    @contextmanager
    def _ended_by_stop(self) -> Iterator[None]:
        """What takes long: `stop` breaks it off."""
        self._at_length = True
        try:
            if self._stopping.is_set():
                raise _Stopped
            yield
        finally:
            self._at_length = False

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """What `stop` waits for, within what it breaks off: half a transaction leads nowhere."""
        self._at_length = False
        try:
            yield
        finally:
            self._at_length = True
        if self._stopping.is_set():
            raise _Stopped

    def _await_news(self, seen: int) -> None:
        """Until something may be due: what somebody writes is seen at once, and costs little to
        look for."""
        until = time.monotonic() + _SECONDS_BETWEEN_CLAIMS
        while not self._stopping.wait(self._poll) and time.monotonic() < until:
            if self._queue.writes() != seen:
                return

    def _grade_one(self, claim: Claim, grade: Grade) -> bool:
        try:
            return self._try_to_grade(claim, grade)
        except LeaseLost:
            log.warning("no longer ours", extra=_about(claim))
            return True

    def _try_to_grade(self, claim: Claim, grade: Grade) -> bool:
        """False after a fault, or when the exercises have changed: what grades is opened afresh."""
        try:
            with self._kept_alive(claim):
                submission = self._read(claim)
                with self._ended_by_stop():
                    report = grade(claim.rules, claim.topic, submission, self._progress(claim))
            self._finish(claim, _encodable(report))
            log.info("graded", extra=_about(claim))
        except LeaseLost:
            raise
        except ReferenceChanged:
            self._queue.give_back(claim)
            log.info("given back: the exercises have changed", extra=_about(claim))
            return False
        except _Stopped:
            with forgiving("not given back"):
                self._queue.give_back(claim)
                log.info("given back", extra=_about(claim))
        except DeviceUnfit:
            with forgiving("not given back"), suppress(LeaseLost):
                self._queue.give_back(claim)
            raise
        except DeviceBroken as fault:  # it waits again, so often as after any fault of ours
            with forgiving("no fault is noted"), suppress(LeaseLost):
                self._queue.fail(claim, str(fault)[:1000])
            raise
        except Exception as fault:
            log.exception("a fault of ours", extra=_about(claim))
            with forgiving("no fault is noted"):  # without, the lease runs out
                if passes(fault):
                    self._queue.give_back(claim)
                else:
                    self._queue.fail(claim, f"{type(fault).__name__}: {fault}"[:1000])
            return passes(fault)
        return True

    def _finish(self, claim: Claim, report: Report) -> None:
        """Store the report, again where the database is away for no longer than the lease; for as
        long as it has no room."""
        until = time.monotonic() + self._queue.patience.lease.total_seconds()
        while True:
            try:
                return self._queue.finish(claim, report)
            except DBAPIError as error:
                late = self._stopping.is_set() if is_full(error) else time.monotonic() > until
                if not passes(error) or late:
                    raise
                log.warning("not stored yet: the database %s", why(error), extra=_about(claim))
            if self._stopping.wait(_SECONDS_BETWEEN_STORES):
                until = 0.0  # once more

    def _progress(self, claim: Claim) -> Progress:
        """Note each exercise, and of the steps within one no more than somebody could read."""
        noted, until = -1, 0.0

        def progress(exercise: str, done: int, total: int) -> None:
            nonlocal noted, until
            if done != noted or time.monotonic() >= until:
                with self._undisturbed(), forgiving("no progress is noted"):
                    self._queue.progress(claim, exercise, done, total)
                noted, until = done, time.monotonic() + _SECONDS_PER_STEP

        return progress

    def _read(self, claim: Claim) -> Submission:
        if claim.is_check:
            content = self._files.to_check(claim.submission)
        else:
            content = self._files.read(claim.public_id)
        submission = reader().read(claim.filename, content)
        if submission.digest != claim.digest:
            raise OSError("The stored content is not what was handed in.")
        return submission

    @contextmanager
    def _kept_alive(self, claim: Claim) -> Iterator[None]:
        def beat() -> None:
            # progress() or finish() will meet it too
            with suppress(LeaseLost), forgiving("no sign of life"):
                self._queue.heartbeat(claim)

        with repeated(
            beat, self._queue.patience.lease / 3, f"heartbeat of submission {claim.submission}"
        ):
            yield


def _about(claim: Claim) -> dict[str, int]:
    """For the log."""
    if claim.is_check:
        return {"self_check": claim.submission}
    regrade = {} if claim.regrade_item is None else {"regrade_item": claim.regrade_item}
    return {"submission": claim.submission, **regrade}


def _encodable(report: Report) -> Report:
    """The report without lone surrogates: code may print them, but no page can hold them."""
    text = json.dumps(report, ensure_ascii=False).encode("utf-8", "replace")
    encodable: Report = json.loads(text)
    return encodable


def run_grader(
    config: Config,
    open_grader: OpenGrader,
    *,
    supervised: bool = False,
    patience: Patience | None = None,
    digests: Digests | None = None,
    device: str = "cpu",
    log_format: str = logs.LogFormat.TEXT,
) -> int:
    """Be a grader until SIGTERM or SIGINT; return the exit status.

    Args:
        digests: what tells this host's exercises, if they might be others than the web server's.
    """
    logs.set_up(log_format)
    try:
        database = opened(config)
        with presence.announced(database, device=device) as sign:
            loop = GraderLoop(
                Queue(database, patience, device=device),
                Files(database),
                open_grader,
                may_claim=always if digests is None else Same(database, digests),
                sign=sign,
            )
            signal.signal(signal.SIGTERM, loop.stop)
            signal.signal(signal.SIGINT, loop.stop)
            if supervised:
                die_with_parent()
            loop.run(ready=say_ready if supervised else None)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    except CannotConfine as error:
        print(error, file=sys.stderr)
        return EXIT_CANNOT_GRADE
    return 0


@click.command()
@options.data
@options.reference
@options.device
@logs.option
@click.option("--supervised", is_flag=True, hidden=True)
def main(
    data: Path, reference: Path | None, device: str, log_format: str, supervised: bool
) -> None:
    """Grade what is handed in to a server, in a process of its own beside it."""
    give_way()
    atexit.register(gc.freeze)  # at the end, there is no use in looking for garbage
    config = Config(data, reference)

    def open_grader() -> AbstractContextManager[Grade]:
        return engine.open_grader(reference, config.cache, device)

    status = run_grader(
        config,
        open_grader,
        supervised=supervised,
        digests=None if config.shared is None else engine.digests(reference),
        device=device,
        log_format=log_format,
    )
    sys.exit(status)


if __name__ == "__main__":
    main()
