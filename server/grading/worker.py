"""`gradmark worker`: graders that Celery runs, woken by bells; `gradmark beat`: what sweeps."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import click

from server import engine, logs, options
from server.engine import CannotConfine, OpenGrader
from server.grading import bells, presence
from server.grading.exercises import Digests, Same
from server.grading.grader import GraderLoop, always, give_way
from server.grading.queue import Patience, Queue
from server.storage.config import Config, ConfigError
from server.storage.database import Database, forgiving, opened
from server.storage.files import Files

log = logging.getLogger(__name__)

_MOST_RUNG = 50  # by one sweep


class Worker:
    """What the processes of one host do with bells.

    Args:
        digests: what tells this host's exercises, if they might be others than the web server's.
    """

    def __init__(
        self,
        config: Config,
        open_grader: OpenGrader,
        *,
        device: str = "cpu",
        patience: Patience | None = None,
        digests: Digests | None = None,
    ) -> None:
        self._config = config
        self._open_grader = open_grader
        self._device = device
        self._patience = patience
        self._digests = digests
        self._bench: Bench | None = None
        self.app = bells.celery_app(bells.broker_of(config))
        self.app.task(name=bells.RING, typing=False)(self._ring)
        self.app.task(name=bells.SWEEP, typing=False)(self._sweep)

    def run(self, concurrency: int, *, beat: bool = False) -> None:
        """Until SIGTERM, which gives back what is being graded.

        Raises:
            ConfigError: the database cannot be used.
        """
        from celery import signals

        opened(self._config).close()
        signals.worker_process_init.connect(self._enter, weak=False)
        signals.worker_process_shutdown.connect(self._leave, weak=False)
        signals.worker_shutting_down.connect(_pass_on, weak=False)
        queues = f"{bells.queue_of(self._device)},{bells.SWEEPS}"
        command = ["worker", "--queues", queues, "--concurrency", str(concurrency)]
        command += ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
        if beat:
            command += ["--beat", "--scheduler", "celery.beat:Scheduler"]
        self.app.worker_main(command)

    def _enter(self, **_: object) -> None:
        """In each process that grades, which must share no connection with its parent."""
        give_way()
        self._bench = Bench(self)
        signal.signal(signal.SIGUSR2, self._bench.loop.stop)

    def _leave(self, **_: object) -> None:
        if self._bench is not None:
            self._bench.close()

    def _ring(self) -> None:
        assert self._bench is not None  # noqa: S101 - Celery calls `_enter` first
        self._bench.grade_next()

    def _sweep(self) -> None:
        """Ring for what is due and nobody has heard of."""
        assert self._bench is not None  # noqa: S101
        with forgiving("not swept"):
            for device, count in self._bench.queue.due_by_device().items():
                for _ in range(min(count, _MOST_RUNG)):
                    bells.ring(self.app, device)

    def open_bench(self) -> tuple[Database, Queue, GraderLoop, str]:
        database = Database(self._config.database)
        queue = Queue(database, self._patience, device=self._device)
        loop = GraderLoop(
            queue,
            Files(database),
            self._open_grader,
            may_claim=always if self._digests is None else Same(database, self._digests),
        )
        return database, queue, loop, self._device


class Bench:
    """Of one process: a grader, opened when it is first needed and kept open."""

    def __init__(self, worker: Worker) -> None:
        self._database, self.queue, self.loop, self._device = worker.open_bench()
        self._there = ExitStack()

    def grade_next(self) -> None:
        try:
            if not self.loop.open():
                return
            if self.loop.sign is None:
                there = presence.announced(self._database, device=self._device)
                self.loop.sign = self._there.enter_context(there)
            self.loop.grade_next()
        except CannotConfine as error:  # another bell tries again
            log.error("nothing is graded here: %s", error)
            self.loop.close()

    def close(self) -> None:
        self._there.close()
        self.loop.close()
        self._database.close()


def _pass_on(**_: object) -> None:
    """Celery waits for its processes to end what they do; they are told to give it back."""
    from billiard import active_children

    for process in active_children():
        with suppress(ProcessLookupError):  # it has ended
            os.kill(process.pid, signal.SIGUSR2)


def run_worker(worker: Callable[[], Worker], concurrency: int, *, beat: bool = False) -> int:
    """Be a worker until SIGTERM; return the exit status."""
    try:
        worker().run(concurrency, beat=beat)
    except ConfigError as error:
        click.echo(error, err=True)
        return error.exit_status
    return 0


@click.command()
@options.data
@options.reference
@options.device
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    default=1,
    envvar="GRADMARK_GRADERS",
    show_default=True,
    help="How many submissions are graded at a time.",
)
@click.option("--beat", "beats", is_flag=True, help="Sweep as well, as `gradmark beat` does.")
@logs.option
def main(
    data: Path, reference: Path | None, device: str, concurrency: int, beats: bool, log_format: str
) -> None:
    """Grade what is handed in, woken by the messages of GRADMARK_BROKER."""
    logs.set_up(log_format)
    config = Config(data, reference)
    make = partial(
        Worker,
        config,
        lambda: engine.open_grader(reference, config.cache, device),
        device=device,
        digests=None if config.shared is None else engine.digests(reference),
    )
    sys.exit(run_worker(make, concurrency, beat=beats))


@click.command()
@options.data
@logs.option
def beat(data: Path, log_format: str) -> None:
    """Ring every few seconds for what waits and nobody has heard of; one for all hosts will do."""
    logs.set_up(log_format)
    try:
        app = bells.celery_app(bells.broker_of(Config(data)))
    except ConfigError as error:
        click.echo(error, err=True)
        sys.exit(error.exit_status)
    app.Beat(scheduler_cls="celery.beat:Scheduler", loglevel="WARNING", quiet=True).run()
