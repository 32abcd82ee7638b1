"""Something done again and again beside the main work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

log = logging.getLogger(__name__)


@contextmanager
def repeated(action: Callable[[], object], every: timedelta, name: str) -> Iterator[None]:
    """While this holds, `action` is done in a thread of its own, first after `every`. What it
    raises is logged, and does not keep the next time from coming."""
    done = threading.Event()

    def go_on() -> None:
        while not done.wait(every.total_seconds()):
            try:
                action()
            except Exception:
                log.exception("%s failed", name)

    thread = threading.Thread(target=go_on, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
