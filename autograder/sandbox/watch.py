"""Watches how much memory workers hold, where address space says nothing about it."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from autograder.sandbox.zygote import Worker

SECONDS = 0.05  # between two looks
_OWN = re.compile(r"^Rss(?:Anon|Shmem):\s*(\d+) kB$", re.M)


class Watch:
    """Ends each worker that holds more than it may, as soon as it is seen.

    A worker can hold more than `most_bytes` for the time between two looks.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._workers: dict[Worker, int] = {}  # with their numbers, to be had while they live
        self._lock = threading.Lock()
        self._over = threading.Event()
        threading.Thread(target=self._look, name="memory watch", daemon=True).start()

    def add(self, worker: Worker) -> None:
        pid = worker.pid
        with self._lock:
            self._workers[worker] = pid

    def close(self) -> None:
        self._over.set()

    def _look(self) -> None:
        while not self._over.wait(SECONDS):
            with self._lock:
                workers = list(self._workers.items())
            for worker, pid in workers:
                held = _resident(pid)
                if held > self._most:
                    worker.out_of_memory()
                if held == 0 or held > self._most:
                    with self._lock:
                        self._workers.pop(worker, None)


def _resident(pid: int) -> int:
    """Bytes of memory that are a process' own, not pages of files; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return 1024 * sum(int(kilobytes) for kilobytes in _OWN.findall(status))
