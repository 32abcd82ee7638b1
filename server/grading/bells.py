"""Messages that wake workers, by Celery. A bell carries nothing: whoever hears it claims what the
database says is next. Losing every message delays by one sweep and loses nothing.
"""

from __future__ import annotations

import logging
import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from server.logs import Seldom
from server.storage.config import Config, ConfigError

if TYPE_CHECKING:
    from celery import Celery

log = logging.getLogger(__name__)

RING, SWEEP = "gradmark.ring", "gradmark.sweep"  # tasks
SWEEPS = "gradmark.sweep"  # the queue of the second; those of the first are named by device
SECONDS_BETWEEN_SWEEPS = 3
_SECONDS_TO_CONNECT = 2
_SECONDS_OF_A_BELL = 60
_MOST_UNSENT = 1000
_SECONDS_BETWEEN_COMPLAINTS = 30.0


def broker_of(config: Config) -> str:
    """
    Raises:
        ConfigError: there is none.
    """
    if config.broker is None:
        raise ConfigError("Set GRADMARK_BROKER to the address of RabbitMQ or Redis.")
    return config.broker


def queue_of(device: str) -> str:
    return f"gradmark.{device.partition(':')[0]}"


def celery_app(broker: str) -> Celery:
    """
    Raises:
        ConfigError: Celery is not installed, or not what this broker needs.
    """
    try:
        from celery import Celery
        from kombu.connection import Connection

        Connection(broker).transport_cls  # type: ignore[no-untyped-call] # noqa: B018 - imports it
    except (ImportError, KeyError):
        raise ConfigError(
            "GRADMARK_BROKER must be an address of RabbitMQ (amqp://...) or Redis (redis://...), "
            "and needs Celery: pip install 'gradmark[celery]'."
        ) from None
    app = Celery("gradmark", broker=broker)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        worker_prefetch_multiplier=1,  # no bell waits behind a long grading
        task_create_missing_queue_type="quorum",
        task_default_queue_type="quorum",  # of RabbitMQ's: replicated, and kept by newer versions
        worker_proc_alive_timeout=60,
        worker_max_tasks_per_child=200,
        worker_hijack_root_logger=False,
        broker_connection_timeout=_SECONDS_TO_CONNECT,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        beat_schedule={
            "sweep": {
                "task": SWEEP,
                "schedule": SECONDS_BETWEEN_SWEEPS,
                "options": {"queue": SWEEPS, "expires": SECONDS_BETWEEN_SWEEPS},
            }
        },
    )
    return app


def ring(app: Celery, device: str) -> None:
    app.send_task(
        RING, queue=queue_of(device), expires=_SECONDS_OF_A_BELL, retry=False, ignore_result=True
    )


class Ringer:
    """Rings in a thread of its own: no upload waits for a broker, or fails with it.

    Raises:
        ConfigError: as `celery_app`.
    """

    def __init__(self, broker: str) -> None:
        self._app = celery_app(broker)
        self._unsent: queue.Queue[str] = queue.Queue(_MOST_UNSENT)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._complaints = Seldom(log, _SECONDS_BETWEEN_COMPLAINTS)

    def __call__(self, device: str) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._send, name="bells", daemon=True)
                self._thread.start()
        with suppress(queue.Full):  # the next sweep rings for it
            self._unsent.put_nowait(device)

    def _send(self) -> None:
        while True:
            device = self._unsent.get()
            try:
                ring(self._app, device)
            except Exception as error:  # whatever the broker's driver raises
                self._complaints.error("no bell is rung, the next sweep will: %s", error)
